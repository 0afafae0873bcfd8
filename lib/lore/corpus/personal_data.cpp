#include "lore/corpus/personal_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/corpus/identity_numbers.h"
#include "lore/corpus/mail_addresses.h"
#include "lore/corpus/number_context.h"
#include "lore/corpus/phone_numbers.h"

namespace lore {
namespace {

struct KindName {
  std::string_view name;
  std::string_view mask;
};
constexpr std::array<KindName, kPersonalDataKinds> kKinds = {{{"phone", "[PHONE]"},
                                                              {"id_card", "[ID_CARD]"},
                                                              {"bank_card", "[BANK_CARD]"},
                                                              {"email", "[EMAIL]"},
                                                              {"passport", "[PASSPORT]"}}};
constexpr std::size_t kFewestDigits = 6;
constexpr std::size_t kMostDigits = 19;

/// Bytes at which a number or an address may be: digits, `@`, and the lead of their full-width forms.
constexpr std::array<bool, 256> kInteresting = [] {
  std::array<bool, 256> bytes{};
  for (unsigned char c = '0'; c <= '9'; ++c) {
    bytes[c] = true;
  }
  bytes['@'] = true;
  bytes[0xEF] = true;
  return bytes;
}();

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  std::vector<PersonalDataSpan> find() {
    for (std::size_t i = 0; i < text_.size();) {
      if (!kInteresting[static_cast<unsigned char>(text_[i])]) {
        ++i;
        continue;
      }
      const auto [character, length] = folded_at(text_, i);
      if (is_digit(character)) {
        read_number_run(text_, end_of_last(), i, run_);
        find_numbers();
        i = run_.end;
      } else {
        if (character == '@') {
          find_address(i, length);
        }
        i = std::max(i + length, end_of_last());
      }
    }
    return std::move(spans_);
  }

 private:
  std::size_t end_of_last() const { return spans_.empty() ? 0 : spans_.back().end; }

  void find_numbers() {
    if (run_.digits.size() < kFewestDigits) {
      return;
    }
    const NumberContext context(text_, run_);
    for (std::size_t first = 0; first < run_.groups.size();) {
      const auto span = match(context, first);
      if (!span) {
        ++first;
        continue;
      }
      spans_.push_back(*span);
      while (first < run_.groups.size() && run_.groups[first].begin < span->end) {
        ++first;
      }
    }
  }

  std::optional<PersonalDataSpan> match(const NumberContext& context, std::size_t first) const {
    // A run of digits that is too long for any number is none.
    if (run_.groups[first].count > kMostDigits) {
      return {};
    }
    if (const auto span = match_identity(context, first)) {
      return span;
    }
    if (const auto span = match_bank_card(context, first)) {
      return span;
    }
    if (const auto last = match_phone(context, first)) {
      return PersonalDataSpan{PersonalDataKind::kPhone, context.begin_of(first), run_.groups[*last].end};
    }
    return {};
  }

  void find_address(std::size_t at, std::size_t length) {
    const auto address = match_mail_address(text_, end_of_last(), at, length);
    if (address) {
      spans_.push_back({PersonalDataKind::kEmail, address->first, address->second});
    }
  }

  std::string_view text_;
  NumberRun run_;
  std::vector<PersonalDataSpan> spans_;
};

}  // namespace

std::string_view name_of(PersonalDataKind kind) { return kKinds[static_cast<std::size_t>(kind)].name; }

std::string_view mask_of(PersonalDataKind kind) { return kKinds[static_cast<std::size_t>(kind)].mask; }

std::vector<PersonalDataSpan> find_personal_data(std::string_view text) { return Finder(text).find(); }

bool PersonalDataCounts::empty() const {
  return std::all_of(of_kind.begin(), of_kind.end(), [](std::int64_t count) { return count == 0; });
}

PersonalDataCounts& PersonalDataCounts::operator+=(const PersonalDataCounts& other) {
  for (std::size_t i = 0; i < kPersonalDataKinds; ++i) {
    of_kind[i] += other.of_kind[i];
  }
  return *this;
}

std::string PersonalDataCounts::describe() const {
  std::string text;
  for (std::size_t i = 0; i < kPersonalDataKinds; ++i) {
    if (of_kind[i] > 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", of_kind[i], kKinds[i].name);
    }
  }
  return text;
}

}  // namespace lore
