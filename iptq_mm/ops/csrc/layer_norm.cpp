// layer_norm: checks, threads, memory.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "dispatch.h"
#include "memory.h"
#include "reference.h"

namespace iptq {
namespace {

using at::Tensor;

constexpr int64_t recode_params = 3, standardize_params = 5;

// Per-channel parameters in the form of the kernels.
struct Affine {
  std::vector<int32_t> m;
  std::vector<uint64_t> bias;

  Affine(const Tensor& params, int lanes) {
    const auto rows = params.accessor<int64_t, 2>();
    const int64_t channels = params.size(1);
    m.resize(channels + lanes);
    bias.resize(channels + lanes);
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t lane = c % lanes;
      const int64_t slot = lane / 2 + (lane % 2 ? lanes / 2 : 0);
      m[c] = static_cast<int32_t>(rows[3][c]);
      bias[c - lane + slot] = static_cast<uint64_t>(rows[4][c]);
    }
  }
};

// Multiplier, shift and Power-of-Two Factor of each channel.
struct Recoding {
  std::vector<int32_t> m, n, factor;

  Recoding(const Tensor& params, int lanes) {
    const auto rows = params.accessor<int64_t, 2>();
    const int64_t channels = params.size(1);
    for (auto* array : {&m, &n, &factor}) array->resize(channels + lanes);
    for (int64_t c = 0; c < channels; ++c) {
      m[c] = static_cast<int32_t>(rows[0][c]);
      n[c] = static_cast<int32_t>(rows[1][c]);
      factor[c] = static_cast<int32_t>(rows[2][c]);
    }
  }
};

bool can_recode(const Tensor& params) {
  const auto rows = params.accessor<int64_t, 2>();
  for (int64_t c = 0; c < params.size(1); ++c) {
    const int64_t m = rows[0][c], n = rows[1][c], factor = rows[2][c];
    // From a shift of 16 on, 16 bits times m 2^-n stay inside int32; 127
    // times 2^8 is an int16.
    if (std::abs(m) >= int64_t{1} << 31 || n < 16 || n > 62 || factor < 0 ||
        factor > 8)
      return false;
  }
  return true;
}

bool can_standardize(const Tensor& params) {
  const auto scalars = params.accessor<int64_t, 2>();
  const int64_t headroom = scalars[1][0], shift = scalars[2][0];
  // Below a shift of 32 an output could leave int32 before it saturates.
  return headroom >= 0 && headroom <= 60 && shift >= 32 && shift <= 62;
}

bool supported(const Tensor& x, c10::string_view name, const Tensor& params,
               int64_t bits) {
  const bool recodes = name == "ptf_layernorm";
  if ((!recodes && name != "i_layernorm") || x.scalar_type() != at::kShort ||
      x.dim() < 1 || x.numel() == 0 || x.size(-1) > 4096 ||
      params.scalar_type() != at::kLong || params.dim() != 2 ||
      params.size(0) != standardize_params + recodes * recode_params ||
      params.size(1) != x.size(-1) || bits < 2 || bits > 16)
    return false;
  if (!recodes) return can_standardize(params);
  return can_recode(params) &&
         can_standardize(params.narrow(0, recode_params, standardize_params));
}

// Standardizes the rows of x, re-coded before where there is a re-coding; the
// task has all but their place.
void run(const Tensor& x, const LayerNormTask& common,
         const Recoding* recoding, Tensor& y, const Kernels& kernels) {
  constexpr int64_t values_worth_a_thread = 1 << 13, most_rows = 32;
  const int64_t channels = common.channels;
  const auto* from = x.const_data_ptr<int16_t>();
  auto* to = static_cast<char*>(y.data_ptr());
  const auto standardize = [&](const int16_t* x, int64_t row, int64_t rows) {
    LayerNormTask task = common;
    task.x = x;
    task.rows = rows;
    task.y = to + row * channels * y.element_size();
    kernels.layer_norm(task);
  };
  at::parallel_for(
      0, x.numel() / channels, values_worth_a_thread / channels + 1,
      [&](int64_t begin, int64_t end) {
        if (!recoding)
          return standardize(from + begin * channels, begin, end - begin);
        const Scratch scratch(most_rows * channels * sizeof(int16_t));
        auto* recoded = static_cast<int16_t*>(scratch.get());
        for (int64_t row = begin; row < end; row += most_rows) {
          const int64_t rows = std::min(most_rows, end - row);
          kernels.recode({from + row * channels, rows, channels,
                          recoding->m.data(), recoding->n.data(),
                          recoding->factor.data(), recoded});
          standardize(recoded, row, rows);
        }
      });
}

Tensor layer_norm(const Tensor& x, c10::string_view name, const Tensor& params,
                  int64_t bits) {
  if (!supported(x, name, params, bits)) {
    static const auto fallback =
        reference<decltype(layer_norm)>("iptq_reference::layer_norm");
    return fallback.call(x, name, params, bits);
  }
  const Kernels& set = kernels();
  const bool recodes = params.size(0) > standardize_params;
  std::optional<Recoding> recoding;
  if (recodes) recoding.emplace(params, set.lanes);
  const Tensor rest = params.narrow(0, recodes * recode_params,
                                    standardize_params);
  const Affine affine(rest, set.lanes);
  const auto scalars = rest.accessor<int64_t, 2>();
  Tensor y = at::empty(x.sizes(), x.options().dtype(bits > 8 ? at::kShort
                                                             : at::kChar));
  LayerNormTask task{};
  task.channels = x.size(-1);
  task.eps = scalars[0][0];
  task.headroom = scalars[1][0];
  task.shift = static_cast<int32_t>(scalars[2][0]);
  task.m = affine.m.data();
  task.bias = affine.bias.data();
  task.bits = static_cast<int>(bits);
  run(x.contiguous(), task, recoding ? &*recoding : nullptr, y, set);
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("layer_norm", layer_norm);
}

}  // namespace iptq
