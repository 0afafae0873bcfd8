#include "lore/tasks/run_generate.h"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "lore/adapters/peft_files.h"
#include "lore/core/error.h"
#include "lore/data/template_choice.h"
#include "lore/generate/decoding.h"
#include "lore/tasks/base_model.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

std::vector<std::int32_t> prompt_ids(const GenerateRequest& request, const std::string& prompt,
                                     const TemplateChoice& choice, const Tokenizer& tokenizer) {
  if (!choice.chat_template) {
    return tokenizer.encode(prompt, /*add_special_tokens=*/true);
  }
  nlohmann::ordered_json chat = nlohmann::ordered_json::array();
  if (!request.system.empty()) {
    chat.push_back({{"role", "system"}, {"content", request.system}});
  }
  chat.push_back({{"role", "user"}, {"content", prompt}});
  RenderOptions options;
  options.add_generation_prompt = true;
  options.special_tokens = tokenizer.special_tokens().by_name;
  options.now = std::to_string(std::time(nullptr));
  return tokenizer.encode(choice.chat_template->render(chat, options).text, /*add_special_tokens=*/false);
}

}  // namespace

void run_generate(const GenerateRequest& request, const Environment& environment, Messages& messages,
                  const std::function<void(const GeneratedAnswer&)>& on_answer) {
  const std::filesystem::path path = find_base(request.model, environment);
  const auto tokenizer = load_tokenizer(path);
  const TemplateChoice choice = choose_chat_template(request.chat_template, path);
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
    const std::vector<std::int32_t> ids = prompt_ids(request, prompt, choice, *tokenizer);
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
