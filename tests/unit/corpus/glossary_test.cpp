#include "lore/corpus/glossary.h"

#include <fstream>
#include <set>

#include "lore/core/error.h"
#include "lore/corpus/glossary_templates.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

using Json = nlohmann::ordered_json;

lore::GlossaryTerm term(const std::string& row, const std::string& source = "g.jsonl:1") {
  return lore::read_glossary_term({Json::parse(row), source});
}

template <class Call>
std::string why(Call call) {
  try {
    call();
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string why_row(const std::string& row) {
  return why([&] { term(row); });
}

std::string why_templates(const std::string& json) {
  return why([&] { lore::parse_glossary_templates(json, "t.json"); });
}

void check_holds(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    CAPTURE(text, part);
    CHECK(text.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("an object and the row of a table give the same term") {
  const auto object = term(R"({"id": 7, "term": "风控阈值", "language": "zh", "definition": "临界值。",
      "translations": {"en": "risk threshold"}, "definitions": {"en": "The critical value."},
      "forbidden": {"zh": ["风险门槛值", "门槛"], "en": ["risk gate"]}, "domain": "risk", "source": "us"})");
  const auto table = term(R"({"id": "7", "term": " 风控阈值 ", "language": "ZH", "definition": "临界值。",
      "translation.en": "risk threshold", "definition.en": "The critical value.", "definition.ja": "",
      "forbidden.zh": "风险门槛值、 门槛", "forbidden.en": "risk gate;", "domain": "risk", "source": "us"})");
  CHECK(object == table);
  CHECK(object.forbidden.at("zh") == std::vector<std::string>{"风险门槛值", "门槛"});
  CHECK(object.place == "g.jsonl:1");
}

TEST_CASE("languages that are clear need not be named") {
  const auto chinese = term(R"({"term": "风险", "translation": "risk", "forbidden": "危险|险情"})");
  CHECK(chinese.language == "zh");
  CHECK(chinese.translations == std::map<std::string, std::string>{{"en", "risk"}});
  CHECK(chinese.forbidden.at("zh").size() == 2);
  CHECK(term(R"({"term": "risk appetite", "translation": "风险偏好"})").translations.count("zh") == 1);
  check_holds(why_row(R"({"term": "リスク管理", "translation": "risk"})"),
              {"translation: its language is not clear"});
  check_holds(why_row(R"({"term": "риск", "definition": "x"})"), {"language: is missing"});
}

TEST_CASE("language tags are checked and written in one way") {
  CHECK(lore::language_tag("ZH-hant-tw") == "zh-Hant-TW");
  CHECK(lore::language_tag("en-gb") == "en-GB");
  CHECK(lore::primary_language("zh-Hant-TW") == "zh");
  check_holds(why([] { lore::language_tag("zh_CN"); }), {"'zh_CN' is not a language tag, here 'zh-cn'"});
  check_holds(why([] { lore::language_tag("Chinese"); }), {"here 'zh'"});
  for (const char* bad : {"", "z", "zh-", "-zh", "zh en", "中", "abcdefghi", "e1"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(lore::language_tag(bad), lore::Error);
  }
}

TEST_CASE("bad rows of a glossary name the column") {
  check_holds(why_row(R"({"definition": "x"})"), {"term: is missing"});
  check_holds(why_row(R"({"term": "a", "definition": 1})"), {"definition: expected text, got a number"});
  check_holds(why_row(R"({"term": "风险", "translations": ["risk"]})"),
              {"translations: expected text, got a list"});
  check_holds(why_row(R"({"term": "风险", "translations": {"english": "risk"}})"),
              {"translations.english: 'english' is not a language tag, here 'en'"});
  check_holds(why_row(R"({"term": "风险", "translations": {"zh": "风险"}})"),
              {"translations.zh: 'zh' is the language"});
  check_holds(why_row(R"({"term": "风险", "translation.en": "risk", "translations": {"en": "hazard"}})"),
              {"the row has two of language 'en'"});
  check_holds(why_row(R"({"term": "风险", "forbidden": {"zh": [""]}})"), {"forbidden.zh[0]: is empty"});
}

TEST_CASE("a whole glossary is checked for terms and ids that occur twice") {
  const std::vector<lore::GlossaryTerm> terms = {
      term(R"({"id": "1", "term": "Risk appetite", "definition": "x"})", "g:1"),
      term(R"({"id": "2", "term": "risk  Appetite", "definition": "y"})", "g:2"),
      term(R"({"id": "1", "term": "exposure", "forbidden": "risk appetite; Exposure"})", "g:3")};
  const auto problems = lore::check_glossary(terms);
  REQUIRE(problems.size() == 3);
  CHECK((problems[0].place == "g:2" && problems[0].why == "term 'risk  Appetite' is also at g:1"));
  CHECK((problems[1].place == "g:3" && problems[1].why == "id '1' is also at g:1"));
  check_holds(problems[2].why, {"the forbidden form 'risk appetite' is a right form at g:1"});
}

TEST_CASE("a term becomes as many rows as templates apply and has forbidden forms") {
  const auto templates = lore::parse_glossary_templates(
      R"([{"name": "a", "language": "zh", "messages": [{"role": "user", "content": "{{{term}}} {translation.en}?"},
                                                       {"role": "assistant", "content": "{definition}"}]},
          {"name": "b", "messages": [{"role": "user", "content": "{forbidden}"},
                                     {"role": "assistant", "content": "{term}"}]},
          {"name": "c", "needs": ["domain"], "messages": [{"role": "assistant", "content": "{term}"}]},
          {"name": "d", "language": "en", "messages": [{"role": "assistant", "content": "{term}"}]}])",
      "t.json");
  const auto full =
      term(R"({"term": "甲", "language": "zh-CN", "definition": "乙", "translations": {"en-GB": "A"},
                             "forbidden": {"zh": ["丙", "丁"]}})");
  const auto rows = lore::expand_term(full, templates);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].value == Json::parse(R"({"messages": [{"role": "user", "content": "{甲} A?"},
                                                      {"role": "assistant", "content": "乙"}]})"));
  CHECK(rows[1].value["messages"][0]["content"] == "丙");
  CHECK(rows[2].value["messages"][0]["content"] == "丁");
  CHECK(rows[2].source == "g.jsonl:1");
  check_holds(why([&] { lore::expand_term(term(R"({"term": "甲"})"), templates); }),
              {"term: no template applies to '甲' (zh)"});
}

