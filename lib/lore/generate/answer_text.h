#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lore/text/stream_decoder.h"

namespace lore {

/// The text of one answer as its tokens come, up to a stop string.
///
/// Text is handed out as soon as nothing that follows can take it back: it ends within no character and is
/// not the beginning of a stop string. Of several stop strings the one that is complete first ends the
/// answer.
class AnswerText {
 public:
  /// `stop` holds no empty text.
  AnswerText(std::shared_ptr<const Tokenizer> tokenizer, std::vector<std::string> stop);

  /// The text that `id` makes certain.
  std::string push(std::int32_t id);
  /// Whether a stop string was found; what `push` handed out so far is the whole answer then.
  bool stopped() const { return stopped_; }
  /// What is left when the answer ended otherwise.
  std::string finish();

 private:
  std::string advance(bool at_end);

  StreamDecoder decoder_;
  std::vector<std::string> stop_;
  std::string held_;  ///< decoded, but not handed out
  bool stopped_ = false;
};

}  // namespace lore
