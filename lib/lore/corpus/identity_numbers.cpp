#include "lore/corpus/identity_numbers.h"

#include <algorithm>
#include <array>
#include <string>

namespace lore {
namespace {

using Span = std::optional<PersonalDataSpan>;

int number_in(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    value = 10 * value + (c - '0');
  }
  return value;
}

bool is_region(std::string_view digits) {
  constexpr std::array kProvinces = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43,
                                     44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83};
  return std::ranges::count(kProvinces, number_in(digits.substr(0, 2))) > 0;
}

bool is_date(int year, int month, int day) {
  constexpr std::array kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return year >= 1850 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 &&
         day <= kDays[static_cast<std::size_t>(month - 1)];
}

/// `digits` are the 17 before the check digit.
bool is_identity_card(std::string_view digits, char check) {
  constexpr std::array kWeights = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  if (!is_region(digits) || !is_date(number_in(digits.substr(6, 4)), number_in(digits.substr(10, 2)),
                                     number_in(digits.substr(12, 2)))) {
    return false;
  }
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) {
    sum += kWeights[i] * (digits[i] - '0');
  }
  const char expected = "10X98765432"[sum % 11];
  return check == expected || (check == 'x' && expected == 'X');
}

bool is_old_identity_card(std::string_view digits) {
  return is_region(digits) && digits.substr(2, 2) != "00" && digits.substr(12) != "000" &&
         is_date(1900 + number_in(digits.substr(6, 2)), number_in(digits.substr(8, 2)),
                 number_in(digits.substr(10, 2)));
}

/// The end of a span whose last group is `last`, with a letter X after it where `with_x`.
struct Tail {
  std::size_t end;
  char letter;
};
Tail tail_of(const NumberContext& context, std::size_t last) {
  const std::size_t end = context.run().groups[last].end;
  const auto [after, length] = folded_at(context.text(), end);
  const char beyond = folded_at(context.text(), end + length).character;
  const bool is_last = last + 1 == context.run().groups.size();
  if (is_last && (after == 'X' || after == 'x') && !is_letter(beyond) && !is_digit(beyond)) {
    return {end + length, after};
  }
  return {end, '\0'};
}

/// The last of the groups that a card's number is written in: one, or several with the same sign between.
/// Groups among others are a table of numbers, unless a label or the region's six digits say otherwise.
std::optional<std::size_t> identity_groups(const NumberContext& context, std::size_t first,
                                           std::size_t digits) {
  const NumberRun& run = context.run();
  std::size_t count = 0;
  for (std::size_t i = first; i < run.groups.size() && count < digits; ++i) {
    const Gap gap = run.groups[i].gap;
    if (i > first && (gap != run.groups[first + 1].gap || (gap != Gap::kSpace && gap != Gap::kHyphen))) {
      return {};
    }
    count += run.groups[i].count;
    if (count == digits) {
      const bool one_number = i == first || run.groups[first].count == 6 || run.stands_alone(first, i) ||
                              context.label(first) == NumberLabel::kIdCard;
      return one_number ? std::optional(i) : std::nullopt;
    }
  }
  return {};
}

Span resident_card(const NumberContext& context, std::size_t first) {
  const NumberRun& run = context.run();
  std::size_t end = 0;
  std::size_t last = first;
  if (const auto whole = identity_groups(context, first, 18)) {
    const std::string_view digits = run.joined(first, *whole);
    if (!is_identity_card(digits.substr(0, 17), digits[17]) || !context.is_free_after(*whole)) {
      return {};
    }
    last = *whole;
    end = run.groups[last].end;
  } else if (const auto short_of_one = identity_groups(context, first, 17)) {
    const Tail tail = tail_of(context, *short_of_one);
    if (tail.letter == '\0' || !is_identity_card(run.joined(first, *short_of_one), tail.letter)) {
      return {};
    }
    end = tail.end;
  } else if (run.groups[first].count == 15 && is_old_identity_card(run.group(first)) &&
             context.is_free_after(first)) {
    const NumberLabel label = context.label(first);
    if (label == NumberLabel::kBankCard || label == NumberLabel::kReference ||
        label == NumberLabel::kAmount) {
      return {};
    }
    end = run.groups[first].end;
  } else {
    return {};
  }
  if (!context.is_free_before(first)) {
    return {};
  }
  return PersonalDataSpan{PersonalDataKind::kIdCard, context.begin_of(first), end};
}

Span social_security(const NumberContext& context, std::size_t first) {
  const NumberRun& run = context.run();
  const bool split = first + 2 < run.groups.size() && run.groups[first].count == 3 &&
                     run.groups[first + 1].count == 2 && run.groups[first + 2].count == 4;
  const bool whole = run.groups[first].count == 9;
  if (!split && !whole) {
    return {};
  }
  const std::size_t last = split ? first + 2 : first;
  const std::string_view digits = run.joined(first, last);
  const bool possible = !digits.starts_with("000") && !digits.starts_with("666") && digits[0] != '9' &&
                        digits.substr(3, 2) != "00" && digits.substr(5) != "0000";
  if (!possible || !context.is_free_before(first) || !context.is_free_after(last)) {
    return {};
  }
  const NumberLabel label = context.label(first);
  const bool hyphens = split && run.uniform(first, last, Gap::kHyphen);
  const bool refused = label == NumberLabel::kReference || label == NumberLabel::kPhone;
  if (refused || (!hyphens && label != NumberLabel::kSsn)) {
    return {};
  }
  return PersonalDataSpan{PersonalDataKind::kIdCard, context.begin_of(first), run.groups[last].end};
}

