#include "lore/tasks/gguf_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>

#include "lore/codecs/ggml_encode.h"
#include "lore/core/error.h"
#include "lore/kernels/parallel.h"
#include "lore/nn/gguf_source.h"
#include "lore/nn/llama_config_to_gguf.h"
#include "lore/nn/model_parameters.h"
#include "lore/tasks/unknown_tensors.h"

namespace lore {
namespace {

/// Elements that one thread holds as float32 at a time, at least a head or a row of them.
constexpr std::int64_t kPieceElements = 1 << 18;

/// Rows of one tensor that one thread converts at once.
struct Piece {
  std::size_t tensor;
  std::int64_t first_row;
  std::int64_t rows;
};

std::int64_t columns_of(const GgufTensorSpec& spec) { return spec.shape.back(); }
std::int64_t rows_of(const GgufTensorSpec& spec) { return spec.shape.size() == 2 ? spec.shape[0] : 1; }

class Stream {
 public:
  Stream(const GgufPlan& plan, const WeightSource& source, const Importance& importance, GgufWriter& writer,
         const std::function<bool()>& stop, const GgufProgress& progress)
      : plan_(plan),
        source_(source),
        importance_(importance),
        writer_(writer),
        stop_(stop),
        progress_(progress) {
    const std::int64_t head = source.config().head_dim;
    for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
      const GgufTensorSpec& spec = plan.tensors[i].spec;
      std::int64_t step = std::max<std::int64_t>(1, kPieceElements / columns_of(spec));
      if (plan.tensors[i].interleaved) {
        step = std::max(step / head, std::int64_t{1}) * head;  // rows change places within a head
      }
      for (std::int64_t row = 0; row < rows_of(spec); row += step) {
        pieces_.push_back({i, row, std::min(step, rows_of(spec) - row)});
      }
    }
  }

  /// Whether everything was written.
  bool run() {
    parallel_for(0, threads(), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t worker = first; worker < last; ++worker) {
        try {
          std::vector<float> values;
          std::vector<float> ordered;
          std::vector<std::byte> blocks;
          for (std::size_t piece = next_++; piece < pieces_.size() && !halted(); piece = next_++) {
            convert(pieces_[piece], values, ordered, blocks);
          }
        } catch (...) {
          failed_ = true;
          throw;
        }
      }
    });
    return !halted();
  }

 private:
  bool halted() { return failed_ || stop_(); }

  void convert(const Piece& piece, std::vector<float>& values, std::vector<float>& ordered,
               std::vector<std::byte>& blocks) {
    const GgufSourceTensor& tensor = plan_.tensors[piece.tensor];
    const std::int64_t columns = columns_of(tensor.spec);
    values.resize(static_cast<std::size_t>(piece.rows * columns));
    if (tensor.source.empty()) {
      values = plan_.divisors;
    } else {
      source_.read_rows(tensor.source, tensor.spec.shape, piece.first_row, piece.rows, values.data());
    }
    if (tensor.interleaved) {
      interleave(values, tensor.spec.shape.size() == 2 ? columns : 1, ordered);
      values.swap(ordered);
    }
    const BlockLayout layout = *block_layout(tensor.spec.type);
    const auto row_bytes = static_cast<std::size_t>(columns / layout.elements * layout.bytes);
    blocks.resize(static_cast<std::size_t>(piece.rows) * row_bytes);
    if (!encode(tensor.spec.type, values, blocks, importance_.of(tensor.source))) {
      refuse(tensor, values);
    }
    writer_.write(piece.tensor, static_cast<std::size_t>(piece.first_row) * row_bytes, blocks);
    const std::lock_guard lock(progress_mutex_);
    written_ += blocks.size();
    progress_(written_, plan_.bytes);
  }

  /// Whole heads of rows of `columns` values, from Hugging Face's order to llama.cpp's.
  void interleave(const std::vector<float>& values, std::int64_t columns, std::vector<float>& ordered) const {
    ordered.resize(values.size());
    const std::int64_t rows = static_cast<std::int64_t>(values.size()) / columns;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::copy_n(values.begin() + row * columns, columns,
                  ordered.begin() + interleaved_row(row, source_.config().head_dim) * columns);
    }
  }

  [[noreturn]] static void refuse(const GgufSourceTensor& tensor, const std::vector<float>& values) {
    const std::string subject = fmt::format("tensor {}", tensor.source);
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
      throw Error(ErrorKind::kInput, subject, "holds NaN or infinite values");
    }
    throw Error(ErrorKind::kRefused, subject,
                fmt::format("holds a value that is too large for {}; choose another type, as gguf:bf16",
                            name_of(tensor.spec.type)));
  }

  const GgufPlan& plan_;
  const WeightSource& source_;
  const Importance& importance_;
  GgufWriter& writer_;
  const std::function<bool()>& stop_;
  const GgufProgress& progress_;
  std::vector<Piece> pieces_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex progress_mutex_;
  std::uint64_t written_ = 0;
};

}  // namespace

std::vector<GgufTensorSpec> GgufPlan::specs() const {
  std::vector<GgufTensorSpec> specs;
  specs.reserve(tensors.size());
  for (const GgufSourceTensor& tensor : tensors) {
    specs.push_back(tensor.spec);
  }
  return specs;
}

GgufPlan plan_gguf(const WeightSource& source, const GgufFormat& format, bool importance) {
  const std::vector<ParameterShape> parameters = model_parameters(source.config());
  refuse_unknown_tensors(source);
  GgufPlan plan;
  plan.divisors = gguf_frequency_divisors(source.config());
  plan.tensors.reserve(parameters.size() + 1);
  for (const ParameterShape& parameter : parameters) {
    const GgmlType wanted = wanted_gguf_type(format, parameter, source.config(), importance);
    const GgmlType stored = fitting_gguf_type(wanted, parameter.shape.back());
    plan.tensors.push_back({{gguf_tensor_name(parameter.name), stored, parameter.shape},
                            parameter.name,
                            gguf_interleaves(source.config(), parameter.name)});
    if (stored != wanted) {
      plan.fallbacks.push_back({plan.tensors.back().spec.name, wanted, stored});
    }
  }
  if (!plan.divisors.empty()) {
    const auto count = static_cast<std::int64_t>(plan.divisors.size());
    plan.tensors.push_back({{"rope_freqs.weight", GgmlType::kF32, {count}}, "", false});
  }
  for (const GgufSourceTensor& tensor : plan.tensors) {
    plan.bytes += byte_size(tensor.spec);
  }
  return plan;
}

bool write_gguf_tensors(const GgufPlan& plan, const WeightSource& source, const Importance& importance,
                        GgufWriter& writer, const std::function<bool()>& stop, const GgufProgress& progress) {
  return Stream(plan, source, importance, writer, stop, progress).run();
}

}  // namespace lore
