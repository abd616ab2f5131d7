// linear, linear_add and linear_gelu: checks.
#include <algorithm>
#include <optional>

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../product.h"
#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

// The layer after x, where the kernels know an answer.
std::optional<Layer> layer_after(const Tensor& x, const Tensor& weight,
                                 const Tensor& bias, const Tensor& m,
                                 const Tensor& n, const Kernels& kernels) {
  if (x.scalar_type() != at::kChar || x.dim() < 1 || x.numel() == 0 ||
      weight.dim() != 2 || x.size(-1) != weight.size(1))
    return {};
  return layer(weight, bias, m, n, kernels);
}

void run(const Tensor& x, const Layer& layer, const Outcome& outcome,
         Tensor& y, const Kernels& kernels) {
  const int64_t inner = x.size(-1);
  const Tensor rows = x.contiguous();
  const auto* first = rows.const_data_ptr<int8_t>();
  multiply([=](int64_t begin, int64_t, int8_t*) {
             return first + begin * inner;
           },
           x.numel() / inner, layer, outcome, y, kernels);
}

Tensor result(const Tensor& x, const Layer& layer, at::ScalarType dtype) {
  auto shape = x.sizes().vec();
  shape.back() = layer.weights->view.columns;
  return at::empty(shape, x.options().dtype(dtype));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Tensor& m, const Tensor& n, int64_t bits) {
  const Kernels& set = kernels();
  const auto made = layer_after(x, weight, bias, m, n, set);
  if (!made || bits < 2 || bits > 16) {
    static const auto fallback =
        reference<decltype(linear)>("iptq_reference::linear");
    return fallback.call(x, weight, bias, m, n, bits);
  }
  Tensor y = result(x, *made, bits > 8 ? at::kShort : at::kChar);
  run(x, *made, {static_cast<int>(bits)}, y, set);
  return y;
}

Tensor linear_add(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& m, const Tensor& n, const Tensor& residual) {
  const Kernels& set = kernels();
  const auto made = layer_after(x, weight, bias, m, n, set);
  if (made && residual.scalar_type() == at::kShort) {
    Tensor y = result(x, *made, at::kShort);
    if (residual.sizes() == y.sizes()) {
      const Tensor stream = residual.contiguous();
      run(x, *made, {16, false, stream.const_data_ptr<int16_t>()}, y, set);
      return y;
    }
  }
  static const auto fallback =
      reference<decltype(linear_add)>("iptq_reference::linear_add");
  return fallback.call(x, weight, bias, m, n, residual);
}

bool are_ends(at::IntArrayRef ends, int64_t columns) {
  return !ends.empty() && ends.front() >= 0 && ends.back() == columns &&
         std::is_sorted(ends.begin(), ends.end());
}

Tensor linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Tensor& m, const Tensor& n, int64_t in_bits,
                   c10::string_view name, const Tensor& params,
                   at::IntArrayRef ends, int64_t bits) {
  const Kernels& set = kernels();
  const auto made = layer_after(x, weight, bias, m, n, set);
  if (!made || in_bits < 2 || in_bits > most_gelu_bits || bits < 2 ||
      bits > 8 || params.scalar_type() != at::kLong || params.dim() != 2 ||
      params.size(0) != static_cast<int64_t>(ends.size()) ||
      !are_ends(ends, made->weights->view.columns)) {
    static const auto fallback =
        reference<decltype(linear_gelu)>("iptq_reference::linear_gelu");
    return fallback.call(x, weight, bias, m, n, in_bits, name, params, ends,
                         bits);
  }
  GeluTables tables;
  for (size_t i = 0; i < ends.size(); ++i)
    tables.push_back(
        {ends[i], gelu_table(name, params[static_cast<int64_t>(i)], in_bits,
                             bits)});
  Tensor y = result(x, *made, at::kChar);
  run(x, *made, {static_cast<int>(in_bits), false, nullptr, &tables}, y, set);
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("linear", linear);
  library.impl("linear_add", linear_add);
  library.impl("linear_gelu", linear_gelu);
}

}  // namespace iptq
