#include "lore/tasks/merge_stream.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors_writer.h"
#include "lore/kernels/matmul.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/rescale_rows.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

/// Elements that one thread holds as float32 at a time, and those it takes on at once.
constexpr std::int64_t kPieceElements = 1 << 16;
constexpr std::int64_t kJobElements = 16 << 20;

/// Rows of one tensor that one thread works on.
struct Job {
  std::size_t tensor;
  std::int64_t first_row;
  std::int64_t rows;
  RoundedUpdate update;
};

std::int64_t columns_of(const TensorSpec& spec) { return spec.shape.empty() ? 1 : spec.shape.back(); }
std::int64_t rows_of(const TensorSpec& spec) {
  const std::int64_t elements =
      std::accumulate(spec.shape.begin(), spec.shape.end(), std::int64_t{1}, std::multiplies<>());
  return columns_of(spec) == 0 ? 0 : elements / columns_of(spec);
}

/// The working memory of one thread.
struct Scratch {
  std::vector<float> weights;
  std::vector<float> delta;
  std::vector<std::byte> out;
};

class Stream {
 public:
  Stream(const MergePlan& plan, const MergeBase& base, const StoredAdapter& adapter,
         const std::filesystem::path& folder, const std::function<bool()>& stop)
      : plan_(plan), base_(base), adapter_(adapter), stop_(stop) {
    places_.resize(plan.tensors.size());
    for (std::size_t shard = 0; shard < plan.shards.size(); ++shard) {
      std::vector<TensorSpec> specs;
      for (const std::size_t tensor : plan.shards[shard]) {
        places_[tensor] = {shard, specs.size()};
        specs.push_back(plan.tensors[tensor].spec);
      }
      files_.push_back(std::make_unique<SafetensorsWriter>(
          folder / shard_name(shard, plan.shards.size()), std::move(specs),
          std::map<std::string, std::string>{{"format", "pt"}}));
    }
    for (const auto& shard : plan.shards) {
      for (const std::size_t tensor : shard) {
        add_jobs(tensor);
      }
    }
  }

