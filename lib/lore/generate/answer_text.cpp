#include "lore/generate/answer_text.h"

#include <algorithm>
#include <utility>

namespace lore {

AnswerText::AnswerText(std::shared_ptr<const Tokenizer> tokenizer, std::vector<std::string> stop)
    : decoder_(std::move(tokenizer)), stop_(std::move(stop)) {}

std::string AnswerText::push(std::int32_t id) {
  held_ += decoder_.push(id);
  return advance(/*at_end=*/false);
}

std::string AnswerText::finish() {
  held_ += decoder_.finish();
  return advance(/*at_end=*/true);
}

std::string AnswerText::advance(bool at_end) {
  std::size_t first_end = std::string::npos;
  std::size_t cut = held_.size();
  for (const std::string& stop : stop_) {
    const std::size_t found = held_.find(stop);
    if (found != std::string::npos && found + stop.size() < first_end) {
      first_end = found + stop.size();
      cut = found;
    }
  }
  stopped_ = first_end != std::string::npos;
  if (!stopped_ && !at_end) {
    for (const std::string& stop : stop_) {
      const std::size_t longest = std::min(held_.size(), stop.size() - 1);
      for (std::size_t length = longest; length > 0; --length) {
        if (held_.ends_with(std::string_view(stop).substr(0, length))) {
          cut = std::min(cut, held_.size() - length);
          break;
        }
      }
    }
  }
  std::string certain = held_.substr(0, cut);
  held_.erase(0, stopped_ ? held_.size() : cut);
  return certain;
}

}  // namespace lore
