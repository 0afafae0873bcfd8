#include "lore/tasks/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

constexpr std::size_t kLabel = 11;
constexpr std::size_t kWidth = 100;
/// Problems of one group that are shown each.
constexpr std::size_t kShown = 3;

std::string line(const std::string& label, const std::string& text) {
  std::string result = pad_right(label, kLabel);
  for (const char c : visible_text(text)) {
    result += c;
    if (c == '\n') {
      result += std::string(kLabel, ' ');
    }
  }
  return result + "\n";
}

}  // namespace

std::string without_folder(std::string message, const std::string& folder) {
  if (folder.empty()) {
    return message;
  }
  const std::string prefix = folder.ends_with('/') ? folder : folder + "/";
  for (std::size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix, at)) {
    message.erase(at, prefix.size());
  }
  return message;
}

std::string size_text(std::int64_t bytes) {
  constexpr std::array<const char*, 4> kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) {
    return fmt::format("{} bytes", bytes);
  }
  double size = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (size >= 1000 && unit + 1 < kUnits.size()) {
    size /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", size, size < 10 ? 2 : size < 100 ? 1 : 0, kUnits[unit]);
}

void Inspection::problem(const std::string& message, const std::string& group) {
  std::string shortened = without_folder(message, path);
  const bool known = std::any_of(problems_.begin(), problems_.end(),
                                 [&](const Problem& other) { return other.message == shortened; });
  if (!known) {
    problems_.push_back({std::move(shortened), group});
  }
}

void Inspection::add_findings(const Inspection& part, const std::string& within) {
  const std::string prefix = within.empty() ? "" : within + ": ";
  for (const Problem& other : part.problems_) {
    problems_.push_back(
        {without_folder(prefix + other.message, path), other.group.empty() ? "" : within + other.group});
  }
  for (const std::string& warning : part.warnings) {
    warnings.push_back(prefix + warning);
  }
}

nlohmann::ordered_json Inspection::to_json() const {
  nlohmann::ordered_json json{{"kind", kind}, {"path", path}, {"sound", sound()}};
  json["problems"] = nlohmann::ordered_json::array();
  for (const Problem& problem : problems_) {
    json["problems"].push_back(problem.message);
  }
  json["warnings"] = warnings;
  json.update(details);
  return json;
}

std::string Inspection::text(bool colour) const {
  std::string result = line("kind", kind);
  for (const auto& [label, value] : facts) {
    result += line(label, value);
  }
  if (heat_map && !heat_map->rows.empty()) {
    result += "\n" + heat_map_text(*heat_map, colour, kWidth) + "\n";
  }
  for (const std::string& warning : warnings) {
    result += line("warning", warning);
  }
  std::map<std::string, std::size_t> counts;
  for (const Problem& problem : problems_) {
    ++counts[problem.group];
  }
  std::map<std::string, std::size_t> shown;
  for (const Problem& problem : problems_) {
    const std::size_t number = ++shown[problem.group];
    const std::size_t count = problem.group.empty() ? 0 : counts[problem.group];
    if (count <= kShown + 1 || number <= kShown) {
      result += line("problem", problem.message);
    } else if (number == kShown + 1) {
      result += line("", fmt::format("and {} more of the kind", count - kShown));
    }
  }
  result += line(
      "sound",
      sound() ? "yes" : fmt::format("no: {} problem{}", problems_.size(), problems_.size() == 1 ? "" : "s"));
  return result;
}

}  // namespace lore
