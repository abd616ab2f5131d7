// How the operators use an executor.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "../include/iptq.h"

namespace iptq {

inline int threads_of(const iptq_executor* executor) {
  return executor && executor->threads > 1 ? executor->threads : 1;
}

// Calls body(begin, end) for parts of [0, count), which together are all of
// it: at most one a thread, and none smaller than `grain` but the last.
template <class Body>
void parallel_for(const iptq_executor* executor, int64_t count, int64_t grain,
                  const Body& body) {
  if (count <= 0) return;
  const int64_t threads = threads_of(executor);
  const int64_t part =
      std::max((count + threads - 1) / threads, std::max<int64_t>(grain, 1));
  const int64_t parts = (count + part - 1) / part;
  if (parts == 1) {
    body(int64_t{0}, count);
    return;
  }
  struct Call {
    const Body& body;
    int64_t count, part;
    std::atomic<bool> failed{false};
    std::exception_ptr error{};  // of the first part that failed
  } call{body, count, part};
  executor->run(
      executor->self,
      [](void* data, int64_t i) {
        Call& call = *static_cast<Call*>(data);
        try {
          call.body(i * call.part,
                    std::min((i + 1) * call.part, call.count));
        } catch (...) {
          if (!call.failed.exchange(true))
            call.error = std::current_exception();
        }
      },
      &call, parts);
  if (call.error) std::rethrow_exception(call.error);
}

}  // namespace iptq
