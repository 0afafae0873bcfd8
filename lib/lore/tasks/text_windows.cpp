#include "lore/tasks/text_windows.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/tasks/evaluation_text.h"

namespace lore {
namespace {

constexpr std::int64_t kWindow = 512;

}  // namespace

TokenSequences text_windows(const std::filesystem::path& source, const std::filesystem::path& model,
                            const LlamaConfig& config, std::int64_t tokens) {
  SourceSpec spec;
  spec.path = source.string();
  if (!is_text_source(spec)) {
    throw Error(ErrorKind::kInput, spec.path, "is no text file (.txt, .md, ...)");
  }
  const std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(model);
  const std::vector<std::int32_t> begin = tokenizer->encode("", /*add_special_tokens=*/true);
  const bool has_start = begin.size() == 1 && begin.front() == tokenizer->special_tokens().bos;
  const std::int64_t limit = config.max_position_embeddings > 0 ? config.max_position_embeddings : kWindow;
  const std::int64_t window = std::min(kWindow, limit);
  TokenSequences windows;
  std::int64_t taken = 0;
  for (const EvaluationText& text : read_texts(spec, *tokenizer)) {
    for (const std::int32_t id : text.ids) {
      if (id < 0 || id >= config.vocab_size) {
        throw Error(
            ErrorKind::kInput, spec.path,
            fmt::format("gives the token id {}, outside the model's vocabulary of {}: the tokenizer is not "
                        "this model's",
                        id, config.vocab_size));
      }
    }
    for (std::size_t place = 0; place < text.ids.size() && taken < tokens;) {
      std::vector<std::int32_t> ids;
      if (place > 0 && has_start) {
        ids.push_back(begin.front());
      }
      const std::int64_t room = std::min(window, tokens - taken) - static_cast<std::int64_t>(ids.size());
      const std::size_t count =
          std::min(text.ids.size() - place, static_cast<std::size_t>(std::max<std::int64_t>(room, 1)));
      ids.insert(ids.end(), text.ids.begin() + static_cast<std::ptrdiff_t>(place),
                 text.ids.begin() + static_cast<std::ptrdiff_t>(place + count));
      place += count;
      taken += static_cast<std::int64_t>(ids.size());
      if (ids.size() > 1) {
        windows.push_back(std::move(ids));
      }
    }
  }
  if (windows.empty()) {
    throw Error(ErrorKind::kInput, spec.path, "holds no text of two tokens or more");
  }
  return windows;
}

}  // namespace lore
