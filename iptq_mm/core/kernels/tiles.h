// The matrix product on tiles of memory: 16 rows by 64 bytes, which one
// instruction multiplies into a third (`Isa::Tiles`).
//
// Two tiles of rows by two of columns are summed up over the inner dimension,
// stored, and go through `result` like the accumulators of matrix.h.
#pragma once

#include "matrix.h"

namespace iptq {
namespace {

constexpr int tile_rows = 16;

// Rows of a packed left operand: whole tiles.
constexpr int64_t padded_rows(int64_t rows) {
  return round_up(rows, tile_rows);
}

// `Below` tiles of rows by `Beside` of columns, from tiles 0, 1 (the rows of
// the first), 2 and 3 to `sums`.
template <class Isa, int Below, int Beside>
void sum_tiles(const Product<Isa>& p, int64_t row, const int32_t* panel,
               int32_t (*sums)[2 * Isa::lanes]) {
  using Tiles = typename Isa::Tiles;
  constexpr int64_t codes = Isa::run * Isa::group;
  constexpr int64_t width = Beside * Isa::lanes;  // of the panel
  const auto* left = p.left + row * p.left_stride;
  const int64_t below = tile_rows * p.left_stride;
  Tiles::template zero<0>();
  if constexpr (Beside > 1) Tiles::template zero<1>();
  if constexpr (Below > 1) Tiles::template zero<2>();
  if constexpr (Below > 1 && Beside > 1) Tiles::template zero<3>();
  for (int64_t k = 0; k < p.inner; k += codes, panel += Isa::run * width) {
    Tiles::template load<4>(left + k, p.left_stride);
    Tiles::template load<6>(panel, 4 * width);
    Tiles::template add_product<0, 4, 6>();
    if constexpr (Beside > 1) {
      Tiles::template load<7>(panel + Isa::lanes, 4 * width);
      Tiles::template add_product<1, 4, 7>();
    }
    if constexpr (Below > 1) {
      Tiles::template load<5>(left + below + k, p.left_stride);
      Tiles::template add_product<2, 5, 6>();
      if constexpr (Beside > 1) Tiles::template add_product<3, 5, 7>();
    }
  }
  constexpr int64_t step = sizeof(*sums);
  Tiles::template store<0>(sums, step);
  if constexpr (Beside > 1)
    Tiles::template store<1>(sums[0] + Isa::lanes, step);
  if constexpr (Below > 1) Tiles::template store<2>(sums + tile_rows, step);
  if constexpr (Below > 1 && Beside > 1)
    Tiles::template store<3>(sums[tile_rows] + Isa::lanes, step);
}

// As `multiply` of matrix.h; Isa::vectors is 2.
template <class Isa, class Result>
void multiply_tiles(const Product<Isa>& p, int64_t rows, int64_t begin,
                    int64_t end, Result& result) {
  using I32 = typename Lanes<Isa>::I32;
  constexpr int64_t lanes = Isa::lanes;
  alignas(64) int32_t sums[2 * tile_rows][2 * lanes];
  const typename Isa::Tiles tiles;
  for (int64_t column = begin; column < end; column += 2 * lanes) {
    const int32_t* panel = p.right + column * (p.inner / Isa::group);
    const bool beside = end - column > lanes;
    for (int64_t row = 0; row < rows; row += 2 * tile_rows) {
      const bool below = rows - row > tile_rows;
      const auto sum = below ? (beside ? sum_tiles<Isa, 2, 2>
                                       : sum_tiles<Isa, 2, 1>)
                             : (beside ? sum_tiles<Isa, 1, 2>
                                       : sum_tiles<Isa, 1, 1>);
      sum(p, row, panel, sums);
      const int64_t count = minimum<int64_t>(rows - row, 2 * tile_rows);
      for (int64_t first = column; first < minimum(column + 2 * lanes, end);
           first += lanes) {
        const auto channels = result.channels(first);
        const I32 start = iptq::load<I32>(p.start + first);
        const auto store = [&](const auto& part) {
          for (int64_t r = 0; r < count; ++r)
            result.store(row + r, first, part, channels,
                         Lanes<Isa>::add(start, iptq::load<I32>(
                                                    sums[r] + first -
                                                    column)));
        };
        if (first + lanes <= p.columns)
          store(WholeVector{});
        else
          store(FirstLanes{static_cast<int>(p.columns - first)});
      }
    }
  }
}

}  // namespace
}  // namespace iptq
