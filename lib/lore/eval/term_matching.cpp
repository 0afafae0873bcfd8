#include "lore/eval/term_matching.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "lore/eval/english_inflection.h"

namespace lore {
namespace {

/// A place where a form stands, before longer ones are preferred.
struct Candidate {
  TermMatch match;
  std::size_t length;  ///< in folded characters
  int distance;        ///< of inflections; -1 for a form written just so
};

/// Whether the gap before a unit of a text may stand where a form has `wanted`.
bool gap_fits(const TextUnit& before, const TextUnit& unit, const TextUnit& wanted) {
  if (unit.gap == UnitGap::kNone) {
    // Latin script may stand right beside Chinese; two words without a gap are one.
    return !before.is_word || !unit.is_word;
  }
  const bool both_words = before.is_word && unit.is_word;
  return wanted.gap != UnitGap::kNone || both_words ||
         (unit.gap == UnitGap::kSpace && before.is_word != unit.is_word);
}

/// Compares the units of a form with those of a text from `first` on.
class Comparison {
 public:
  Comparison(const std::vector<TextUnit>& form, const std::vector<TextUnit>& text, bool inflects)
      : form_(form), text_(text), inflects_(inflects) {}

  /// The unit of the text behind the form, and the distance; nothing where the form does not stand there.
  struct Found {
    std::size_t end;
    int distance;
  };
  std::optional<Found> at(std::size_t first) const {
    std::size_t in_form = 0;
    std::size_t in_text = first;
    int distance = 0;
    while (in_form < form_.size()) {
      if (in_text >= text_.size()) {
        return {};
      }
      if (in_form > 0 && !gap_fits(text_[in_text - 1], text_[in_text], form_[in_form])) {
        return {};
      }
      if (const auto same = word_distance(form_[in_form], text_[in_text].text)) {
        distance += *same;
        ++in_form;
        ++in_text;
      } else if (const auto joined = joined_in_text(in_form, in_text)) {
        distance += *joined;
        in_form += 2;
        ++in_text;
      } else if (const auto split = split_in_text(in_form, in_text)) {
        distance += *split;
        ++in_form;
        in_text += 2;
      } else {
        return {};
      }
    }
    return Found{in_text, distance};
  }

 private:
  std::optional<int> word_distance(const TextUnit& form, const std::u32string& text) const {
    if (form.is_word && inflects_) {
      return inflection_distance(form.text, text);
    }
    return form.text == text ? std::optional(0) : std::nullopt;
  }

  static std::optional<TextUnit> hyphenated(const std::vector<TextUnit>& units, std::size_t i) {
    if (i + 1 >= units.size() || !units[i].is_word || !units[i + 1].is_word ||
        units[i + 1].gap != UnitGap::kHyphen) {
      return {};
    }
    TextUnit joined = units[i];
    joined.text += units[i + 1].text;
    return joined;
  }

  /// "non-performing" of a form as "nonperforming" of a text.
  std::optional<int> joined_in_text(std::size_t in_form, std::size_t in_text) const {
    const auto joined = hyphenated(form_, in_form);
    return joined ? word_distance(*joined, text_[in_text].text) : std::nullopt;
  }

  /// The other way round.
  std::optional<int> split_in_text(std::size_t in_form, std::size_t in_text) const {
    const auto joined = hyphenated(text_, in_text);
    return joined && form_[in_form].is_word ? word_distance(form_[in_form], joined->text) : std::nullopt;
  }

  const std::vector<TextUnit>& form_;
  const std::vector<TextUnit>& text_;
  bool inflects_;
};

bool same_place(const TermMatch& a, const TermMatch& b) { return a.begin == b.begin && a.end == b.end; }

}  // namespace

TermMatcher::TermMatcher(std::span<const GlossaryTerm> terms) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    add({i, terms[i].term, terms[i].language, false});
    for (const auto& [language, text] : terms[i].translations) {
      add({i, text, language, false});
    }
    for (const auto& [language, forms] : terms[i].forbidden) {
      for (const std::string& text : forms) {
        add({i, text, language, true});
      }
    }
  }
}

void TermMatcher::add(TermForm form) {
  std::vector<TextUnit> units = text_units(form.text);
  if (units.empty()) {
    return;
  }
  forms_by_first_[units.front().text.front()].push_back(forms_.size());
  units_.push_back(std::move(units));
  forms_.push_back(std::move(form));
}

std::vector<TermMatch> TermMatcher::find(std::string_view text) const {
  const std::vector<TextUnit> units = text_units(text);
  std::vector<Candidate> candidates;
  for (std::size_t first = 0; first < units.size(); ++first) {
    const auto starting = forms_by_first_.find(units[first].text.front());
    if (starting == forms_by_first_.end()) {
      continue;
    }
    for (const std::size_t form : starting->second) {
      const bool inflects = primary_language(forms_[form].language) == "en";
      const auto found = Comparison(units_[form], units, inflects).at(first);
      if (!found) {
        continue;
      }
      const std::size_t begin = units[first].begin;
      const std::size_t end = units[found->end - 1].end;
      std::size_t length = 0;
      for (std::size_t i = first; i < found->end; ++i) {
        length += units[i].text.size();
      }
      const bool just_so = text.substr(begin, end - begin) == forms_[form].text;
      candidates.push_back({{form, begin, end}, length, just_so ? -1 : found->distance});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    const auto key = [&](const Candidate& one) {
      return std::tuple(-static_cast<std::ptrdiff_t>(one.length), one.match.begin, one.match.end,
                        one.distance, forms_[one.match.form].is_forbidden);
    };
    return key(a) < key(b);
  });
  std::vector<TermMatch> matches;
  const Candidate* best = nullptr;  // of those that match the same bytes
  for (const Candidate& candidate : candidates) {
    if (best != nullptr && same_place(best->match, candidate.match)) {
      if (candidate.distance == best->distance &&
          forms_[candidate.match.form].is_forbidden == forms_[best->match.form].is_forbidden) {
        matches.push_back(candidate.match);
      }
      continue;
    }
    const bool is_covered = std::any_of(matches.begin(), matches.end(), [&](const TermMatch& match) {
      return candidate.match.begin < match.end && match.begin < candidate.match.end;
    });
    if (!is_covered) {
      matches.push_back(candidate.match);
      best = &candidate;
    }
  }
  std::stable_sort(matches.begin(), matches.end(),
                   [](const TermMatch& a, const TermMatch& b) { return a.begin < b.begin; });
  return matches;
}

}  // namespace lore
