// window_attention and attention: windows as addresses, threads, memory.
#include <optional>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../memory.h"
#include "../reference.h"
#include "score_bias.h"
#include "../softmax_parameters.h"
#include "windows.h"

namespace iptq {
namespace {

using at::Tensor;

// Largest context accumulator, divided by the row's sum. Codes of 8 bits then
// sum to at most 2 * 255: rounding at most doubles what it does not make zero.
// Of powers of two, at 2^-15, a quotient rounded to an integer, and its
// logarithm from 3/2 on, make a row sum to less than 3/2.
int64_t context_reach(Normalization normalization) {
  return normalization == Normalization::powers_of_two ? (3 << 14) * 128
                                                       : 2 * 255 * 128;
}

// What the tasks of one call have in common, and what those of a head have.
struct Common {
  AttentionTask task{};
  std::vector<DyadicNumber> score, output;
};

// The dyadic numbers [heads, 2] of all heads.
std::optional<std::vector<DyadicNumber>> dyadics(const Tensor& pairs,
                                                 int64_t heads,
                                                 int64_t reach) {
  if (pairs.dim() != 2 || pairs.size(0) != heads) return {};
  std::vector<DyadicNumber> numbers;
  for (int64_t head = 0; head < heads; ++head) {
    const auto number = dyadic(pairs.select(0, head), reach);
    if (!number) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

// None where only the reference knows an answer.
std::optional<Common> common(int64_t length, int64_t channels, int64_t heads,
                             const Tensor& score, c10::string_view softmax,
                             const Tensor& params, const Tensor& output,
                             int64_t bits) {
  if (heads < 1 || channels % heads || length > 4096 || bits < 2 || bits > 8)
    return {};
  const int64_t width = channels / heads;
  const auto parameters = softmax_parameters(softmax, params);
  if (!parameters) return {};
  const auto to_score = dyadics(score, heads, width * 128 * 128);
  const auto to_output =
      dyadics(output, heads, context_reach(parameters->normalization));
  if (!to_score || !to_output) return {};
  Common common{{}, *to_score, *to_output};
  common.task.length = length;
  common.task.channels = channels;
  common.task.head_channels = width;
  common.task.bits = static_cast<int>(bits);
  common.task.softmax = *parameters;
  return common;
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
void run(const Common& common, int64_t groups, const ScoreBias& bias,
         const Kernels& kernels, const Locate& locate) {
  const auto heads = static_cast<int64_t>(common.score.size());
  at::parallel_for(0, groups * heads, 1, [&](int64_t begin, int64_t end) {
    const Scratch scratch(
        kernels.attention_scratch(common.task.length,
                                  common.task.head_channels));
    Tokens tokens(common.task.length, kernels.lanes);
    AttentionTask task = common.task;
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
      task.score = common.score[task.head];
      task.output = common.output[task.head];
      bias.set(task);
      kernels.attention(task);
    }
  });
}

Tensor attention(const Tensor& qkv, int64_t heads, const Tensor& score,
                 c10::string_view softmax, const Tensor& params,
                 const Tensor& output, int64_t bits) {
  std::optional<Common> call;
  if (qkv.dim() == 3 && qkv.scalar_type() == at::kChar && qkv.numel() > 0 &&
      qkv.size(2) % 3 == 0)
    call = common(qkv.size(1), qkv.size(2) / 3, heads, score, softmax, params,
                  output, bits);
  if (!call) {
    static const auto fallback =
        reference<decltype(attention)>("iptq_reference::attention");
    return fallback.call(qkv, heads, score, softmax, params, output, bits);
  }
  const Kernels& set = kernels();
  const Tensor input = qkv.contiguous();
  const int64_t length = call->task.length, channels = call->task.channels;
  Tensor context = at::empty({qkv.size(0), length, channels}, qkv.options());
  const auto* from = input.const_data_ptr<int8_t>();
  auto* to = context.data_ptr<int8_t>();
  run(*call, qkv.size(0), ScoreBias(length, set.lanes), set,
      [&](int64_t group, Tokens& tokens, AttentionTask&) {
        for (int64_t i = 0; i < length; ++i) {
          const int64_t token = group * length + i;
          tokens.from[i] = from + token * 3 * channels;
          tokens.to[i] = to + token * channels;
        }
      });
  return context;
}

Tensor window_attention(const Tensor& qkv, const Tensor& pad, int64_t heads,
                        int64_t window, int64_t shift, const Tensor& table,
                        const Tensor& mask, const Tensor& score,
                        c10::string_view softmax, const Tensor& params,
                        const Tensor& output, int64_t bits) {
  std::optional<Common> call;
  const int64_t length = window * window;
  if (qkv.dim() == 4 && qkv.scalar_type() == at::kChar && qkv.numel() > 0 &&
      qkv.size(3) % 3 == 0 && window >= 1 && shift >= 0 && shift < window &&
      pad.scalar_type() == at::kChar && pad.dim() == 1 &&
      pad.size(0) == qkv.size(3) && table.scalar_type() == at::kShort &&
      table.sizes() ==
          at::IntArrayRef({(2 * window - 1) * (2 * window - 1), heads}) &&
      mask.scalar_type() == at::kInt && mask.numel() == 1)
    call = common(length, qkv.size(3) / 3, heads, score, softmax, params,
                  output, bits);
  if (!call) {
    static const auto fallback = reference<decltype(window_attention)>(
        "iptq_reference::window_attention");
    return fallback.call(qkv, pad, heads, window, shift, table, mask, score,
                         softmax, params, output, bits);
  }
  const Kernels& set = kernels();
  call->task.mask = mask.item<int32_t>();
  const Tensor input = qkv.contiguous(), padding = pad.contiguous();
  const int64_t height = qkv.size(1), width = qkv.size(2);
  const int64_t channels = call->task.channels;
  Tensor context =
      at::empty({qkv.size(0), height, width, channels}, qkv.options());
  const Windows windows(height, width, window, shift);
  const auto* from = input.const_data_ptr<int8_t>();
  const auto* pad_token = padding.const_data_ptr<int8_t>();
  auto* to = context.data_ptr<int8_t>();

  const auto locate = [&](int64_t number, Tokens& tokens,
                          AttentionTask& task) {
    const int64_t image = number / windows.per_image();
    task.regions =
        windows.has_regions(number) ? tokens.regions.data() : nullptr;
    windows.each_token(number, [&](int64_t token, int64_t row,
                                   int64_t column) {
      const int64_t place = (image * height + row) * width + column;
      const bool inside = windows.inside(row, column);
      tokens.from[token] =
          inside ? from + place * 3 * channels : pad_token;
      tokens.to[token] = inside ? to + place * channels : nullptr;
      tokens.regions[token] = windows.region(number, row, column);
    });
  };
  run(*call, qkv.size(0) * windows.per_image(),
      ScoreBias(table, window, set.lanes), set, locate);
  return context;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("attention", attention);
  library.impl("window_attention", window_attention);
}

}  // namespace iptq
