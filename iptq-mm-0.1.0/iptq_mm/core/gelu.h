// A lowered GELU candidate as its outputs, one for each input.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels.h"

namespace iptq {

// Inputs of so many bits have tables; wide ones are for look_up_wide.
constexpr int most_gelu_bits = 10;
constexpr bool is_wide(int in_bits) { return in_bits > 8; }

// Of the columns up to `end`, from where the group before it ends: the outputs
// for all codes of 8 bits, or of 10, from the least one on.
struct GeluGroup {
  int64_t end;
  std::vector<int8_t> table;
};

}  // namespace iptq

struct iptq_gelu {
  const iptq::Kernels* set;
  int in_bits;
  std::vector<iptq::GeluGroup> groups;
};
