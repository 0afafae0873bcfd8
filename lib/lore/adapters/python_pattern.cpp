#define PCRE2_CODE_UNIT_WIDTH 8
#include "lore/adapters/python_pattern.h"

#include <fmt/format.h>
#include <pcre2.h>

#include "lore/core/error.h"

namespace lore {

struct PythonPattern::Compiled {
  pcre2_code* code = nullptr;
  ~Compiled() { pcre2_code_free(code); }
};

PythonPattern::PythonPattern(const std::string& pattern)
    : pattern_(pattern), compiled_(std::make_unique<Compiled>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (compiled_->code == nullptr) {
    PCRE2_UCHAR text[128];
    pcre2_get_error_message(error, text, sizeof text);
    throw Error(ErrorKind::kUsage, fmt::format("module pattern \"{}\"", pattern),
                fmt::format("{} at character {}", reinterpret_cast<const char*>(text), offset));
  }
}

PythonPattern::~PythonPattern() = default;
PythonPattern::PythonPattern(PythonPattern&&) noexcept = default;

int PythonPattern::run(std::string_view text, unsigned options, std::string* index) const {
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(context, 1000000);
  pcre2_match_data* data = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
  const int status = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                 PCRE2_ANCHORED | options, data, context);
  if (status > 0 && index != nullptr) {
    PCRE2_UCHAR* value = nullptr;
    PCRE2_SIZE length = 0;
    if (pcre2_substring_get_byname(data, reinterpret_cast<PCRE2_SPTR>("idx"), &value, &length) == 0) {
      index->assign(reinterpret_cast<const char*>(value), length);
      pcre2_substring_free(value);
    }
  }
  pcre2_match_data_free(data);
  pcre2_match_context_free(context);
  if (status < 0 && status != PCRE2_ERROR_NOMATCH) {
    throw Error(ErrorKind::kUsage, fmt::format("module pattern \"{}\"", pattern_),
                "takes too long to match; write it without nested repetitions");
  }
  return status;
}

bool PythonPattern::full_match(std::string_view text) const {
  return run(text, PCRE2_ENDANCHORED, nullptr) > 0;
}

bool PythonPattern::match(std::string_view text) const { return run(text, 0, nullptr) > 0; }

std::string PythonPattern::match_index(std::string_view text) const {
  std::string index;
  run(text, 0, &index);
  return index;
}

}  // namespace lore
