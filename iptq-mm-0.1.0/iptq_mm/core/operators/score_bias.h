// What is added to the scores of an attention.
#pragma once

#include <algorithm>
#include <vector>

#include "../kernels.h"
#include "../runtime/threads.h"

namespace iptq {

// Bias rows in whole vectors, the padding `outside`.
class ScoreBias {
 public:
  // int16 [(2w-1)^2, heads], a row for each distance of two tokens of a
  // window, as `relative_position_index` of window.py numbers them.
  ScoreBias(const int16_t* table, int64_t heads, int64_t window, int lanes,
            const iptq_executor* executor)
      : length_(window * window), stride_(round_up(length_, lanes)),
        values_(heads * length_ * stride_, outside) {
    const int64_t side = 2 * window - 1;
    parallel_for(executor, heads, 1, [&](int64_t begin, int64_t end) {
      // Backwards, the distances to the tokens of a row lie side by side.
      std::vector<int32_t> distances(side * side);
      for (int64_t head = begin; head < end; ++head) {
        for (int64_t i = 0; i < side * side; ++i)
          distances[i] = table[(side * side - 1 - i) * heads + head];
        for (int64_t token = 0; token < length_; ++token) {
          const int64_t row = token / window, column = token % window;
          const auto first = distances.begin() + (window - 1 - row) * side +
                             window - 1 - column;
          const auto to =
              values_.begin() + (head * length_ + token) * stride_;
          for (int64_t i = 0; i < window; ++i)
            std::copy_n(first + i * side, window, to + i * window);
        }
      }
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
