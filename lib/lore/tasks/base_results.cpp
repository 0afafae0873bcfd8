#include "lore/tasks/base_results.h"

#include <map>

namespace lore {

using Json = nlohmann::ordered_json;

BaseResults::BaseResults(Memo memo, const Json& base) : memo_(std::move(memo)), base_(base.dump() + "\n") {}

std::optional<LanguageScore> BaseResults::find_score(const std::string& identity) const {
  const std::optional<Json> kept = find(identity);
  if (!kept) {
    return std::nullopt;
  }
  return LanguageScore{(*kept)[0].get<double>(), (*kept)[1].get<std::int64_t>(),
                       (*kept)[2].get<std::int64_t>(), (*kept)[3].get<std::int64_t>()};
}

std::optional<std::vector<SuiteCase>> BaseResults::find_cases(const std::string& identity) const {
  const std::optional<Json> kept = find(identity);
  if (!kept) {
    return std::nullopt;
  }
  std::vector<SuiteCase> cases;
  for (const Json& one : *kept) {
    cases.push_back({one[0].get<std::string>(), one[1].get<std::map<std::string, std::string>>(),
                     one[2].get<Metrics>(), one[3].get<Metrics>(), one[4]});
  }
  return cases;
}

void BaseResults::keep(const std::string& identity, const LanguageScore& score) const {
  keep_json(identity, Json::array({score.loss_sum, score.tokens, score.bytes, score.words}));
}

void BaseResults::keep(const std::string& identity, const std::vector<SuiteCase>& cases) const {
  Json json = Json::array();
  for (const SuiteCase& one : cases) {
    json.push_back(Json::array({one.id, one.groups, one.values, one.counts, one.detail}));
  }
  keep_json(identity, json);
}

// MessagePack, since JSON has no NaN.
std::optional<Json> BaseResults::find(const std::string& identity) const {
  const auto kept = memo_.find(base_ + identity, base_ + identity);
  return kept ? std::optional(Json::from_msgpack(*kept)) : std::nullopt;
}

void BaseResults::keep_json(const std::string& identity, const Json& json) const {
  std::string text;
  Json::to_msgpack(json, text);
  memo_.keep(base_ + identity, base_ + identity, text);
}

}  // namespace lore
