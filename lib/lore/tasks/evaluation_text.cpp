#include "lore/tasks/evaluation_text.h"

#include <algorithm>

#include "lore/core/error.h"
#include "lore/core/utf8.h"
#include "lore/corpus/container.h"
#include "lore/corpus/source_files.h"
#include "lore/corpus/text_cursor.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

std::string read_text(const std::string& path, const std::string& encoding) {
  const std::unique_ptr<TextCursor> cursor = TextCursor::open(path, encoding);
  std::string text;
  for (std::string_view part = cursor->rest(); !part.empty(); part = cursor->rest()) {
    text += part;
    cursor->take(part.size());
  }
  if (!is_valid_utf8(text)) {
    const std::size_t place = find_ill_formed(text);
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place), '\n');
    throw Error(ErrorKind::kInput, cursor->at(line),
                "holds bytes that are not " + std::string(encoding_name(cursor->encoding())));
  }
  return text;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t words = 0;
  bool in_word = false;
  for (std::size_t place = 0; place < text.size();) {
    const bool is_space = is_whitespace(next_character(text, place));
    words += !is_space && !in_word ? 1 : 0;
    in_word = !is_space;
  }
  return words;
}

}  // namespace

bool is_text_source(const SourceSpec& source) {
  return source.format == "text" || (source.format == "auto" && is_text_name(source.path));
}

std::vector<EvaluationText> read_texts(const SourceSpec& source, const Tokenizer& tokenizer) {
  std::vector<EvaluationText> texts;
  for (const std::string& file : source_files(source.path)) {
    const std::string text = read_text(file, source.encoding);
    texts.push_back({tokenizer.encode(text, /*add_special_tokens=*/true),
                     static_cast<std::int64_t>(text.size()), count_words(text)});
  }
  return texts;
}

}  // namespace lore
