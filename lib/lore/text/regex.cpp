#define PCRE2_CODE_UNIT_WIDTH 8
#include "lore/text/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <mutex>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/utf8.h"
#include "lore/text/oniguruma_pattern.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

std::string pcre2_message(int code) {
  std::string message(256, '\0');
  int length = pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(message.data()), message.size());
  message.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return message;
}

/// What one thread needs while it matches.
class MatchState {
 public:
  explicit MatchState(const pcre2_code* code)
      : data_(pcre2_match_data_create_from_pattern(code, nullptr)),
        context_(pcre2_match_context_create(nullptr)),
        stack_(pcre2_jit_stack_create(kFirstStack, kLargestStack, nullptr)) {
    pcre2_jit_stack_assign(context_, nullptr, stack_);
  }
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;
  ~MatchState() {
    pcre2_match_data_free(data_);
    pcre2_match_context_free(context_);
    pcre2_jit_stack_free(stack_);
  }

  pcre2_match_data* data() { return data_; }
  pcre2_match_context* context() { return context_; }

 private:
  static constexpr std::size_t kFirstStack = std::size_t{32} << 10;
  static constexpr std::size_t kLargestStack = std::size_t{64} << 20;

  pcre2_match_data* data_;
  pcre2_match_context* context_;
  pcre2_jit_stack* stack_;
};

}  // namespace

struct Regex::Compiled {
  explicit Compiled(std::string_view oniguruma) : source(oniguruma) {
    std::string pattern = pcre2_pattern(oniguruma);
    pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                         PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                         context);
    pcre2_compile_context_free(context);
    if (code == nullptr) {
      throw Error(ErrorKind::kInput, fmt::format("pattern \"{}\"", source),
                  fmt::format("{} (as \"{}\", offset {})", pcre2_message(error), pattern, offset));
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without a JIT, pcre2_match interprets
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { pcre2_code_free(code); }

  std::unique_ptr<MatchState> lease() const {
    std::lock_guard lock(mutex);
    if (idle.empty()) return std::make_unique<MatchState>(code);
    std::unique_ptr<MatchState> state = std::move(idle.back());
    idle.pop_back();
    return state;
  }

  void give_back(std::unique_ptr<MatchState> state) const {
    std::lock_guard lock(mutex);
    idle.push_back(std::move(state));
  }

  std::string source;
  pcre2_code* code = nullptr;
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<MatchState>> idle;
};

Regex Regex::pattern(std::string_view oniguruma) {
  Regex regex;
  regex.compiled_ = std::make_shared<const Compiled>(oniguruma);
  return regex;
}

Regex Regex::literal(std::string_view text) {
  Regex regex;
  regex.literal_ = text;
  return regex;
}

void Regex::find_all(std::string_view text, std::vector<ByteRange>& matches) const {
  matches.clear();
  if (compiled_ == nullptr) {
    if (literal_.empty()) return;
    for (std::size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, at + literal_.size())) {
      matches.push_back({at, at + literal_.size()});
    }
    return;
  }
  std::string known = with_known_characters(text);
  std::string_view subject = known.empty() ? text : known;
  std::unique_ptr<MatchState> state = compiled_->lease();
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state->data());
  std::size_t position = 0;
  while (position <= subject.size()) {
    int result = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                             position, PCRE2_NO_UTF_CHECK, state->data(), state->context());
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) {
      throw Error(ErrorKind::kInput, fmt::format("pattern \"{}\"", compiled_->source),
                  fmt::format("matching a text of {} bytes failed: {}", text.size(), pcre2_message(result)));
    }
    std::size_t begin = range[0];
    std::size_t end = range[1];
    if (begin == end && !matches.empty() && matches.back().end == end) {
      if (position == subject.size()) break;
      next_character(subject, position);
      continue;
    }
    matches.push_back({begin, end});
    position = end;
  }
  compiled_->give_back(std::move(state));
}

}  // namespace lore
