// Calls of the C interface that are noted once and made again, with other memory.
#include <array>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "include/iptq.h"
#include "runtime/status.h"

namespace iptq {
namespace {

constexpr int most_arguments = 16;
using Words = std::array<int64_t, most_arguments>;

template <class T>
T argument(int64_t word) {
  if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<T>(static_cast<intptr_t>(word));
  else
    return static_cast<T>(word);
}

// A function of the interface, called by words in the place of its arguments.
struct Function {
  const char* name;
  int arguments;
  iptq_status (*call)(const Words&);
};

template <auto function>
struct Caller;

template <class... Types, iptq_status (*function)(Types...)>
struct Caller<function> {
  static constexpr int arguments = sizeof...(Types);
  static_assert(arguments <= most_arguments);

  static iptq_status call(const Words& words) {
    return call(words, std::index_sequence_for<Types...>{});
  }

  template <size_t... places>
  static iptq_status call(const Words& words, std::index_sequence<places...>) {
    return function(argument<Types>(words[places])...);
  }
};

template <auto function>
constexpr Function named(const char* name) {
  return {name, Caller<function>::arguments, Caller<function>::call};
}

#define IPTQ_NAMED(function) named<function>(#function)

constexpr Function functions[] = {
    IPTQ_NAMED(iptq_add),
    IPTQ_NAMED(iptq_attention_run),
    IPTQ_NAMED(iptq_block_run),
    IPTQ_NAMED(iptq_center_pixels),
    IPTQ_NAMED(iptq_conv2d),
    IPTQ_NAMED(iptq_copy),
    IPTQ_NAMED(iptq_dequantize),
    IPTQ_NAMED(iptq_dequantize_maps),
    IPTQ_NAMED(iptq_gelu_run),
    IPTQ_NAMED(iptq_layer_norm_run),
    IPTQ_NAMED(iptq_linear_add),
    IPTQ_NAMED(iptq_linear_gelu),
    IPTQ_NAMED(iptq_linear_run),
    IPTQ_NAMED(iptq_linear_wide_run),
    IPTQ_NAMED(iptq_merge_layer_norm),
    IPTQ_NAMED(iptq_quantize),
    IPTQ_NAMED(iptq_requantize),
    IPTQ_NAMED(iptq_softmax),
    IPTQ_NAMED(iptq_sum_tokens),
    IPTQ_NAMED(iptq_window_attention),
    IPTQ_NAMED(iptq_window_block_run),
};

#undef IPTQ_NAMED

const Function& function_of(const char* name) {
  for (const Function& function : functions)
    if (!std::strcmp(function.name, name)) return function;
  throw Unsupported("a function that no recording calls");
}

struct Call {
  iptq_status (*function)(const Words&);
  int count;
  Words words;
  std::array<int, most_arguments> bases;
};

}  // namespace
}  // namespace iptq

struct iptq_recording {
  std::vector<iptq::Call> calls;
};

iptq_status iptq_recording_create(int64_t count, const iptq_call* calls,
                                  int bases, iptq_recording** recording) {
  using namespace iptq;
  return guarded([&] {
    auto made = std::make_unique<iptq_recording>();
    for (const iptq_call* from = calls; from != calls + count; ++from) {
      const Function& function = function_of(from->function);
      valid(from->arguments == function.arguments,
            "a call of more arguments, or fewer");
      Call call{function.call, function.arguments, {}, {}};
      for (int i = 0; i < call.count; ++i) {
        valid(from->bases[i] >= -1 && from->bases[i] < bases,
              "a base that there is not");
        call.words[i] = from->words[i];
        call.bases[i] = from->bases[i];
      }
      made->calls.push_back(call);
    }
    *recording = made.release();
  });
}

void iptq_recording_destroy(iptq_recording* recording) { delete recording; }

iptq_status iptq_recording_play(const iptq_recording* recording,
                                void* const* bases) {
  for (const iptq::Call& call : recording->calls) {
    iptq::Words words = call.words;
    for (int i = 0; i < call.count; ++i)
      if (call.bases[i] >= 0)
        words[i] += static_cast<int64_t>(
            reinterpret_cast<intptr_t>(bases[call.bases[i]]));
    const iptq_status status = call.function(words);
    if (status != IPTQ_OK) return status;
  }
  return IPTQ_OK;
}
