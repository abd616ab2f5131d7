#include "gelu_table.h"

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include <ATen/ops/arange.h>

#include "reference.h"

namespace iptq {
namespace {

std::shared_ptr<const Table> evaluate(c10::string_view name,
                                      const at::Tensor& params, bool wide,
                                      int64_t bits) {
  static const auto gelu =
      reference<at::Tensor(const at::Tensor&, c10::string_view,
                           const at::Tensor&, int64_t)>("iptq_reference::gelu");
  const at::Tensor codes = wide ? at::arange(-512, 512, at::kShort)
                                : at::arange(-128, 128, at::kChar);
  const at::Tensor outputs = gelu.call(codes, name, params, bits).contiguous();
  const auto* first = outputs.const_data_ptr<int8_t>();
  return std::make_shared<Table>(first, first + outputs.numel());
}

}  // namespace

std::shared_ptr<const Table> gelu_table(c10::string_view name,
                                        const at::Tensor& params,
                                        int64_t in_bits, int64_t bits) {
  // Found by the values of the parameters: nothing can go stale.
  using Key = std::tuple<std::string, bool, int64_t, std::vector<int64_t>>;
  static std::mutex mutex;
  static std::map<Key, std::shared_ptr<const Table>> tables;
  constexpr size_t most = 4096;  // groups of layers of many models

  const at::Tensor values = params.contiguous();
  const int64_t* first = values.const_data_ptr<int64_t>();
  const bool wide = is_wide(in_bits);
  Key key{std::string(name), wide, bits, {first, first + values.numel()}};
  {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = tables.find(key);
    if (found != tables.end()) return found->second;
  }
  // Not under the lock: the reference takes Python's.
  auto table = evaluate(name, params, wide, bits);
  const std::lock_guard<std::mutex> lock(mutex);
  if (tables.size() >= most) tables.clear();
  tables.insert_or_assign(std::move(key), table);
  return table;
}

}  // namespace iptq
