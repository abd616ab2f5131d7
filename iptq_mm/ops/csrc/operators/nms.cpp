// nms: exact comparisons of overlaps, group by group.
#include <algorithm>
#include <unordered_map>
#include <vector>

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

struct Ranked {
  int64_t x1, y1, x2, y2, area;
};

Tensor nms(const Tensor& boxes, const Tensor& scores, const Tensor& groups,
           int64_t numerator, int64_t denominator) {
  if (boxes.scalar_type() != at::kInt || boxes.dim() != 2 ||
      boxes.size(1) != 4 || scores.dim() != 1 || groups.dim() != 1 ||
      scores.is_floating_point() || groups.is_floating_point() ||
      scores.size(0) != boxes.size(0) || groups.size(0) != boxes.size(0) ||
      denominator < 1 || denominator > 1 << 14) {
    static const auto fallback =
        reference<decltype(nms)>("iptq_reference::nms");
    return fallback.call(boxes, scores, groups, numerator, denominator);
  }
  const int64_t count = boxes.size(0);
  const Tensor corners = boxes.contiguous();
  const Tensor wide = scores.to(at::kLong), group = groups.to(at::kLong);
  const auto corner = corners.accessor<int32_t, 2>();
  const auto score = wide.accessor<int64_t, 1>();
  const auto of = group.accessor<int64_t, 1>();
  std::vector<int64_t> order(count);
  for (int64_t i = 0; i < count; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return score[a] > score[b];
  });
  // Those that have stayed, of each group; only they suppress.
  std::unordered_map<int64_t, std::vector<Ranked>> stayed;
  std::vector<int64_t> kept;
  for (const int64_t i : order) {
    const int64_t x1 = corner[i][0], y1 = corner[i][1], x2 = corner[i][2],
                  y2 = corner[i][3];
    const Ranked box{x1, y1, x2, y2, (x2 - x1) * (y2 - y1)};
    auto& better = stayed[of[i]];
    const bool gone =
        std::any_of(better.begin(), better.end(), [&](const Ranked& other) {
          const int64_t width = std::max<int64_t>(
              std::min(box.x2, other.x2) - std::max(box.x1, other.x1), 0);
          const int64_t height = std::max<int64_t>(
              std::min(box.y2, other.y2) - std::max(box.y1, other.y1), 0);
          const int64_t inside = width * height;
          return inside * denominator >
                 (box.area + other.area - inside) * numerator;
        });
    if (gone) continue;
    better.push_back(box);
    kept.push_back(i);
  }
  Tensor places = at::empty({static_cast<int64_t>(kept.size())},
                            boxes.options().dtype(at::kLong));
  std::copy(kept.begin(), kept.end(), places.data_ptr<int64_t>());
  return places;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) { library.impl("nms", nms); }

}  // namespace iptq
