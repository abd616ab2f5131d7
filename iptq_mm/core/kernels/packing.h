// The operands of a product, packed so that neighbours along the inner
// dimension, `Isa::group` of them, are one 32-bit word, or two:
//
//   left   [row][inner]                  rows padded to whole vectors
//   right  [panel][word][column]         panels of Isa::vectors vectors
//
// Padding is zero on one side, so what it meets on the other does not matter.
#pragma once

#include "vector.h"

namespace iptq {
namespace {

// Whole runs of groups.
template <class Isa>
constexpr int64_t padded_inner(int64_t inner) {
  return round_up(inner, Isa::run * Isa::group);
}

// Of a group on the right.
template <class Isa>
constexpr int64_t group_words =
    Isa::group * static_cast<int64_t>(sizeof(typename Isa::Weight)) /
    static_cast<int64_t>(sizeof(int32_t));

// Words of a packed right operand.
template <class Isa>
constexpr int64_t packed_words(int64_t inner, int64_t columns) {
  return padded_inner<Isa>(inner) / Isa::group * group_words<Isa> *
         round_up(columns, Isa::lanes);
}

// An int8 matrix anywhere in memory.
struct StridedMatrix {
  const int8_t* data;
  int64_t inner_stride, column_stride;
};

// Packs the groups of `count` rows of the matrix that begin at `first`, for
// the columns in [begin, end).
template <class Isa>
IPTQ_INLINE void pack_group(const int8_t* first, int64_t inner_stride,
                            int64_t column_stride, int64_t count,
                            int64_t begin, int64_t end, int32_t* packed) {
  auto* codes = reinterpret_cast<typename Isa::Weight*>(packed);
  for (int64_t column = begin; column < end; ++column)
    for (int64_t k = 0; k < Isa::group; ++k)
      codes[(column - begin) * Isa::group + k] =
          k < count ? first[column * column_stride + k * inner_stride] : 0;
}

// Sums of the columns of a packed panel.
template <class Isa>
IPTQ_INLINE void sum_columns(const int32_t* panel, int64_t groups,
                             int64_t width, int32_t* sums) {
  using I32 = typename Lanes<Isa>::I32;
  static_assert(group_words<Isa> == 1);
  for (int64_t column = 0; column < width; column += Isa::lanes) {
    I32 sum{};
    for (int64_t g = 0; g < groups; ++g)
      sum = Isa::dot(sum, Isa::ones(),
                     load<I32>(panel + g * width + column));
    store(sums + column, sum);
  }
}

// Packs a right operand, and, where the left side has an offset that they are
// for, the sum of each of its columns (whole vectors).
template <class Isa>
void pack(const StridedMatrix& matrix, int64_t inner, int64_t columns,
          int32_t* packed, int32_t* sums) {
  constexpr int64_t group = Isa::group;
  constexpr int64_t panel_width = Isa::vectors * Isa::lanes;
  const int64_t groups = padded_inner<Isa>(inner) / group;
  for (int64_t begin = 0; begin < columns; begin += panel_width) {
    const int64_t end = minimum(begin + panel_width, columns);
    const int64_t width = round_up(end - begin, Isa::lanes);
    for (int64_t g = 0; g < groups; ++g) {
      const int8_t* first = matrix.data + g * group * matrix.inner_stride;
      const int64_t count =
          maximum(minimum(inner - g * group, group), int64_t{0});
      int32_t* to = packed + g * width * group_words<Isa>;
      // A stride that is known, and a whole group, make tight loops.
      if (count == group && matrix.inner_stride == 1)
        pack_group<Isa>(first, 1, matrix.column_stride, group, begin, end, to);
      else if (count == group && matrix.column_stride == 1)
        pack_group<Isa>(first, matrix.inner_stride, 1, group, begin, end, to);
      else
        pack_group<Isa>(first, matrix.inner_stride, matrix.column_stride,
                        count, begin, end, to);
      std::memset(to + (end - begin) * group_words<Isa>, 0,
                  (width - (end - begin)) * group_words<Isa> * sizeof(*to));
    }
    if constexpr (group_words<Isa> == 1)
      sum_columns<Isa>(packed, groups, width, sums + begin);
    else
      std::memset(sums + begin, 0, width * sizeof(*sums));
    packed += groups * width * group_words<Isa>;
  }
}

// Elements from row to row of a packed left operand.
template <class Isa>
constexpr int64_t left_stride(int64_t inner) {
  return round_up(inner, Isa::lanes * Isa::group);
}

// Packs a row of a left operand of int8 codes.
template <class Isa>
void pack_row(const int8_t* row, int64_t inner,
              typename Isa::Activation* packed) {
  for (int64_t k = 0; k < inner; ++k)
    packed[k] = static_cast<typename Isa::Activation>(row[k] +
                                                      Isa::signed_offset);
  for (int64_t k = inner; k < left_stride<Isa>(inner); ++k) packed[k] = 0;
}

}  // namespace
}  // namespace iptq
