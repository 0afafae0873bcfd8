#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/memo.h"
#include "lore/eval/language_score.h"
#include "lore/eval/suite.h"

namespace lore {

/// What a base model gave, kept from run to run: it is asked the same questions for every adapter.
class BaseResults {
 public:
  /// `base`: all that decides what the base gives to a question, besides the question.
  BaseResults(Memo memo, const nlohmann::ordered_json& base);

  /// What was kept for the source or suite of this identity; nothing where there is none or it is damaged.
  std::optional<LanguageScore> find_score(const std::string& identity) const;
  std::optional<std::vector<SuiteCase>> find_cases(const std::string& identity) const;
  void keep(const std::string& identity, const LanguageScore& score) const;
  void keep(const std::string& identity, const std::vector<SuiteCase>& cases) const;

 private:
  std::optional<nlohmann::ordered_json> find(const std::string& identity) const;
  void keep_json(const std::string& identity, const nlohmann::ordered_json& json) const;

  Memo memo_;
  std::string base_;
};

}  // namespace lore
