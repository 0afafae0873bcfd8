#include "lore/text/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "lore/core/utf8.h"
#include "lore/text/json_fields.h"
#include "lore/text/regex.h"
#include "lore/text/regex_field.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

Behavior behavior_field(const JsonFields& fields, std::string_view otherwise) {
  std::string name = fields.text("behavior", otherwise);
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  fields.refuse(fmt::format("the behavior \"{}\" is unknown", name));
}

struct Stretch {
  ByteRange range;
  bool match;
};

/// Matches and what lies between them, covering `size` bytes; `invert` swaps the two.
std::vector<Stretch> stretches(const std::vector<ByteRange>& matches, std::size_t size, bool invert) {
  std::vector<Stretch> all;
  all.reserve(matches.size() * 2 + 1);
  std::size_t covered = 0;
  for (const ByteRange& match : matches) {
    if (covered != match.begin) all.push_back({{covered, match.begin}, invert});
    all.push_back({match, !invert});
    covered = match.end;
  }
  if (covered != size) all.push_back({{covered, size}, invert});
  return all;
}

void split_piece(const Piece& piece, const std::vector<ByteRange>& matches, Behavior behavior, bool invert,
                 Pieces& pieces) {
  std::vector<Stretch> all = stretches(matches, piece.end - piece.begin, invert);
  std::vector<ByteRange> ranges;
  ranges.reserve(all.size());
  bool previous = false;
  auto join_matching = [&](const Stretch& stretch, bool join) {
    if (join && !ranges.empty()) {
      ranges.back() = {std::min(ranges.back().begin, stretch.range.begin),
                       std::max(ranges.back().end, stretch.range.end)};
    } else {
      ranges.push_back(stretch.range);
    }
    previous = stretch.match;
  };
  switch (behavior) {
    case Behavior::kIsolated:
      for (const Stretch& stretch : all) ranges.push_back(stretch.range);
      break;
    case Behavior::kRemoved:
      for (const Stretch& stretch : all) {
        if (!stretch.match) ranges.push_back(stretch.range);
      }
      break;
    case Behavior::kContiguous:
      for (const Stretch& stretch : all) join_matching(stretch, stretch.match == previous);
      break;
    case Behavior::kMergedWithPrevious:
      for (const Stretch& stretch : all) join_matching(stretch, stretch.match && !previous);
      break;
    case Behavior::kMergedWithNext:
      for (auto stretch = all.rbegin(); stretch != all.rend(); ++stretch) {
        join_matching(*stretch, stretch->match && !previous);
      }
      std::reverse(ranges.begin(), ranges.end());
      break;
  }
  for (const ByteRange& range : ranges) {
    pieces.add({piece.source, piece.begin + range.begin, piece.begin + range.end, std::nullopt});
  }
}

/// A step that looks at one piece at a time.
class PieceSplitter : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    for (const Piece& piece : pieces.take()) {
      if (piece.added) {
        pieces.add(piece);
      } else {
        split(piece, pieces);
      }
    }
  }

 private:
  /// Adds what `piece` becomes.
  virtual void split(const Piece& piece, Pieces& pieces) const = 0;
};

class SplitPreTokenizer : public PieceSplitter {
 public:
  SplitPreTokenizer(Regex pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(const Piece& piece, Pieces& pieces) const override {
    std::vector<ByteRange> matches;
    pattern_.find_all(piece.text(), matches);
    split_piece(piece, matches, behavior_, invert_, pieces);
  }

 private:
  Regex pattern_;
  Behavior behavior_;
  bool invert_;
};

/// Splits at every character of a class.
class CharacterPreTokenizer : public PieceSplitter {
 public:
  CharacterPreTokenizer(std::function<bool(char32_t)> matches, Behavior behavior)
      : matches_(std::move(matches)), behavior_(behavior) {}
  void split(const Piece& piece, Pieces& pieces) const override {
    std::vector<ByteRange> matches;
    std::string_view text = piece.text();
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
      if (matches_(next_character(text, end))) matches.push_back({begin, end});
    }
    split_piece(piece, matches, behavior_, false, pieces);
  }

 private:
  std::function<bool(char32_t)> matches_;
  Behavior behavior_;
};

/// Runs of word characters and runs of what is neither that nor white space.
class WhitespacePreTokenizer : public PieceSplitter {
 public:
  void split(const Piece& piece, Pieces& pieces) const override {
    std::string_view text = piece.text();
    enum class Kind { kSpace, kWord, kOther };
    Kind previous = Kind::kSpace;
    std::size_t run = 0;
    auto end_run = [&](std::size_t at) {
      if (previous != Kind::kSpace)
        pieces.add({piece.source, piece.begin + run, piece.begin + at, std::nullopt});
    };
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
      char32_t c = next_character(text, end);
      Kind kind = is_word_character(c) ? Kind::kWord : is_whitespace(c) ? Kind::kSpace : Kind::kOther;
      if (kind == previous) continue;
      end_run(begin);
      run = begin;
      previous = kind;
    }
    end_run(text.size());
  }
};

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

class ByteLevelPreTokenizer : public PieceSplitter {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, bool use_regex, bool leave_bytes)
      : add_prefix_space_(add_prefix_space), leave_bytes_(leave_bytes) {
    if (use_regex) pattern_ = Regex::pattern(kGpt2Pattern);
  }
  void split(const Piece& original, Pieces& pieces) const override {
    Piece piece = original;
    if (add_prefix_space_ && piece.text()[0] != ' ') {
      AlignedText& prefixed = pieces.add_text(*piece.source, piece.begin, piece.end);
      prefixed.prepend(" ");
      piece = {&prefixed, 0, prefixed.text().size(), std::nullopt};
    }
    std::vector<ByteRange> matches;
    if (pattern_) pattern_->find_all(piece.text(), matches);
    for (const Stretch& stretch : stretches(matches, piece.end - piece.begin, false)) {
      Piece part{piece.source, piece.begin + stretch.range.begin, piece.begin + stretch.range.end,
                 std::nullopt};
      if (!leave_bytes_ && part.begin < part.end) {
        AlignedText& mapped = pieces.add_text(*part.source, part.begin, part.end);
        mapped.map_bytes();
        part = {&mapped, 0, mapped.text().size(), std::nullopt};
      }
      pieces.add(part);
    }
  }

 private:
  bool add_prefix_space_;
  bool leave_bytes_;
  std::optional<Regex> pattern_;
};

