// A LayerNorm in the form of the kernels.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernels.h"

namespace iptq {

// Per-channel parameters of the standardization, in the form of the kernels.
struct Affine {
  std::vector<int32_t> m;
  std::vector<uint64_t> bias;

  Affine(const int64_t* params, int64_t channels, int lanes)
      : m(channels + lanes), bias(channels + lanes) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t lane = c % lanes;
      const int64_t slot = lane / 2 + (lane % 2 ? lanes / 2 : 0);
      m[c] = static_cast<int32_t>(params[3 * channels + c]);
      bias[c - lane + slot] =
          static_cast<uint64_t>(params[4 * channels + c]);
    }
  }
};

// Multiplier, shift and Power-of-Two Factor of each channel; empty without a
// re-coding.
struct Recoding {
  std::vector<int32_t> m, n, factor;

  Recoding() = default;
  Recoding(const int64_t* params, int64_t channels, int lanes)
      : m(channels + lanes), n(channels + lanes), factor(channels + lanes) {
    for (int64_t c = 0; c < channels; ++c) {
      m[c] = static_cast<int32_t>(params[c]);
      n[c] = static_cast<int32_t>(params[channels + c]);
      factor[c] = static_cast<int32_t>(params[2 * channels + c]);
    }
  }
};

}  // namespace iptq

struct iptq_layer_norm {
  const iptq::Kernels* set;
  iptq::Recoding recoding;
  iptq::Affine affine;
  iptq::LayerNormTask common;  // all but places and rows
};
