#include "lore/eval/word_swapper.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/utf8.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

constexpr char32_t kFirstEastAsian = 0x2E80;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

std::string capitalized(std::string text) {
  if (!text.empty()) {
    text[0] = upper(text[0]);
  }
  return text;
}

std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), upper);
  return text;
}

/// Whether a character is part of a word of an alphabet: a letter, digit or underscore, not East Asian.
bool is_alphabetic(char32_t character) { return character < kFirstEastAsian && is_word_character(character); }

/// The character that ends before `position`; 0 at the beginning.
char32_t character_before(std::string_view text, std::size_t position) {
  if (position == 0) {
    return 0;
  }
  do {
    --position;
  } while (position > 0 && is_utf8_continuation(text[position]));
  return next_character(text, position);
}

char32_t character_at(std::string_view text, std::size_t position) {
  return position < text.size() ? next_character(text, position) : 0;
}

bool divides_word(std::string_view text, std::size_t position) {
  return is_alphabetic(character_before(text, position)) && is_alphabetic(character_at(text, position));
}

}  // namespace

WordSwapper::Form WordSwapper::read_form(const std::string& word, const std::string& subject) {
  const std::size_t open = word.find('{');
  if (open == std::string::npos) {
    return {word, "", {}, 0, 0, false, false};
  }
  std::int64_t low = 0;
  std::int64_t high = 0;
  const char* const end = word.data() + word.size();
  const auto first = std::from_chars(word.data() + open + 1, end, low);
  const bool dash = first.ec == std::errc() && first.ptr != end && *first.ptr == '-';
  const auto second = std::from_chars(dash ? first.ptr + 1 : end, end, high);
  if (second.ec != std::errc() || second.ptr == end || *second.ptr != '}' || low < 0 || low >= high) {
    throw Error(ErrorKind::kInput, subject,
                fmt::format("{} has braces that hold no range of numbers, as {{18-34}}", in_quotes(word)));
  }
  return {word.substr(0, open), std::string(second.ptr + 1, end), std::pair(low, high), 0, 0, false, false};
}

WordSwapper::WordSwapper(const SwapList& list) {
  for (const std::vector<std::string>& words : list.sets) {
    const std::size_t set = sets_.size();
    const std::string subject = fmt::format("{}: set {}", in_quotes(list.name), set + 1);
    std::vector<Form>& forms = sets_.emplace_back();
    for (const std::string& word : words) {
      Form form = read_form(word, subject);
      form.set = set;
      form.place = forms.size();
      if (!forms.empty() && form.range.has_value() != forms.front().range.has_value()) {
        throw Error(ErrorKind::kInput, subject,
                    "has a range of numbers in some of its words, and not in all");
      }
      forms.push_back(form);
      forms_.push_back(form);
      const std::string letters = form.before + form.after;
      if (std::ranges::none_of(letters, is_lower) || std::ranges::any_of(letters, is_upper)) {
        continue;
      }
      Form spelled = form;
      spelled.capitalized = true;
      spelled.before = capitalized(form.before);
      if (spelled.before != form.before) {
        forms_.push_back(spelled);
      }
      spelled.in_capitals = true;
      spelled.before = in_capitals(form.before);
      spelled.after = in_capitals(form.after);
      forms_.push_back(spelled);
    }
  }
  std::ranges::stable_sort(forms_, std::greater(),
                           [](const Form& form) { return form.before.size() + form.after.size(); });
}

std::optional<WordSwapper::Match> WordSwapper::match_at(std::string_view text, std::size_t position) const {
  for (const Form& form : forms_) {
    std::size_t end = position;
    if (!text.substr(end).starts_with(form.before)) {
      continue;
    }
    end += form.before.size();
    std::int64_t number = 0;
    if (form.range) {
      const auto read = std::from_chars(text.data() + end, text.data() + text.size(), number);
      const bool digits = end < text.size() && is_digit(text[end]) && read.ec == std::errc();
      if (!digits || number < form.range->first || number > form.range->second) {
        continue;
      }
      end = static_cast<std::size_t>(read.ptr - text.data());
      if (!text.substr(end).starts_with(form.after)) {
        continue;
      }
      end += form.after.size();
    }
    if (!divides_word(text, position) && !divides_word(text, end)) {
      return Match{&form, end - position, number};
    }
  }
  return {};
}

std::string WordSwapper::replacement(const Match& match, std::size_t shift) const {
  const std::vector<Form>& set = sets_[match.form->set];
  const Form& form = set[(match.form->place + shift) % set.size()];
  std::string before = form.before;
  std::string after = form.after;
  if (match.form->in_capitals) {
    before = in_capitals(before);
    after = in_capitals(after);
  } else if (match.form->capitalized) {
    before = capitalized(before);
  }
  if (!form.range) {
    return before;
  }
  const auto [low, high] = *match.form->range;
  const auto [other_low, other_high] = *form.range;
  const double share = static_cast<double>(match.number - low) / static_cast<double>(high - low);
  const auto number = other_low + std::lround(share * static_cast<double>(other_high - other_low));
  return fmt::format("{}{}{}", before, number, after);
}

std::size_t WordSwapper::variants(std::string_view text) const {
  std::size_t largest = 1;
  for (std::size_t position = 0; position < text.size();) {
    if (const auto match = match_at(text, position)) {
      largest = std::max(largest, sets_[match->form->set].size());
      position += match->length;
    } else {
      next_character(text, position);
    }
  }
  return largest - 1;
}

SwappedText WordSwapper::swap(std::string_view text, std::size_t shift) const {
  SwappedText swapped;
  for (std::size_t position = 0; position < text.size();) {
    if (const auto match = match_at(text, position)) {
      const std::string found(text.substr(position, match->length));
      position += match->length;
      std::string put = shift % sets_[match->form->set].size() == 0 ? found : replacement(*match, shift);
      if (put != found) {
        swapped.replaced.emplace_back(found, put);
      }
      swapped.text += put;
    } else {
      const std::size_t begin = position;
      next_character(text, position);
      swapped.text += text.substr(begin, position - begin);
    }
  }
  return swapped;
}

}  // namespace lore
