#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A piece of a sentencepiece model, with the types of its protocol buffer.
struct SentencePiece {
  enum class Type { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
  std::string text;
  float score;
  Type type;
};

/// The vocabulary of a tokenizer.model.
struct SentencePieceModel {
  std::vector<SentencePiece> pieces;
  std::string unk_piece;
};

/// Reads a BPE model with sentencepiece, after checking the framing of its protocol buffer: sentencepiece
/// before 0.2.1 reads out of bounds on some damaged files (CVE-2026-1260).
/// Throws: Error kInput for a file over 256 MiB, a damaged one, or a model that is not BPE.
SentencePieceModel read_sentencepiece_model(std::string_view bytes, const std::string& subject);

}  // namespace lore
