// layer_norm: checks, threads, memory.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../memory.h"
#include "../reference.h"

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

bool supported(const Tensor& x, int64_t channels, c10::string_view name,
               const Tensor& params, int64_t bits) {
  const bool recodes = name == "ptf_layernorm";
  if ((!recodes && name != "i_layernorm") || x.scalar_type() != at::kShort ||
      x.numel() == 0 || channels > 4096 ||
      params.scalar_type() != at::kLong || params.dim() != 2 ||
      params.size(0) != standardize_params + recodes * recode_params ||
      params.size(1) != channels || bits < 2 || bits > 16)
    return false;
  if (!recodes) return can_standardize(params);
  return can_recode(params) &&
         can_standardize(params.narrow(0, recode_params, standardize_params));
}

// Rows [begin, begin + count) of what is standardized: in `buffer`, which has
// room for them, or wherever they are already.
using StreamRows = std::function<const int16_t*(int64_t begin, int64_t count,
                                                int16_t* buffer)>;

// Standardizes rows, re-coded before where there is a re-coding; the task has
// all but their place.
void run(const StreamRows& x, int64_t rows, const LayerNormTask& common,
         const Recoding* recoding, Tensor& y, const Kernels& kernels) {
  constexpr int64_t values_worth_a_thread = 1 << 13, most_rows = 32;
  const int64_t channels = common.channels;
  auto* to = static_cast<char*>(y.data_ptr());
  at::parallel_for(
      0, rows, values_worth_a_thread / channels + 1,
      [&](int64_t begin, int64_t end) {
        const Scratch buffer(most_rows * channels * sizeof(int16_t));
        const Scratch recoded(most_rows * channels * sizeof(int16_t));
        LayerNormTask task = common;
        for (int64_t row = begin; row < end; row += most_rows) {
          task.rows = std::min(most_rows, end - row);
          task.x = x(row, task.rows, static_cast<int16_t*>(buffer.get()));
          if (recoding) {
            auto* codes = static_cast<int16_t*>(recoded.get());
            kernels.recode({task.x, task.rows, channels, recoding->m.data(),
                            recoding->n.data(), recoding->factor.data(),
                            codes});
            task.x = codes;
          }
          task.y = to + row * channels * y.element_size();
          kernels.layer_norm(task);
        }
      });
}

// y, whose rows are those of x standardized.
void standardize(const StreamRows& x, const Tensor& params, int64_t bits,
                 Tensor& y) {
  const Kernels& set = kernels();
  const bool recodes = params.size(0) > standardize_params;
  std::optional<Recoding> recoding;
  if (recodes) recoding.emplace(params, set.lanes);
  const Tensor rest = params.narrow(0, recodes * recode_params,
                                    standardize_params);
  const Affine affine(rest, set.lanes);
  const auto scalars = rest.accessor<int64_t, 2>();
  LayerNormTask task{};
  task.channels = params.size(1);
  task.eps = scalars[0][0];
  task.headroom = scalars[1][0];
  task.shift = static_cast<int32_t>(scalars[2][0]);
  task.m = affine.m.data();
  task.bias = affine.bias.data();
  task.bits = static_cast<int>(bits);
  run(x, y.numel() / task.channels, task, recoding ? &*recoding : nullptr, y,
      set);
}

Tensor result(const Tensor& x, at::IntArrayRef shape, int64_t bits) {
  return at::empty(shape,
                   x.options().dtype(bits > 8 ? at::kShort : at::kChar));
}

Tensor layer_norm(const Tensor& x, c10::string_view name, const Tensor& params,
                  int64_t bits) {
  if (x.dim() < 1 || !supported(x, x.size(-1), name, params, bits)) {
    static const auto fallback =
        reference<decltype(layer_norm)>("iptq_reference::layer_norm");
    return fallback.call(x, name, params, bits);
  }
  const Tensor tokens = x.contiguous();
  const auto* from = tokens.const_data_ptr<int16_t>();
  const int64_t channels = x.size(-1);
  Tensor y = result(x, x.sizes(), bits);
  standardize([=](int64_t begin, int64_t, int16_t*) {
                return from + begin * channels;
              },
              params, bits, y);
  return y;
}

// The 2 x 2 neighbourhoods of a map of tokens as rows; zeros beyond the map.
struct Neighbourhoods {
  const int16_t* from;
  int64_t height, width, channels;  // of a map
  int64_t stride, rows, columns;    // of the neighbourhoods

  const int16_t* operator()(int64_t begin, int64_t count, int16_t* to) const {
    const int16_t* const first = to;
    for (int64_t i = begin; i < begin + count; ++i) {
      const int64_t map = i / (rows * columns);
      const int64_t top = i / columns % rows * stride;
      const int64_t left = i % columns * stride;
      for (int64_t row = top; row < top + 2; ++row)
        for (int64_t column = left; column < left + 2; ++column) {
          if (row < height && column < width)
            std::copy_n(
                from + ((map * height + row) * width + column) * channels,
                channels, to);
          else
            std::fill_n(to, channels, int16_t{0});
          to += channels;
        }
    }
    return first;
  }
};

Tensor merge_layer_norm(const Tensor& x, int64_t stride, c10::string_view name,
                        const Tensor& params, int64_t bits) {
  if (x.dim() != 4 || stride < 1 ||
      !supported(x, 4 * x.size(3), name, params, bits)) {
    static const auto fallback = reference<decltype(merge_layer_norm)>(
        "iptq_reference::merge_layer_norm");
    return fallback.call(x, stride, name, params, bits);
  }
  const Tensor tokens = x.contiguous();
  const Neighbourhoods neighbourhoods{
      tokens.const_data_ptr<int16_t>(),
      x.size(1),
      x.size(2),
      x.size(3),
      stride,
      (x.size(1) + stride - 1) / stride,
      (x.size(2) + stride - 1) / stride};
  Tensor y = result(
      x, {x.size(0), neighbourhoods.rows, neighbourhoods.columns,
          4 * x.size(3)}, bits);
  standardize(neighbourhoods, params, bits, y);
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("layer_norm", layer_norm);
  library.impl("merge_layer_norm", merge_layer_norm);
}

}  // namespace iptq
