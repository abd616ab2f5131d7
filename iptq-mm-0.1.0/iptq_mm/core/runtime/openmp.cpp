// The threads of an OpenMP that is in the process already: this library is
// not linked to any.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "../include/iptq.h"

namespace iptq {
namespace {

constexpr int most_threads = 256;

struct Shared {
  iptq_openmp openmp;
  pid_t process;
  std::array<iptq_executor, most_threads + 1> executors;
};

Shared shared;

// A call inside of one runs alone.
thread_local bool inside = false;

struct Parts {
  iptq_task task;
  void* data;
  int64_t count;
};

void body(void* data) {
  const Parts& parts = *static_cast<Parts*>(data);
  const int64_t threads = shared.openmp.omp_get_num_threads();
  inside = true;
  for (int64_t i = shared.openmp.omp_get_thread_num(); i < parts.count;
       i += threads)
    parts.task(parts.data, i);
  inside = false;
}

void run(void* self, iptq_task task, void* data, int64_t count) {
  const int threads = static_cast<const iptq_executor*>(self)->threads;
  if (getpid() != shared.process) {
    const iptq_executor* pool = iptq_pool(threads);
    return pool->run(pool->self, task, data, count);
  }
  if (inside || count < 2) {
    for (int64_t i = 0; i < count; ++i) task(data, i);
    return;
  }
  Parts parts{task, data, count};
  shared.openmp.GOMP_parallel(
      body, &parts,
      static_cast<unsigned>(std::min<int64_t>(threads, count)), 0);
}

}  // namespace
}  // namespace iptq

const iptq_executor* iptq_openmp_threads(const iptq_openmp* openmp,
                                         int threads) {
  using namespace iptq;
  static std::once_flag once;
  std::call_once(once, [&] {
    shared.openmp = *openmp;
    shared.process = getpid();
    for (int i = 0; i <= most_threads; ++i)
      shared.executors[i] = {i, run, &shared.executors[i]};
  });
  return &shared.executors[std::min(std::max(threads, 1), most_threads)];
}
