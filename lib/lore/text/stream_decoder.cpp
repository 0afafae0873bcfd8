#include "lore/text/stream_decoder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "lore/text/utf8.h"

namespace lore {
namespace {

/// The window is cut down to its last half when it has grown this long.
constexpr std::size_t kLongestWindow = 16;

/// How much of `text` later tokens cannot change.
std::size_t settled_length(std::string_view text, bool cleans_up_spaces) {
  std::size_t length = text.size();
  while (length >= kReplacementCharacter.size() &&
         text.substr(length - kReplacementCharacter.size(), kReplacementCharacter.size()) ==
             kReplacementCharacter) {
    length -= kReplacementCharacter.size();
  }
  if (!cleans_up_spaces) return length;
  // Every clean-up begins at a space and ends within the four characters from there.
  constexpr std::size_t kReach = 4;
  std::size_t space = text.find(' ', length < kReach ? 0 : length - kReach);
  if (space == std::string_view::npos || space >= length) return length;
  while (space > 0 && (text[space - 1] == ' ' || text[space - 1] == '\'')) --space;
  return space;
}

}  // namespace

StreamDecoder::StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens)
    : tokenizer_(std::move(tokenizer)), skip_special_tokens_(skip_special_tokens) {}

std::string StreamDecoder::push(std::int32_t id) {
  if (skip_special_tokens_ && tokenizer_->is_special(id)) return {};
  window_.push_back(id);
  return tokenizer_->is_open(id) ? std::string() : advance(false);
}

std::string StreamDecoder::finish() {
  std::string rest = advance(true);
  window_.clear();
  handed_out_ = 0;
  return rest;
}

std::string StreamDecoder::advance(bool at_end) {
  std::string text = tokenizer_->decode(window_, skip_special_tokens_);
  std::size_t settled = at_end ? text.size() : settled_length(text, tokenizer_->cleans_up_spaces());
  if (settled <= handed_out_) return {};
  std::string fresh = text.substr(handed_out_, settled - handed_out_);
  handed_out_ = settled;
  if (window_.size() >= kLongestWindow && settled == text.size()) shorten();
  return fresh;
}

void StreamDecoder::shorten() {
  // What is kept must decode to some text: a decoder may drop the space before the first word.
  std::vector<std::int32_t> kept(window_.begin() + static_cast<std::ptrdiff_t>(window_.size() / 2),
                                 window_.end());
  std::string text = tokenizer_->decode(kept, skip_special_tokens_);
  if (text.empty() || settled_length(text, tokenizer_->cleans_up_spaces()) != text.size()) return;
  window_ = std::move(kept);
  handed_out_ = text.size();
}

}  // namespace lore
