// requantize and add: memory-bound, left to the compiler.
#include <algorithm>
#include <cstdlib>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

constexpr int64_t grain = 1 << 15;  // values worth a thread

int16_t saturating_sum(int16_t x, int16_t y) {
  return static_cast<int16_t>(std::clamp(x + y, -32767, 32767));
}

Tensor add(const Tensor& x, const Tensor& y) {
  // y may lack leading axes: it is repeated over them.
  const bool repeats =
      x.dim() >= y.dim() && y.numel() > 0 &&
      x.sizes().slice(x.dim() - y.dim()) == y.sizes();
  if (!repeats || x.scalar_type() != at::kShort ||
      y.scalar_type() != at::kShort) {
    static const auto fallback =
        reference<decltype(add)>("iptq_reference::add");
    return fallback.call(x, y);
  }
  const Tensor xs = x.contiguous(), ys = y.contiguous();
  Tensor sum = at::empty(x.sizes(), x.options());
  const int64_t period = y.numel();
  const auto* a = xs.const_data_ptr<int16_t>();
  const auto* b = ys.const_data_ptr<int16_t>();
  auto* to = sum.data_ptr<int16_t>();
  at::parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t at = begin % period;
      const int64_t run = std::min(period - at, end - begin);
      for (int64_t i = 0; i < run; ++i)
        to[begin + i] = saturating_sum(a[begin + i], b[at + i]);
      begin += run;
    }
  });
  return sum;
}

template <class In, class Out>
void requantize_rows(const In* x, int64_t rows, int64_t channels,
                     const int64_t* m, const int64_t* n, bool per_channel,
                     int64_t limit, Out* y) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t c = 0; c < channels; ++c, ++x, ++y) {
      const int64_t i = per_channel ? c : 0;
      const int64_t half = (int64_t{1} << n[i]) >> 1;
      *y = static_cast<Out>(
          std::clamp((*x * m[i] + half) >> n[i], -limit, limit));
    }
}

Tensor requantize(const Tensor& x, const Tensor& m, const Tensor& n,
                  int64_t bits) {
  const auto fits = [&](const Tensor& numbers) {
    return numbers.scalar_type() == at::kLong && numbers.dim() == 1 &&
           numbers.numel() == m.numel();
  };
  const bool per_channel = m.numel() != 1;
  if (x.dim() < 1 || x.numel() == 0 || !fits(m) || !fits(n) ||
      (per_channel && m.size(0) != x.size(-1)) || bits < 2 || bits > 16 ||
      (x.scalar_type() != at::kChar && x.scalar_type() != at::kShort &&
       x.scalar_type() != at::kInt)) {
    static const auto fallback =
        reference<decltype(requantize)>("iptq_reference::requantize");
    return fallback.call(x, m, n, bits);
  }
  const Tensor xs = x.contiguous(), ms = m.contiguous(), ns = n.contiguous();
  Tensor y = at::empty(
      x.sizes(), x.options().dtype(bits > 8 ? at::kShort : at::kChar));
  const int64_t channels = x.size(-1);
  AT_DISPATCH_INTEGRAL_TYPES(x.scalar_type(), "requantize", [&] {
    const auto run = [&](auto* to) {
      at::parallel_for(
          0, x.numel() / channels, grain / channels + 1,
          [&](int64_t begin, int64_t end) {
            requantize_rows(xs.const_data_ptr<scalar_t>() + begin * channels,
                            end - begin, channels,
                            ms.const_data_ptr<int64_t>(),
                            ns.const_data_ptr<int64_t>(), per_channel,
                            (int64_t{1} << (bits - 1)) - 1,
                            to + begin * channels);
          });
    };
    if (bits > 8)
      run(y.data_ptr<int16_t>());
    else
      run(y.data_ptr<int8_t>());
  });
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("add", add);
  library.impl("requantize", requantize);
}

}  // namespace iptq
