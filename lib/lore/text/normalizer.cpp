#include "lore/text/normalizer.h"

#include <fmt/format.h>

#include <utility>

#include "lore/core/utf8.h"
#include "lore/text/json_fields.h"
#include "lore/text/regex.h"
#include "lore/text/regex_field.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

class FormNormalizer : public Normalizer {
 public:
  explicit FormNormalizer(NormalizationForm form) : form_(form) {}
  void apply(AlignedText& text) const override { normalize(text, form_); }

 private:
  NormalizationForm form_;
};

class LowercaseNormalizer : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    std::vector<TextChange> changes;
    std::string_view old = text.text();
    for (std::size_t i = 0; i < old.size();) append_lowercase(changes, next_character(old, i));
    text.transform(changes, 0);
  }
};

class PrependNormalizer : public Normalizer {
 public:
  explicit PrependNormalizer(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(AlignedText& text) const override { text.prepend(prefix_); }

 private:
  std::string prefix_;
};

class ReplaceNormalizer : public Normalizer {
 public:
  ReplaceNormalizer(Regex pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(AlignedText& text) const override {
    std::vector<ByteRange> matches;
    pattern_.find_all(text.text(), matches);
    text.replace(matches, content_);
  }

 private:
  Regex pattern_;
  std::string content_;
};

class StripNormalizer : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text) const override {
    std::string_view old = text.text();
    std::size_t begin = 0;
    std::size_t end = old.size();
    for (std::size_t at = 0; left_ && at < old.size() && is_whitespace(next_character(old, at));) begin = at;
    while (right_ && end > begin) {
      std::size_t last = end - 1;
      while (is_utf8_continuation(old[last])) --last;
      std::size_t at = last;
      if (!is_whitespace(next_character(old, at))) break;
      end = last;
    }
    if (begin > 0 || end < old.size()) text.keep(begin, end);
  }

 private:
  bool left_;
  bool right_;
};

class ByteLevelNormalizer : public Normalizer {
 public:
  void apply(AlignedText& text) const override { text.map_bytes(); }
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<const Normalizer>> steps)
      : steps_(std::move(steps)) {}
  void apply(AlignedText& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> steps_;
};

}  // namespace

Normalizer::~Normalizer() = default;

std::unique_ptr<const Normalizer> make_normalizer(const nlohmann::json& description,
                                                  const std::string& subject) {
  if (description.is_null()) return nullptr;
  JsonFields fields(description, subject);
  std::string type = fields.text("type");
  if (type == "NFC") return std::make_unique<FormNormalizer>(NormalizationForm::kNfc);
  if (type == "NFD") return std::make_unique<FormNormalizer>(NormalizationForm::kNfd);
  if (type == "NFKC") return std::make_unique<FormNormalizer>(NormalizationForm::kNfkc);
  if (type == "NFKD") return std::make_unique<FormNormalizer>(NormalizationForm::kNfkd);
  if (type == "Lowercase") return std::make_unique<LowercaseNormalizer>();
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "Prepend") return std::make_unique<PrependNormalizer>(fields.text("prepend"));
  if (type == "Replace")
    return std::make_unique<ReplaceNormalizer>(regex_field(fields), fields.text("content"));
  if (type == "Strip") {
    return std::make_unique<StripNormalizer>(fields.boolean("strip_left"), fields.boolean("strip_right"));
  }
  if (type == "Sequence") {
    auto steps = make_each(fields.array("normalizers"), subject + ".normalizers", make_normalizer);
    for (const auto& step : steps) {
      if (step == nullptr) fields.refuse("a step of the sequence is null");
    }
    return std::make_unique<NormalizerSequence>(std::move(steps));
  }
  fields.refuse(fmt::format("the normalizer \"{}\" is not supported", type));
}

}  // namespace lore
