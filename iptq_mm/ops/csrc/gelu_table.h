// A lowered GELU candidate as its outputs, one for each input.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace iptq {

using Table = std::vector<int8_t>;

// Inputs of so many bits have tables; wide ones are for look_up_wide.
constexpr int64_t most_gelu_bits = 10;
constexpr bool is_wide(int64_t in_bits) { return in_bits > 8; }

// The reference's outputs for all codes of 8 bits, or of 10, from the least
// one on.
std::shared_ptr<const Table> gelu_table(c10::string_view name,
                                        const at::Tensor& params,
                                        int64_t in_bits, int64_t bits);

// Of a layer's columns up to `end`, from where the group before it ends.
struct GeluGroup {
  int64_t end;
  std::shared_ptr<const Table> table;
};

using GeluTables = std::vector<GeluGroup>;

}  // namespace iptq