  /// Whether everything was written.
  bool run() {
    const auto work = [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t worker = first; worker < last; ++worker) {
        try {
          Scratch scratch;
          for (std::size_t job = next_++; job < jobs_.size() && !halted(); job = next_++) {
            run_job(jobs_[job], scratch);
          }
        } catch (...) {
          failed_ = true;
          throw;
        }
      }
    };
    parallel_for(0, threads(), 1, work);
    return !halted();
  }

  std::vector<ModuleUpdate> updates() const {
    const std::vector<LinearShape> linears = adaptable_modules(base_.weights->config());
    std::vector<ModuleUpdate> updates;
    for (const StoredLowRank& module : adapter_.modules()) {
      updates.push_back({linears[module.linear].name, {}});
    }
    for (const Job& job : jobs_) {
      if (const auto module = plan_.tensors[job.tensor].module) {
        updates[*module].update += job.update;
      }
    }
    return updates;
  }

 private:
  struct Place {
    std::size_t shard = 0;
    std::size_t tensor = 0;
  };

  bool halted() { return failed_ || stop_(); }

  void add_jobs(std::size_t tensor) {
    const TensorSpec& spec = plan_.tensors[tensor].spec;
    const std::int64_t rows = rows_of(spec);
    const std::int64_t step =
        std::max<std::int64_t>(1, kJobElements / std::max<std::int64_t>(1, columns_of(spec)));
    for (std::int64_t row = 0; row < rows; row += step) {
      jobs_.push_back({tensor, row, std::min(step, rows - row), {}});
    }
  }

  void run_job(Job& job, Scratch& scratch) {
    const MergedTensor& tensor = plan_.tensors[job.tensor];
    LowRank low_rank;
    if (tensor.module) {
      low_rank = adapter_.read(adapter_.modules()[*tensor.module]);
      low_rank.b.mul_(low_rank.scale);
    }
    const std::int64_t columns = columns_of(tensor.spec);
    const std::int64_t step = std::max<std::int64_t>(1, kPieceElements / columns);
    for (std::int64_t row = 0; row < job.rows && !halted(); row += step) {
      const std::int64_t first = job.first_row + row;
      const std::int64_t rows = std::min(step, job.rows - row);
      if (tensor.copy) {
        copy(job.tensor, first, rows);
      } else {
        job.update += convert(job.tensor, first, rows, low_rank, scratch);
      }
    }
    finish(job);
  }

  /// Lets the disk begin with the job's result and lets go of the base's pages; once a job, because the
  /// latter stops every thread.
  void finish(const Job& job) const {
    const MergedTensor& tensor = plan_.tensors[job.tensor];
    const auto written_row = static_cast<std::uint64_t>(columns_of(tensor.spec)) * size_of(tensor.spec.dtype);
    files_[places_[job.tensor].shard]->start_flush(places_[job.tensor].tensor,
                                                   static_cast<std::uint64_t>(job.first_row) * written_row,
                                                   static_cast<std::uint64_t>(job.rows) * written_row);
    if (const TensorView* view = base_.checkpoint ? base_.checkpoint->find(tensor.source) : nullptr) {
      const auto row_bytes = static_cast<std::size_t>(columns_of(tensor.spec)) * size_of(view->dtype);
      base_.checkpoint->file_of(*view)->release(
          view->bytes.subspan(static_cast<std::size_t>(job.first_row) * row_bytes,
                              static_cast<std::size_t>(job.rows) * row_bytes));
    }
  }

  void copy(std::size_t index, std::int64_t first, std::int64_t rows) {
    const TensorView& view = *plan_.tensors[index].copy;
    const std::int64_t columns = columns_of(plan_.tensors[index].spec);
    const auto row_bytes = static_cast<std::size_t>(columns) * size_of(view.dtype);
    const std::size_t offset = static_cast<std::size_t>(first) * row_bytes;
    const auto bytes = view.bytes.subspan(offset, static_cast<std::size_t>(rows) * row_bytes);
    const auto dtype = torch_dtype(view.dtype);
    if (dtype && !all_finite(bytes.data(), rows * columns, *dtype)) {
      refuse_base(view.name);
    }
    write(index, offset, bytes);
  }

  RoundedUpdate convert(std::size_t index, std::int64_t first, std::int64_t rows, const LowRank& low_rank,
                        Scratch& scratch) {
    const MergedTensor& tensor = plan_.tensors[index];
    const std::int64_t columns = columns_of(tensor.spec);
    const auto count = static_cast<std::size_t>(rows * columns);
    const at::ScalarType dtype = *torch_dtype(tensor.spec.dtype);
    scratch.weights.resize(std::max(scratch.weights.size(), count));
    scratch.out.resize(std::max(scratch.out.size(), count * size_of(tensor.spec.dtype)));
    base_.weights->read_rows(tensor.source, tensor.spec.shape, first, rows, scratch.weights.data());
    RoundedUpdate update;
    if (low_rank.b.defined()) {
      const at::Tensor scaled = low_rank.b.narrow(0, first, rows);
      if (low_rank.is_dora()) {
        scratch.delta.resize(std::max(scratch.delta.size(), count));
        at::Tensor delta =
            at::from_blob(scratch.delta.data(), {rows, columns}, at::TensorOptions(at::kFloat));
        matmul_nn_out(delta, scaled, low_rank.a);
        rescale_rows(scratch.weights.data(), scratch.delta.data(), rows, columns,
                     low_rank.magnitude.data_ptr<float>() + first);
        update = add_rounded(scratch.weights.data(), scratch.delta.data(), rows * columns, dtype,
                             scratch.out.data());
      } else {
        update = add_product_rounded(scratch.weights.data(), scaled.const_data_ptr<float>(),
                                     low_rank.a.const_data_ptr<float>(), rows, columns, low_rank.rank(),
                                     dtype, scratch.out.data());
      }
    } else {
      update.finite = round_to(scratch.weights.data(), rows * columns, dtype, scratch.out.data());
    }
    if (!update.finite) {
      const auto* stored = reinterpret_cast<const std::byte*>(scratch.weights.data());
      if (!all_finite(stored, rows * columns, at::kFloat)) {
        refuse_base(tensor.source);
      }
      throw Error(ErrorKind::kRefused, fmt::format("tensor {}", tensor.spec.name),
                  fmt::format("a merged value is too large for {}; choose another type with --dtype",
                              config_name(tensor.spec.dtype)));
    }
    write(index, static_cast<std::size_t>(first * columns) * size_of(tensor.spec.dtype),
          std::span(scratch.out).first(count * size_of(tensor.spec.dtype)));
    return update;
  }

  void write(std::size_t index, std::size_t offset, std::span<const std::byte> bytes) {
    files_[places_[index].shard]->write(places_[index].tensor, offset, bytes);
  }

  [[noreturn]] void refuse_base(const std::string& tensor) const {
    throw Error(ErrorKind::kInput, fmt::format("{}: tensor {}", base_.path.string(), tensor),
                "holds NaN or infinite values");
  }

  const MergePlan& plan_;
  const MergeBase& base_;
  const StoredAdapter& adapter_;
  const std::function<bool()>& stop_;
  std::vector<std::unique_ptr<SafetensorsWriter>> files_;
  std::vector<Place> places_;  ///< of each planned tensor
  std::vector<Job> jobs_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace

std::vector<ModuleUpdate> write_merged(const MergePlan& plan, const MergeBase& base,
                                       const StoredAdapter& adapter, const std::filesystem::path& folder,
                                       const std::function<bool()>& stop) {
  Stream stream(plan, base, adapter, folder, stop);
  if (!stream.run()) {
    return {};
  }
  return stream.updates();
}

void write_index(const MergePlan& plan, const std::filesystem::path& folder) {
  if (plan.shards.size() == 1) {
    return;
  }
  std::int64_t parameters = 0;
  nlohmann::json places = nlohmann::json::object();
  for (std::size_t shard = 0; shard < plan.shards.size(); ++shard) {
    for (const std::size_t tensor : plan.shards[shard]) {
      const TensorSpec& spec = plan.tensors[tensor].spec;
      places[spec.name] = shard_name(shard, plan.shards.size());
      parameters += rows_of(spec) * columns_of(spec);
    }
  }
  nlohmann::ordered_json index;
  index["metadata"] = {{"total_parameters", parameters}, {"total_size", plan.bytes}};
  index["weight_map"] = places;
  write_file_atomically(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace lore
