#include "lore/data/bad_rows.h"

#include <fmt/format.h>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::size_t kShown = 20;

}  // namespace

void BadRows::add(std::string why) {
  ++count_;
  if (first_.size() < kShown) {
    first_.push_back(std::move(why));
  }
}

void BadRows::throw_if_any() const {
  if (count_ == 0) {
    return;
  }
  std::string list;
  for (const std::string& why : first_) {
    list += "\n  " + why;
  }
  if (static_cast<std::size_t>(count_) > first_.size()) {
    list += fmt::format("\n  and {} more", static_cast<std::size_t>(count_) - first_.size());
  }
  throw Error(
      ErrorKind::kInput, "data",
      fmt::format("{} that cannot be used:{}", count_ == 1 ? "1 row" : fmt::format("{} rows", count_), list));
}

}  // namespace lore
