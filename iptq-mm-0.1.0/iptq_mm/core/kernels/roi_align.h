// One box of RoIAlign: rows and columns of a map, weighted and summed up.
//
// The sum over the samples of a bin is separable: a weight for each column of
// the map, then one for each row. Sums along a row have at most 24 bits and
// are split into 12 and 12, so that those of a bin fit int32.
#pragma once

#include "../kernels.h"
#include "arena.h"

namespace iptq {
namespace {

template <class Isa>
struct RoiSums {
  RoiSums(Arena& arena, int64_t bins)
      : high(arena.take<typename Lanes<Isa>::I32>(bins)),
        low(arena.take<typename Lanes<Isa>::I32>(bins)) {}

  typename Lanes<Isa>::I32 *high, *low;  // of each bin: high 2^12 + low
};

template <class Isa>
int64_t roi_align_scratch(int64_t bins) {
  Arena arena(nullptr);
  RoiSums<Isa>(arena, bins);
  return arena.used();
}

// floor((2 total + count) / (2 count)) for count = samples 2^22.
template <class Isa>
IPTQ_INLINE void store_means(typename Lanes<Isa>::I32 high,
                             typename Lanes<Isa>::I32 low, int32_t samples,
                             uint64_t reciprocal, int valid, int8_t* y) {
  using T = Lanes<Isa>;
  const auto scaled = (high + T::splat(samples << 9) + (low >> 12)) >> 10;
  // In [-128 samples, 128 samples]; the division is exact for what is not
  // negative and has at most 20 bits.
  for (int i = 0; i < valid; ++i) {
    const auto positive = static_cast<uint64_t>(scaled[i] + 128 * samples);
    y[i] = static_cast<int8_t>(
        static_cast<int32_t>(positive * reciprocal >> 32) - 128);
  }
}

template <class Isa>
void roi_align(const RoiAlignTask& task) {
  using T = Lanes<Isa>;
  using I8 = typename T::I8;
  using I32 = typename T::I32;
  const int64_t bins = int64_t{task.bins_y} * task.bins_x;
  Arena arena(task.scratch);
  const RoiSums<Isa> sums(arena, bins);
  const uint64_t reciprocal =
      ((uint64_t{1} << 32) + task.samples - 1) / task.samples;
  for (int64_t c = 0; c < task.channels; c += T::count) {
    const int valid =
        static_cast<int>(minimum<int64_t>(task.channels - c, T::count));
    for (int64_t i = 0; i < bins; ++i) sums.high[i] = sums.low[i] = I32{};
    for (int32_t row = task.first_row; row < task.last_row; ++row) {
      const int8_t* line =
          task.map + int64_t{row} * task.width * task.channels + c;
      for (int32_t px = 0; px < task.bins_x; ++px) {
        const AxisBin& columns = task.columns[px];
        I32 sum{};
        for (int32_t i = 0; i < columns.count; ++i) {
          const int8_t* from =
              line + int64_t{columns.first + i} * task.channels;
          const I8 codes = valid == T::count ? load<I8>(from)
                                             : load_first<I8>(from, valid);
          sum += __builtin_convertvector(codes, I32) *
                 T::splat(columns.weights[i]);
        }
        const I32 high = sum >> 12, low = sum & T::splat(4095);
        for (int32_t py = 0; py < task.bins_y; ++py) {
          const AxisBin& rows = task.rows[py];
          const int32_t at = row - rows.first;
          if (at < 0 || at >= rows.count || !rows.weights[at]) continue;
          const I32 weight = T::splat(rows.weights[at]);
          sums.high[py * task.bins_x + px] += high * weight;
          sums.low[py * task.bins_x + px] += low * weight;
        }
      }
    }
    for (int64_t i = 0; i < bins; ++i)
      store_means<Isa>(sums.high[i], sums.low[i], task.samples, reciprocal,
                       valid, task.y + i * task.channels + c);
  }
}

}  // namespace
}  // namespace iptq
