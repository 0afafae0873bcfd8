#include "lore/corpus/personal_data.h"

namespace lore {
bool PersonalDataCounts::empty() const { return of_kind == decltype(of_kind){}; }
PersonalDataCounts& PersonalDataCounts::operator+=(const PersonalDataCounts& other) {
  for (std::size_t i = 0; i < of_kind.size(); ++i) of_kind[i] += other.of_kind[i];
  return *this;
}
std::string PersonalDataCounts::describe() const { return "personal data"; }
PersonalDataCounts count_personal_data(const nlohmann::ordered_json&) { return {}; }
PersonalDataCounts mask_personal_data(nlohmann::ordered_json&) { return {}; }
}  // namespace lore
