// LayerNorm on integers: functions/layernorm/standardize.py, row by row.
#pragma once

#include "../kernels.h"
#include "dyadic.h"

namespace iptq {
namespace {

// Rows whose roots are extracted together.
constexpr int row_block = 8;

// Exact floor of the square root of each x in [0, 2^62), digit by digit.
template <class Isa>
IPTQ_INLINE typename Lanes<Isa>::I64 square_root(typename Lanes<Isa>::I64 x) {
  using I64 = typename Lanes<Isa>::I64;
  I64 root{};
  for (int shift = 60; shift >= 0; shift -= 2) {
    const int64_t digit = int64_t{1} << shift;
    const I64 trial = root + digit;
    const I64 fits = x >= trial;  // all ones, or zero
    x -= trial & fits;
    root = reinterpret_cast<I64>(
               reinterpret_cast<typename Lanes<Isa>::U64>(root) >> 1) +
           (fits & digit);
  }
  return root;
}

// The same of a block of rows, in place.
template <class Isa>
IPTQ_INLINE void square_roots(int64_t (&x)[row_block]) {
  using I64 = typename Lanes<Isa>::I64;
  constexpr int step = Isa::lanes / 2;  // divides row_block
#pragma GCC unroll 4
  for (int r = 0; r < row_block; r += step)
    store(x + r, square_root<Isa>(load<I64>(x + r)));
}

// Sum and sum of squares of a row of int16.
struct Moments {
  int64_t sum, squares;
};

template <class Isa>
IPTQ_INLINE Moments moments(const int16_t* x, int64_t channels) {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  using U64 = typename T::U64;
  using Words = typename Isa::Words;
  using Pairs = Vector<int16_t, 2 * T::count>;
  I32 sum{};  // 4096 channels of 15 bits: 27 bits
  U64 squares{};
  const auto accumulate = [&](Pairs codes) IPTQ_INLINE_LAMBDA {
    const I32 pairs = reinterpret_cast<I32>(codes);
    sum = Words::dot(sum, pairs, Words::ones());
    // Two squares: at most 2^31, in 32 bits without a sign.
    const U64 square =
        reinterpret_cast<U64>(Words::dot(I32{}, pairs, pairs));
    squares += (square & 0xffffffffu) + (square >> 32);
  };
  int64_t c = 0;
  for (; c + 2 * T::count <= channels; c += 2 * T::count)
    accumulate(load<Pairs>(x + c));
  if (c < channels)
    accumulate(load_first<Pairs>(x + c, static_cast<int>(channels - c)));
  return {sum_of_lanes<int32_t, T::count>(sum),
          static_cast<int64_t>(
              sum_of_lanes<uint64_t, T::count / 2>(squares))};
}

// What standardizes a row: (channels x - sum) reciprocal >> shift.
struct RowScale {
  int32_t sum, reciprocal, shift;
};

template <class Isa>
void row_scales(const LayerNormTask& task, int64_t first, int64_t rows,
                RowScale* scales) {
  int64_t roots[row_block]{};
  int shifts[row_block];
  for (int64_t r = 0; r < rows; ++r) {
    const Moments m = moments<Isa>(task.x + (first + r) * task.channels,
                                   task.channels);
    const int64_t variance = task.channels * m.squares - m.sum * m.sum;
    const int64_t least = int64_t{1} << task.headroom;
    int64_t v = (variance << task.headroom) + task.eps;
    v = maximum(v, least);
    // An even shift to [2^60, 2^62).
    shifts[r] = (__builtin_clzll(v) - 2) / 2;
    roots[r] = v << (2 * shifts[r]);
    scales[r].sum = static_cast<int32_t>(m.sum);
  }
  square_roots<Isa>(roots);
  for (int64_t r = 0; r < rows; ++r) {
    scales[r].reciprocal =
        static_cast<int32_t>((int64_t{1} << 60) / roots[r]);
    scales[r].shift =
        static_cast<int32_t>(60 - 24 - (task.headroom >> 1) - shifts[r]);
  }
}

// One row, standardized and put through gamma and beta.
template <class Isa, class Out>
IPTQ_INLINE void normalize_row(const LayerNormTask& task, int64_t row,
                               const RowScale& scale) {
  using T = Lanes<Isa>;
  using I16 = typename T::I16;
  using I32 = typename T::I32;
  using U64 = typename T::U64;
  const Dyadic<Isa> standardize(scale.reciprocal, scale.shift);
  const int16_t* x = task.x + row * task.channels;
  Out* y = static_cast<Out*>(task.y) + row * task.channels;

  const auto normalized = [&](I16 narrow, int64_t c) {
    const I32 deviation =
        T::widen(narrow) * static_cast<int32_t>(task.channels) - scale.sum;
    Dyadic<Isa> affine(load<I32>(task.m + c), T::splat(task.shift));
    affine.add_to_product({load<U64>(task.bias + c),
                           load<U64>(task.bias + c + T::count / 2)});
    const I32 out = Dyadic<Isa>::merge(
        affine(standardize(Dyadic<Isa>::split(deviation))));
    const int32_t limit = (1 << (task.bits - 1)) - 1;
    return T::template clamped<Out>(out, -limit, limit);
  };
  int64_t c = 0;
  for (; c + T::count <= task.channels; c += T::count)
    store(y + c, normalized(load<I16>(x + c), c));
  if (c < task.channels) {
    const int rest = static_cast<int>(task.channels - c);
    store_first(y + c, normalized(load_first<I16>(x + c, rest), c), rest);
  }
}

template <class Isa>
void layer_norm(const LayerNormTask& task) {
  for (int64_t first = 0; first < task.rows; first += row_block) {
    const int64_t rows =
        minimum<int64_t>(task.rows - first, row_block);
    RowScale scales[row_block];
    row_scales<Isa>(task, first, rows, scales);
    for (int64_t r = 0; r < rows; ++r) {
      if (task.bits > 8)
        normalize_row<Isa, int16_t>(task, first + r, scales[r]);
      else
        normalize_row<Isa, int8_t>(task, first + r, scales[r]);
    }
  }
}

}  // namespace
}  // namespace iptq
