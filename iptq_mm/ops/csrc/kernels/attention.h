// Attention of one head inside one group of tokens, from q, k, v to the
// context: a few rows of scores at a time, which never leave the cache.
#pragma once

#include "../kernels.h"
#include "arena.h"
#include "dyadic.h"
#include "matrix.h"
#include "softmax.h"

namespace iptq {
namespace {

template <class Isa, class Probabilities>
struct AttentionBuffers {
  using Operand = typename Probabilities::Operand;

  AttentionBuffers(Arena& arena, int64_t length, int64_t width)
      : padded_length(round_up(length, Isa::lanes)),
        padded_width(padded_inner<Isa>(width)),
        head(arena.take<int8_t>(length * width)),
        queries(
            arena.take<typename Isa::Activation>(length * padded_width)),
        keys(arena.take<typename Isa::Weight>(
            packed_size<Isa>(width, length))),
        key_start(arena.take<int32_t>(padded_length)),
        values(arena.take<typename Operand::Weight>(
            packed_size<Operand>(length, width))),
        value_start(arena.take<int32_t>(round_up(width, Isa::lanes))),
        scores(arena.take<int32_t>(Isa::rows * padded_length)),
        probabilities(arena.take<typename Operand::Activation>(
            Isa::rows * padded_length)) {}

  int64_t padded_length, padded_width;
  int8_t* head;  // q, k or v of this head, [length, width]
  typename Isa::Activation* queries;
  typename Isa::Weight* keys;
  int32_t* key_start;
  typename Operand::Weight* values;
  int32_t* value_start;
  int32_t* scores;
  typename Operand::Activation* probabilities;
};

template <class Isa, class Probabilities>
int64_t buffer_bytes(int64_t length, int64_t head_channels) {
  Arena arena(nullptr);
  AttentionBuffers<Isa, Probabilities>(arena, length, head_channels);
  return arena.used();
}

template <class Isa>
int64_t attention_scratch(int64_t length, int64_t head_channels) {
  return maximum(buffer_bytes<Isa, Fractions<Isa>>(length, head_channels),
                 buffer_bytes<Isa, NegatedPowers<Isa>>(length, head_channels));
}

// int16 scores.
template <class Isa>
struct ScoreTile {
  using T = Lanes<Isa>;

  Dyadic<Isa> scale;
  int64_t stride;
  int32_t* scores;

  IPTQ_INLINE Dyadic<Isa> channels(int64_t) const { return scale; }

  IPTQ_INLINE void store(int64_t row, int64_t column, int,
                         const Dyadic<Isa>& scale, typename T::I32 acc) {
    iptq::store(scores + row * stride + column,
                T::saturate(scale(acc), 32767));
  }
};

// The context of a few tokens, stored where each of them lives.
template <class Isa>
struct ContextTile {
  using T = Lanes<Isa>;

  Dyadic<Isa> scale;
  int32_t limit;
  const int* shifts;  // of each row
  int8_t* const* outputs;
  int64_t offset;

  IPTQ_INLINE Dyadic<Isa> channels(int64_t) const { return scale; }

