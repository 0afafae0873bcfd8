#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/data/example_builder.h"
#include "support/catch.h"
#include "unit/data/marked_text.h"

using lore::ChatTemplate;
using Json = nlohmann::ordered_json;

namespace {

/// The row's text with its trained parts between ⟦ and ⟧, or what was thrown.
std::string marked(const std::string& source, const Json& messages, lore::ExampleSettings settings = {}) {
  const lore::ExampleBuilder builder(std::make_shared<ToyTokenizer>(), ChatTemplate::compile(source, "t"),
                                     settings);
  try {
    return marked_text(builder.build({{"messages", messages}}, "f:1"));
  } catch (const lore::Error& error) {
    return error.what();
  }
}

Json turn(const char* role, const Json& content) { return {{"role", role}, {"content", content}}; }

const Json kTwoTurns = {turn("user", "q"), turn("assistant", "a"), turn("user", "r"), turn("assistant", "b")};

constexpr const char* kChatml =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

}  // namespace

TEST_CASE("a generation prompt that opens a thought is not part of the turn, nor is a turn without it lost") {
  const std::string source =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<think>\n"
      "</think>{% endif %}{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";
  CHECK(marked(source, kTwoTurns) ==
        "<|im_start|>user\nq<|im_end|><|im_start|>assistant\n⟦a<|im_end|>⟧<|im_start|>user\nr<|im_end|>"
        "<|im_start|>assistant\n<think>\n⟦</think>b<|im_end|>⟧");
}

TEST_CASE("an opening that only begins like the generation prompt is cut where lines or special tokens end") {
  const std::string source =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n<think>{% endif %}";
  const Json messages = {turn("user", "q"), turn("assistant", "<tool>x"), turn("user", "r"),
                         turn("assistant", "<thin")};
  CHECK(marked(source, messages) ==
        "<|im_start|>user\nq<|im_end|><|im_start|>assistant\n⟦<tool>x<|im_end|>⟧<|im_start|>user\nr<|im_end|>"
        "<|im_start|>assistant\n⟦<thin<|im_end|>⟧");
}

TEST_CASE("a turn's opening that the template writes with the question before it is not trained") {
  const std::string source =
      "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}<|im_start|>{% else %}{{ m.content "
      "}}</s>{% endif %}{% endfor %}";
  CHECK(marked(source, kTwoTurns) == "q<|im_start|>⟦a</s>⟧r<|im_start|>⟦b</s>⟧");
}

TEST_CASE("a BOS or a system message of the template's own before the first turn is not trained") {
  const std::string source =
      "{% for m in messages %}{% if loop.first %}<s><|im_start|>system\nS<|im_end|>{% endif %}<|im_start|>{{ "
      "m.role }}\n{{ m.content }}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
      "{% endif %}";
  CHECK(
      marked(source, {turn("assistant", "a"), turn("user", "q")}) ==
      "<s><|im_start|>system\nS<|im_end|><|im_start|>assistant\n⟦a<|im_end|>⟧<|im_start|>user\nq<|im_end|>");
}

TEST_CASE("answers in a row, empty ones and repeated words each keep their own turn") {
  CHECK(marked(kChatml, {turn("user", "a"), turn("assistant", "a"), turn("assistant", ""),
                         turn("assistant", "a<|im_end|>\n<|im_start|>user\na")}) ==
        "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n<|im_start|>assistant\n"
        "⟦<|im_end|>⟧\n<|im_start|>assistant\n⟦a<|im_end|>\n<|im_start|>user\na<|im_end|>⟧\n");
}

TEST_CASE("where the next turn's opening ends a turn, that is trained") {
  const std::string source =
      "{% for m in messages %}{{ '<|im_start|>' if m.role == 'user' else '<|call|>' }}{{ m.content }}{% "
      "endfor "
      "%}{{ eos_token }}{% if add_generation_prompt %}<|call|>{% endif %}";
  CHECK(marked(source, kTwoTurns) == "<|im_start|>q<|call|>⟦a<|im_start|>⟧r<|call|>⟦b</s>⟧");
}

