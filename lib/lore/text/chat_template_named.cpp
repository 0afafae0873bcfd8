#include <string>
#include <vector>

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
constexpr std::string_view kLlama3 = R"({{- bos_token if messages }}
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

// Llama 3.1 as its own template has it, without built-in tools: dates in the system turn, tools in the first
// user turn, calls as JSON, answers of tools from `ipython`.
constexpr std::string_view kLlama31 = R"(
{%- set day = date_string if date_string is defined else '26 Jul 2024' %}
{%- set system = messages[0]['content'] | trim if messages[0]['role'] == 'system' else '' %}
{%- set turns = messages[1:] if messages[0]['role'] == 'system' else messages %}
{{- bos_token + '<|start_header_id|>system<|end_header_id|>\n\n' + ('Environment: ipython\n' if tools else '') }}
{{- 'Cutting Knowledge Date: December 2023\nToday Date: ' + day + '\n\n' + system + '<|eot_id|>' }}
{%- for message in turns %}
    {%- set calls = message.tool_calls if message.tool_calls is defined else none %}
    {%- set role = 'ipython' if message['role'] in ['tool', 'ipython'] else message['role'] %}
    {%- set role = 'user' if tools and loop.first else role %}
    {{- '<|start_header_id|>' + role + '<|end_header_id|>\n\n' }}
    {%- if tools and loop.first %}
        {{- 'Given the following functions, please respond with a JSON for a function call ' }}
        {{- 'with its proper arguments that best answers the given prompt.\n\nRespond in the format ' }}
        {{- '{"name": function name, "parameters": dictionary of argument name and its value}.' }}
        {{- 'Do not use variables.\n\n' }}
        {%- for tool in tools %}
            {{- tool | tojson(indent=4) + '\n\n' }}
        {%- endfor %}
    {%- endif %}
    {%- if role == 'ipython' %}
        {{- message['content'] | tojson + '<|eot_id|>' }}
    {%- elif calls %}
        {%- if calls | length > 1 %}
            {{- raise_exception('this format has one tool call a turn') }}
        {%- endif %}
        {%- set call = calls[0].function if calls[0].function is defined else calls[0] %}
        {%- generation %}
            {{- '{"name": "' + call.name + '", "parameters": ' + call.arguments | tojson + '}<|eot_id|>' }}
        {%- endgeneration %}
    {%- elif role == 'assistant' %}
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

// Mistral 7B Instruct v0.3: the system prompt goes into the last user turn.
constexpr std::string_view kMistral = R"(
{%- set turns = messages[1:] if messages[0]['role'] == 'system' else messages %}
{%- set last_user = turns | selectattr('role', 'equalto', 'user') | list | last %}
{{- bos_token }}
{%- for message in turns %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('after the system message, user and assistant take turns') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- set said = messages[0]['content'] + '\n\n' if turns | length < messages | length and message == last_user else '' %}
        {{- '[INST] ' + said + message['content'] + '[/INST]' }}
    {%- else %}
        {%- generation %}
            {{- ' ' + message['content'] | trim + eos_token }}
        {%- endgeneration %}
    {%- endif %}
{%- endfor %})";

// Zephyr and TinyLlama chat: <|ROLE|>, the content, EOS.
constexpr std::string_view kZephyr = R"({%- for message in messages %}
    {{- '<|' + message['role'] + '|>\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
            {{- message['content'] + eos_token }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + eos_token }}
    {%- endif %}
    {{- '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>\n' }}
{%- endif %})";

// SmolLM2: ChatML with a system message of its own.
constexpr std::string_view kSmollm2 = R"({%- if messages[0]['role'] != 'system' %}
    {{- '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}
{%- endif %})";

// Qwen: the system message and the tools.
constexpr std::string_view kQwenTools = R"(
    {{- '# Tools\n\nYou may call one or more functions to assist with the user query.\n\n' }}
    {{- 'You are provided with function signatures within <tools></tools> XML tags:\n<tools>' }}
    {%- for tool in tools %}
        {{- '\n' + tool | tojson }}
    {%- endfor %}
    {{- '\n</tools>\n\nFor each function call, return a json object with function name and arguments within ' }}
    {{- '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, ' }}
    {{- '"arguments": <args-json-object>}\n</tool_call><|im_end|>\n' }})";

