// A lowered GELU candidate as 256 outputs, one for each int8 input.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace iptq {

using Table = std::array<int8_t, 256>;

// table[q + 128] is the reference's output for q.
std::shared_ptr<const Table> gelu_table(c10::string_view name,
                                        const at::Tensor& params,
                                        int64_t bits);

// Of a layer's columns [0, calm), and of those from there on.
struct GeluTables {
  std::shared_ptr<const Table> calm_table, outlier_table;
  int64_t calm;
};

}  // namespace iptq
