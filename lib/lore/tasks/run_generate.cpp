#include "lore/tasks/run_generate.h"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "lore/adapters/peft_files.h"
#include "lore/core/calendar_date.h"
#include "lore/data/example_builder.h"
#include "lore/data/template_choice.h"
#include "lore/generate/decoding.h"
#include "lore/tasks/base_model.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

/// What asks for an answer to `prompt`, as a row of training data would have it.
nlohmann::ordered_json row_of(const std::string& prompt, const std::string& system, bool chat) {
  if (!chat) {
    return {{"prompt", prompt}};
  }
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  if (!system.empty()) {
    messages.push_back({{"role", "system"}, {"content", system}});
  }
  messages.push_back({{"role", "user"}, {"content", prompt}});
  return {{"messages", messages}};
}

}  // namespace

void run_generate(const GenerateRequest& request, const Environment& environment, Messages& messages,
                  const std::function<void(const GeneratedAnswer&)>& on_answer) {
  const std::filesystem::path path = find_base(request.model, environment);
  const auto tokenizer = load_tokenizer(path);
  TemplateChoice choice = choose_chat_template(request.chat_template, path);
  const bool chat = choice.chat_template.has_value();
  ExampleSettings settings;
  settings.ensures_bos = choice.named;
  settings.now = time_for_template(request.date.empty() ? date_of_seconds(std::time(nullptr)) : request.date);
  const ExampleBuilder builder(tokenizer, std::move(choice.chat_template), settings);
  const BaseModel base = load_base(request.model, path, messages);
  struct Contestant {
    std::string name;
    AdapterSet adapters;
  };
  std::vector<Contestant> contestants;
  if (request.adapter.empty() || request.compare) {
    contestants.push_back({"base", AdapterSet()});
  }
  if (!request.adapter.empty()) {
    std::vector<std::string> warnings;
    contestants.push_back({"adapter", load_peft_adapter(request.adapter, *base.model, warnings).weights});
    for (const std::string& warning : warnings) {
      messages.warning(warning);
    }
  }
  const DecodingLimits limits{request.max_new_tokens, stop_ids(base, *tokenizer)};
  for (const std::string& prompt : request.prompts) {
    const std::vector<std::int32_t> ids = builder.build_prompt(row_of(prompt, request.system, chat));
    for (const Contestant& contestant : contestants) {
      const auto start = std::chrono::steady_clock::now();
      const std::vector<std::int32_t> answer =
          decode_greedily(*base.model, contestant.adapters, ids, limits,
                          [&](std::int32_t) { return *environment.signal == 0; });
      if (*environment.signal != 0) {
        return;
      }
      on_answer({prompt, contestant.name, tokenizer->decode(answer, /*skip_special_tokens=*/true),
                 static_cast<std::int64_t>(ids.size()), static_cast<std::int64_t>(answer.size()),
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    }
  }
}

}  // namespace lore
