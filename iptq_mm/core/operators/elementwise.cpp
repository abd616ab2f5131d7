// requantize and add. What is not the kernels' is left to the compiler.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "../runtime/dispatch.h"
#include "../runtime/status.h"
#include "../runtime/threads.h"

namespace iptq {
namespace {

constexpr int64_t grain = 1 << 15;  // values worth a thread

int16_t saturating_sum(int16_t x, int16_t y) {
  return static_cast<int16_t>(std::clamp(x + y, -32767, 32767));
}

// A dyadic ratio for all channels, or for each one.
struct Ratios {
  const int64_t *m, *n;
  bool per_channel;
};

// One thread's rows.
template <class In, class Out>
void requantize_rows(const In* x, int64_t rows, int64_t channels,
                     const Ratios& ratios, int64_t limit, Out* y) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t c = 0; c < channels; ++c, ++x, ++y) {
      const int64_t i = ratios.per_channel ? c : 0;
      const int64_t half = (int64_t{1} << ratios.n[i]) >> 1;
      *y = static_cast<Out>(std::clamp(
          (*x * ratios.m[i] + half) >> ratios.n[i], -limit, limit));
    }
}

template <class In>
void requantize(const iptq_executor* executor, const In* x, int64_t rows,
                int64_t channels, const Ratios& ratios, int bits, void* y) {
  const int64_t limit = (int64_t{1} << (bits - 1)) - 1;
  parallel_for(executor, rows, grain / std::max<int64_t>(channels, 1) + 1,
               [&](int64_t begin, int64_t end) {
                 const int64_t first = begin * channels;
                 const auto run = [&](auto* to) {
                   requantize_rows(x + first, end - begin, channels, ratios,
                                   limit, to + first);
                 };
                 if (bits > 8)
                   run(static_cast<int16_t*>(y));
                 else
                   run(static_cast<int8_t*>(y));
               });
}

// From a shift of 16 on, 16 bits times m 2^-n stay inside int32.
bool have_kernels(int64_t channels, const Ratios& ratios) {
  const int64_t* end = ratios.n + (ratios.per_channel ? channels : 1);
  return std::all_of(ratios.n, end, [](int64_t n) { return n >= 16; });
}

void requantize_by_kernels(const iptq_executor* executor, const int16_t* x,
                           int64_t rows, int64_t channels,
                           const Ratios& ratios, int bits, void* y) {
  const Kernels& set = kernels();
  std::vector<int32_t> m(channels + set.lanes), n(channels + set.lanes);
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t i = ratios.per_channel ? c : 0;
    m[c] = static_cast<int32_t>(ratios.m[i]);
    n[c] = static_cast<int32_t>(ratios.n[i]);
  }
  parallel_for(executor, rows, grain / std::max<int64_t>(channels, 1) + 1,
               [&](int64_t begin, int64_t end) {
                 const int64_t first = begin * channels;
                 set.requantize(
                     {x + first, end - begin, channels, m.data(), n.data(),
                      bits,
                      static_cast<char*>(y) + first * (bits > 8 ? 2 : 1)});
               });
}

}  // namespace
}  // namespace iptq

iptq_status iptq_requantize(const iptq_executor* executor, const void* x,
                            int width, int64_t rows, int64_t channels,
                            const int64_t* m, const int64_t* n,
                            int64_t ratios, int bits, void* y) {
  using namespace iptq;
  return guarded([&] {
    valid(ratios == 1 || ratios == channels,
          "there is neither one ratio nor one a channel");
    supported(bits >= 2 && bits <= 16, "a result of other widths");
    for (int64_t i = 0; i < ratios; ++i)
      supported(std::abs(m[i]) < int64_t{1} << 31 && n[i] >= 0 && n[i] <= 62,
                "a ratio that is not dyadic");
    const Ratios all{m, n, ratios != 1};
    const auto run = [&](const auto* from) {
      requantize(executor, from, rows, channels, all, bits, y);
    };
    if (width == 2 && have_kernels(channels, all))
      return requantize_by_kernels(executor, static_cast<const int16_t*>(x),
                                   rows, channels, all, bits, y);
    switch (width) {
      case 1: return run(static_cast<const int8_t*>(x));
      case 2: return run(static_cast<const int16_t*>(x));
      case 4: return run(static_cast<const int32_t*>(x));
      default: throw Unsupported("integers of other widths");
    }
  });
}

iptq_status iptq_add(const iptq_executor* executor, const int16_t* x,
                     const int16_t* y, int64_t repeats, int64_t period,
                     int16_t* sum) {
  using namespace iptq;
  return guarded([&] {
    parallel_for(executor, repeats * period, grain,
                 [&](int64_t begin, int64_t end) {
                   while (begin < end) {
                     const int64_t at = begin % period;
                     const int64_t run = std::min(period - at, end - begin);
                     for (int64_t i = 0; i < run; ++i)
                       sum[begin + i] =
                           saturating_sum(x[begin + i], y[at + i]);
                     begin += run;
                   }
                 });
  });
}
