// layer_norm: checks, threads, memory.
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "dispatch.h"
#include "reference.h"

namespace iptq {
namespace {

using at::Tensor;

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

bool supported(const Tensor& x, c10::string_view name, const Tensor& params,
               int64_t bits) {
  if (name != "i_layernorm" || x.scalar_type() != at::kShort ||
      x.dim() < 1 || x.numel() == 0 || x.size(-1) > 4096 ||
      params.scalar_type() != at::kLong || params.dim() != 2 ||
      params.size(0) != 5 || params.size(1) != x.size(-1) || bits < 2 ||
      bits > 16)
    return false;
  const auto scalars = params.accessor<int64_t, 2>();
  const int64_t headroom = scalars[1][0], shift = scalars[2][0];
  // Below a shift of 32 an output could leave int32 before it saturates.
  return headroom >= 0 && headroom <= 60 && shift >= 32 && shift <= 62;
}

Tensor layer_norm(const Tensor& x, c10::string_view name, const Tensor& params,
                  int64_t bits) {
  if (!supported(x, name, params, bits)) {
    static const auto fallback =
        reference<decltype(layer_norm)>("iptq_reference::layer_norm");
    return fallback.call(x, name, params, bits);
  }
  const Kernels& set = kernels();
  const Tensor rows = x.contiguous();
  Tensor y = at::empty(x.sizes(), x.options().dtype(bits > 8 ? at::kShort
                                                             : at::kChar));
  const Affine affine(params, set.lanes);
  const auto scalars = params.accessor<int64_t, 2>();
  const int64_t channels = x.size(-1);
  constexpr int64_t values_worth_a_thread = 1 << 13;
  at::parallel_for(
      0, x.numel() / channels, values_worth_a_thread / channels + 1,
      [&](int64_t begin, int64_t end) {
        set.layer_norm({rows.const_data_ptr<int16_t>() + begin * channels,
                        end - begin, channels, scalars[0][0], scalars[1][0],
                        static_cast<int32_t>(scalars[2][0]), affine.m.data(),
                        affine.bias.data(), static_cast<int>(bits),
                        static_cast<char*>(y.data_ptr()) +
                            begin * channels * y.element_size()});
      });
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("layer_norm", layer_norm);
}

}  // namespace iptq
