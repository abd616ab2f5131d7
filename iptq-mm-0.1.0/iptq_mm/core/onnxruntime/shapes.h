// What is known of a result before a model runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernel.h"

namespace iptq::ort {

// A number, or -1 and a name: lengths of one name are the same. The runtime
// knows none without either, so an unknown one gets a name of its own.
struct Length {
  int64_t value;
  std::string name;

  static Length unknown();
};

using Shape = std::vector<Length>;

// Integer attributes of the node by name.
using Attribute = std::function<int64_t(const char* name)>;

// Of the result, from those of the inputs.
using Infer = Shape (*)(const std::vector<Shape>& inputs,
                        const Attribute& attribute);

Shape as_first(const std::vector<Shape>& inputs, const Attribute&);
Shape of_layer(const std::vector<Shape>& inputs, const Attribute&);
Shape of_convolution(const std::vector<Shape>& inputs, const Attribute&);
Shape of_merged(const std::vector<Shape>& inputs, const Attribute&);
Shape of_attention(const std::vector<Shape>& inputs, const Attribute&);

// Tells ONNX Runtime; what cannot be told is left open.
OrtStatusPtr infer(OrtShapeInferContext* context, Infer infer,
                   ONNXTensorElementDataType type);

}  // namespace iptq::ort
