// The integer matrix product: int8 x int8 (or uint8 x int8) -> int32, exact.
//
// A tile of `Isa::rows` rows and `Isa::vectors` vectors of columns stays in
// registers over the whole inner dimension. An instruction `Isa::dot` adds to
// each lane the products of a group of `Isa::group` neighbours along it. Where
// narrow lanes have room for `Isa::run` groups, these are added up there
// (`Isa::partial`) before they are widened (`Isa::add_widened`). The operands
// are packed as packing.h describes.
#pragma once

#include "row_pairs.h"

namespace iptq {
namespace {

constexpr int64_t line = 64 / sizeof(int32_t);  // of a cache
constexpr int second_level = 2;

// Packed operands of one product.
template <class Isa>
struct Product {
  const typename Isa::Activation* left;
  int64_t left_stride;
  const int32_t* right;
  const int32_t* start;  // what the accumulator of each column starts from
  int64_t inner;         // padded to whole runs
  int64_t columns;
};

// Adds the products of `Groups` groups side by side, from code k on, to each
// lane of a tile.
template <class Isa, int Groups, int Rows, int Vectors>
IPTQ_INLINE void add_groups(const Product<Isa>& p,
                            const typename Isa::Activation* left,
                            const int32_t* panel, int64_t k,
                            typename Lanes<Isa>::I32 (&sums)[Rows][Vectors]) {
  using I32 = typename Lanes<Isa>::I32;
  I32 right[Groups][Vectors];
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      right[g][v] = load<I32>(panel + (g * Vectors + v) * Isa::lanes);
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    I32 spread[Groups];
#pragma GCC unroll 4
    for (int g = 0; g < Groups; ++g) {
      int32_t group;
      std::memcpy(&group, left + r * p.left_stride + k + g * Isa::group,
                  sizeof(group));
      spread[g] = Lanes<Isa>::splat(group);
    }
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      if constexpr (Groups == 1) {
        sums[r][v] = Isa::dot(sums[r][v], spread[0], right[0][v]);
      } else {
        I32 partial = Isa::partial(spread[0], right[0][v]);
#pragma GCC unroll 4
        for (int g = 1; g < Groups; ++g)
          partial = Isa::add_partial(
              partial, Isa::partial(spread[g], right[g][v]));
        sums[r][v] = Isa::add_widened(sums[r][v], partial);
      }
    }
  }
}

// One tile. `ahead` is where the weights lie that come next, of which it asks
// a line for each group. `Result` takes it, a vector at a time:
//   const auto channels = result.channels(column);     once a column
//   result.store(row, column, part, channels, accumulator);
// where `part` says which lanes are columns.
template <class Isa, int Rows, int Vectors, class Result>
IPTQ_INLINE void multiply_tile(const Product<Isa>& p, int64_t row,
                               int64_t column, const int32_t* panel,
                               const int32_t* ahead, Result& result) {
  using I32 = typename Lanes<Isa>::I32;
  const auto* left = p.left + row * p.left_stride;

  constexpr int held = Isa::row_pairs ? Rows + Rows % 2 : Rows;
  I32 accumulator[held][Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) {
    const I32 start = load<I32>(p.start + column + v * Isa::lanes);
#pragma GCC unroll 16
    for (int r = 0; r < held; r += 1 + Isa::row_pairs)
      if constexpr (Isa::row_pairs)
        start_pair<Isa>(start, v, accumulator[r], accumulator[r + 1]);
      else
        accumulator[r][v] = start;
  }
  constexpr int64_t words = Vectors * Isa::lanes * group_words<Isa>;
  for (int64_t k = 0; k < p.inner; k += Isa::run * Isa::group) {
    __builtin_prefetch(ahead, 0, second_level);
    if constexpr (Isa::row_pairs)
      add_blocks<Isa, Rows>(left + k, p.left_stride, panel, accumulator);
    else
      add_groups<Isa, Isa::run>(p, left, panel, k, accumulator);
    panel += Isa::run * words;
    ahead += Isa::run * line;
  }
  if constexpr (Isa::row_pairs)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
#pragma GCC unroll 8
      for (int r = 0; r < Rows; r += 2)
        untangle<Isa>(accumulator[r][v], accumulator[r + 1][v]);
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) {
    const int64_t first = column + v * Isa::lanes;
    const auto channels = result.channels(first);
    const auto store = [&](const auto& part) IPTQ_INLINE_LAMBDA {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r)
        result.store(row + r, first, part, channels, accumulator[r][v]);
    };
    if (first + Isa::lanes <= p.columns)
      store(WholeVector{});
    else
      store(FirstLanes{static_cast<int>(p.columns - first)});
  }
}

// Tiles of a panel downwards, the last one with the rows that are left. The
// first ones fetch the next panel: each is read once from far away, and then
// for every tile from the caches.
template <class Isa, int Rows, int Vectors, class Result>
void multiply_rows(const Product<Isa>& p, int64_t row, int64_t end,
                   int64_t column, const int32_t* panel,
                   const int32_t* ahead, Result& result) {
  const int64_t groups = p.inner / Isa::group;
  for (; row + Rows <= end; row += Rows) {
    multiply_tile<Isa, Rows, Vectors>(p, row, column, panel, ahead, result);
    ahead += groups * line;
  }
  if constexpr (Rows > 1)
    if (row < end)
      multiply_rows<Isa, Rows / 2, Vectors>(p, row, end, column, panel, ahead,
                                            result);
}

template <class Isa, int Vectors, class Result>
void multiply_panel(const Product<Isa>& p, int64_t rows, int64_t column,
                    int64_t vectors, Result& result) {
  if constexpr (Vectors > 1)
    if (vectors < Vectors)
      return multiply_panel<Isa, Vectors - 1>(p, rows, column, vectors,
                                              result);
  const int64_t words = p.inner / Isa::group * group_words<Isa>;
  const int32_t* panel = p.right + column * words;
  multiply_rows<Isa, Isa::rows, Vectors>(
      p, 0, rows, column, panel, panel + Vectors * Isa::lanes * words,
      result);
}

// All of `rows` rows and of the columns in [begin, end); begin is the first
// of a panel.
template <class Isa, class Result>
void multiply(const Product<Isa>& p, int64_t rows, int64_t begin, int64_t end,
              Result& result) {
  constexpr int64_t width = Isa::vectors * Isa::lanes;
  for (int64_t column = begin; column < end; column += width) {
    const int64_t left = (end - column + Isa::lanes - 1) / Isa::lanes;
    multiply_panel<Isa, Isa::vectors>(
        p, rows, column, minimum<int64_t>(left, Isa::vectors), result);
  }
}

}  // namespace
}  // namespace iptq
