// What a detector does beside its layers, as kernels of ONNX Runtime. Inputs
// and attributes are those of the operators in Python.
#include <algorithm>
#include <cstring>

#include "operators.h"

namespace iptq::ort {
namespace {

// Boxes [count, 4].
struct Boxes {
  const int32_t* data;
  int64_t count;

  explicit Boxes(const Tensor& input)
      : data(input.all<int32_t>()), count(0) {
    require(input.sizes.size() == 2 && input.sizes[1] == 4,
            "iptq_mm: boxes of another rank or size");
    count = input.sizes[0];
  }
};

// boxes
class BoxLevels : public Kernel {
 public:
  explicit BoxLevels(const Node& node) : areas_(node.integers("areas")) {}

  void run(const Call& call) const override {
    const Boxes boxes(call.input(0));
    check(iptq_box_levels(boxes.data, boxes.count, areas_.data(),
                          static_cast<int64_t>(areas_.size()),
                          static_cast<int64_t*>(call.output({boxes.count}))));
  }

 private:
  std::vector<int64_t> areas_;
};

// boxes, deltas, m, n, limits
class DecodeBoxes : public Kernel {
 public:
  explicit DecodeBoxes(const Node&) {}

  void run(const Call& call) const override {
    const Boxes boxes(call.input(0));
    const Tensor deltas = call.input(1);
    require(deltas.count() == 4 * boxes.count,
            "iptq_mm: deltas of another number of boxes");
    const int width = deltas.type == element_type(int8_t{}) ? 1 : 2;
    require(width == 1 || deltas.type == element_type(int16_t{}),
            "iptq_mm: deltas of another type");
    const Tensor m = call.input(2), n = call.input(3);
    check(iptq_decode_boxes(
        boxes.data, boxes.count, deltas.data, width, m.of<int64_t>(4),
        n.of<int64_t>(4), call.input(4).of<int32_t>(2 * boxes.count),
        static_cast<int32_t*>(call.output({boxes.count, 4}))));
  }
};

// scores
class Rank : public Kernel {
 public:
  explicit Rank(const Node& node) : most_(node.integer("count")) {}

  void run(const Call& call) const override {
    const Tensor scores = call.input(0);
    const int64_t count = scores.count(), most = std::min(count, most_);
    const int width = static_cast<int>(count ? scores.bytes() / count : 8);
    check(iptq_rank(scores.data, width, count, most,
                    static_cast<int64_t*>(call.output({most}))));
  }

 private:
  int64_t most_;
};

// boxes, scores, groups
class Nms : public Kernel {
 public:
  explicit Nms(const Node& node)
      : numerator_(node.integer("numerator")),
        denominator_(node.integer("denominator")) {}

  void run(const Call& call) const override {
    const Boxes boxes(call.input(0));
    const std::vector<int64_t> scores = wide(call.input(1), boxes.count);
    const std::vector<int64_t> groups = wide(call.input(2), boxes.count);
    std::vector<int64_t> places(boxes.count);
    int64_t kept = 0;
    check(iptq_nms(boxes.data, boxes.count, scores.data(), groups.data(),
                   numerator_, denominator_, places.data(), &kept));
    void* y = call.output({kept});
    if (kept) std::memcpy(y, places.data(), kept * sizeof(int64_t));
  }

 private:
  static std::vector<int64_t> wide(const Tensor& x, int64_t count) {
    std::vector<int64_t> y(count);
    if (x.type == element_type(int8_t{}))
      std::copy_n(x.of<int8_t>(count), count, y.begin());
    else if (x.type == element_type(int16_t{}))
      std::copy_n(x.of<int16_t>(count), count, y.begin());
    else if (x.type == element_type(int32_t{}))
      std::copy_n(x.of<int32_t>(count), count, y.begin());
    else
      std::copy_n(x.of<int64_t>(count), count, y.begin());
    return y;
  }

  int64_t numerator_, denominator_;
};

// maps of each level, boxes, images, levels
class RoiAlign : public Kernel {
 public:
  explicit RoiAlign(const Node& node)
      : strides_(node.integers("strides")), height_(node.integer("height")),
        width_(node.integer("width")), sampling_(node.integer("sampling")) {}

