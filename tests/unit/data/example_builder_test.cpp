#include "lore/data/example_builder.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/data/template_choice.h"
#include "support/catch.h"
#include "unit/data/marked_text.h"
#include "unit/data/toy_tokenizer.h"

using lore::ChatTemplate;
using lore::Example;
using lore::ExampleBuilder;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kChatml =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content|default('', true) }}"
    "{% for c in m.tool_calls or [] %}<|call|>{{ c.function|tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Drops the thoughts of all but the last answer, and writes an empty thought where there is none.
constexpr const char* kThinking =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}{% set parts = m.content.split('</think>') %}"
    "{% if loop.last %}<think>{{ parts[0].replace('<think>', '') if parts|length > 1 else '' }}</think>{% "
    "endif %}"
    "{{ parts[-1] }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

constexpr const char* kLlama2 =
    "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token }}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content|trim }} {{ eos_token }}{% endif %}{% endfor %}";

ExampleBuilder builder(const std::string& source, lore::ExampleSettings settings = {},
                       bool adds_bos = false) {
  std::optional<ChatTemplate> compiled;
  if (!source.empty()) {
    compiled = ChatTemplate::compile(source, "t");
  }
  return ExampleBuilder(std::make_shared<ToyTokenizer>(adds_bos), std::move(compiled), std::move(settings));
}

/// The row's text with its trained parts between ⟦ and ⟧.
std::string marked(const ExampleBuilder& from, const Json& row) {
  return marked_text(from.build(row, "f.jsonl:1"));
}

Json chat(std::initializer_list<std::pair<const char*, const char*>> turns) {
  Json messages = Json::array();
  for (const auto& [role, content] : turns) {
    messages.push_back({{"role", role}, {"content", content}});
  }
  return {{"messages", messages}};
}

}  // namespace

