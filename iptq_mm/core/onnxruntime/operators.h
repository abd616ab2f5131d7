// The operators that the library offers to ONNX Runtime.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel.h"
#include "shapes.h"

namespace iptq::ort {

using Type = ONNXTensorElementDataType;
using Create = std::unique_ptr<Kernel> (*)(const Node& node);

// Of an input: any, as the kernel finds it.
constexpr Type any_type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;

template <class T>
std::unique_ptr<Kernel> create(const Node& node) {
  return std::make_unique<T>(node);
}

struct Operator {
  std::string name;  // OPERATOR_(type of its first input)_(of its output)
  std::vector<Type> inputs;
  Type output;
  Infer infer;
  Create create;
  bool variadic = false;  // any number of inputs of the one type
};

void add_layers(std::vector<Operator>& operators);
void add_attention(std::vector<Operator>& operators);
void add_boxes(std::vector<Operator>& operators);

}  // namespace iptq::ort