class MetaspacePreTokenizer : public PieceSplitter {
 public:
  enum class Prepend { kAlways, kFirst, kNever };

  MetaspacePreTokenizer(char32_t replacement, Prepend prepend, bool split)
      : space_(Regex::literal(" ")), marker_(Regex::literal("")), prepend_(prepend), split_(split) {
    append_utf8(replacement_, replacement);
    marker_ = Regex::literal(replacement_);
  }
  void split(const Piece& piece, Pieces& pieces) const override {
    AlignedText& text = pieces.add_text(*piece.source, piece.begin, piece.end);
    std::size_t begin_in_original = piece.source->origin(piece.begin, piece.end).begin;
    std::vector<ByteRange> matches;
    space_.find_all(text.text(), matches);
    text.replace(matches, replacement_);
    bool wanted = prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && begin_in_original == 0);
    if (wanted && text.text().substr(0, replacement_.size()) != replacement_) text.prepend(replacement_);
    Piece whole{&text, 0, text.text().size(), std::nullopt};
    if (!split_) {
      pieces.add(whole);
      return;
    }
    marker_.find_all(text.text(), matches);
    split_piece(whole, matches, Behavior::kMergedWithNext, false, pieces);
  }

 private:
  std::string replacement_;
  Regex space_;
  Regex marker_;
  Prepend prepend_;
  bool split_;
};

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<const PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  void apply(Pieces& pieces) const override {
    for (const auto& step : steps_) step->apply(pieces);
  }

 private:
  std::vector<std::unique_ptr<const PreTokenizer>> steps_;
};

std::unique_ptr<const PreTokenizer> make_metaspace(const JsonFields& fields) {
  using Prepend = MetaspacePreTokenizer::Prepend;
  std::string scheme = fields.text("prepend_scheme", "always");
  Prepend prepend = scheme == "always"  ? Prepend::kAlways
                    : scheme == "first" ? Prepend::kFirst
                                        : Prepend::kNever;
  if (prepend == Prepend::kNever && scheme != "never") {
    fields.refuse(fmt::format("the prepend_scheme \"{}\" is unknown", scheme));
  }
  if (!fields.boolean("add_prefix_space", true) && prepend != Prepend::kNever) {
    fields.refuse("add_prefix_space is false, but prepend_scheme is not \"never\"");
  }
  return std::make_unique<MetaspacePreTokenizer>(fields.character("replacement"), prepend,
                                                 fields.boolean("split", true));
}

PreTokenizerPlan make_sequence(const JsonFields& fields, bool may_leave_bytes) {
  const nlohmann::json& list = fields.array("pretokenizers");
  std::vector<std::unique_ptr<const PreTokenizer>> steps;
  bool leaves_bytes = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string subject = fmt::format("{}.pretokenizers[{}]", fields.subject(), i);
    PreTokenizerPlan step = make_pre_tokenizer(list[i], subject, may_leave_bytes && i + 1 == list.size());
    if (step.step == nullptr) fields.refuse("a step of the sequence is null");
    leaves_bytes = step.leaves_bytes;
    steps.push_back(std::move(step.step));
  }
  return {std::make_unique<PreTokenizerSequence>(std::move(steps)), leaves_bytes};
}

}  // namespace

PreTokenizer::~PreTokenizer() = default;

PreTokenizerPlan make_pre_tokenizer(const nlohmann::json& description, const std::string& subject,
                                    bool may_leave_bytes) {
  if (description.is_null()) return {};
  JsonFields fields(description, subject);
  std::string type = fields.text("type");
  auto by_character = [](auto matches, Behavior behavior) {
    return PreTokenizerPlan{std::make_unique<CharacterPreTokenizer>(matches, behavior), false};
  };
  if (type == "Sequence") return make_sequence(fields, may_leave_bytes);
  if (type == "Metaspace") return {make_metaspace(fields), false};
  if (type == "Whitespace") return {std::make_unique<WhitespacePreTokenizer>(), false};
  if (type == "WhitespaceSplit") return by_character(is_whitespace, Behavior::kRemoved);
  if (type == "Punctuation") return by_character(is_punctuation, behavior_field(fields, "Isolated"));
  if (type == "Digits") {
    return by_character(is_numeric,
                        fields.boolean("individual_digits") ? Behavior::kIsolated : Behavior::kContiguous);
  }
  if (type == "CharDelimiterSplit") {
    char32_t delimiter = fields.character("delimiter");
    return by_character([delimiter](char32_t c) { return c == delimiter; }, Behavior::kRemoved);
  }
  if (type == "Split") {
    return {std::make_unique<SplitPreTokenizer>(regex_field(fields), behavior_field(fields, ""),
                                                fields.boolean("invert")),
            false};
  }
  if (type == "ByteLevel") {
    return {std::make_unique<ByteLevelPreTokenizer>(fields.boolean("add_prefix_space"),
                                                    fields.boolean("use_regex", true), may_leave_bytes),
            may_leave_bytes};
  }
  fields.refuse(fmt::format("the pre-tokenizer \"{}\" is not supported", type));
}

}  // namespace lore
