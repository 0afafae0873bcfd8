#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lore/text/tokenizer.h"

namespace lore {

/// Decodes a growing sequence of tokens and hands out its text as soon as it is certain.
///
/// The pieces put together are `Tokenizer::decode` of all ids, be they a text or not; none ends within a
/// character. A run of tokens <0xHH> comes out when it ends, for one wrong byte changes all of it.
class StreamDecoder {
 public:
  explicit StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens = true);

  /// The text that `id` completes; empty while it may still change.
  std::string push(std::int32_t id);
  /// What is left at the end of the sequence, an unfinished character as U+FFFD.
  std::string finish();

 private:
  std::string advance(bool at_end);
  void shorten();

  std::shared_ptr<const Tokenizer> tokenizer_;
  bool skip_special_tokens_;
  std::vector<std::int32_t> window_;  // the ids decoded together
  std::size_t handed_out_ = 0;        // bytes of their text, before clean-up
};

}  // namespace lore
