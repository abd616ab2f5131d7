// Memory that a thread uses during one operator, or an object keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace iptq {

class Scratch {
 public:
  explicit Scratch(int64_t bytes)
      : memory_(::operator new(static_cast<size_t>(bytes), alignment)) {}
  ~Scratch() { ::operator delete(memory_, alignment); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* get() const { return memory_; }

 private:
  static constexpr std::align_val_t alignment{64};
  void* memory_;
};

}  // namespace iptq
