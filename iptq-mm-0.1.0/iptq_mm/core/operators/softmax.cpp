// softmax: threads and memory.
#include "../runtime/dispatch.h"
#include "../runtime/memory.h"
#include "../softmax_parameters.h"
#include "../runtime/status.h"
#include "../runtime/threads.h"

iptq_status iptq_softmax(const char* name, int64_t count,
                         const int64_t* params,
                         const iptq_executor* executor, const int32_t* x,
                         int64_t rows, int64_t length, int32_t* y) {
  using namespace iptq;
  return guarded([&] {
    supported(length >= 1 && length <= 4096, "rows of another length");
    const SoftmaxParameters parameters =
        softmax_parameters(name, count, params);
    const Kernels& set = kernels();
    constexpr int64_t values_worth_a_thread = 1 << 13;
    parallel_for(executor, rows, values_worth_a_thread / length + 1,
                 [&](int64_t begin, int64_t end) {
                   const Scratch scratch((length + set.lanes) *
                                         sizeof(int32_t));
                   set.softmax({x + begin * length, end - begin, length,
                                parameters, y + begin * length,
                                static_cast<int32_t*>(scratch.get())});
                 });
  });
}