TEST_CASE("the bundled templates make both directions and both languages of a term, each once") {
  const auto full = term(R"({"term": "甲方", "definition": "一方。", "translations": {"en": "party A"},
      "definitions": {"en": "One side."}, "forbidden": {"zh": ["甲边"], "en": ["side A"]}})");
  std::set<std::string> rows;
  for (const lore::Row& row : lore::expand_term(full, lore::bundled_glossary_templates())) {
    CHECK(rows.insert(row.value.dump()).second);
    CHECK(row.value.dump().find('{', 1) != std::string::npos);
  }
  CHECK(rows.size() == 9);
  const auto english =
      term(R"({"term": "party A", "definition": "One side.", "translations": {"zh": "甲方"}})");
  CHECK(lore::expand_term(english, lore::bundled_glossary_templates()).size() == 4);
}

TEST_CASE("templates are chosen by name or file") {
  const TemporaryFolder folder;
  std::ofstream(folder / "own.json")
      << R"([{"name": "own", "messages": [{"role": "assistant", "content": "{term}"}]}])";
  const auto chosen = lore::choose_glossary_templates({"translation", folder / "own.json"});
  REQUIRE(chosen.size() == 5);
  CHECK(chosen[0].name == "translation");
  CHECK(chosen[4].name == "own");
  CHECK(lore::choose_glossary_templates({}).size() == lore::bundled_glossary_templates().size());
  check_holds(why([] { lore::choose_glossary_templates({"translaton"}); }),
              {"neither a template's name", "did you mean 'translation'"});
}

TEST_CASE("bad templates name the file and the place") {
  const auto with_content = [](const std::string& content) {
    return why_templates(R"([{"name": "n", "messages": [{"role": "assistant", "content": ")" + content +
                         "\"}]}]");
  };
  check_holds(with_content("ab {trem}"),
              {"t.json: template 'n': messages[0], column 4: unknown field {trem}", "did you mean {term}"});
  check_holds(with_content("{translation}"), {"unknown field {translation}", "{translation.en}"});
  check_holds(with_content("{translation.english}"), {"not a language tag"});
  check_holds(with_content("{term"), {"'{' is not closed"});
  check_holds(with_content("term}"), {"column 5: '}' without '{'"});
  check_holds(with_content("{forbidden}{forbidden.en}"), {"only one of"});
  check_holds(with_content(""), {"messages[0]: content: is empty"});
  check_holds(why_templates("[{]"), {"t.json: column 3: not valid JSON"});
  check_holds(why_templates("{}"), {"t.json: templates: expected a list of templates, got an object"});
  check_holds(why_templates("[]"), {"an empty one"});
  check_holds(why_templates(R"([{"name": "n", "mesages": []}])"),
              {"unknown key 'mesages' (did you mean 'messages'?)"});
  check_holds(why_templates(R"([{"messages": [{"role": "assistant", "content": "x"}]}])"),
              {"t.json: template 1: name: is missing"});
  check_holds(why_templates(R"([{"name": "n", "messages": [{"role": "user", "content": "x"}]}])"),
              {"the last message must be the assistant's"});
  check_holds(why_templates(R"([{"name": "n", "messages": [{"role": "gpt", "content": "x"}]}])"),
              {"messages[0]: role: expected system, user or assistant, got 'gpt'"});
  check_holds(why_templates(
                  R"([{"name": "n", "needs": ["x"], "messages": [{"role": "assistant", "content": "x"}]}])"),
              {"template 'n': needs: unknown field {x}"});
}
