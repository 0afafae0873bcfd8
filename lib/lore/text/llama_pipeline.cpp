#include "lore/text/llama_pipeline.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace lore {

Pipeline llama_pipeline(SpacePrefix scheme, bool prefix) {
  using nlohmann::json;
  constexpr const char* kSpace = "\u2581";
  Pipeline pipeline;
  if (scheme == SpacePrefix::kEveryPiece) {
    json steps = json::array();
    if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", kSpace}});
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}});
    pipeline.normalizer = make_normalizer({{"type", "Sequence"}, {"normalizers", steps}}, "normalizer");
  } else {
    json metaspace = {{"type", "Metaspace"},
                      {"replacement", kSpace},
                      {"prepend_scheme", prefix ? "first" : "never"},
                      {"split", false}};
    pipeline.pre_tokenizer = make_pre_tokenizer(metaspace, "pre_tokenizer", false).step;
  }
  json decoders = json::array({{{"type", "Replace"}, {"pattern", {{"String", kSpace}}}, {"content", " "}},
                               {{"type", "ByteFallback"}},
                               {{"type", "Fuse"}}});
  if (prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  pipeline.decoder = make_token_decoder({{"type", "Sequence"}, {"decoders", decoders}}, "decoder");
  return pipeline;
}

}  // namespace lore
