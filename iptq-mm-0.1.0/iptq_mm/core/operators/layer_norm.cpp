// layer_norm and merge_layer_norm: threads and memory.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "../runtime/dispatch.h"
#include "../runtime/memory.h"
#include "../runtime/status.h"
#include "../runtime/threads.h"
#include "layer_norm.h"

namespace iptq {
namespace {

constexpr int64_t recode_params = 3, standardize_params = 5;

bool can_recode(const int64_t* params, int64_t channels) {
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t m = params[c], n = params[channels + c];
    const int64_t factor = params[2 * channels + c];
    // From a shift of 16 on, 16 bits times m 2^-n stay inside int32; 127
    // times 2^8 is an int16.
    if (std::abs(m) >= int64_t{1} << 31 || n < 16 || n > 62 || factor < 0 ||
        factor > 8)
      return false;
  }
  return true;
}

bool can_standardize(const int64_t* params, int64_t channels) {
  const int64_t headroom = params[channels], shift = params[2 * channels];
  // Below a shift of 32 an output could leave int32 before it saturates.
  return headroom >= 0 && headroom <= 60 && shift >= 32 && shift <= 62;
}

std::unique_ptr<iptq_layer_norm> made(std::string_view name, int64_t rows,
                                      int64_t channels,
                                      const int64_t* params, int bits) {
  const bool recodes = name == "ptf_layernorm";
  supported(recodes || name == "i_layernorm",
            "the kernels do not know this LayerNorm");
  supported(channels >= 1 && channels <= 4096 && bits >= 2 && bits <= 16,
            "a LayerNorm of another size");
  valid(rows == standardize_params + recodes * recode_params,
        "a LayerNorm with another number of parameters");
  const int64_t* rest = params + recodes * recode_params * channels;
  supported((!recodes || can_recode(params, channels)) &&
                can_standardize(rest, channels),
            "a LayerNorm whose numbers leave int32");
  const Kernels& set = kernels();
  auto norm = std::unique_ptr<iptq_layer_norm>(new iptq_layer_norm{
      &set,
      recodes ? Recoding(params, channels, set.lanes) : Recoding(),
      Affine(rest, channels, set.lanes),
      {}});
  LayerNormTask& task = norm->common;
  task.channels = channels;
  task.eps = rest[0];
  task.headroom = rest[channels];
  task.shift = static_cast<int32_t>(rest[2 * channels]);
  task.m = norm->affine.m.data();
  task.bias = norm->affine.bias.data();
  task.bits = bits;
  return norm;
}

// Rows [begin, begin + count) of what is standardized: in `buffer`, which has
// room for them, or wherever they are already.
using StreamRows = std::function<const int16_t*(int64_t begin, int64_t count,
                                                int16_t* buffer)>;

// y [rows, channels]: x standardized, and re-coded before where there is a
// re-coding.
void standardize(const iptq_layer_norm& norm, const iptq_executor* executor,
                 const StreamRows& x, int64_t rows, void* y) {
  constexpr int64_t values_worth_a_thread = 1 << 13, most_rows = 32;
  const int64_t channels = norm.common.channels;
  const int64_t bytes = norm.common.bits > 8 ? 2 : 1;
  const Recoding& recoding = norm.recoding;
  parallel_for(
      executor, rows, values_worth_a_thread / channels + 1,
      [&](int64_t begin, int64_t end) {
        const Scratch buffer(most_rows * channels * sizeof(int16_t));
        const Scratch recoded(most_rows * channels * sizeof(int16_t));
        LayerNormTask task = norm.common;
        for (int64_t row = begin; row < end; row += most_rows) {
          task.rows = std::min(most_rows, end - row);
          task.x = x(row, task.rows, static_cast<int16_t*>(buffer.get()));
          if (!recoding.m.empty()) {
            auto* codes = static_cast<int16_t*>(recoded.get());
            norm.set->recode({task.x, task.rows, channels, recoding.m.data(),
                              recoding.n.data(), recoding.factor.data(),
                              codes});
            task.x = codes;
          }
          task.y = static_cast<char*>(y) + row * channels * bytes;
          norm.set->layer_norm(task);
        }
      });
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

}  // namespace
}  // namespace iptq

iptq_status iptq_layer_norm_create(const char* name, int64_t rows,
                                   int64_t channels, const int64_t* params,
                                   int bits, iptq_layer_norm** norm) {
  return iptq::guarded([&] {
    *norm = iptq::made(name, rows, channels, params, bits).release();
  });
}

void iptq_layer_norm_destroy(iptq_layer_norm* norm) { delete norm; }

iptq_status iptq_layer_norm_run(const iptq_layer_norm* norm,
                                const iptq_executor* executor,
                                const int16_t* x, int64_t rows, void* y) {
  return iptq::guarded([&] {
    const int64_t channels = norm->common.channels;
    iptq::standardize(
        *norm, executor,
        [=](int64_t begin, int64_t, int16_t*) { return x + begin * channels; },
        rows, y);
  });
}

iptq_status iptq_merge_layer_norm(const iptq_layer_norm* norm,
                                  const iptq_executor* executor,
                                  const int16_t* x, const int64_t sizes[3],
                                  int64_t stride, void* y) {
  using namespace iptq;
  return guarded([&] {
    valid(stride >= 1 && norm->common.channels % 4 == 0,
          "neighbourhoods of no stride, or not of 4 tokens");
    const Neighbourhoods neighbourhoods{x,
                                        sizes[1],
                                        sizes[2],
                                        norm->common.channels / 4,
                                        stride,
                                        (sizes[1] + stride - 1) / stride,
                                        (sizes[2] + stride - 1) / stride};
    standardize(*norm, executor, neighbourhoods,
                sizes[0] * neighbourhoods.rows * neighbourhoods.columns, y);
  });
}
