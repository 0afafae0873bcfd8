#include "lore/tasks/model_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>

#include "lore/core/atomic_file.h"
#include "lore/core/mapped_file.h"
#include "lore/formats/gguf.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 15> kNames{"tokenizer.json",
                                                  "tokenizer.model",
                                                  "tokenizer_config.json",
                                                  "special_tokens_map.json",
                                                  "added_tokens.json",
                                                  "vocab.json",
                                                  "merges.txt",
                                                  "vocab.txt",
                                                  "chat_template.json",
                                                  "chat_template.jinja",
                                                  "generation_config.json",
                                                  "tekken.json",
                                                  "spiece.model",
                                                  "sentencepiece.bpe.model",
                                                  "USE_POLICY.md"};
constexpr std::array<std::string_view, 4> kPrefixes{"LICENSE", "LICENCE", "NOTICE", "COPYING"};
constexpr std::string_view kTemplates = "additional_chat_templates";

bool belongs(const std::string& name) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return upper.starts_with(prefix); });
}

void copy_file(const fs::path& from, const fs::path& to, const std::string& name,
               std::vector<std::string>& copied) {
  write_file_atomically(to / name, MappedFile::open(from / name)->text());
  copied.push_back(name);
}

}  // namespace

std::vector<std::string> copy_model_files(const fs::path& from, const fs::path& to) {
  std::vector<std::string> copied;
  for (const auto& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && belongs(name)) {
      copy_file(from, to, name, copied);
    } else if (entry.is_directory() && name == kTemplates) {
      create_folders(to / name);
      for (const auto& inner : fs::directory_iterator(entry.path())) {
        if (inner.is_regular_file() && inner.path().extension() == ".jinja") {
          copy_file(from, to, (fs::path(name) / inner.path().filename()).string(), copied);
        }
      }
    }
  }
  std::sort(copied.begin(), copied.end());
  return copied;
}

std::string licence_of(const fs::path& model) {
  if (!fs::is_directory(model)) {
    return std::string(GgufFile::open(model).text("general.license").value_or(""));
  }
  if (!fs::exists(model / "README.md")) {
    return "";
  }
  std::istringstream card{std::string(MappedFile::open(model / "README.md")->text())};
  std::string line;
  if (!std::getline(card, line) || !line.starts_with("---")) {
    return "";
  }
  constexpr std::string_view kKey = "license:";
  while (std::getline(card, line) && !line.starts_with("---")) {
    if (line.starts_with(kKey)) {
      const std::size_t begin = line.find_first_not_of(" \t\"'", kKey.size());
      const std::size_t end = line.find_last_not_of(" \t\r\"'");
      return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
    }
  }
  return "";
}

}  // namespace lore
