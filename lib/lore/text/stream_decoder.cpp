#include "lore/text/stream_decoder.h"

#include <string>
#include <string_view>
#include <utility>

#include "lore/core/utf8.h"
#include "lore/text/token_decoder.h"

namespace lore {
namespace {

/// The window is cut down to its last half when it has grown this long.
constexpr std::size_t kLongestWindow = 16;

/// True when a clean-up may begin at a space in `text` and end after it: a space, spaces and the first
/// characters of what is cleaned up.
bool ends_within_clean_up(std::string_view text) {
  std::string word;  // what follows the space looked at, without spaces
  while (!text.empty() && word.size() < 3) {
    char last = text.back();
    text.remove_suffix(1);
    if (last != ' ') {
      word.insert(word.begin(), last);
    } else if (word.empty() || word == "'" || word == "n" || word == "n'" || word == "'v" || word == "'r") {
      return true;
    }
  }
  return false;
}

/// How much of `text` later tokens cannot change.
std::size_t settled_length(std::string_view text, bool cleans_up_spaces) {
  while (text.ends_with(kReplacementCharacter)) text.remove_suffix(kReplacementCharacter.size());
  while (cleans_up_spaces && ends_within_clean_up(text)) text.remove_suffix(1);
  return text.size();
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
  std::string text = tokenizer_->decode_verbatim(window_, skip_special_tokens_);
  std::size_t settled = at_end ? text.size() : settled_length(text, tokenizer_->cleans_up_spaces());
  if (settled <= handed_out_) return {};
  std::string fresh = text.substr(handed_out_, settled - handed_out_);
  handed_out_ = settled;
  if (window_.size() >= kLongestWindow && settled == text.size()) shorten();
  return tokenizer_->cleans_up_spaces() ? clean_up_spaces(std::move(fresh)) : fresh;
}

void StreamDecoder::shorten() {
  // What is kept must decode to some text: a decoder may drop the space before the first word.
  std::vector<std::int32_t> kept(window_.begin() + static_cast<std::ptrdiff_t>(window_.size() / 2),
                                 window_.end());
  std::string text = tokenizer_->decode_verbatim(kept, skip_special_tokens_);
  if (text.empty() || settled_length(text, tokenizer_->cleans_up_spaces()) != text.size()) return;
  window_ = std::move(kept);
  handed_out_ = text.size();
}

}  // namespace lore