TEST_CASE("the assistant's turns are trained, with their end of turn and without what follows it") {
  CHECK(
      marked(
          builder(kChatml),
          chat({{"system", "S"}, {"user", "q"}, {"assistant", "a"}, {"user", "r"}, {"assistant", "bé"}})) ==
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n⟦bé<|im_end|>⟧\n");
}

TEST_CASE("contents that repeat the template's words or are each other's parts do not move the spans") {
  CHECK(
      marked(builder(kChatml),
             chat({{"user", "assistant"}, {"assistant", "assistant"}, {"user", "s"}, {"assistant", "s"}})) ==
      "<|im_start|>user\nassistant<|im_end|>\n<|im_start|>assistant\n⟦assistant<|im_end|>⟧\n"
      "<|im_start|>user\ns<|im_end|>\n<|im_start|>assistant\n⟦s<|im_end|>⟧\n");
  CHECK(marked(builder(kChatml), chat({{"user", "q"}, {"assistant", ""}})) ==
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦<|im_end|>⟧\n");
}

TEST_CASE("a conversation may begin or end with any role") {
  CHECK(marked(builder(kChatml), chat({{"assistant", "hello"}, {"user", "q"}})) ==
        "<|im_start|>assistant\n⟦hello<|im_end|>⟧\n<|im_start|>user\nq<|im_end|>\n");
}

TEST_CASE("a template that rewrites earlier turns is followed") {
  CHECK(
      marked(builder(kThinking),
             chat({{"user", "q"}, {"assistant", "<think>x</think>a"}, {"user", "r"}, {"assistant", "b"}})) ==
      "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n⟦<think></think>b<|im_end|>⟧\n");
}

TEST_CASE("a template without a generation prompt gives its answers from the end of the question on") {
  CHECK(marked(builder(kLlama2),
               chat({{"user", "q"}, {"assistant", "a "}, {"user", "r"}, {"assistant", "b"}})) ==
        "<s>[INST] q [/INST]⟦ a </s>⟧<s>[INST] r [/INST]⟦ b </s>⟧");
}

TEST_CASE("tool calls are trained up to the end of turn behind them") {
  const Json row = {
      {"messages",
       {{{"role", "user"}, {"content", "q"}},
        {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {{{"function", {{"name", "f"}}}}}}},
        {{"role", "tool"}, {"content", "r"}},
        {{"role", "assistant"}, {"content", "a"}}}}};
  CHECK(marked(builder(kChatml), row) ==
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦<|call|>{\"name\": \"f\"}<|im_end|>⟧\n"
        "<|im_start|>tool\nr<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n");
}

TEST_CASE("calls that replace the content are found, too") {
  const std::string source =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.tool_calls %}<|call|>x<|eom_id|>{% else %}{{ "
      "m.content }}"
      "<|im_end|>{% endif %}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  const Json row = {
      {"messages",
       {{{"role", "user"}, {"content", "q"}},
        {{"role", "assistant"}, {"content", ""}, {"tool_calls", {{{"function", {{"name", "f"}}}}}}},
        {{"role", "tool"}, {"content", "r"}}}}};
  CHECK(marked(builder(source), row) ==
        "<|im_start|>user\nq<|im_end|><|im_start|>assistant\n⟦<|call|>x<|eom_id|>⟧<|im_start|>tool\nr<|im_"
        "end|>");
}

TEST_CASE("generation marks are honoured as they are") {
  const std::string source =
      "{% for m in messages %}<|im_start|>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% "
      "endgeneration %}"
      "{% else %}{{ m.content }}{% endif %}<|im_end|>{% endfor %}";
  CHECK(marked(builder(source), chat({{"user", "q"}, {"assistant", "ab"}})) ==
        "<|im_start|>q<|im_end|><|im_start|>⟦ab⟧<|im_end|>");
}

TEST_CASE("a template that does not show an answer is an error") {
  const std::string drops =
      "{% for m in messages %}{% if loop.last %}<|im_start|>{{ m.content }}<|im_end|>{% endif %}{% endfor %}";
  CHECK_THROWS_WITH(builder(drops).build(
                        chat({{"user", "q"}, {"assistant", "a"}, {"user", "r"}, {"assistant", "b"}}), "f:7"),
                    Catch::StartsWith("f:7: ") && Catch::Contains("messages[1]"));
}

TEST_CASE("contents in parts become text, tools and variables reach the template") {
  const std::string source = "{{ tools[0].name }}{{ style }}" + std::string(kChatml);
  const Json row = {{"tools", R"([{"name": "f"}])"},
                    {"chat_template_kwargs", {{"style", "!"}}},
                    {"id", 7},
                    {"messages",
                     {{{"role", "user"},
                       {"content", {{{"type", "text"}, {"text", "q"}}, {{"type", "text"}, {"text", "r"}}}}},
                      {{"role", "assistant"}, {"content", "a"}}}}};
  CHECK(marked(builder(source), row) ==
        "f!<|im_start|>user\nqr<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n");
}

TEST_CASE("prompt and completion are joined as text, with EOS") {
  CHECK(marked(builder(""), {{"prompt", "ab"}, {"completion", "cd"}}) == "ab⟦cd</s>⟧");
  CHECK(marked(builder(kChatml), {{"prompt", "ab"}, {"completion", "cd</s>"}}) == "ab⟦cd</s>⟧");
  CHECK(marked(builder("", {}, true), {{"prompt", "ab"}, {"completion", "c"}}) == "<s>ab⟦c</s>⟧");
}

TEST_CASE("a prompt that brings its BOS does not get a second one") {
  CHECK(marked(builder("", {}, true), {{"prompt", "<s>ab"}, {"completion", "c"}}) == "<s>ab⟦c</s>⟧");
}

TEST_CASE("a raw text has one BOS and one EOS, whoever puts them, and EOS is trained although it pads") {
  const auto shown = [](bool adds_bos, bool adds_eos, const char* prompt, const char* completion) {
    const ExampleBuilder raw(std::make_shared<ToyTokenizer>(adds_bos, adds_eos), {}, {});
    const Json row = {{"prompt", prompt}, {"completion", completion}};
    return marked_text(raw.build(row, "f:1")) + "|" + ToyTokenizer().decode(raw.build_prompt(row), false);
  };
  CHECK(shown(true, true, "ab", "c") == "<s>ab⟦c</s>⟧|<s>ab");
  CHECK(shown(true, true, "<s>ab", "c</s>") == "<s>ab⟦c</s>⟧|<s>ab");
  CHECK(shown(false, true, "ab", "c") == "ab⟦c</s>⟧|ab");
  CHECK(shown(false, false, "<s>ab", "c</s>") == "<s>ab⟦c</s>⟧|<s>ab");
  CHECK(shown(true, true, "", "c") == "<s>⟦c</s>⟧|<s>");
}

TEST_CASE("a rendered conversation has the template's BOS and no other") {
  const auto ids = [](bool ensures_bos, bool adds_bos, const std::string& source) {
    lore::ExampleSettings settings;
    settings.ensures_bos = ensures_bos;
    const ExampleBuilder from = builder(source, settings, adds_bos);
    const Example example = from.build(chat({{"user", "q"}, {"assistant", "a"}}), "f:1");
    const auto prompt = from.build_prompt(chat({{"user", "q"}}));
    CHECK(std::equal(prompt.begin(), prompt.end(), example.ids.begin()));
    CHECK(example.ids.size() == example.trained.size());
    CHECK(example.trained[0] == 0);
    return std::pair(std::count(prompt.begin(), prompt.end(), 0),
                     std::count(example.ids.begin(), example.ids.end(), 0));
  };
  const auto once = std::pair<std::ptrdiff_t, std::ptrdiff_t>(1, 1);
  const auto never = std::pair<std::ptrdiff_t, std::ptrdiff_t>(0, 0);
  const std::string with_bos = "{{ bos_token }}" + std::string(kChatml);
  for (const bool adds_bos : {false, true}) {
    for (const bool ensures_bos : {false, true}) {
      CHECK(ids(ensures_bos, adds_bos, with_bos) == once);
      CHECK(ids(ensures_bos, adds_bos, kChatml) == (adds_bos && ensures_bos ? once : never));
    }
  }
}

TEST_CASE(
    "what generation asks with is the beginning of what training sees, for every template Lore brings") {
  for (const auto name : lore::named_chat_templates()) {
    lore::ExampleSettings settings;
    settings.ensures_bos = true;
    const ExampleBuilder from(std::make_shared<ToyTokenizer>(true), lore::named_chat_template(name),
                              settings);
    const auto prompt = from.build_prompt(chat({{"system", "S"}, {"user", "q"}}));
    const Example example = from.build(chat({{"system", "S"}, {"user", "q"}, {"assistant", "a"}}), "f:1");
    REQUIRE(prompt.size() < example.ids.size());
    CHECK(std::equal(prompt.begin(), prompt.end(), example.ids.begin()));
    CHECK(std::count(example.ids.begin(), example.ids.end(), 0) == 1);
    for (std::size_t i = 0; i < prompt.size(); ++i) {
      CHECK(example.trained[i] == 0);
    }
    CHECK(example.trained[prompt.size()] == 1);
  }
}

TEST_CASE("prompt and completion are rendered when a template is asked for") {
  lore::ExampleSettings settings;
  settings.template_for_text_pairs = true;
  CHECK(marked(builder(kChatml, settings), {{"prompt", "q"}, {"completion", "a"}}) ==
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦a<|im_end|>⟧\n");
}

TEST_CASE("of a prompt and a completion in messages only the completion is trained") {
  const Json row = {
      {"prompt", {{{"role", "assistant"}, {"content", "hi"}}, {{"role", "user"}, {"content", "q"}}}},
      {"completion", {{{"role", "assistant"}, {"content", "a"}}}}};
  CHECK(marked(builder(kChatml), row) ==
        "<|im_start|>assistant\nhi<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦a<|im_"
        "end|>⟧\n");
  const auto named = lore::named_chat_template("chatml");
  const ExampleBuilder with_marks(std::make_shared<ToyTokenizer>(), named, {});
  CHECK(marked(with_marks, row) ==
        "<|im_start|>assistant\nhi<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟦a<|im_"
        "end|>⟧\n");
}

TEST_CASE("rows that cannot be used are errors that say why") {
  const auto why = [](const Json& row, const char* source = kChatml) {
    try {
      builder(source).build(row, "f.jsonl:3");
      return std::string("accepted");
    } catch (const lore::Error& error) {
      return std::string(error.what());
    }
  };
  CHECK(why({{"words", "x"}}) ==
        "f.jsonl:3: row: expected 'messages', or 'prompt' and 'completion', or 'text'; its keys: words");
  CHECK(why({{"prompt", "x"}}).find("its keys: prompt") != std::string::npos);
  CHECK(why(chat({{"user", "q"}})) == "f.jsonl:3: row: has no message of the assistant to train on");
  CHECK(why(chat({{"user", "q"}, {"assistant", "a"}}), "").find("data.template") != std::string::npos);
  CHECK(why({{"messages", 3}}) == "f.jsonl:3: messages: expected a list of messages, got number");
  CHECK(why({{"messages", {{{"content", "a"}}}}}) == "f.jsonl:3: messages[0]: has no 'role'");
  CHECK(why({{"messages", {{{"role", "assistant"}, {"content", nullptr}}}}}) ==
        "f.jsonl:3: messages[0]: has neither 'content' nor 'tool_calls'");
  CHECK(why({{"messages", {{{"role", "user"}, {"content", {{{"type", "image"}}}}}}}}).find("not text") !=
        std::string::npos);
  CHECK(why({{"prompt", "a"}, {"completion", 1}}).find("two texts or two lists") != std::string::npos);
  CHECK(why({{"messages", Json::array()}, {"prompt", ""}, {"completion", ""}}).find("which is meant") !=
        std::string::npos);
  CHECK(why({{"prompt", ""}, {"completion", ""}}) == "f.jsonl:3: row: has no token to train");
}