  void run(const Call& call) const override {
    const size_t levels = strides_.size();
    const std::vector<Tensor> maps = call.inputs(0, levels);
    const int64_t channels = maps.at(0).sizes.back();
    std::vector<const int8_t*> data;
    std::vector<int64_t> sizes;
    for (const Tensor& map : maps) {
      require(map.sizes.size() == 4 && map.sizes[3] == channels,
              "iptq_mm: a map of another rank or number of channels");
      data.push_back(map.all<int8_t>());
      sizes.insert(sizes.end(), map.sizes.begin(), map.sizes.begin() + 3);
    }
    const Boxes boxes(call.input(levels));
    check(iptq_roi_align(
        call.executor(), static_cast<int64_t>(levels), data.data(),
        sizes.data(), strides_.data(), channels, boxes.data, boxes.count,
        call.input(levels + 1).of<int64_t>(boxes.count),
        call.input(levels + 2).of<int64_t>(boxes.count), height_, width_,
        sampling_,
        static_cast<int8_t*>(
            call.output({boxes.count, height_, width_, channels}))));
  }

 private:
  std::vector<int64_t> strides_;
  int64_t height_, width_, sampling_;
};

// probabilities, boxes, size
class PasteMasks : public Kernel {
 public:
  explicit PasteMasks(const Node& node)
      : threshold_(node.integer("threshold")) {}

  void run(const Call& call) const override {
    const Tensor cells = call.input(0);
    const Boxes boxes(call.input(1));
    const int64_t* size = call.input(2).of<int64_t>(2);
    require(cells.sizes.size() == 3 && cells.sizes[0] == boxes.count,
            "iptq_mm: masks of another rank or number of boxes");
    require(size[0] >= 0 && size[1] >= 0, "iptq_mm: an image of no size");
    auto* masks = static_cast<uint8_t*>(
        call.output({boxes.count, size[0], size[1]}));
    std::memset(masks, 0, boxes.count * size[0] * size[1]);
    check(iptq_paste_masks(call.executor(), cells.all<int16_t>(),
                           boxes.count, cells.sizes[1], cells.sizes[2],
                           boxes.data, size[0], size[1], threshold_, masks));
  }

 private:
  int64_t threshold_;
};

Shape of_boxes(const std::vector<Shape>& inputs, const Attribute&) {
  if (inputs[0].size() != 2) return {};
  return {inputs[0][0]};
}

Shape of_any_number(const std::vector<Shape>&, const Attribute&) {
  return {Length::unknown()};
}

Shape of_features(const std::vector<Shape>& inputs,
                  const Attribute& attribute) {
  const Shape& map = inputs[0];
  const Shape& boxes = inputs[inputs.size() - 3];
  if (map.size() != 4 || boxes.size() != 2) return {};
  return {boxes[0], {attribute("height"), ""}, {attribute("width"), ""},
          map[3]};
}

Shape of_masks(const std::vector<Shape>& inputs, const Attribute&) {
  if (inputs[0].size() != 3) return {};
  return {inputs[0][0], Length::unknown(), Length::unknown()};
}

}  // namespace

void add_boxes(std::vector<Operator>& operators) {
  constexpr auto i8 = element_type(int8_t{}), i16 = element_type(int16_t{}),
                 i32 = element_type(int32_t{}), i64 = element_type(int64_t{});
  const auto add = [&](const char* name, std::vector<Type> inputs,
                       Type output, Infer infer, Create create) {
    operators.push_back({name, std::move(inputs), output, infer, create});
  };
  add("box_levels_int32_int64", {i32}, i64, of_boxes, create<BoxLevels>);
  add("decode_boxes_int32_int32", {i32, any_type, i64, i64, i32}, i32,
      as_first, create<DecodeBoxes>);
  for (const auto& [name, type] : {std::pair{"rank_int16_int64", i16},
                                   {"rank_int32_int64", i32},
                                   {"rank_int64_int64", i64}})
    add(name, {type}, i64, of_any_number, create<Rank>);
  add("nms_int32_int64", {i32, any_type, any_type}, i64, of_any_number,
      create<Nms>);
  operators.push_back({"roi_align_int8_int8", {any_type}, i8, of_features,
                       create<RoiAlign>, true});
  add("paste_masks_int16_bool", {i16, i32, i64},
      ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, of_masks, create<PasteMasks>);
}

}  // namespace iptq::ort
