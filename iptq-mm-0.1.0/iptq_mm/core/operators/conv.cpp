// conv2d: the neighbourhoods of a block of positions, then the product.
#include <algorithm>
#include <cstring>

#include "../product.h"
#include "../runtime/status.h"

namespace iptq {
namespace {

// Images [B, H, W, C], anywhere in memory, seen through a square kernel.
struct View {
  const int8_t* x;
  int64_t image_step, row_step, column_step, channel_step;
  int64_t height, width, channels;
  int64_t kernel, stride, padding;

  int64_t out(int64_t side) const {
    return (side + 2 * padding - kernel) / stride + 1;
  }

  // The k * k * C codes around output position `number`, zeros outside.
  void neighbourhood(int64_t number, int8_t* to) const {
    const int64_t columns = out(width), rows = out(height);
    const int64_t left = number % columns * stride - padding;
    const int64_t top = number / columns % rows * stride - padding;
    const int8_t* image = x + number / columns / rows * image_step;
    // What is inside the image of each row of the kernel.
    const int64_t first = std::clamp<int64_t>(-left, 0, kernel);
    const int64_t last = std::clamp<int64_t>(width - left, first, kernel);
    for (int64_t i = 0; i < kernel; ++i, to += kernel * channels) {
      const int64_t row = top + i;
      if (row < 0 || row >= height || first == last) {
        std::memset(to, 0, kernel * channels);
        continue;
      }
      std::memset(to, 0, first * channels);
      copy(image + row * row_step + (left + first) * column_step,
           last - first, to + first * channels);
      std::memset(to + last * channels, 0, (kernel - last) * channels);
    }
  }

  // Positions side by side.
  void copy(const int8_t* from, int64_t count, int8_t* to) const {
    if (channel_step == 1 && column_step == channels) {
      std::memcpy(to, from, count * channels);
      return;
    }
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < count; ++i)
        to[i * channels + c] = from[i * column_step + c * channel_step];
  }
};

}  // namespace
}  // namespace iptq

iptq_status iptq_conv2d(const iptq_linear* layer,
                        const iptq_executor* executor, const int8_t* x,
                        const int64_t sizes[4], const int64_t steps[4],
                        int64_t kernel, int64_t stride, int64_t padding,
                        int relu, int bits, void* y) {
  using namespace iptq;
  return guarded([&] {
    const int64_t inner = layer->weights.inner;
    valid(kernel >= 1 && stride >= 1 && padding >= 0 &&
              kernel * kernel * sizes[3] == inner,
          "the kernel is not that of the weights");
    valid(std::min(sizes[1], sizes[2]) + 2 * padding >= kernel,
          "the image is smaller than the kernel");
    supported(bits >= 2 && bits <= 16, "a convolution of other widths");
    const View view{x,        steps[0], steps[1], steps[2], steps[3],
                    sizes[1], sizes[2], sizes[3], kernel,   stride,
                    padding};
    multiply(
        [&](int64_t begin, int64_t count, int8_t* buffer) {
          for (int64_t i = 0; i < count; ++i)
            view.neighbourhood(begin + i, buffer + i * inner);
          return buffer;
        },
        sizes[0] * view.out(sizes[1]) * view.out(sizes[2]), *layer,
        {bits, relu != 0}, executor, y);
  });
}
