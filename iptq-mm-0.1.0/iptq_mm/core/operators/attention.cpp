// window_attention and attention: windows as addresses, threads, memory.
#include <memory>
#include <vector>

#include "../runtime/dispatch.h"
#include "../runtime/memory.h"
#include "../softmax_parameters.h"
#include "../runtime/status.h"
#include "../runtime/threads.h"
#include "attention.h"
#include "score_bias.h"
#include "windows.h"

namespace iptq {
namespace {

constexpr int64_t most_tokens = 4096;

// Largest context accumulator, divided by the row's sum. Codes of 8 bits then
// sum to at most 2 * 255: rounding at most doubles what it does not make zero.
// Of powers of two, at 2^-15, a quotient rounded to an integer, and its
// logarithm from 3/2 on, make a row sum to less than 3/2.
int64_t context_reach(Normalization normalization) {
  return normalization == Normalization::powers_of_two ? (3 << 14) * 128
                                                       : 2 * 255 * 128;
}

std::vector<DyadicNumber> dyadics(const int64_t* pairs, int64_t heads,
                                  int64_t reach) {
  std::vector<DyadicNumber> numbers;
  for (int64_t head = 0; head < heads; ++head)
    numbers.push_back(dyadic(pairs + 2 * head, reach));
  return numbers;
}

// Addresses of the tokens of one group.
struct Tokens {
  std::vector<const int8_t*> from;
  std::vector<int8_t*> to;
  std::vector<int32_t> regions;

  Tokens(int64_t length, int lanes)
      : from(length), to(length), regions(length + lanes) {}
};

// Runs every head of every group; locate(group, tokens, task) says where the
// tokens of a group are.
template <class Locate>
void run(const iptq_attention& attention, const AttentionTask& common,
         const iptq_executor* executor, int64_t groups, const ScoreBias& bias,
         const Locate& locate) {
  const Kernels& kernels = *attention.set;
  const auto heads = static_cast<int64_t>(attention.score.size());
  parallel_for(executor, groups * heads, 1, [&](int64_t begin, int64_t end) {
    const Scratch scratch(
        kernels.attention_scratch(common.length, common.head_channels));
    Tokens tokens(common.length, kernels.lanes);
    AttentionTask task = common;
    task.tokens = tokens.from.data();
    task.outputs = tokens.to.data();
    task.scratch = scratch.get();
    int64_t located = -1;
    for (int64_t i = begin; i < end; ++i) {
      if (i / heads != located) {
        located = i / heads;
        locate(located, tokens, task);
      }
      task.head = i % heads;
      task.score = attention.score[task.head];
      task.output = attention.output[task.head];
      bias.set(task);
      kernels.attention(task);
    }
  });
}

}  // namespace
}  // namespace iptq

iptq_status iptq_attention_create(int64_t channels, int64_t heads,
                                  const int64_t* score, const char* softmax,
                                  int64_t count, const int64_t* params,
                                  const int64_t* output, int bits,
                                  iptq_attention** attention) {
  using namespace iptq;
  return guarded([&] {
    valid(heads >= 1 && channels >= heads && channels % heads == 0,
          "the heads do not share the channels equally");
    supported(bits >= 2 && bits <= 8, "an attention of other widths");
    auto made = std::make_unique<iptq_attention>();
    made->set = &kernels();
    AttentionTask& task = made->common;
    task.channels = channels;
    task.head_channels = channels / heads;
    task.bits = bits;
    task.softmax = softmax_parameters(softmax, count, params);
    made->score = dyadics(score, heads, task.head_channels * 128 * 128);
    made->output =
        dyadics(output, heads, context_reach(task.softmax.normalization));
    *attention = made.release();
  });
}

void iptq_attention_destroy(iptq_attention* attention) { delete attention; }

iptq_status iptq_attention_run(const iptq_attention* attention,
                               const iptq_executor* executor,
                               const int8_t* qkv, int64_t groups,
                               int64_t length, int8_t* y) {
  using namespace iptq;
  return guarded([&] {
    supported(length <= most_tokens, "more tokens than the kernels hold");
    if (length < 1) return;
    AttentionTask common = attention->common;
    common.length = length;
    const int64_t channels = common.channels;
    run(*attention, common, executor, groups,
        ScoreBias(length, attention->set->lanes),
        [&](int64_t group, Tokens& tokens, AttentionTask&) {
          for (int64_t i = 0; i < length; ++i) {
            const int64_t token = group * length + i;
            tokens.from[i] = qkv + token * 3 * channels;
            tokens.to[i] = y + token * channels;
          }
        });
  });
}

iptq_status iptq_window_attention(const iptq_attention* attention,
                                  const iptq_executor* executor,
                                  const int8_t* qkv, const int64_t sizes[3],
                                  const int8_t* pad, int64_t window,
                                  int64_t shift, const int16_t* table,
                                  int32_t mask, int8_t* y) {
  using namespace iptq;
  return guarded([&] {
    valid(window >= 1 && shift >= 0 && shift < window,
          "a window of no size, or a shift beyond it");
    supported(window * window <= most_tokens,
              "more tokens than the kernels hold");
    AttentionTask common = attention->common;
    common.length = window * window;
    common.mask = mask;
    const int64_t height = sizes[1], width = sizes[2];
    const int64_t channels = common.channels;
    const Windows windows(height, width, window, shift);
    const auto heads = static_cast<int64_t>(attention->score.size());
    run(*attention, common, executor, sizes[0] * windows.per_image(),
        ScoreBias(table, heads, window, attention->set->lanes, executor),
        [&](int64_t number, Tokens& tokens, AttentionTask& task) {
          const int64_t image = number / windows.per_image();
          task.regions =
              windows.has_regions(number) ? tokens.regions.data() : nullptr;
          windows.each_token(number, [&](int64_t token, int64_t row,
                                         int64_t column) {
            const int64_t place = (image * height + row) * width + column;
            const bool inside = windows.inside(row, column);
            tokens.from[token] = inside ? qkv + place * 3 * channels : pad;
            tokens.to[token] = inside ? y + place * channels : nullptr;
            tokens.regions[token] = windows.region(number, row, column);
          });
        });
  });
}
