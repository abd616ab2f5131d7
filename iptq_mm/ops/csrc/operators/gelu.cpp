// gelu: checks and threads.
#include <ATen/Parallel.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../gelu_table.h"
#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

Tensor gelu(const Tensor& x, c10::string_view name, const Tensor& params,
            int64_t bits) {
  if (x.scalar_type() != at::kChar || params.scalar_type() != at::kLong ||
      bits < 2 || bits > 8) {
    static const auto fallback =
        reference<decltype(gelu)>("iptq_reference::gelu");
    return fallback.call(x, name, params, bits);
  }
  const auto table = gelu_table(name, params, 8, bits);
  Tensor y = x.clone(at::MemoryFormat::Contiguous);
  auto* values = y.data_ptr<int8_t>();
  constexpr int64_t grain = 1 << 15;
  at::parallel_for(0, y.numel(), grain, [&](int64_t begin, int64_t end) {
    kernels().look_up(values + begin, end - begin, table->data());
  });
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) { library.impl("gelu", gelu); }

}  // namespace iptq
