#include "lore/kernels/few_rows_product.h"

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

/// 16 floats at any address: one register of AVX-512, two of AVX2.
typedef float Vector __attribute__((vector_size(64), aligned(4), may_alias));
typedef std::uint32_t Bits __attribute__((vector_size(64), may_alias));
typedef std::uint16_t Narrow __attribute__((vector_size(32), aligned(2), may_alias));

constexpr std::int64_t kWidth = 16;
constexpr int kRowBlock = 4;
constexpr int kOutputBlock = 4;

[[gnu::always_inline]] inline void load(Vector& values, const float* source) {
  values = *reinterpret_cast<const Vector*>(source);
}
[[gnu::always_inline]] inline void load(Vector& values, const std::uint16_t* bfloat16) {
  values = reinterpret_cast<Vector>(__builtin_convertvector(*reinterpret_cast<const Narrow*>(bfloat16), Bits)
                                    << 16);
}

inline float widened(float value) { return value; }
inline float widened(std::uint16_t bfloat16) { return simd::to_float(bfloat16); }

/// The rows of x as floats, one after another, and those of w.
template <class W>
struct Factors {
  const float* x;
  const W* w;
  std::int64_t w_stride;
  std::int64_t in;
};

/// sums[r][o] = x_r · w_o for `Rows` rows and `Outputs` outputs, which stay in registers.
template <int Rows, int Outputs, class W>
[[gnu::always_inline]] inline void dot_products(float* sums, const Factors<W>& factors, std::int64_t row,
                                                std::int64_t output) {
  const float* x = factors.x + row * factors.in;
  const W* w = factors.w + output * factors.w_stride;
  Vector lanes[Rows][Outputs] = {};
  std::int64_t i = 0;
  for (; i + kWidth <= factors.in; i += kWidth) {
    Vector weights[Outputs];
    for (int o = 0; o < Outputs; ++o) {
      load(weights[o], w + o * factors.w_stride + i);
    }
    for (int r = 0; r < Rows; ++r) {
      Vector inputs;
      load(inputs, x + r * factors.in + i);
      for (int o = 0; o < Outputs; ++o) {
        lanes[r][o] += inputs * weights[o];
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int o = 0; o < Outputs; ++o) {
      float parts[kWidth];
      for (std::int64_t lane = 0; lane < kWidth; ++lane) {
        parts[lane] = lanes[r][o][lane];
      }
      for (std::int64_t width = kWidth / 2; width > 0; width /= 2) {
        for (std::int64_t lane = 0; lane < width; ++lane) {
          parts[lane] += parts[lane + width];
        }
      }
      float sum = parts[0];
      for (std::int64_t rest = i; rest < factors.in; ++rest) {
        sum += x[r * factors.in + rest] * widened(w[o * factors.w_stride + rest]);
      }
      sums[r * Outputs + o] = sum;
    }
  }
}

/// The products of all rows with `Outputs` outputs: sums [rows, Outputs].
template <int Outputs, class W>
[[gnu::always_inline]] inline void all_rows(float* sums, const Factors<W>& factors, std::int64_t rows,
                                            std::int64_t output) {
  std::int64_t row = 0;
  for (; row + kRowBlock <= rows; row += kRowBlock) {
    dot_products<kRowBlock, Outputs>(sums + row * Outputs, factors, row, output);
  }
  for (; row < rows; ++row) {
    dot_products<1, Outputs>(sums + row * Outputs, factors, row, output);
  }
}

LORE_SIMD void four_outputs(float* sums, const Factors<float>& factors, std::int64_t rows,
                            std::int64_t output) {
  all_rows<kOutputBlock>(sums, factors, rows, output);
}
LORE_SIMD void four_outputs(float* sums, const Factors<std::uint16_t>& factors, std::int64_t rows,
                            std::int64_t output) {
  all_rows<kOutputBlock>(sums, factors, rows, output);
}
LORE_SIMD void one_output(float* sums, const Factors<float>& factors, std::int64_t rows,
                          std::int64_t output) {
  all_rows<1>(sums, factors, rows, output);
}
LORE_SIMD void one_output(float* sums, const Factors<std::uint16_t>& factors, std::int64_t rows,
                          std::int64_t output) {
  all_rows<1>(sums, factors, rows, output);
}

template <class Y>
void scatter(const at::Tensor& y, const float* sums, std::int64_t output, std::int64_t outputs) {
  for (std::int64_t row = 0; row < y.size(0); ++row) {
    Y* target = y.data_ptr<Y>() + row * y.stride(0) + output;
    for (std::int64_t o = 0; o < outputs; ++o) {
      target[o] = static_cast<Y>(sums[row * outputs + o]);
    }
  }
}

template <class W>
void product(at::Tensor& y, const Factors<W>& factors, std::int64_t rows, std::int64_t outputs) {
  const std::int64_t blocks = (outputs + kOutputBlock - 1) / kOutputBlock;
  const std::int64_t grain =
      std::max<std::int64_t>(1, 16384 / (kOutputBlock * std::max<std::int64_t>(1, factors.in)));
  parallel_for(0, blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    float sums[kFewRows * kOutputBlock];
    const auto write = [&](std::int64_t output, std::int64_t count) {
      if (y.scalar_type() == at::kFloat) {
        scatter<float>(y, sums, output, count);
      } else {
        scatter<c10::BFloat16>(y, sums, output, count);
      }
    };
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * kOutputBlock;
      if (first + kOutputBlock <= outputs) {
        four_outputs(sums, factors, rows, first);
        write(first, kOutputBlock);
        continue;
      }
      for (std::int64_t output = first; output < outputs; ++output) {
        one_output(sums, factors, rows, output);
        write(output, 1);
      }
    }
  });
}

}  // namespace

void few_rows_product(at::Tensor& y, const at::Tensor& x, const at::Tensor& w) {
  const std::int64_t rows = x.size(0);
  check_argument(rows <= kFewRows && x.is_cpu(), "few_rows_product", "at most kFewRows rows on the CPU");
  const std::int64_t in = x.size(1);
  std::vector<float> wide(static_cast<std::size_t>(rows * in));
  for (std::int64_t row = 0; row < rows; ++row) {
    dispatch_dtype(x, [&](auto* tag) {
      using T = std::remove_pointer_t<decltype(tag)>;
      std::copy_n(x.data_ptr<T>() + row * x.stride(0), in, wide.begin() + row * in);
    });
  }
  if (w.scalar_type() == at::kFloat) {
    product(y, Factors<float>{wide.data(), w.data_ptr<float>(), w.stride(0), in}, rows, w.size(0));
  } else {
    product(y,
            Factors<std::uint16_t>{wide.data(),
                                   reinterpret_cast<const std::uint16_t*>(w.data_ptr<c10::BFloat16>()),
                                   w.stride(0), in},
            rows, w.size(0));
  }
}

}  // namespace lore
