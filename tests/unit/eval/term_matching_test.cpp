#include "lore/eval/term_matching.h"

#include "lore/eval/english_inflection.h"
#include "support/catch.h"

namespace {

using Strings = std::vector<std::string>;

lore::GlossaryTerm term(std::string text, std::string language,
                        std::map<std::string, std::string> translations,
                        std::map<std::string, Strings> forbidden) {
  lore::GlossaryTerm one;
  one.term = std::move(text);
  one.language = std::move(language);
  one.translations = std::move(translations);
  one.forbidden = std::move(forbidden);
  return one;
}

/// "right TEXT" and "forbidden TEXT" of every match, with the text as the answer writes it.
Strings found(const std::vector<lore::GlossaryTerm>& terms, const std::string& text) {
  const lore::TermMatcher matcher(terms);
  Strings list;
  for (const lore::TermMatch& match : matcher.find(text)) {
    list.push_back((matcher.forms()[match.form].is_forbidden ? "forbidden " : "right ") +
                   text.substr(match.begin, match.end - match.begin));
  }
  return list;
}

Strings found_one(const std::string& form, const std::string& language, const std::string& text) {
  return found({term(form, language, {}, {})}, text);
}

bool matches(const std::string& form, const std::string& text) {
  return !found_one(form, "en", text).empty();
}

}  // namespace

TEST_CASE("the longest form comes first, and holds no other") {
  const std::vector<lore::GlossaryTerm> terms{term("风控阈值", "zh", {}, {{"zh", {"阈值", "风控门槛"}}}),
                                              term("敞口", "zh", {}, {{"zh", {"风险敞口额"}}})};
  CHECK(found(terms, "风控阈值由策略团队设定") == Strings{"right 风控阈值"});
  CHECK(found(terms, "阈值由策略团队设定") == Strings{"forbidden 阈值"});
  CHECK(found(terms, "风控阈值和阈值") == Strings{"right 风控阈值", "forbidden 阈值"});
  CHECK(found(terms, "风控门槛，敞口") == Strings{"forbidden 风控门槛", "right 敞口"});
  // A forbidden form with a right term inside.
  CHECK(found(terms, "风险敞口额") == Strings{"forbidden 风险敞口额"});
  CHECK(found(terms, "风控 阈 值").empty());
  CHECK(found(terms, "").empty());
  // The longer one wins although the other begins before it.
  CHECK(found({term("risk control", "en", {}, {{"en", {"control threshold value"}}})},
              "risk control threshold value") == Strings{"forbidden control threshold value"});
}

TEST_CASE("a forbidden form inside a right term of another entry is none") {
  const std::vector<lore::GlossaryTerm> terms{term("校准", "zh", {}, {{"zh", {"校正"}}}),
                                              term("校正措施", "zh", {}, {})};
  CHECK(found(terms, "校正措施") == Strings{"right 校正措施"});
  CHECK(found(terms, "校正") == Strings{"forbidden 校正"});
}

TEST_CASE("width, case and traditional characters make no difference") {
  CHECK(found_one("风控阈值", "zh", "風控閾值") == Strings{"right 風控閾值"});
  CHECK(found_one("風控閾值", "zh-Hant", "风控阈值") == Strings{"right 风控阈值"});
  CHECK(found_one("干燥剂", "zh", "乾燥劑") == Strings{"right 乾燥劑"});
  CHECK(found_one("KYC", "en", "ＫＹＣ审查") == Strings{"right ＫＹＣ"});
  CHECK(found_one("ＫＹＣ审查", "zh", "kyc审查") == Strings{"right kyc审查"});
  CHECK(found_one("P/E ratio", "en", "The p／e Ratio fell") == Strings{"right p／e Ratio"});
  CHECK(found_one("ﾃｽﾄ", "ja", "テスト") == Strings{"right テスト"});
}

TEST_CASE("a space may stand between Chinese and Latin script") {
  CHECK(found_one("KYC审查", "zh", "做 KYC 审查。") == Strings{"right KYC 审查"});
  CHECK(found_one("KYC 审查", "zh", "做KYC审查。") == Strings{"right KYC审查"});
  CHECK(found_one("KYC审查", "zh", "EKYC审查").empty());
  CHECK(found_one("95%置信区间", "zh", "195%置信区间").empty());
}

