#include "lore/text/sentencepiece_model.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <cmath>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/utf8.h"

namespace lore {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr std::size_t kLongestPiece = 4096;

/// Walks the fields of one message of the protocol buffer wire format.
class Message {
 public:
  Message(std::string_view bytes, const std::string& subject) : bytes_(bytes), subject_(subject) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (at_ == bytes_.size()) return false;
    std::uint64_t tag = varint();
    field_ = tag >> 3;
    if (field_ == 0 || field_ > 0x1FFFFFFF) damaged("a field number is out of range");
    switch (tag & 7) {
      case 0:
        number_ = varint();
        content_ = {};
        break;
      case 1:
        content_ = take(8);
        break;
      case 2:
        content_ = take(varint());
        break;
      case 5:
        content_ = take(4);
        break;
      default:
        damaged("a field has an unknown wire type");
    }
    wire_type_ = static_cast<int>(tag & 7);
    return true;
  }

  std::uint64_t field() const { return field_; }
  std::string_view content() const {
    if (wire_type_ != 2) damaged("a field has the wrong type");
    return content_;
  }
  std::uint64_t number() const {
    if (wire_type_ != 0) damaged("a field has the wrong type");
    return number_;
  }

  [[noreturn]] void damaged(std::string_view message) const {
    throw Error(ErrorKind::kInput, subject_, fmt::format("not a sentencepiece model: {}", message));
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) damaged("it ends within a number");
      auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    damaged("a number is too long");
  }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) damaged("it ends within a field");
    std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += static_cast<std::size_t>(size);
    return taken;
  }

  std::string_view bytes_;
  const std::string& subject_;
  std::size_t at_ = 0;
  std::uint64_t field_ = 0;
  int wire_type_ = 0;
  std::uint64_t number_ = 0;
  std::string_view content_;
};

// Field numbers of sentencepiece_model.proto.
enum ModelField { kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3 };
enum PieceField { kPiece = 1, kType = 3 };
enum TrainerField { kModelType = 3, kUnkPiece = 45 };
constexpr std::uint64_t kBpe = 2;

/// What the wire format says that sentencepiece's interface does not.
struct Framing {
  std::vector<SentencePiece::Type> types;
  std::uint64_t model_type = 1;
  std::string unk_piece = "<unk>";
};

SentencePiece::Type read_piece_type(Message piece) {
  std::uint64_t type = 1;
  while (piece.next()) {
    if (piece.field() == kType) type = piece.number();
    if (piece.field() != kPiece) continue;
    std::string_view text = piece.content();
    if (text.empty() || text.size() > kLongestPiece)
      piece.damaged("a piece is empty or longer than 4096 bytes");
    if (!is_valid_utf8(text)) piece.damaged("a piece is not UTF-8");
  }
  if (type < 1 || type > 6) piece.damaged("a piece has an unknown type");
  return static_cast<SentencePiece::Type>(type);
}

Framing check_framing(std::string_view bytes, const std::string& subject) {
  Framing framing;
  Message model(bytes, subject);
  while (model.next()) {
    if (model.field() == kPieces) framing.types.push_back(read_piece_type({model.content(), subject}));
    if (model.field() == kTrainerSpec) {
      Message trainer(model.content(), subject);
      while (trainer.next()) {
        if (trainer.field() == kModelType) framing.model_type = trainer.number();
        if (trainer.field() == kUnkPiece) framing.unk_piece = trainer.content();
      }
    }
    if (model.field() == kNormalizerSpec) {
      Message normalizer(model.content(), subject);
      while (normalizer.next()) {
      }
    }
  }
  if (framing.types.empty()) model.damaged("it has no pieces");
  return framing;
}

}  // namespace

SentencePieceModel read_sentencepiece_model(std::string_view bytes, const std::string& subject) {
  if (bytes.size() > kMostBytes)
    throw Error(ErrorKind::kInput, subject, "a sentencepiece model over 256 MiB");
  Framing framing = check_framing(bytes, subject);
  if (framing.model_type != kBpe) {
    constexpr std::string_view kNames[] = {"", "Unigram", "BPE", "word", "character"};
    std::string_view name = framing.model_type < 5 ? kNames[framing.model_type] : "unknown";
    throw Error(ErrorKind::kInput, subject,
                fmt::format("sentencepiece models of type {} are not supported; BPE is", name));
  }
  sentencepiece::SentencePieceProcessor processor;
  auto status = processor.LoadFromSerializedProto({bytes.data(), bytes.size()});
  if (!status.ok()) throw Error(ErrorKind::kInput, subject, status.ToString());
  if (static_cast<std::size_t>(processor.GetPieceSize()) != framing.types.size()) {
    throw Error(ErrorKind::kInput, subject, "not a sentencepiece model: pieces are lost on loading");
  }
  SentencePieceModel model;
  model.unk_piece = std::move(framing.unk_piece);
  model.pieces.reserve(framing.types.size());
  for (std::size_t i = 0; i < framing.types.size(); ++i) {
    int id = static_cast<int>(i);
    float score = processor.GetScore(id);
    if (std::isnan(score)) throw Error(ErrorKind::kInput, subject, fmt::format("piece {} has no score", i));
    model.pieces.push_back({processor.IdToPiece(id), score, framing.types[i]});
  }
  return model;
}

}  // namespace lore
