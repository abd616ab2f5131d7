// Threads of the library's own: no OpenMP, of which a process may have another
// one already.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../include/iptq.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace iptq {
namespace {

constexpr int most_threads = 256;  // a power of two

// How often an idle thread looks for work before it sleeps: some 20 us, the
// time between two operators of a model.
constexpr int looks = 1000;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

class Pool {
 public:
  // Runs the task on this thread and on at most `threads` - 1 others. Whoever
  // comes while the others are busy works alone.
  void run(int threads, iptq_task task, void* data, int64_t count) {
    std::unique_lock<std::mutex> busy(busy_, std::try_to_lock);
    if (inside_ || !busy || threads < 2 || count < 2) {
      for (int64_t i = 0; i < count; ++i) task(data, i);
      return;
    }
    const int helpers = started(static_cast<int>(
        std::min<int64_t>({threads, count, most_threads}) - 1));
    task_ = task;
    data_ = data;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    at_work_.store(helpers, std::memory_order_relaxed);
    {
      // The lock keeps a thread from falling asleep just now.
      const std::lock_guard<std::mutex> lock(mutex_);
      const uint64_t round = round_.load(std::memory_order_relaxed);
      round_.store((round | (most_threads - 1)) + 1 + helpers,
                   std::memory_order_release);
    }
    if (asleep_.load()) wake_.notify_all();
    inside_ = true;
    work();
    inside_ = false;
    for (int look = 0; at_work_.load(std::memory_order_acquire); ++look)
      if (look < looks)
        pause();
      else
        std::this_thread::yield();
  }

 private:
  // So many helpers, or as many as there are threads to be had.
  int started(int helpers) {
    while (started_ < helpers) {
      try {
        std::thread(&Pool::serve, this, started_, round_.load()).detach();
      } catch (const std::exception&) {
        return started_;
      }
      ++started_;
    }
    return helpers;
  }

  void work() {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) <
                    count_;)
      task_(data_, i);
  }

  void serve(int number, uint64_t seen) {
    inside_ = true;
    for (;;) {
      for (int look = 0;
           look < looks && round_.load(std::memory_order_acquire) == seen;
           ++look)
        pause();
      if (round_.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        ++asleep_;
        wake_.wait(lock, [&] { return round_.load() != seen; });
        --asleep_;
      }
      seen = round_.load(std::memory_order_acquire);
      if (number >= static_cast<int>(seen % most_threads)) continue;
      work();
      at_work_.fetch_sub(1, std::memory_order_release);
    }
  }

  static thread_local bool inside_;

  std::mutex busy_, mutex_;
  std::condition_variable wake_;
  // Counts the calls, in steps of most_threads, plus how many helpers the
  // last one wants: one number, so that no thread sees a part of a call.
  std::atomic<uint64_t> round_{0};
  std::atomic<int> asleep_{0}, at_work_{0};
  std::atomic<int64_t> next_{0};
  int64_t count_ = 0;
  iptq_task task_ = nullptr;
  void* data_ = nullptr;
  int started_ = 0;
};

thread_local bool Pool::inside_ = false;

// The pool of this process. A child of fork has none of its parent's threads,
// and its locks as they were: it starts anew, and leaves the old ones where
// they are. So does the end of a process, while threads wait.
Pool& pool() {
  struct Owned {
    pid_t process;
    Pool* pool;
  };
  static std::atomic<Owned*> owned{nullptr};
  Owned* found = owned.load(std::memory_order_acquire);
  const pid_t process = getpid();
  if (!found || found->process != process) {
    auto* fresh = new Owned{process, new Pool};
    if (owned.compare_exchange_strong(found, fresh)) return *fresh->pool;
    delete fresh->pool;
    delete fresh;
  }
  return *owned.load(std::memory_order_acquire)->pool;
}

void run(void* self, iptq_task task, void* data, int64_t count) {
  pool().run(static_cast<const iptq_executor*>(self)->threads, task, data,
             count);
}

}  // namespace
}  // namespace iptq

const iptq_executor* iptq_pool(int threads) {
  using iptq::most_threads;
  static std::array<iptq_executor, most_threads + 1> executors;
  static std::once_flag once;
  std::call_once(once, [] {
    for (int i = 0; i <= most_threads; ++i)
      executors[i] = {i, iptq::run, &executors[i]};
  });
  return &executors[std::min(std::max(threads, 1), most_threads)];
}