TEST_CASE("a turn that nothing ends is an error with the template's line") {
  const std::string source =
      "\n{% for m in messages %}\n{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt "
      "%}assistant: {% endif %}";
  CHECK_THAT(marked(source, kTwoTurns),
             Catch::StartsWith("f:1: messages[1]: the chat template t:2 does not show "
                               "a special token at the end of this turn"));
}

TEST_CASE("what a tool says inside the assistant's turn is never trained") {
  const std::string source =
      "{% for m in messages %}{% if m.role == 'assistant' %}<|im_start|>{{ m.content }}<|im_end|>{% if not "
      "loop.last and messages[loop.index].role == 'tool' %}<|call|>{{ messages[loop.index].content "
      "}}<|eom_id|>{% endif %}{% elif m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>{% endif %}";
  CHECK_THAT(
      marked(source, {turn("user", "q"), turn("assistant", "a"), turn("tool", "x"), turn("assistant", "b")}),
      Catch::Contains(
          "messages[1]: the chat template t:1 does not show where this turn ends and what others say "
          "begins"));
}

TEST_CASE("a template that leaves a said answer out is an error, one that leaves out an empty one is not") {
  const std::string source =
      "{% for m in messages if not m.hidden %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor "
      "%}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  Json messages = kTwoTurns;
  messages[1]["hidden"] = true;
  CHECK_THAT(marked(source, messages), Catch::Contains("messages[1]: the chat template t:1 does not show"));
  messages[1]["content"] = " ";
  CHECK(marked(source, messages) ==
        "<|im_start|>user\nq<|im_end|><|im_start|>user\nr<|im_end|><|im_start|>assistant\n⟦b<|im_end|>⟧");
}

TEST_CASE("a template that counts instead of looping over the messages is followed by the contents") {
  const std::string source =
      "{% for i in range(messages|length) %}{% set m = messages[i] %}<|im_start|>{{ m.role }}\n{{ m.content "
      "}}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  CHECK(marked(source, kTwoTurns) ==
        "<|im_start|>user\nq<|im_end|><|im_start|>assistant\n⟦a<|im_end|>⟧<|im_start|>user\nr<|im_end|>"
        "<|im_start|>assistant\n⟦b<|im_end|>⟧");
}

TEST_CASE("with train_on last only the last answer is trained, by marks and without") {
  lore::ExampleSettings settings;
  settings.train_on = lore::parse_train_on("last");
  const std::string expected =
      "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n⟦b<|im_end|>⟧\n";
  CHECK(marked(kChatml, kTwoTurns, settings) == expected);
  CHECK(marked(lore::named_chat_template("chatml")->source(), kTwoTurns, settings) == expected);
  CHECK_THROWS_WITH(lore::parse_train_on("first"), Catch::Contains("not one of all, last"));
}

TEST_CASE("an answer with weight 0 is context") {
  Json messages = kTwoTurns;
  messages[1]["weight"] = 0;
  messages[3]["weight"] = 1;
  messages[0]["weight"] = 0;
  const std::string expected =
      "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n⟦b<|im_end|>⟧\n";
  CHECK(marked(kChatml, messages) == expected);
  CHECK(marked(lore::named_chat_template("chatml")->source(), messages) == expected);
  // The template does not see it.
  CHECK_THAT(marked("{% for m in messages %}{{ m.keys()|join }}{{ m.content }}</s>{% endfor %}", messages),
             Catch::StartsWith("rolecontentq</s>"));
  messages[3]["weight"] = 0;
  CHECK_THAT(marked(kChatml, messages), Catch::Contains("weight 0 at all messages of the assistant"));
  lore::ExampleSettings last;
  last.train_on = lore::TrainOn::kLast;
  messages[1]["weight"] = 1;
  CHECK_THAT(marked(kChatml, messages, last), Catch::Contains("weight 0 at its last message"));
  for (const Json& weight : {Json(0.5), Json(2), Json(-1), Json("1"), Json(true)}) {
    messages[1]["weight"] = weight;
    CHECK_THAT(marked(kChatml, messages), Catch::Contains("messages[1]: weight is 0 (context only) or 1"));
  }
  messages[1]["weight"] = nullptr;
  CHECK(marked(kChatml, messages) ==
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n"
        "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n");
  messages[0]["weight"] = 1;
  CHECK_THAT(marked(kChatml, messages),
             Catch::Contains("messages[0]: has weight 1, but only the assistant's"));
}

