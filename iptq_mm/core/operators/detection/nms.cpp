// nms: exact comparisons of overlaps, group by group.
#include <algorithm>
#include <unordered_map>
#include <vector>

#include "../../runtime/status.h"

namespace iptq {
namespace {

struct Ranked {
  int64_t x1, y1, x2, y2, area;
};

}  // namespace
}  // namespace iptq

iptq_status iptq_nms(const int32_t* boxes, int64_t count,
                     const int64_t* scores, const int64_t* groups,
                     int64_t numerator, int64_t denominator, int64_t* y,
                     int64_t* kept) {
  using namespace iptq;
  return guarded([&] {
    supported(denominator >= 1 && denominator <= 1 << 14,
              "a threshold of more bits");
    std::vector<int64_t> order(count);
    for (int64_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return scores[a] > scores[b];
    });
    // Those that have stayed, of each group; only they suppress.
    std::unordered_map<int64_t, std::vector<Ranked>> stayed;
    *kept = 0;
    for (const int64_t i : order) {
      const int64_t x1 = boxes[4 * i], y1 = boxes[4 * i + 1],
                    x2 = boxes[4 * i + 2], y2 = boxes[4 * i + 3];
      const Ranked box{x1, y1, x2, y2, (x2 - x1) * (y2 - y1)};
      auto& better = stayed[groups[i]];
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
      y[(*kept)++] = i;
    }
  });
}
