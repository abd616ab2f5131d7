// conv2d: the neighbourhoods of a block of positions, then the product.
#include <algorithm>
#include <cstring>
#include <optional>

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../product.h"
#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

// Images [B, H, W, C], anywhere in memory, seen through a square kernel.
struct View {
  const int8_t* x;
  int64_t image_step, row_step, column_step, channel_step;
  int64_t height, width, channels;
  int64_t kernel, stride, padding;

  View(const Tensor& images, int64_t kernel, int64_t stride, int64_t padding)
      : x(images.const_data_ptr<int8_t>()), image_step(images.stride(0)),
        row_step(images.stride(1)), column_step(images.stride(2)),
        channel_step(images.stride(3)), height(images.size(1)),
        width(images.size(2)), channels(images.size(3)), kernel(kernel),
        stride(stride), padding(padding) {}

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

 private:
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

bool fits(const Tensor& x, const Tensor& weight, int64_t kernel,
          int64_t stride, int64_t padding, int64_t bits) {
  return x.dim() == 4 && x.scalar_type() == at::kChar && x.numel() > 0 &&
         kernel >= 1 && stride >= 1 && padding >= 0 && bits >= 2 &&
         bits <= 16 && weight.dim() == 2 &&
         weight.size(1) == kernel * kernel * x.size(3) &&
         std::min(x.size(1), x.size(2)) + 2 * padding >= kernel;
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Tensor& m, const Tensor& n, int64_t kernel,
              int64_t stride, int64_t padding, bool relu, int64_t bits) {
  const Kernels& set = kernels();
  std::optional<Layer> made;
  if (fits(x, weight, kernel, stride, padding, bits))
    made = layer(weight, bias, m, n, set);
  if (!made) {
    static const auto fallback =
        reference<decltype(conv2d)>("iptq_reference::conv2d");
    return fallback.call(x, weight, bias, m, n, kernel, stride, padding, relu,
                         bits);
  }
  const View view(x, kernel, stride, padding);
  Tensor y = at::empty(
      {x.size(0), view.out(x.size(1)), view.out(x.size(2)), weight.size(0)},
      x.options().dtype(bits > 8 ? at::kShort : at::kChar));
  const int64_t inner = weight.size(1);
  multiply(
      [&](int64_t begin, int64_t count, int8_t* buffer) {
        for (int64_t i = 0; i < count; ++i)
          view.neighbourhood(begin + i, buffer + i * inner);
        return buffer;
      },
      y.numel() / y.size(3), *made, {static_cast<int>(bits), relu}, y, set);
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) { library.impl("conv2d", conv2d); }

}  // namespace iptq