// Qwen: the answers of tools, in one user turn.
constexpr std::string_view kQwenResults = R"(
    {%- elif message.role == 'tool' %}
        {%- if loop.first or loop.previtem.role != 'tool' %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' ~ (message.content or '') ~ '\n</tool_response>' }}
        {%- if loop.last or loop.nextitem.role != 'tool' %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }})";

constexpr std::string_view kQwen25Start =
    R"({%- set system = messages[0].content if messages[0].role == 'system' else 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' %}
{{- '<|im_start|>system\n' ~ system }}
{%- if tools %}
    {{- '\n\n' }})";

constexpr std::string_view kQwen25Turns = R"(
{%- else %}
    {{- '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set said = '\n' + message.content if message.content or not message.tool_calls else '' %}
        {{- '<|im_start|>assistant\n' }}
        {%- generation %}
            {{- said[1:] }}
            {%- for call in message.tool_calls or [] %}
                {%- set call = call.function if call.function is defined else call %}
                {{- '\n' if said or not loop.first }}
                {{- '<tool_call>\n{"name": "' + call.name + '", "arguments": ' + call.arguments | tojson }}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
            {{- '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\n' }})";

constexpr std::string_view kQwen3Start =
    R"({%- set system = messages[0].content if messages[0].role == 'system' else '' %}
{%- if tools %}
    {{- '<|im_start|>system\n' + (system + '\n\n' if messages[0].role == 'system' else '') }})";

// The thoughts of the turns behind the last question are shown, those before it are not, as the model is
// used.
constexpr std::string_view kQwen3Turns = R"(
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + system + '<|im_end|>\n' }}
{%- endif %}
{%- set last = namespace(question=messages | length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- set said = message.content if message.content is string else '' %}
    {%- if not last.found and message.role == 'user' and message.content is string and not (said.startswith('<tool_response>') and said.endswith('</tool_response>')) %}
        {%- set last.found = true %}
        {%- set last.question = loop.revindex0 %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set said = message.content if message.content is string else '' %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + said + '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set thought = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thought = message.reasoning_content %}
        {%- elif '</think>' in said %}
            {%- set thought = said.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set said = said.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {{- '<|im_start|>assistant\n' }}
        {%- generation %}
            {%- if loop.index0 > last.question and (loop.last or thought) %}
                {{- '<think>\n' + thought.strip('\n') + '\n</think>\n\n' + said.lstrip('\n') }}
            {%- else %}
                {{- said }}
            {%- endif %}
            {%- for call in message.tool_calls or [] %}
                {%- set call = call.function if call.function is defined else call %}
                {{- '\n' if said or not loop.first }}
                {{- '<tool_call>\n{"name": "' + call.name + '", "arguments": ' }}
                {{- call.arguments if call.arguments is string else call.arguments | tojson }}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
            {{- '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\n' }})";

constexpr std::string_view kQwen3End = R"(
    {{- '<think>\n\n</think>\n\n' if enable_thinking is defined and enable_thinking is false }})";

constexpr std::string_view kEndIf = "\n{%- endif %}";

struct Named {
  std::string_view name;
  std::vector<std::string_view> parts;  ///< of its source
};

const std::vector<Named>& named() {
  static const std::vector<Named> all = {
      {"chatml", {kChatml}},
      {"llama2", {kLlama2}},
      {"llama3", {kLlama3}},
      {"llama3.1", {kLlama31}},
      {"mistral", {kMistral}},
      {"qwen2.5", {kQwen25Start, kQwenTools, kQwen25Turns, kQwenResults, kEndIf}},
      {"qwen3", {kQwen3Start, kQwenTools, kQwen3Turns, kQwenResults, kQwen3End, kEndIf}},
      {"smollm2", {kSmollm2, kChatml}},
      {"zephyr", {kZephyr}}};
  return all;
}

}  // namespace

std::optional<ChatTemplate> named_chat_template(std::string_view name) {
  for (const Named& known : named()) {
    if (known.name == name) {
      std::string source;
      for (const std::string_view part : known.parts) {
        source += part;
      }
      return ChatTemplate::compile(std::move(source), std::string(name));
    }
  }
  return {};
}

std::vector<std::string_view> named_chat_templates() {
  std::vector<std::string_view> names;
  for (const Named& known : named()) {
    names.push_back(known.name);
  }
  return names;
}

}  // namespace lore
