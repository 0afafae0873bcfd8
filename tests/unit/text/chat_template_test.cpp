#include "lore/text/chat_template.h"

#include <array>
#include <fstream>
#include <thread>
#include <vector>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using lore::ChatTemplate;
using lore::RenderOptions;
using Json = nlohmann::ordered_json;

namespace {

const Json kChat = {{{"role", "user"}, {"content", "你好"}}, {{"role", "assistant"}, {"content", "Hi"}}};

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

TEST_CASE("a template sees messages, tools, special tokens and variables") {
  RenderOptions options;
  options.tools = Json::array({{{"name", "f"}}});
  options.special_tokens["bos_token"] = "<s>";
  options.variables = {{"style", "terse"}};
  options.add_generation_prompt = true;
  const auto compiled = ChatTemplate::compile(
      "{{ bos_token }}{{ tools[0].name }}{{ style }}{{ messages[0].content }}{{ add_generation_prompt }}{{ "
      "documents }}",
      "t");
  CHECK(compiled.render(kChat, options).text == "<s>fterse你好TrueNone");
  CHECK(ChatTemplate::compile("{{ tools is none }}", "t").render(kChat, {}).text == "True");
}

TEST_CASE("generation blocks record their bytes") {
  const auto compiled = ChatTemplate::compile(
      "{% for m in messages %}{{ m.content }}|{% generation %}{{ m.role }}!{% endgeneration %}\n{% endfor %}",
      "t");
  const auto rendered = compiled.render(kChat, {});
  CHECK(rendered.text == "你好|user!Hi|assistant!");  // trim_blocks takes the newline
  REQUIRE(rendered.generation_spans.size() == 2);
  CHECK(rendered.text.substr(rendered.generation_spans[1].first,
                             rendered.generation_spans[1].second - rendered.generation_spans[1].first) ==
        "assistant!");
  CHECK(rendered.generation_spans[0] == std::pair<std::size_t, std::size_t>(7, 12));
  CHECK(compiled.marks_generation());
  CHECK_FALSE(ChatTemplate::compile("generation", "t").marks_generation());
}

TEST_CASE("what a loop over the messages writes is recorded, innermost loops first") {
  const auto spans = [](const char* source) {
    std::vector<std::array<std::size_t, 4>> result;
    for (const auto& span : ChatTemplate::compile(source, "t").render(kChat, {}).message_spans) {
      result.push_back({span.message, span.begin, span.end, static_cast<std::size_t>(span.line)});
    }
    return result;
  };
  using Spans = std::vector<std::array<std::size_t, 4>>;
  CHECK(spans("s\n{% for m in messages %}{{ m.content }}{% endfor %}e") ==
        Spans{{0, 2, 8, 2}, {1, 8, 10, 2}});
  CHECK(spans("{% for m in messages[1:] + messages %}{{ m.content }}{% endfor %}") ==
        Spans{{1, 0, 2, 1}, {0, 2, 8, 1}, {1, 8, 10, 1}});
  CHECK(spans("{% for m in messages if m.role == 'user' %}<{% for n in messages|reverse %}{{ n.content }}{% "
              "endfor "
              "%}>{% endfor %}") == Spans{{1, 1, 3, 1}, {0, 3, 9, 1}, {0, 0, 10, 1}});
  // Nothing written, written elsewhere, or not the messages.
  CHECK(spans("{% for m in messages %}{% set x %}{{ m.content }}{% endset %}{% endfor %}").empty());
  CHECK(spans("{% for m in messages %}{% endfor %}{% for m in ['a'] %}{{ m }}{% endfor %}").empty());
  CHECK(spans("{% set messages = [{'content': 'x'}] %}{% for m in messages %}{{ m.content }}{% endfor %}")
            .empty());
}

TEST_CASE("what a template raises names template, line and message") {
  const auto compiled =
      ChatTemplate::compile("\n{{ raise_exception('roles must alternate') }}", "model/x.jinja");
  CHECK_THROWS_WITH(compiled.render(kChat, {}),
                    "model/x.jinja:2: the template refuses this conversation: roles must alternate");
}

TEST_CASE("the time is the one given, and asking for it without one is an error") {
  const auto compiled = ChatTemplate::compile("{{ strftime_now('%d %b %Y') }}{{ strftime_now('') }}", "t");
  RenderOptions options;
  options.now = "1770253323";
  CHECK(compiled.render(kChat, options).text == "05 Feb 2026");
  CHECK_THROWS_AS(compiled.render(kChat, {}), lore::Error);
}

TEST_CASE("one template renders in several threads at once") {
  const auto compiled = ChatTemplate::compile("{% for m in messages %}{{ m.content }}{% endfor %}", "t");
  std::vector<std::string> texts(8);
  std::vector<std::jthread> threads;
  for (std::string& text : texts) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        text = compiled.render(kChat, {}).text;
      }
    });
  }
  threads.clear();
  CHECK(texts == std::vector<std::string>(8, "你好Hi"));
}

