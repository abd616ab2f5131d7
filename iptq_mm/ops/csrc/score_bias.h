// What is added to the scores of an attention.
#pragma once

#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "kernels.h"

namespace iptq {

// Bias rows in whole vectors, the padding `outside`.
class ScoreBias {
 public:
  // int16 [heads, N, N].
  ScoreBias(const at::Tensor& bias, int lanes)
      : length_(bias.size(1)), stride_(round_up(length_, lanes)),
        values_(bias.size(0) * length_ * stride_, outside) {
    const auto from = bias.accessor<int16_t, 3>();
    at::parallel_for(0, bias.size(0) * length_, 64, [&](int64_t begin,
                                                        int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t i = 0; i < length_; ++i)
          values_[row * stride_ + i] = from[row / length_][row % length_][i];
    });
  }

  // None: one row of zeros for all.
  ScoreBias(int64_t length, int lanes)
      : length_(length), stride_(0),
        values_(round_up(length, lanes), outside) {
    std::fill_n(values_.begin(), length, 0);
  }

  void set(AttentionTask& task) const {
    task.bias = values_.data() + task.head * length_ * stride_;
    task.bias_stride = stride_;
  }

 private:
  static int64_t round_up(int64_t x, int64_t multiple) {
    return (x + multiple - 1) / multiple * multiple;
  }

  int64_t length_, stride_;
  std::vector<int32_t> values_;
};

}  // namespace iptq