  IPTQ_INLINE void store(int64_t row, int64_t column, int valid,
                         const Dyadic<Isa>& scale, typename T::I32 acc) {
    if (!outputs[row]) return;
    const auto narrow = __builtin_convertvector(T::saturate(scale(acc << shifts[row]), limit),
                                                typename T::I8);
    int8_t* to = outputs[row] + offset + column;
    if (valid == Isa::lanes)
      iptq::store(to, narrow);
    else
      store_first(to, narrow, valid);
  }
};

// Takes q (part 0), k (1) or v (2) of the head out of the tokens.
inline void gather(const AttentionTask& task, int part, int8_t* head) {
  const int64_t width = task.head_channels;
  for (int64_t i = 0; i < task.length; ++i)
    std::memcpy(head + i * width,
                task.tokens[i] + part * task.channels + task.head * width,
                width);
}

// What is taken off again where `offset` was added to the left side.
template <class Isa>
IPTQ_INLINE void compensate(int32_t* sums, int64_t columns, int32_t offset) {
  for (int64_t i = 0; i < round_up(columns, Isa::lanes); ++i)
    sums[i] *= -offset;
}

template <class Isa, class Probabilities>
void pack_head(const AttentionTask& task,
               const AttentionBuffers<Isa, Probabilities>& b) {
  using Operand = typename Probabilities::Operand;
  const int64_t length = task.length, width = task.head_channels;
  gather(task, 0, b.head);
  for (int64_t i = 0; i < length; ++i)
    pack_row<Isa>(b.head + i * width, width, b.queries + i * b.padded_width);
  gather(task, 1, b.head);
  pack<Isa>({b.head, 1, width}, width, length, b.keys, b.key_start);
  compensate<Isa>(b.key_start, length, Isa::signed_offset);
  gather(task, 2, b.head);
  pack<Operand>({b.head, width, 1}, length, width, b.values, b.value_start);
  compensate<Isa>(b.value_start, width, Operand::unsigned_offset);
}

// Relative position bias, and the mask between regions.
template <class Isa>
IPTQ_INLINE void add_bias(const AttentionTask& task, int64_t token,
                          int32_t* scores) {
  using I32 = typename Lanes<Isa>::I32;
  const int32_t* bias = task.bias + token * task.bias_stride;
  for (int64_t i = 0; i < task.length; i += Isa::lanes) {
    I32 sum = load<I32>(scores + i) + load<I32>(bias + i);
    if (task.regions) {
      const I32 apart = load<I32>(task.regions + i) != task.regions[token];
      sum += apart & task.mask;
    }
    store(scores + i, sum);
  }
}

template <class Isa, class Probabilities>
void attend(const AttentionTask& task) {
  using Operand = typename Probabilities::Operand;
  const int64_t length = task.length, width = task.head_channels;
  Arena arena(task.scratch);
  const AttentionBuffers<Isa, Probabilities> b(arena, length, width);
  pack_head(task, b);

  const int64_t padded = b.padded_length;
  ScoreTile<Isa> scores{{task.score.m, task.score.n}, padded, b.scores};
  const Dyadic<Isa> output(Probabilities::sign * task.output.m,
                           task.output.n);
  const int32_t limit = (1 << (task.bits - 1)) - 1;

  for (int64_t first = 0; first < length; first += Isa::rows) {
    const int64_t rows =
        minimum<int64_t>(length - first, Isa::rows);
    multiply<Isa>(Product<Isa>{b.queries + first * b.padded_width,
                               b.padded_width, b.keys, b.key_start,
                               b.padded_width, length},
                  rows, 0, length, scores);
    int shifts[Isa::rows];
    for (int64_t r = 0; r < rows; ++r) {
      int32_t* row = b.scores + r * padded;
      add_bias<Isa>(task, first + r, row);
      const ScoreRow<Isa> powers{row, length};
      const int64_t sum = exponentiate(powers, task.softmax);
      shifts[r] = Probabilities::normalize(powers, sum, task.softmax,
                                           b.probabilities + r * padded);
    }
    ContextTile<Isa> context{output, limit, shifts, task.outputs + first,
                             task.head * width};
    multiply<Operand>(
        Product<Operand>{b.probabilities, padded, b.values, b.value_start,
                         padded_inner<Operand>(length), width},
        rows, 0, width, context);
  }
}

template <class Isa>
void attention(const AttentionTask& task) {
  switch (task.softmax.normalization) {
    case Normalization::fractions:
      return attend<Isa, Fractions<Isa>>(task);
    case Normalization::powers_of_two:
      return attend<Isa, NegatedPowers<Isa>>(task);
  }
}

}  // namespace
}  // namespace iptq
