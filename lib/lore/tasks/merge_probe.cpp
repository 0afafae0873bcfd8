#include "lore/tasks/merge_probe.h"

#include <algorithm>
#include <memory>
#include <sstream>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/philox.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

constexpr std::size_t kSequences = 8;
constexpr std::size_t kLength = 64;

// Long lines go over two literals each.
// NOLINTBEGIN(bugprone-suspicious-missing-comma)
const std::vector<std::string> kDefaultLines{
    "A risk-control threshold is the value at which a transaction is held back for review before it is "
    "settled. It is set from past losses and checked every quarter by the risk committee.",
    "供应链弹性是指企业在供应中断时维持交付并迅速恢复正常运营的能力。它取决于供应商的分散程度、安全库存和替"
    "代运输路线。",
    "What is the difference between net revenue and gross revenue? Net revenue is what remains after "
    "returns, discounts and allowances have been taken off.",
    "请用一句话解释什么是应收账款周转率，并说明它为什么对现金流很重要。",
    "Der Vertrag verlängert sich um ein Jahr, wenn er nicht drei Monate vor Ablauf schriftlich gekündigt "
    "wird.",
    "El proveedor entregará 1.250 unidades antes del 31 de marzo; el pago vence a los 30 días de la "
    "factura.",
    "def total(items):\n    return sum(item[\"price\"] * item[\"quantity\"] for item in items)\n",
    "在庫の回転期間は45.6日から38.2日に短縮され、前年同期比で16.2%の改善となった。",
};
// NOLINTEND(bugprone-suspicious-missing-comma)

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::istringstream text{std::string(MappedFile::open(file)->text())};
  for (std::string line; lines.size() < kSequences && std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    if (!line.empty()) {
      lines.push_back(line);
    }
  }
  if (lines.empty()) {
    throw Error(ErrorKind::kInput, file.string(), "holds no line of text to compare the models on");
  }
  return lines;
}

std::vector<std::vector<std::int32_t>> random_sequences(std::int64_t vocabulary) {
  constexpr std::uint64_t kSeed = 42;
  std::vector<std::vector<std::int32_t>> sequences(4, std::vector<std::int32_t>(kLength));
  PhiloxStream random(kSeed, 0);
  for (auto& sequence : sequences) {
    for (std::int32_t& id : sequence) {
      id = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(vocabulary)));
    }
  }
  return sequences;
}

}  // namespace

std::int64_t MergeProbe::tokens() const {
  std::int64_t count = 0;
  for (const auto& sequence : sequences) {
    count += static_cast<std::int64_t>(sequence.size());
  }
  return count;
}

MergeProbe make_probe(const std::filesystem::path& model, const std::filesystem::path& file,
                      const LlamaConfig& config) {
  std::shared_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = load_tokenizer(model);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput || !file.empty()) {
      throw;
    }
    return {"random tokens", random_sequences(config.vocab_size)};
  }
  MergeProbe probe{file.empty() ? "default text" : file.filename().string(), {}};
  for (const std::string& line : file.empty() ? kDefaultLines : lines_of(file)) {
    std::vector<std::int32_t> ids = tokenizer->encode(line, /*add_special_tokens=*/true);
    ids.resize(std::min(ids.size(), kLength));
    // An id beyond the embeddings ends the sequence: such a token cannot be shown to the model.
    ids.erase(std::find_if(ids.begin(), ids.end(),
                           [&](std::int32_t id) { return id < 0 || id >= config.vocab_size; }),
              ids.end());
    if (!ids.empty()) {
      probe.sequences.push_back(std::move(ids));
    }
  }
  if (probe.sequences.empty()) {
    return {"random tokens", random_sequences(config.vocab_size)};
  }
  return probe;
}

}  // namespace lore
