#include <array>

#include "lore/text/chat_template.h"

namespace lore {
namespace {

// ChatML: <|im_start|>ROLE, the content, <|im_end|>.
constexpr std::string_view kChatml = R"({%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
            {{- message['content'] + '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + '<|im_end|>' }}
    {%- endif %}
    {{- '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %})";

// Llama 2: the system prompt goes into the first user turn; each pair of turns has its own BOS and EOS.
constexpr std::string_view kLlama2 = R"({%- set turns = namespace(system='') %}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}
        {%- set turns.system = '<<SYS>>\n' + message['content'] | trim + '\n<</SYS>>\n\n' %}
    {%- elif message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + turns.system + message['content'] | trim + ' [/INST]' }}
        {%- set turns.system = '' %}
    {%- elif message['role'] == 'assistant' %}
        {%- generation %}
            {{- ' ' + message['content'] | trim + ' ' + eos_token }}
        {%- endgeneration %}
    {%- else %}
        {{- raise_exception('the roles are system, user and assistant, not ' + message['role']) }}
    {%- endif %}
{%- endfor %})";

// Llama 3: <|start_header_id|>ROLE<|end_header_id|>, two newlines, the content, <|eot_id|>.
constexpr std::string_view kLlama3 = R"({{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
            {{- message['content'] | trim + '<|eot_id|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %})";

constexpr std::array<std::string_view, 3> kNames = {"chatml", "llama2", "llama3"};
constexpr std::array<std::string_view, 3> kSources = {kChatml, kLlama2, kLlama3};

}  // namespace

std::optional<ChatTemplate> named_chat_template(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return ChatTemplate::compile(std::string(kSources[i]), std::string(name));
    }
  }
  return {};
}

std::span<const std::string_view> named_chat_templates() { return kNames; }

}  // namespace lore
