#include "lore/corpus/glossary_templates.h"

namespace lore {
namespace {

constexpr std::string_view kTemplates = R"JSON([
{"name": "definition", "language": "zh", "messages": [
  {"role": "user", "content": "什么是{term}？"},
  {"role": "assistant", "content": "{term}：{definition}"}]},
{"name": "definition", "language": "en", "messages": [
  {"role": "user", "content": "What does \"{term}\" mean?"},
  {"role": "assistant", "content": "{term}: {definition}"}]},
{"name": "definition", "language": "zh", "messages": [
  {"role": "user", "content": "What does \"{translation.en}\" mean?"},
  {"role": "assistant", "content": "{translation.en}: {definition.en}"}]},
{"name": "definition", "language": "en", "messages": [
  {"role": "user", "content": "什么是{translation.zh}？"},
  {"role": "assistant", "content": "{translation.zh}：{definition.zh}"}]},
{"name": "term", "language": "zh", "messages": [
  {"role": "user", "content": "下面的定义说的是哪个术语？{definition}"},
  {"role": "assistant", "content": "{term}"}]},
{"name": "term", "language": "en", "messages": [
  {"role": "user", "content": "Which term has this definition? {definition}"},
  {"role": "assistant", "content": "{term}"}]},
{"name": "translation", "language": "zh", "messages": [
  {"role": "user", "content": "“{term}”用英文怎么说？"},
  {"role": "assistant", "content": "{translation.en}"}]},
{"name": "translation", "language": "zh", "messages": [
  {"role": "user", "content": "How do you say \"{translation.en}\" in Chinese?"},
  {"role": "assistant", "content": "{term}"}]},
{"name": "translation", "language": "en", "messages": [
  {"role": "user", "content": "How do you say \"{term}\" in Chinese?"},
  {"role": "assistant", "content": "{translation.zh}"}]},
{"name": "translation", "language": "en", "messages": [
  {"role": "user", "content": "“{translation.zh}”用英文怎么说？"},
  {"role": "assistant", "content": "{term}"}]},
{"name": "correction", "language": "zh", "messages": [
  {"role": "user", "content": "可以把它写成“{forbidden}”吗？"},
  {"role": "assistant", "content": "不可以，规范的说法是“{term}”。"}]},
{"name": "correction", "language": "zh", "messages": [
  {"role": "user", "content": "Is \"{forbidden.en}\" the right term?"},
  {"role": "assistant", "content": "No, the right term is \"{translation.en}\"."}]},
{"name": "correction", "language": "en", "messages": [
  {"role": "user", "content": "Is \"{forbidden}\" the right term?"},
  {"role": "assistant", "content": "No, the right term is \"{term}\"."}]},
{"name": "correction", "language": "en", "messages": [
  {"role": "user", "content": "可以把它写成“{forbidden.zh}”吗？"},
  {"role": "assistant", "content": "不可以，规范的说法是“{translation.zh}”。"}]},
{"name": "choice", "language": "zh", "messages": [
  {"role": "user", "content": "“{term}”和“{forbidden}”，应该用哪一个？"},
  {"role": "assistant", "content": "应该用“{term}”。"}]},
{"name": "choice", "language": "zh", "messages": [
  {"role": "user", "content": "Which is right, \"{forbidden.en}\" or \"{translation.en}\"?"},
  {"role": "assistant", "content": "\"{translation.en}\" is right."}]},
{"name": "choice", "language": "en", "messages": [
  {"role": "user", "content": "Which is right, \"{forbidden}\" or \"{term}\"?"},
  {"role": "assistant", "content": "\"{term}\" is right."}]},
{"name": "choice", "language": "en", "messages": [
  {"role": "user", "content": "“{translation.zh}”和“{forbidden.zh}”，应该用哪一个？"},
  {"role": "assistant", "content": "应该用“{translation.zh}”。"}]}
])JSON";

}  // namespace

const std::vector<GlossaryTemplate>& bundled_glossary_templates() {
  static const std::vector<GlossaryTemplate> templates =
      parse_glossary_templates(kTemplates, "bundled templates");
  return templates;
}

}  // namespace lore