/// One or two capital letters and digits, beside a word that says what they are.
Span travel_document(const NumberContext& context, std::size_t first) {
  const NumberRun& run = context.run();
  const std::size_t count = run.groups[first].count;
  if (first > 0 || count < 6 || count > 10 || run.plus || run.open) {
    return {};
  }
  std::size_t begin = run.groups[first].begin;
  std::size_t letters = 0;
  for (; letters < 3; ++letters) {
    const auto [before, length] = folded_before(context.text(), begin);
    if (!(before >= 'A' && before <= 'Z')) {
      break;
    }
    begin -= length;
  }
  if (letters > 2 || letters + count < 8 || !context.is_free_after(first)) {
    return {};
  }
  NumberRun named;  // the same number, its letters being part of it
  named.begin = begin;
  named.groups = {{begin, run.groups[first].end, 0, count, Gap::kStart}};
  const NumberLabel label = NumberContext(context.text(), named).label(0);
  if (label == NumberLabel::kPassport) {
    return PersonalDataSpan{PersonalDataKind::kPassport, begin, run.groups[first].end};
  }
  if (label == NumberLabel::kPermit) {
    return PersonalDataSpan{PersonalDataKind::kIdCard, begin, run.groups[first].end};
  }
  return {};
}

bool has_luhn_digit(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) {
      digit = 2 * digit > 9 ? 2 * digit - 9 : 2 * digit;
    }
    sum += digit;
  }
  return sum % 10 == 0;
}

/// Prefixes of issuers, as ranges of four digits, with the lengths of their numbers.
struct Issuer {
  int first;
  int last;
  std::size_t fewest;
  std::size_t most;
};
constexpr std::array kIssuers = {
    Issuer{1030, 1030, 19, 19},  // Agricultural Bank of China, before UnionPay
    Issuer{2221, 2720, 16, 16},  // Mastercard
    Issuer{3000, 3059, 14, 14}, Issuer{3600, 3699, 14, 14}, Issuer{3800, 3999, 14, 14},  // Diners Club
    Issuer{3400, 3499, 15, 15}, Issuer{3700, 3799, 15, 15},                              // American Express
    Issuer{3528, 3589, 16, 16},                                                          // JCB
    Issuer{4000, 4999, 16, 16}, Issuer{4000, 4999, 19, 19},  // Visa; old Chinese cards
    Issuer{5100, 5599, 16, 16},                              // Mastercard
    Issuer{5018, 5038, 16, 19}, Issuer{5893, 5893, 16, 19},  // Maestro
    Issuer{6011, 6013, 16, 19}, Issuer{6440, 6599, 16, 19},  // Discover, RuPay
    Issuer{6200, 6299, 16, 19}, Issuer{8100, 8171, 16, 19},  // UnionPay
    Issuer{6304, 6304, 16, 19}, Issuer{6759, 6763, 16, 19},  // Maestro
    Issuer{9558, 9559, 16, 19}};                             // ICBC, before UnionPay

/// One group, groups of four of which the last may be shorter, 6 and the rest, or American Express's 4-6-5.
bool is_grouped_as_card(const NumberRun& run, std::size_t first, std::size_t last) {
  if (first == last) {
    return true;
  }
  const Gap gap = run.groups[first + 1].gap;
  if (!run.uniform(first, last, gap) || (gap != Gap::kSpace && gap != Gap::kHyphen)) {
    return false;
  }
  const auto count = [&](std::size_t i) { return run.groups[i].count; };
  if (last == first + 1) {
    return count(first) == 6;
  }
  if (last == first + 2 && count(first) == 4 && count(first + 1) == 6) {
    return count(last) == 5 || count(last) == 4;
  }
  for (std::size_t i = first; i < last; ++i) {
    if (count(i) != 4) {
      return false;
    }
  }
  return count(last) <= 4;
}

bool is_card(std::string_view digits, bool labelled) {
  const int prefix = number_in(digits.substr(0, 4));
  const bool issued = std::ranges::any_of(kIssuers, [&](const Issuer& issuer) {
    return prefix >= issuer.first && prefix <= issuer.last && digits.size() >= issuer.fewest &&
           digits.size() <= issuer.most;
  });
  const bool old_visa = labelled && digits.size() == 13 && digits[0] == '4';
  return (issued || old_visa) && has_luhn_digit(digits);
}

}  // namespace

Span match_identity(const NumberContext& context, std::size_t first) {
  if (const Span span = resident_card(context, first)) {
    return span;
  }
  if (const Span span = social_security(context, first)) {
    return span;
  }
  return travel_document(context, first);
}

Span match_bank_card(const NumberContext& context, std::size_t first) {
  const NumberRun& run = context.run();
  if (run.digits.size() - run.groups[first].at < 13 || run.groups[first].count < 4) {
    return {};
  }
  const NumberLabel label = context.label(first);
  std::size_t count = 0;
  std::optional<std::size_t> last;
  for (std::size_t i = first; i < run.groups.size() && count <= 19; ++i) {
    count += run.groups[i].count;
    // Groups among others are a table of four-digit numbers.
    const bool apart = i == first || run.groups[i].gap == Gap::kHyphen || label == NumberLabel::kBankCard ||
                       run.stands_alone(first, i);
    if (count >= 13 && count <= 19 && apart && is_grouped_as_card(run, first, i) &&
        is_card(run.joined(first, i), label == NumberLabel::kBankCard) && context.is_free_after(i)) {
      last = i;
    }
  }
  if (!last || label == NumberLabel::kReference || label == NumberLabel::kAmount ||
      !context.is_free_before(first)) {
    return {};
  }
  return PersonalDataSpan{PersonalDataKind::kBankCard, context.begin_of(first), run.groups[*last].end};
}

}  // namespace lore