TEST_CASE("a folder's chat_template.jinja comes before its tokenizer_config.json") {
  const TemporaryFolder folder;
  CHECK_FALSE(lore::find_chat_template(folder.path()));
  write(folder / "tokenizer_config.json", R"({"chat_template": "from config"})");
  CHECK(lore::find_chat_template(folder.path())->source() == "from config");
  write(folder / "chat_template.jinja", "from file");
  CHECK(lore::find_chat_template(folder.path())->source() == "from file");
  std::filesystem::create_directory(folder / "additional_chat_templates");
  write(folder / "additional_chat_templates/tool_use.jinja", "for tools");
  CHECK(lore::find_chat_template(folder.path())->for_tools(Json::array()).source() == "for tools");
}

TEST_CASE("of a list of templates the default one is taken, with tools the one for tools") {
  const TemporaryFolder folder;
  write(
      folder / "tokenizer_config.json",
      R"({"chat_template": [{"name": "tool_use", "template": "a"}, {"name": "default", "template": "b"}]})");
  const auto both = lore::find_chat_template(folder.path());
  CHECK(both->source() == "b");
  CHECK(both->for_tools(nullptr).source() == "b");
  CHECK(both->for_tools(Json::array()).source() == "a");
  CHECK(both->identity() != lore::ChatTemplate::compile("b", "t").identity());
  write(folder / "tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "a"}]})");
  CHECK_THROWS_AS(lore::find_chat_template(folder.path()), lore::Error);
  write(folder / "tokenizer_config.json", R"({"chat_template": null})");
  CHECK_FALSE(lore::find_chat_template(folder.path()));
}

TEST_CASE("the templates Lore brings mark each answer with its end of turn") {
  RenderOptions options;
  options.special_tokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  const Json chat = {{{"role", "system"}, {"content", "S"}},
                     {{"role", "user"}, {"content", "q"}},
                     {{"role", "assistant"}, {"content", "a"}},
                     {{"role", "user"}, {"content", "r"}},
                     {{"role", "assistant"}, {"content", "b"}}};
  const auto expect = [&](const char* name, const char* text, const char* first_span) {
    const auto rendered = lore::named_chat_template(name)->render(chat, options);
    CHECK(rendered.text == text);
    REQUIRE(rendered.generation_spans.size() == 2);
    const auto [begin, end] = rendered.generation_spans[0];
    CHECK(rendered.text.substr(begin, end - begin) == first_span);
  };
  expect(
      "chatml",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n",
      "a<|im_end|>");
  expect("llama2", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nq [/INST] a </s><s>[INST] r [/INST] b </s>", " a </s>");
  expect("llama3",
         "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|"
         ">\n\n"
         "q<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\na<|eot_id|><|start_header_id|>user"
         "<|end_header_id|>\n\nr<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>",
         "a<|eot_id|>");
  CHECK_FALSE(lore::named_chat_template("nonsense"));
  expect("zephyr",
         "<|system|>\nS</s>\n<|user|>\nq</s>\n<|assistant|>\na</s>\n<|user|>\nr</s>\n<|assistant|>\nb</s>\n",
         "a</s>");
  expect("mistral", "<s>[INST] q[/INST] a</s>[INST] S\n\nr[/INST] b</s>", " a</s>");
  expect(
      "smollm2",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n",
      "a<|im_end|>");
  expect(
      "qwen2.5",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n",
      "a<|im_end|>");
  expect(
      "qwen3",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
      "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nb<|im_end|>\n",
      "a<|im_end|>");
  expect(
      "llama3.1",
      "<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: "
      "26 Jul "
      "2024\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|><|start_header_id|>assistant"
      "<|end_header_id|>\n\na<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nr<|eot_id|><|start_header_"
      "id|>"
      "assistant<|end_header_id|>\n\nb<|eot_id|>",
      "a<|eot_id|>");
}

TEST_CASE("a template Lore brings renders a question as the beginning of its answered form") {
  RenderOptions options;
  options.special_tokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  for (const auto name : lore::named_chat_templates()) {
    const auto compiled = lore::named_chat_template(name);
    CHECK(compiled->marks_generation());
    Json messages = {{{"role", "system"}, {"content", "S"}}, {{"role", "user"}, {"content", "q"}}};
    options.add_generation_prompt = true;
    const std::string prompt = compiled->render(messages, options).text;
    messages.push_back({{"role", "assistant"}, {"content", "a"}});
    options.add_generation_prompt = false;
    const auto answered = compiled->render(messages, options);
    CHECK(answered.text.starts_with(prompt));
    REQUIRE(answered.generation_spans.size() == 1);
    CHECK(answered.generation_spans[0].first == prompt.size());
  }
}
