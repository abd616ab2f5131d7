#include "shapes.h"

#include <atomic>

namespace iptq::ort {
namespace {

// A length that follows from a known one.
template <class Of>
Length then(const Length& length, const Of& of) {
  return length.value < 0 ? Length::unknown() : Length{of(length.value), ""};
}

bool have_ranks(const std::vector<Shape>& inputs, size_t first,
                size_t second) {
  return inputs.size() > 1 && inputs[0].size() == first &&
         inputs[1].size() == second;
}

Shape shape_of(OrtShapeInferContext* context, size_t index) {
  OrtTensorTypeAndShapeInfo* info = nullptr;  // the context keeps it
  check(api->ShapeInferContext_GetInputTypeShape(context, index, &info));
  size_t rank = 0;
  check(api->GetDimensionsCount(info, &rank));
  std::vector<int64_t> values(rank);
  std::vector<const char*> names(rank);
  check(api->GetDimensions(info, values.data(), rank));
  check(api->GetSymbolicDimensions(info, names.data(), rank));
  Shape shape;
  for (size_t i = 0; i < rank; ++i)
    shape.push_back(values[i] >= 0           ? Length{values[i], ""}
                    : names[i] && *names[i] ? Length{-1, names[i]}
                                             : Length::unknown());
  return shape;
}

void tell(OrtShapeInferContext* context, const Shape& shape,
          ONNXTensorElementDataType type) {
  std::vector<int64_t> values;
  std::vector<const char*> names;
  for (const Length& length : shape) {
    values.push_back(length.value);
    names.push_back(length.name.c_str());
  }
  OrtTensorTypeAndShapeInfo* info = nullptr;
  check(api->CreateTensorTypeAndShapeInfo(&info));
  const std::unique_ptr<OrtTensorTypeAndShapeInfo, void (*)(
      OrtTensorTypeAndShapeInfo*)>
      owner(info, [](OrtTensorTypeAndShapeInfo* info) {
        api->ReleaseTensorTypeAndShapeInfo(info);
      });
  check(api->SetTensorElementType(info, type));
  check(api->SetDimensions(info, values.data(), values.size()));
  check(api->SetSymbolicDimensions(info, names.data(), names.size()));
  check(api->ShapeInferContext_SetOutputTypeShape(context, 0, info));
}

}  // namespace

Length Length::unknown() {
  static std::atomic<int64_t> count{0};
  return {-1, "iptq_mm_" + std::to_string(count++)};
}

Shape as_first(const std::vector<Shape>& inputs, const Attribute&) {
  return inputs[0];
}

Shape of_layer(const std::vector<Shape>& inputs, const Attribute&) {
  Shape shape = inputs[0];
  if (shape.empty() || inputs[1].size() != 2) return {};
  shape.back() = inputs[1][0];
  return shape;
}

Shape of_convolution(const std::vector<Shape>& inputs,
                     const Attribute& attribute) {
  if (!have_ranks(inputs, 4, 2)) return {};
  const int64_t kernel = attribute("kernel"), stride = attribute("stride");
  const int64_t padding = attribute("padding");
  const auto out = [&](int64_t side) {
    return (side + 2 * padding - kernel) / stride + 1;
  };
  const Shape& x = inputs[0];
  return {x[0], then(x[1], out), then(x[2], out), inputs[1][0]};
}

Shape of_merged(const std::vector<Shape>& inputs, const Attribute& attribute) {
  if (!have_ranks(inputs, 4, 2)) return {};
  const int64_t stride = attribute("stride");
  const auto out = [&](int64_t side) { return (side + stride - 1) / stride; };
  const Shape& x = inputs[0];
  return {x[0], then(x[1], out), then(x[2], out), inputs[1][1]};
}

Shape of_attention(const std::vector<Shape>& inputs, const Attribute&) {
  Shape shape = inputs[0];
  if (shape.empty()) return {};
  shape.back() = then(shape.back(), [](int64_t all) { return all / 3; });
  return shape;
}

OrtStatusPtr infer(OrtShapeInferContext* context, Infer infer,
                   ONNXTensorElementDataType type) {
  return guarded([&] {
    size_t count = 0;
    check(api->ShapeInferContext_GetInputCount(context, &count));
    std::vector<Shape> inputs;
    for (size_t i = 0; i < count; ++i) inputs.push_back(shape_of(context, i));
    const Shape shape = infer(inputs, [&](const char* name) {
      const OrtOpAttr* attribute = nullptr;
      check(api->ShapeInferContext_GetAttribute(context, name, &attribute));
      int64_t value = 0;
      size_t size = 0;
      check(api->ReadOpAttr(attribute, ORT_OP_ATTR_INT, &value, sizeof(value),
                            &size));
      return value;
    });
    if (!shape.empty()) tell(context, shape, type);
  });
}

}  // namespace iptq::ort
