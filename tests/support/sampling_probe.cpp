// Filters logits for the interop tests.
//
//   sampling_probe INPUT.safetensors CASES.json
//
// INPUT holds "logits" F32 [N, V]. CASES: [{"row": 0, "seen": [ids], "temperature": .., "top_k": .., "top_p":
// .., "min_p": .., "repetition_penalty": ..}, ...]. Prints one line a case: {"ids": [...], "probabilities":
// [...]}.

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/formats/safetensors.h"
#include "lore/generate/sampling.h"

namespace {

void run(const std::string& input, const std::string& cases) {
  const lore::SafetensorsFile file = lore::SafetensorsFile::open(input);
  const lore::TensorView& logits = *file.find("logits");
  const auto vocabulary = static_cast<std::size_t>(logits.shape[1]);
  std::ifstream stream(cases);
  for (const nlohmann::json& given : nlohmann::json::parse(stream)) {
    std::vector<float> row(vocabulary);
    std::memcpy(row.data(),
                logits.bytes.data() + given.at("row").get<std::size_t>() * vocabulary * sizeof(float),
                vocabulary * sizeof(float));
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
    fmt::print("{}\n", nlohmann::json{{"ids", ids}, {"probabilities", probabilities}}.dump());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: sampling_probe INPUT.safetensors CASES.json\n");
    return 2;
  }
  try {
    run(argv[1], argv[2]);
  } catch (const lore::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.kind());
  }
}
