#include "lore/corpus/phone_numbers.h"

#include <algorithm>
#include <array>

namespace lore {
namespace {

using Match = std::optional<std::size_t>;

bool is_mobile(std::string_view digits) {
  return digits.size() == 11 && digits[0] == '1' && digits[1] >= '3';
}

/// Length of a Chinese area code with its 0 that `digits` begins with; 0 where it does not.
std::size_t area_code_length(std::string_view digits) {
  if (digits.size() < 3 || digits[0] != '0') {
    return 0;
  }
  if (digits.starts_with("010") || digits[1] == '2') {
    return 3;
  }
  return digits.size() >= 4 && digits[1] >= '3' ? 4 : 0;
}

bool has_shape(const NumberRun& run, std::size_t first, std::initializer_list<std::size_t> counts) {
  if (run.groups.size() - first < counts.size()) {
    return false;
  }
  for (const std::size_t count : counts) {
    if (run.groups[first++].count != count) {
      return false;
    }
  }
  return true;
}

/// 11 digits, or 3-4-4 or 3-8 with one sign between.
Match mobile(const NumberContext& context, std::size_t first, bool labelled) {
  const NumberRun& run = context.run();
  if (is_mobile(run.group(first))) {
    return first;
  }
  if (has_shape(run, first, {3, 8}) && is_mobile(run.joined(first, first + 1)) &&
      run.groups[first + 1].gap == Gap::kHyphen) {
    return first + 1;
  }
  if (!has_shape(run, first, {3, 4, 4}) || !is_mobile(run.joined(first, first + 2))) {
    return {};
  }
  if (run.uniform(first, first + 2, Gap::kHyphen) || run.uniform(first, first + 2, Gap::kDot) ||
      (run.uniform(first, first + 2, Gap::kSpace) && (labelled || run.stands_alone(first, first + 2)))) {
    return first + 2;
  }
  return {};
}

/// The groups of a subscriber's 7 or 8 digits from `first` on.
Match subscriber(const NumberRun& run, std::size_t first) {
  if (first >= run.groups.size() || run.group(first)[0] == '0') {
    return {};
  }
  if (run.groups[first].count == 7 || run.groups[first].count == 8) {
    return first;
  }
  const bool split = has_shape(run, first, {4, 4}) || has_shape(run, first, {3, 4});
  const bool joined =
      split && (run.groups[first + 1].gap == Gap::kSpace || run.groups[first + 1].gap == Gap::kHyphen);
  return joined ? Match(first + 1) : Match();
}

/// An area code and a subscriber's number. `trunk` is what stands for the 0 where a country code came before.
Match landline(const NumberContext& context, std::size_t first, bool labelled, const char* trunk) {
  const NumberRun& run = context.run();
  const std::string digits = trunk + std::string(run.group(first));
  const std::size_t area = area_code_length(digits);
  if (area == 0) {
    return {};
  }
  if (digits.size() == area) {
    Match last = subscriber(run, first + 1);
    if (!last) {
      return {};
    }
    const Gap gap = run.groups[first + 1].gap;
    const char digit = run.group(first + 1)[0];
    const bool fits = gap == Gap::kHyphen || gap == Gap::kClose ||
                      (gap == Gap::kSpace &&
                       (labelled || *trunk != '\0' || (digit >= '2' && run.stands_alone(first, *last))));
    if (!fits) {
      return {};
    }
    // An extension.
    if (*last + 1 < run.groups.size() && run.groups[*last + 1].gap == Gap::kHyphen &&
        run.groups[*last + 1].count <= 6) {
      ++*last;
    }
    return last;
  }
  const std::size_t rest = digits.size() - area;
  const bool city = area == 3 && rest == 8;
  if (digits[area] >= '2' && (city || ((labelled || *trunk != '\0') && (rest == 7 || rest == 8)))) {
    return first;
  }
  return {};
}

/// After +86, 0086 or 86 and a sign.
Match chinese(const NumberContext& context, std::size_t first) {
  if (first >= context.run().groups.size()) {
    return {};
  }
  if (const Match match = mobile(context, first, true)) {
    return match;
  }
  if (const Match match = landline(context, first, true, "")) {
    return match;
  }
  return landline(context, first, true, "0");
}

struct Country {
  std::string_view code;
  std::size_t fewest;  // digits after the code
  std::size_t most;
};
constexpr std::array kCountries = {Country{"1", 10, 10}, Country{"7", 10, 10},  Country{"33", 9, 9},
                                   Country{"34", 9, 9},  Country{"39", 6, 11},  Country{"44", 9, 10},
                                   Country{"49", 6, 12}, Country{"61", 9, 9},   Country{"65", 8, 8},
                                   Country{"66", 8, 9},  Country{"81", 9, 10},  Country{"82", 8, 11},
                                   Country{"84", 8, 10}, Country{"91", 10, 10}, Country{"852", 8, 8},
                                   Country{"853", 8, 8}, Country{"886", 8, 9}};

/// E.164 after `+`: as many groups as the country's numbers have digits.
Match international(const NumberContext& context, bool labelled) {
  const NumberRun& run = context.run();
  if (run.digits[0] == '0') {
    return {};
  }
  std::size_t fewest = 8;
  std::size_t most = 15;
  for (const Country& country : kCountries) {
    if (run.digits.starts_with(country.code)) {
      fewest = country.code.size() + country.fewest;
      most = country.code.size() + country.most;
    }
  }
  Match last;
  std::size_t count = 0;
  for (std::size_t i = 0; i < run.groups.size(); ++i) {
    // "+44 (0)20": the trunk digit is not dialled.
    const bool trunk = i > 0 && run.groups[i].gap == Gap::kOpen && run.group(i) == "0";
    count += trunk ? 0 : run.groups[i].count;
    if (count > most) {
      break;
    }
    const bool decimal = i == 1 && run.groups[1].gap == Gap::kDot;
    if (count >= fewest && !decimal && (i > 0 || count >= 10 || labelled)) {
      last = i;
    }
  }
  return last;
}

bool is_exchange(std::string_view digits) {
  return digits[0] >= '2' && !(digits[1] == '1' && digits[2] == '1');
}

/// (415) 555-2671, 415-555-2671, 415.555.2671, with a 1 before them or not.
Match north_american(const NumberContext& context, std::size_t first, bool labelled) {
  const NumberRun& run = context.run();
  const bool with_one = run.group(first) == "1" && first + 1 < run.groups.size();
  const std::size_t area = first + (with_one ? 1 : 0);
  if (!has_shape(run, area, {3, 3, 4}) || !is_exchange(run.group(area)) ||
      !is_exchange(run.group(area + 1)) || run.group(area) == "400") {
    return {};
  }
  const Gap gap = run.groups[area + 1].gap;
  const Gap next = run.groups[area + 2].gap;
  const bool open = run.groups[area].gap == Gap::kOpen || (area == 0 && run.open);
  if (gap == Gap::kClose) {
    return open && next != Gap::kOpen && next != Gap::kClose ? Match(area + 2) : Match();
  }
  const bool joined =
      gap == Gap::kHyphen || gap == Gap::kDot || (gap == Gap::kSpace && (labelled || with_one));
  return joined && gap == next ? Match(area + 2) : Match();
}

/// Whatever stands beside a label: 7 to 15 digits, in one group or several.
Match labelled_number(const NumberContext& context, std::size_t first) {
  const NumberRun& run = context.run();
  const bool date = has_shape(run, first, {4, 2, 2}) || has_shape(run, first, {4, 1, 1});
  const bool hotline = run.group(first) == "400" || run.group(first) == "800" ||
                       (run.groups[first].count == 10 && run.group(first).starts_with("400"));
  if (date || hotline) {
    return {};
  }
  Match last;
  std::size_t count = 0;
  for (std::size_t i = first; i < run.groups.size(); ++i) {
    if (i > first && (last && (run.groups[i].gap == Gap::kSpace || run.groups[i].gap == Gap::kOpen))) {
      break;
    }
    count += run.groups[i].count;
    if (count > 15) {
      break;
    }
    if (count >= 7) {
      last = i;
    }
  }
  return last;
}

Match match_shape(const NumberContext& context, std::size_t first, bool labelled) {
  const NumberRun& run = context.run();
  const std::string_view group = run.group(first);
  const bool plus = first == 0 && run.plus;
  if ((group == "86" || group == "0086") && first + 1 < run.groups.size() &&
      run.groups[first + 1].gap != Gap::kDot) {
    if (const Match match = chinese(context, first + 1)) {
      return match;
    }
  }
  for (const std::string_view code : {"86", "0086"}) {
    if (group.starts_with(code) && is_mobile(group.substr(code.size()))) {
      return first;
    }
  }
  if (plus) {
    if (const Match match = international(context, labelled)) {
      return match;
    }
  }
  if (const Match match = mobile(context, first, labelled)) {
    return match;
  }
  if (const Match match = landline(context, first, labelled, "")) {
    return match;
  }
  if (const Match match = north_american(context, first, labelled)) {
    return match;
  }
  if (has_shape(run, first, {5, 6}) && group.starts_with("07") && run.groups[first + 1].gap == Gap::kSpace) {
    return first + 1;  // British mobile
  }
  return labelled ? labelled_number(context, first) : Match();
}

}  // namespace

std::optional<std::size_t> match_phone(const NumberContext& context, std::size_t first) {
  const NumberRun& run = context.run();
  // The fewest digits of what a group can begin, before anything slower is asked.
  if (run.digits.size() - run.groups[first].at < 7) {
    return {};
  }
  const NumberLabel label = context.label(first);
  const Match last = match_shape(context, first, label == NumberLabel::kPhone);
  const bool refused = label == NumberLabel::kReference || label == NumberLabel::kAmount;
  if (!last || refused || !context.is_free_before(first) || !context.is_free_after(*last)) {
    return {};
  }
  return last;
}

}  // namespace lore