TEST_CASE("English forms are whole words") {
  CHECK(matches("gate", "A gate, closed."));
  CHECK_FALSE(matches("gate", "We investigate."));
  CHECK_FALSE(matches("gate", "gateway"));
  CHECK(matches("risk appetite", "本行的risk appetite很低"));
  CHECK_FALSE(matches("Tier 1", "Tier 12"));
  CHECK_FALSE(matches("risk appetite", "risk, appetite"));
  CHECK_FALSE(matches("café", "cafe"));
}

TEST_CASE("English words match in their inflections") {
  for (const auto& [form, text] :
       std::vector<std::pair<std::string, std::string>>{{"risk appetite", "risk appetites"},
                                                        {"policy", "policies"},
                                                        {"stress test", "Stress-testing"},
                                                        {"hedge", "hedging"},
                                                        {"hedge", "hedged"},
                                                        {"plan", "planned"},
                                                        {"loss", "losses"},
                                                        {"analysis", "analyses"},
                                                        {"box", "boxes"},
                                                        {"verify", "verified"},
                                                        {"letter of credit", "letters of credit"},
                                                        {"customer", "the customer's"},
                                                        {"customer", "the customers’ trust"},
                                                        {"financial statements", "a financial statement"},
                                                        {"blacklist", "blacklisting"}}) {
    CAPTURE(form, text);
    CHECK(matches(form, text));
  }
  for (const auto& [form, text] :
       std::vector<std::pair<std::string, std::string>>{{"ring", "r"},
                                                        {"status", "statu"},
                                                        {"analysis", "analysi"},
                                                        {"loss", "los"},
                                                        {"bus", "bu"},
                                                        {"king", "k"},
                                                        {"need", "ne"},
                                                        {"class", "clas"},
                                                        {"man", "men"},
                                                        {"provision", "provisional"}}) {
    CAPTURE(form, text);
    CHECK_FALSE(matches(form, text));
  }
  // Chinese forms with Latin words inside do not inflect, nor do those of other languages.
  CHECK(found_one("KYC审查", "zh", "KYCs审查").empty());
  CHECK(found_one("Risiko", "de", "Risikos").empty());
}

TEST_CASE("hyphens, spaces and nothing are variants where a form has a hyphen or a space") {
  for (const char* text : {"supply-chain resilience", "supply chain resilience", "supply  chain\nresilience",
                           "supply‑chain resilience", "supplychain resilience", "Supply–Chain-Resilience"}) {
    CAPTURE(text);
    CHECK(matches("supply-chain resilience", text));
  }
  CHECK(matches("supply chain resilience", "supply-chain resilience"));
  CHECK(matches("nonperforming loan", "non-performing loans"));
  CHECK_FALSE(matches("cash flow", "cashflow"));
  CHECK_FALSE(matches("nonperforming", "non performing"));
  CHECK_FALSE(matches("supply chain", "supply - chain"));
  CHECK_FALSE(matches("supply chain", "supply, chain"));
  CHECK(matches("-5%", "down -5%"));
}

TEST_CASE("of forms that match the same words the nearest wins") {
  const std::vector<lore::GlossaryTerm> terms{
      term("credit rating", "en", {}, {{"en", {"credit rate", "Credit Rating Score"}}}),
      term("GitHub", "en", {}, {{"en", {"Github"}}})};
  CHECK(found(terms, "credit ratings") == Strings{"right credit ratings"});
  CHECK(found(terms, "credit rates") == Strings{"forbidden credit rates"});
  CHECK(found(terms, "GitHub, Github, GITHUB") ==
        Strings{"right GitHub", "forbidden Github", "right GITHUB"});
  // A word that is right for two terms is a match of each.
  CHECK(found({term("敞口", "zh", {{"en", "exposure"}}, {}), term("曝光", "zh", {{"en", "exposure"}}, {})},
              "exposure")
            .size() == 2);
}

TEST_CASE("inflections have distances") {
  CHECK(lore::inflection_distance(U"rate", U"rate") == 0);
  CHECK(lore::inflection_distance(U"rate", U"rates") == 1);
  CHECK(lore::inflection_distance(U"rate", U"rating") == 2);
  CHECK(lore::inflection_distance(U"rate", U"ratings") == 3);
  CHECK(lore::inflection_distance(U"rating", U"rated") == 4);
  CHECK_FALSE(lore::inflection_distance(U"rate", U"ratio"));
}

TEST_CASE("bytes that are no UTF-8 do not disturb") {
  CHECK(found_one("risk", "en", "\xFF risk \xE9\xA3") == Strings{"right risk"});
}
