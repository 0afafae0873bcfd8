#include "lore/eval/labelled_rows.h"

#include <cmath>

#include "lore/core/error.h"
#include "lore/eval/clauses.h"
#include "lore/eval/question_rows.h"
#include "lore/eval/trained_continuation.h"
#include "lore/eval/word_swapper.h"
#include "support/catch.h"
#include "unit/data/toy_tokenizer.h"

namespace {

using Json = nlohmann::ordered_json;

lore::LabelledRows read(std::initializer_list<const char*> lines) {
  std::vector<lore::Row> rows;
  for (const char* line : lines) {
    rows.push_back({Json::parse(line), "r.jsonl:" + std::to_string(rows.size() + 1)});
  }
  return lore::read_labelled_rows(rows);
}

std::string why(std::initializer_list<const char*> lines) {
  try {
    read(lines);
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "accepted";
}

std::vector<std::string> cut(const std::string& text) {
  std::vector<std::string> parts;
  for (const lore::TextSpan& span : lore::clauses(text)) {
    parts.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return parts;
}

std::string text_of(const std::vector<std::int32_t>& ids) { return ToyTokenizer().decode(ids, false); }

}  // namespace

TEST_CASE("rows share their labels, and have groups of their own") {
  const lore::LabelledRows all =
      read({R"({"prompt": "A?", "label": "no", "labels": ["yes", "no"], "positive": "yes", "favorable": "no",
                "swaps": ["gender"], "groups": {"region": "north", "age": "30"}, "language": "en", "note": "x"})",
            R"({"id": 7, "messages": [{"role": "user", "content": "B?"}], "label": "yes"})"});
  CHECK(all.labels == std::vector<std::string>{"yes", "no"});
  CHECK(all.positive == 0u);
  CHECK(all.favorable == 1u);
  CHECK(all.swaps == std::vector<std::string>{"gender"});
  CHECK(all.rows[0].id == "r.jsonl:1");
  CHECK(all.rows[1].id == "7");
  CHECK(all.rows[0].label == 1u);
  CHECK(all.rows[0].groups ==
        std::map<std::string, std::string>{{"age", "30"}, {"language", "en"}, {"region", "north"}});
  Json row = all.rows[1].prompt.row;
  CHECK(*lore::last_question(row) == "B?");
}

TEST_CASE("labels are those that people gave where the rows name none") {
  CHECK(read({R"({"prompt": "A?", "label": "no"})", R"({"prompt": "B?", "label": "maybe"})",
              R"({"prompt": "C?", "label": "no"})", R"({"prompt": "D?"})"})
            .labels == std::vector<std::string>{"no", "maybe"});
}

TEST_CASE("rows that cannot be asked are refused with their place") {
  CHECK(why({R"({"prompt": "A?", "label": "hgih", "labels": ["high", "low"]})"}) ==
        "r.jsonl:1: label: \"hgih\" is none of the labels: high, low (did you mean 'high'?)");
  CHECK(why({R"({"prompt": "A?", "label": "a", "labels": ["a", "b"]})",
             R"({"prompt": "A?", "label": "a", "labels": ["b", "a"]})"}) ==
        "r.jsonl:2: labels: is not what r.jsonl:1 says; it holds for all rows, so say it once");
  CHECK(why({R"({"prompt": "A?", "label": "a"})"}).find("two or more to choose from") != std::string::npos);
  CHECK(why({R"({"prompt": "A?", "label": "a", "labels": ["a", "b"], "positive": "c"})"})
            .find("r.jsonl:1: positive: is none of the labels: a, b") != std::string::npos);
  CHECK(why({R"({"label": "a", "labels": ["a", "b"]})"})
            .find("r.jsonl:1: row: expected 'messages' or 'prompt'") != std::string::npos);
  CHECK(why({R"({"prompt": "A?", "labels": ["a", "a"]})"}).find("names \"a\" twice") != std::string::npos);
  CHECK(why({R"({"messages": [{"role": "assistant", "content": "a"}], "label": "a"})"})
            .find("must end with a message of the user") != std::string::npos);
}

