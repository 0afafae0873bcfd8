// Generates for the interop tests, in float32.
//
//   generation_probe answers    INPUT.json OUT.json
//   generation_probe candidates INPUT.json OUT.json
//
// answers: {"model": PATH, "adapter": PATH or "", "prompts": [[ids], ...], "max_new_tokens": .., "stop_ids":
// [..]}; writes the ids of the greedy answers, made in one batch. candidates: {"logits": FILE with F32
// "logits" [N, V], "cases": [{"row": .., "seen": [ids], "temperature": .., "top_k": .., "top_p": .., "min_p":
// .., "repetition_penalty": ..}, ...]}; writes [{"ids": [..], "probabilities": [..]}, ...].

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lore/adapters/peft_files.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors.h"
#include "lore/generate/generate_answers.h"

namespace {

nlohmann::json answers(const nlohmann::json& input) {
  const auto source = lore::open_weights(input.at("model").get<std::string>());
  const lore::LlamaForCausalLm model(*source, at::kFloat, at::kCPU);
  lore::AdapterSet adapters;
  if (const auto path = input.at("adapter").get<std::string>(); !path.empty()) {
    std::vector<std::string> warnings;
    adapters = lore::load_peft_adapter(path, model, warnings).weights;
  }
  lore::GenerationSettings settings;
  settings.max_new_tokens = input.at("max_new_tokens");
  settings.stop_ids = input.at("stop_ids").get<std::vector<std::int64_t>>();
  nlohmann::json result = nlohmann::json::array();
  for (const lore::Answer& answer : lore::generate_answers(
           model, adapters, input.at("prompts").get<std::vector<std::vector<std::int32_t>>>(), settings)) {
    result.push_back(answer.ids);
  }
  return result;
}

nlohmann::json candidates(const nlohmann::json& input) {
  const lore::SafetensorsFile file = lore::SafetensorsFile::open(input.at("logits").get<std::string>());
  const lore::TensorView& logits = *file.find("logits");
  std::vector<float> row(static_cast<std::size_t>(logits.shape[1]));
  nlohmann::json result = nlohmann::json::array();
  for (const nlohmann::json& given : input.at("cases")) {
    const std::size_t bytes = row.size() * sizeof(float);
    std::memcpy(row.data(), logits.bytes.data() + given.at("row").get<std::size_t>() * bytes, bytes);
    lore::SamplingSettings settings;
    settings.temperature = given.at("temperature");
    settings.top_k = given.at("top_k");
    settings.top_p = given.at("top_p");
    settings.min_p = given.at("min_p");
    lore::penalize_repetition(row, given.at("seen").get<std::vector<std::int32_t>>(),
                              given.at("repetition_penalty"));
    nlohmann::json ids = nlohmann::json::array();
    nlohmann::json probabilities = nlohmann::json::array();
    for (const lore::Candidate& candidate : lore::filtered_candidates(row, settings)) {
      ids.push_back(candidate.id);
      probabilities.push_back(candidate.probability);
    }
    result.push_back({{"ids", ids}, {"probabilities", probabilities}});
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: generation_probe answers|candidates INPUT.json OUT.json\n");
    return 2;
  }
  try {
    std::ifstream file(argv[2]);
    const nlohmann::json input = nlohmann::json::parse(file);
    std::ofstream(argv[3]) << (std::string(argv[1]) == "answers" ? answers(input) : candidates(input)).dump();
  } catch (const lore::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.kind());
  }
}