TEST_CASE("marks that cover nothing are an error with the template's line") {
  const std::string source =
      "{% for m in messages %}{{ m.content }}\n{% if m.role == 'model' %}{% generation %}{{ m.content }}"
      "{% endgeneration %}{% endif %}{% endfor %}";
  CHECK(marked(source, kTwoTurns) ==
        "f:1: row: the {% generation %} marks of the chat template t:2 cover nothing of what is to be "
        "trained in "
        "this conversation");
}

TEST_CASE("null content beside tool calls reaches a template that takes text only as an empty text") {
  const std::string source =
      "{% for m in messages %}<|im_start|>{{ m.role + '\n' + m.content }}{% for c in m.tool_calls or [] "
      "%}<|call|>{{ c.function.name }}{% endfor %}<|im_end|>{% endfor %}{% if add_generation_prompt "
      "%}<|im_start|>assistant\n{% endif %}";
  Json call = turn("assistant", nullptr);
  call["tool_calls"] = {{{"function", {{"name", "f"}}}}};
  CHECK(marked(source, {turn("user", "q"), call}) ==
        "<|im_start|>user\nq<|im_end|><|im_start|>assistant\n⟦<|call|>f<|im_end|>⟧");
}

TEST_CASE("the turns found without marks are those that the marks of Lore's own templates give") {
  const auto unmarked = [](std::string source) {
    for (const auto& [mark, plain] : {std::pair("{%- generation %}", "{%- if true %}"),
                                      std::pair("{%- endgeneration %}", "{%- endif %}")}) {
      for (std::size_t at = source.find(mark); at != std::string::npos; at = source.find(mark)) {
        source.replace(at, std::string_view(mark).size(), plain);
      }
    }
    return source;
  };
  Json call = turn("assistant", "");
  call["tool_calls"] = {{{"type", "function"}, {"function", {{"name", "f"}, {"arguments", {{"a", 1}}}}}}};
  const Json system = turn("system", "S");
  const Json conversations = {
      kTwoTurns,
      {system, turn("user", "q"), turn("assistant", "a"), turn("user", "a"), turn("assistant", "a")},
      {turn("user", " q\n"), turn("assistant", "\n a \n"), turn("user", "r"), turn("assistant", "  b")},
      {turn("user", "q"), turn("assistant", ""), turn("user", "r"), turn("assistant", "b")},
      {turn("user", "q"), turn("assistant", "a"), turn("user", "r")},
      {turn("user", "q"), turn("assistant", "<think>\nx\n</think>\n\na"), turn("user", "r"),
       turn("assistant", "<think>\ny\n</think>\n\nb")},
      {turn("user", "q"), call, turn("tool", "1"), turn("assistant", "a"), turn("user", "r"), call},
      {system, turn("assistant", "a"), turn("user", "q"), turn("assistant", "b"), turn("assistant", "c")}};
  int compared = 0;
  for (const auto name : lore::named_chat_templates()) {
    const std::string source = lore::named_chat_template(name)->source();
    for (const Json& messages : conversations) {
      const std::string by_marks = marked(source, messages);
      if (by_marks.starts_with("f:1: ")) {
        CHECK(marked(unmarked(source), messages).starts_with("f:1: "));
        continue;
      }
      CHECK(marked(unmarked(source), messages) == by_marks);
      ++compared;
    }
  }
  CHECK(compared >= 60);
}
