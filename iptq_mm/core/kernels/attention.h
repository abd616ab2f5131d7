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

template <class Isa, class Weights>
struct AttentionBuffers {
  using Operand = typename Weights::Operand;

  AttentionBuffers(Arena& arena, int64_t length, int64_t width)
      : padded_length(round_up(length, Isa::lanes)),
        stride(left_stride<Isa>(width)),
        head(arena.take<int8_t>(length * width)),
        queries(
            arena.take<typename Isa::Activation>(length * stride)),
        keys(arena.take<int32_t>(packed_words<Isa>(width, length))),
        key_start(arena.take<int32_t>(padded_length)),
        values(arena.take<int32_t>(packed_words<Operand>(length, width))),
        value_start(arena.take<int32_t>(round_up(width, Isa::lanes))),
        scores(arena.take<int32_t>(Isa::rows * padded_length)),
        weights(arena.take<typename Operand::Activation>(
            Isa::rows * padded_length)) {}

  int64_t padded_length;
  int64_t stride;  // of the queries
  int8_t* head;  // q, k or v of this head, [length, width]
  typename Isa::Activation* queries;
  int32_t* keys;
  int32_t* key_start;
  int32_t* values;
  int32_t* value_start;
  int32_t* scores;
  typename Operand::Activation* weights;
};

template <class Isa, class Weights>
int64_t buffer_bytes(int64_t length, int64_t head_channels) {
  Arena arena(nullptr);
  AttentionBuffers<Isa, Weights>(arena, length, head_channels);
  return arena.used();
}

template <class Isa>
int64_t attention_scratch(int64_t length, int64_t head_channels) {
  return maximum(buffer_bytes<Isa, Exponentials<Isa>>(length, head_channels),
                 buffer_bytes<Isa, NegatedPowers<Isa>>(length, head_channels));
}

// int16 scores, plus the relative position bias and the mask between regions.
template <class Isa>
struct ScoreTile {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;

  const AttentionTask& task;
  Dyadic<Isa> scale;
  int64_t first;  // token of row 0
  int64_t stride;
  int32_t* scores;

  IPTQ_INLINE Dyadic<Isa> channels(int64_t) const { return scale; }

  template <class Part>
  IPTQ_INLINE void store(int64_t row, int64_t column, const Part&,
                         const Dyadic<Isa>& scale, I32 acc) {
    const int64_t token = first + row;
    I32 score = T::saturate(scale(acc), 32767) +
                load<I32>(task.bias + token * task.bias_stride + column);
    if (task.regions) {
      const I32 apart =
          load<I32>(task.regions + column) != task.regions[token];
      score += apart & task.mask;
    }
    iptq::store(scores + row * stride + column, score);
  }
};

// The context of a few tokens, stored where each of them lives.
template <class Isa>
struct ContextTile {
  using T = Lanes<Isa>;

  const Dyadic<Isa>* scales;  // of each row
  int32_t limit;
  int8_t* const* outputs;
  int64_t offset;

  IPTQ_INLINE int channels(int64_t) const { return 0; }

  template <class Part>
  IPTQ_INLINE void store(int64_t row, int64_t column, const Part& part, int,
                         typename T::I32 acc) {
    if (outputs[row])
      part.store(outputs[row] + offset + column,
                 T::template clamped<int8_t>(scales[row](acc), -limit,
                                             limit));
  }
};

// Takes q (part 0), k (1) or v (2) of the head out of the tokens. By copies of
// a known size: for so few bytes, those of the C library cost more to call.
inline void gather(const AttentionTask& task, int part, int8_t* head) {
  constexpr int64_t piece = 16;
  const int64_t width = task.head_channels;
  for (int64_t i = 0; i < task.length; ++i) {
    const int8_t* from =
        task.tokens[i] + part * task.channels + task.head * width;
    int64_t k = 0;
    for (; k + piece <= width; k += piece)
      std::memcpy(head + k, from + k, piece);
    for (; k < width; ++k) head[k] = from[k];
    head += width;
  }
}

// What is taken off again where `offset` was added to the left side.
template <class Isa>
IPTQ_INLINE void compensate(int32_t* sums, int64_t columns, int32_t offset) {
  for (int64_t i = 0; i < round_up(columns, Isa::lanes); ++i)
    sums[i] *= -offset;
}

template <class Isa, class Weights>
void pack_head(const AttentionTask& task,
               const AttentionBuffers<Isa, Weights>& b) {
  using Operand = typename Weights::Operand;
  const int64_t length = task.length, width = task.head_channels;
  gather(task, 0, b.head);
  for (int64_t i = 0; i < length; ++i)
    pack_row<Isa>(b.head + i * width, width, b.queries + i * b.stride);
  gather(task, 1, b.head);
  pack<Isa>({b.head, 1, width}, width, length, b.keys, b.key_start);
  compensate<Isa>(b.key_start, length, Isa::signed_offset);
  gather(task, 2, b.head);
  pack<Operand>({b.head, width, 1}, length, width, b.values, b.value_start);
  compensate<Isa>(b.value_start, width, Operand::unsigned_offset);
}

template <class Isa, class Weights>
void attend(const AttentionTask& task) {
  using Operand = typename Weights::Operand;
  const int64_t length = task.length, width = task.head_channels;
  Arena arena(task.scratch);
  const AttentionBuffers<Isa, Weights> b(arena, length, width);
  pack_head(task, b);

  const int64_t padded = b.padded_length;
  const Dyadic<Isa> score(task.score.m, task.score.n);
  const int32_t limit = (1 << (task.bits - 1)) - 1;

  int64_t sums[Isa::rows];
  Dyadic<Isa> outputs[Isa::rows];
  for (int64_t first = 0; first < length; first += Isa::rows) {
    const int64_t rows =
        minimum<int64_t>(length - first, Isa::rows);
    ScoreTile<Isa> scores{task, score, first, padded, b.scores};
    multiply<Isa>(Product<Isa>{b.queries + first * b.stride, b.stride, b.keys,
                               b.key_start, padded_inner<Isa>(width), length},
                  rows, 0, length, scores);
    const ScoreRows<Isa> powers{b.scores, padded, length, rows};
    exponentiate(powers, task.softmax, sums);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t share = Weights::pack(powers[r], sums[r], task.softmax,
                                          b.weights + r * padded);
      const int64_t m = share * task.output.m >> share_bits;
      outputs[r] = Dyadic<Isa>(static_cast<int32_t>(m), task.output.n);
    }
    ContextTile<Isa> context{outputs, limit, task.outputs + first,
                             task.head * width};
    multiply<Operand>(
        Product<Operand>{b.weights, padded, b.values, b.value_start,
                         padded_inner<Operand>(length), width},
        rows, 0, width, context);
  }
}

template <class Isa>
void attention(const AttentionTask& task) {
  switch (task.softmax.normalization) {
    case Normalization::fractions:
      return attend<Isa, Exponentials<Isa>>(task);
    case Normalization::powers_of_two:
      return attend<Isa, NegatedPowers<Isa>>(task);
  }
}

}  // namespace
}  // namespace iptq
