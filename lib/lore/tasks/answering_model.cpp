#include "lore/tasks/answering_model.h"

#include <fmt/format.h>

#include <ctime>

#include "lore/core/calendar_date.h"
#include "lore/core/error.h"
#include "lore/data/template_choice.h"
#include "lore/tasks/adapter_folder.h"

namespace lore {
namespace {

void check_sampling(const SamplingSettings& sampling) {
  if (sampling.is_greedy() && (sampling.top_k != 0 || sampling.top_p != 1 || sampling.min_p != 0)) {
    throw Error(ErrorKind::kUsage, "sampling",
                "top-k, top-p and min-p choose among tokens that are drawn: give a temperature above 0, too");
  }
}

std::vector<Contestant> load_contestants(const AnsweringSpec& spec, const LlamaForCausalLm& model,
                                         Messages& messages) {
  std::vector<Contestant> contestants;
  if (spec.adapter.empty() || spec.compare) {
    contestants.push_back({"base", AdapterSet()});
  }
  if (!spec.adapter.empty()) {
    contestants.push_back({"adapter", load_adapter(spec.adapter, model, messages).weights});
  }
  return contestants;
}

}  // namespace

AnsweringModel load_answering_model(const AnsweringSpec& spec, const Environment& environment,
                                    Messages& messages) {
  check_sampling(spec.settings.sampling);
  const std::filesystem::path path = find_base(spec.model, environment);
  const auto tokenizer = load_tokenizer(path);
  TemplateChoice choice = choose_chat_template(spec.chat_template, path);
  const bool chats = choice.chat_template.has_value();
  ExampleSettings rows;
  rows.ensures_bos = choice.named;
  rows.now = time_for_template(spec.date.empty() ? date_of_seconds(std::time(nullptr)) : spec.date);
  ExampleBuilder builder(tokenizer, std::move(choice.chat_template), rows);
  BaseModel base = load_base(spec.model, path, Purpose::kAnswering, environment, messages);
  GenerationSettings settings = spec.settings;
  settings.stop_ids = stop_ids(base, *tokenizer);
  std::vector<std::string> stop;
  for (const std::string& text : spec.stop) {
    if (text.empty()) {
      throw Error(ErrorKind::kUsage, "stop text", "is empty");
    }
    const std::optional<std::int32_t> id = tokenizer->id_of(text);
    if (id && tokenizer->is_special(*id)) {
      settings.stop_ids.push_back(*id);  // it has no text of its own to be found in an answer
    } else {
      stop.push_back(text);
    }
  }
  std::vector<Contestant> contestants = load_contestants(spec, *base.model, messages);
  return {std::move(base),        tokenizer,           std::move(builder), chats,
          std::move(contestants), std::move(settings), std::move(stop)};
}

void warn_of_length(const AnsweringModel& model, std::int64_t prompt_tokens, Messages& messages) {
  const std::int64_t positions = model.base.model->config().max_position_embeddings;
  if (prompt_tokens + model.settings.max_new_tokens > positions) {
    messages.warning(fmt::format(
        "a prompt of {} tokens and an answer of up to {} are more than the {} the model was made for",
        prompt_tokens, model.settings.max_new_tokens, positions));
  }
}

}  // namespace lore
