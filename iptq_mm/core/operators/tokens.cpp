// Tokens put side by side, cut off, and summed: what stands between layers.
#include <algorithm>
#include <cstring>

#include "../runtime/status.h"

namespace iptq {
namespace {

constexpr int64_t most_axes = 8;

// Steps of the axes of an array, in values.
struct Steps {
  const int64_t *x, *y;
};

template <class T>
void copy(int64_t axes, const int64_t* sizes, Steps steps, const T* x, T* y) {
  if (axes == 0) {
    *y = *x;
  } else if (axes == 1 && steps.x[0] == 1 && steps.y[0] == 1) {
    std::memcpy(y, x, sizes[0] * sizeof(T));
  } else {
    for (int64_t i = 0; i < sizes[0]; ++i)
      copy(axes - 1, sizes + 1, {steps.x + 1, steps.y + 1},
           x + i * steps.x[0], y + i * steps.y[0]);
  }
}

}  // namespace
}  // namespace iptq

iptq_status iptq_copy(int width, int64_t axes, const int64_t* sizes,
                      const void* x, const int64_t* x_steps, void* y,
                      const int64_t* y_steps) {
  using namespace iptq;
  return guarded([&] {
    valid(axes >= 0 && axes <= most_axes, "more axes than eight");
    const auto run = [&](auto value) {
      using T = decltype(value);
      copy(axes, sizes, {x_steps, y_steps}, static_cast<const T*>(x),
           static_cast<T*>(y));
    };
    switch (width) {
      case 1: return run(int8_t{});
      case 2: return run(int16_t{});
      case 4: return run(int32_t{});
      default: throw Unsupported("values of other widths");
    }
  });
}

iptq_status iptq_sum_tokens(const int16_t* x, const int64_t* sizes,
                            const int64_t* steps, int32_t* y) {
  using namespace iptq;
  return guarded([&] {
    const int64_t channels = sizes[2];
    valid(steps[2] == 1, "channels that do not lie side by side");
    for (int64_t image = 0; image < sizes[0]; ++image) {
      int32_t* sum = y + image * channels;
      std::fill_n(sum, channels, 0);
      for (int64_t token = 0; token < sizes[1]; ++token) {
        const int16_t* from = x + image * steps[0] + token * steps[1];
        for (int64_t c = 0; c < channels; ++c) sum[c] += from[c];
      }
    }
  });
}
