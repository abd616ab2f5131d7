// softmax: checks, threads, memory.
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../memory.h"
#include "../reference.h"
#include "../softmax_parameters.h"

namespace iptq {
namespace {

using at::Tensor;

Tensor softmax(const Tensor& x, c10::string_view name, const Tensor& params) {
  std::optional<SoftmaxParameters> parameters;
  if (x.dim() >= 1 && x.scalar_type() == at::kInt && x.numel() > 0 &&
      x.size(-1) <= 4096)
    parameters = softmax_parameters(name, params);
  if (!parameters) {
    static const auto fallback =
        reference<decltype(softmax)>("iptq_reference::softmax");
    return fallback.call(x, name, params);
  }
  const Kernels& set = kernels();
  const Tensor scores = x.contiguous();
  Tensor y = at::empty(x.sizes(), x.options());
  const int64_t length = x.size(-1);
  const auto* from = scores.const_data_ptr<int32_t>();
  auto* to = y.data_ptr<int32_t>();
  constexpr int64_t values_worth_a_thread = 1 << 13;
  at::parallel_for(
      0, x.numel() / length, values_worth_a_thread / length + 1,
      [&](int64_t begin, int64_t end) {
        const Scratch scratch((length + set.lanes) * sizeof(int32_t));
        set.softmax({from + begin * length, end - begin, length, *parameters,
                     to + begin * length,
                     static_cast<int32_t*>(scratch.get())});
      });
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) { library.impl("softmax", softmax); }

}  // namespace iptq
