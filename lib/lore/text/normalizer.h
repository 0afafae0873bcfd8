#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lore/text/aligned_text.h"

namespace lore {

/// A step that rewrites the text before it is split, as in tokenizer.json's `normalizer`.
class Normalizer {
 public:
  virtual ~Normalizer();
  virtual void apply(AlignedText& text) const = 0;
};

/// NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, ByteLevel or a Sequence of them.
/// Null for a JSON null. `subject` stands for the place in errors.
/// Throws: Error kInput for another type or a wrong field.
std::unique_ptr<const Normalizer> make_normalizer(const nlohmann::json& description,
                                                  const std::string& subject);

}  // namespace lore