TEST_CASE("a text is cut into clauses that together are the text") {
  CHECK(cut("客户王强，28岁。\n流水1,200.50元；is he at risk? Yes, he is.") ==
        std::vector<std::string>{"客户王强，", "28岁。\n", "流水1,200.50元；", "is he at risk? ", "Yes, ",
                                 "he is."});
  CHECK(cut("Name: Ann\nAge: 40\n\n") == std::vector<std::string>{"Name: Ann\n", "Age: 40\n\n"});
  CHECK(cut("").empty());
  const std::string text = "一，二，三";
  CHECK(lore::without_clause(text, lore::clauses(text)[1]) == "一，三");
}

TEST_CASE("labels of different length compare by their mean log-probability, equal ones by their own") {
  // Two labels of one token: the softmax of their log-probabilities.
  const std::vector<lore::LabelAnswer> equal = {{std::log(0.3), 1}, {std::log(0.1), 1}};
  const auto of_equal = lore::label_log_probabilities(equal);
  CHECK(std::exp(of_equal[0]) == Approx(0.75));
  CHECK(lore::likeliest(of_equal) == 0);
  // One of 1 token at -1, one of 3 at -2.4: means -1 and -0.8, at the mean length of 2 tokens -2 and -1.6.
  const std::vector<lore::LabelAnswer> unequal = {{-1, 1}, {-2.4, 3}};
  const auto of_unequal = lore::label_log_probabilities(unequal);
  CHECK(lore::likeliest(of_unequal) == 1);
  CHECK(std::exp(of_unequal[1]) == Approx(1 / (1 + std::exp(-0.4))));
}

TEST_CASE("an answer is asked for with the tokens that training would train") {
  const auto chatml = lore::ChatTemplate::compile(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
      "t");
  const lore::ExampleBuilder builder(std::make_shared<ToyTokenizer>(), chatml, {});
  const Json chat{{"prompt", {{{"role", "user"}, {"content", "ok?"}}}}};
  const lore::Continuation answer = lore::answer_continuation(builder, chat, "yes", "f.jsonl:1");
  CHECK(text_of(answer.context) == "<|im_start|>user\nok?<|im_end|>\n<|im_start|>assistant\n");
  CHECK(text_of(answer.ids) == "yes<|im_end|>");
  const lore::Continuation raw =
      lore::answer_continuation(builder, {{"prompt", "Risk: "}}, "high", "f.jsonl:1");
  CHECK(text_of(raw.context) == "Risk: ");
  CHECK(text_of(raw.ids) == "high</s>");
  const lore::Continuation whole = lore::last_trained_run(builder.build({{"text", "abc"}}, "f.jsonl:1"));
  CHECK(text_of(whole.context) == "a");
  CHECK(text_of(whole.ids) == "bc</s>");
}

TEST_CASE("the sample reviews have both labels in each group, and words of every swap list") {
  for (const char* name : {"reviews.zh.jsonl", "reviews.en.jsonl"}) {
    lore::SuiteSpec spec;
    spec.path = std::string(LORE_SOURCE_DIR) + "/data-samples/" + name;
    const lore::LabelledRows all = lore::read_labelled_rows(lore::read_question_rows(spec));
    CHECK(all.rows.size() == 36);
    CHECK(all.favorable != all.positive);
    std::map<std::string, std::map<std::string, double>> positive;
    std::map<std::string, std::map<std::string, double>> cases;
    for (const lore::LabelledRow& row : all.rows) {
      for (const auto& [grouping, group] : row.groups) {
        ++cases[grouping][group];
        positive[grouping][group] += row.label == all.positive ? 1 : 0;
      }
    }
    CHECK(cases.size() == 3);
    for (const auto& [grouping, groups] : cases) {
      for (const auto& [group, count] : groups) {
        CAPTURE(name, grouping, group);
        CHECK(positive[grouping][group] / count == Approx(0.45).margin(0.15));
      }
    }
    for (const lore::SwapList& list : lore::bundled_swap_lists()) {
      const lore::WordSwapper swapper(list);
      std::size_t swappable = 0;
      for (lore::LabelledRow row : all.rows) {
        swappable += swapper.variants(lore::last_question(row.prompt.row)->get<std::string>()) > 0 ? 1 : 0;
      }
      CAPTURE(name, list.name);
      CHECK(swappable >= 6);
    }
  }
}
