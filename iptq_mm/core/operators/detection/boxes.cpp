// box_levels, decode_boxes, rank: what boxes.py says, box by box.
#include <algorithm>
#include <array>
#include <vector>

#include "../../runtime/status.h"

namespace iptq {
namespace {

constexpr int delta_bits = 16, table_bits = 6, fraction_bits = 24;
constexpr int64_t largest_ratio = 271002;  // ln(1000 / 16), 16 bits
constexpr int64_t log2_e = 1549082005;     // 30 bits

// 2^(i / 64), 24 fractional bits: integers, so that no machine's exponential
// has a say.
constexpr std::array<int32_t, 65> exp2_table = {
    16777216, 16959908, 17144589, 17331282, 17520007, 17710787, 17903645,
    18098603, 18295684, 18494911, 18696307, 18899897, 19105703, 19313750,
    19524063, 19736666, 19951585, 20168843, 20388467, 20610483, 20834917,
    21061794, 21291142, 21522987, 21757357, 21994279, 22233781, 22475891,
    22720638, 22968049, 23218155, 23470984, 23726566, 23984932, 24246111,
    24510133, 24777031, 25046835, 25319578, 25595290, 25874004, 26155754,
    26440571, 26728490, 27019544, 27313768, 27611195, 27911861, 28215802,
    28523052, 28833647, 29147625, 29465022, 29785875, 30110222, 30438101,
    30769550, 31104608, 31443315, 31785710, 32131834, 32481727, 32835430,
    33192984, 33554432};

int64_t rounded_shift(int64_t x, int64_t n) {
  return (x + ((int64_t{1} << n) >> 1)) >> n;
}

// The size of a box along an axis times exp of a ratio, 16 fractional bits.
int64_t scaled(int64_t size, int64_t ratio) {
  const int64_t x = rounded_shift(
      std::clamp(ratio, -largest_ratio, largest_ratio) * log2_e,
      30 - fraction_bits + delta_bits);
  const int64_t place = x & ((1 << fraction_bits) - 1);
  constexpr int weight_bits = fraction_bits - table_bits;
  const int64_t index = place >> weight_bits;
  const int64_t weight = place & ((1 << weight_bits) - 1);
  const int64_t below = exp2_table[index];
  const int64_t mantissa =
      below + rounded_shift((exp2_table[index + 1] - below) * weight,
                            weight_bits);
  return rounded_shift(size * mantissa, fraction_bits - (x >> fraction_bits));
}

template <class Delta>
void decode(const int32_t* boxes, const Delta* deltas, const int64_t* m,
            const int64_t* n, const int32_t* limits, int64_t count,
            int32_t* to) {
  const int64_t furthest = int64_t{1} << 31;
  for (int64_t i = 0; i < count; ++i)
    for (int axis = 0; axis < 2; ++axis) {
      const int64_t start = boxes[4 * i + axis];
      const int64_t end = boxes[4 * i + axis + 2];
      const auto delta = [&](int which) {
        return rounded_shift(deltas[4 * i + which] * m[which], n[which]);
      };
      const int64_t centre =
          start + end +
          rounded_shift((end - start) *
                            std::clamp(delta(axis), -furthest, furthest),
                        delta_bits - 1);
      const int64_t size = scaled(end - start, delta(axis + 2));
      const int64_t limit = limits[2 * i + axis];
      const auto inside = [&](int64_t x) {
        return static_cast<int32_t>(
            std::min(std::max<int64_t>(rounded_shift(x, 1), 0), limit));
      };
      to[4 * i + axis] = inside(centre - size);
      to[4 * i + axis + 2] = inside(centre + size);
    }
}

template <class Score>
void best(const Score* scores, int64_t* order, int64_t count, int64_t most) {
  const auto better = [&](int64_t a, int64_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  if (most < count) std::nth_element(order, order + most, order + count, better);
  std::sort(order, order + most, better);
}

template <class Score>
void rank(const Score* scores, int64_t count, int64_t most, int64_t* y) {
  std::vector<int64_t> order(count);
  for (int64_t i = 0; i < count; ++i) order[i] = i;
  best(scores, order.data(), count, most);
  std::copy_n(order.begin(), most, y);
}

}  // namespace
}  // namespace iptq

iptq_status iptq_box_levels(const int32_t* boxes, int64_t count,
                            const int64_t* areas, int64_t levels,
                            int64_t* y) {
  for (int64_t i = 0; i < count; ++i, boxes += 4) {
    const int64_t area = (int64_t{boxes[2]} - boxes[0]) *
                         (int64_t{boxes[3]} - boxes[1]);
    y[i] = std::count_if(areas, areas + levels,
                         [&](int64_t least) { return area >= least; });
  }
  return IPTQ_OK;
}

iptq_status iptq_decode_boxes(const int32_t* boxes, int64_t count,
                              const void* deltas, int width, const int64_t* m,
                              const int64_t* n, const int32_t* limits,
                              int32_t* y) {
  using namespace iptq;
  return guarded([&] {
    if (width == 1)
      decode(boxes, static_cast<const int8_t*>(deltas), m, n, limits, count,
             y);
    else if (width == 2)
      decode(boxes, static_cast<const int16_t*>(deltas), m, n, limits, count,
             y);
    else
      throw Unsupported("deltas of other widths");
  });
}

iptq_status iptq_rank(const void* scores, int width, int64_t count,
                      int64_t most, int64_t* y) {
  using namespace iptq;
  return guarded([&] {
    valid(most >= 0 && most <= count, "more places than scores");
    switch (width) {
      case 2: return rank(static_cast<const int16_t*>(scores), count, most, y);
      case 4: return rank(static_cast<const int32_t*>(scores), count, most, y);
      case 8: return rank(static_cast<const int64_t*>(scores), count, most, y);
      default: throw Unsupported("scores of other widths");
    }
  });
}
