#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lore/corpus/row.h"

namespace lore {

/// Kinds of personal data that are found.
enum class PersonalDataKind {
  kPhone,     ///< mobile and landline numbers, Chinese and international
  kIdCard,    ///< Chinese resident identity cards, permits of Hong Kong, Macau and Taiwan, US SSN
  kBankCard,  ///< payment cards of 13 to 19 digits
  kEmail,
  kPassport,  ///< only beside a word that says so
};
inline constexpr std::size_t kPersonalDataKinds = 5;

/// `phone`, `id_card`, `bank_card`, `email`, `passport`.
std::string_view name_of(PersonalDataKind kind);
/// What `mask_personal_data` writes in its place: `[PHONE]`, `[ID_CARD]`, `[BANK_CARD]`, `[EMAIL]`,
/// `[PASSPORT]`.
std::string_view mask_of(PersonalDataKind kind);

/// Where in a text something personal stands, in bytes.
struct PersonalDataSpan {
  PersonalDataKind kind;
  std::size_t begin;
  std::size_t end;

  bool operator==(const PersonalDataSpan&) const = default;
};

/// The personal data in a text, ascending and apart. Never refuses a text: invalid UTF-8 is skipped.
std::vector<PersonalDataSpan> find_personal_data(std::string_view text);

/// How often each kind was found, by PersonalDataKind.
struct PersonalDataCounts {
  std::array<std::int64_t, kPersonalDataKinds> of_kind{};

  bool empty() const;
  PersonalDataCounts& operator+=(const PersonalDataCounts& other);
  /// "2 phone, 1 email": kinds and counts, never what was found.
  std::string describe() const;
  bool operator==(const PersonalDataCounts&) const = default;
};

/// The personal data in all that a model would see of a row: every text and number of `messages` (but roles
/// and ids), `prompt`, `completion`, `text`, `tools` and `chat_template_kwargs`.
PersonalDataCounts count_personal_data(const nlohmann::ordered_json& row);

/// The same, each replaced by `mask_of` its kind. Arguments of tool calls stay valid JSON; of a number that
/// is personal data becomes a text.
PersonalDataCounts mask_personal_data(nlohmann::ordered_json& row);

}  // namespace lore
