#include "kernel.h"

#include <algorithm>

namespace iptq::ort {

const OrtApi* api = nullptr;

Tensor::Tensor(const OrtValue* value) {
  OrtTensorTypeAndShapeInfo* info = nullptr;
  check(api->GetTensorTypeAndShape(value, &info));
  size_t rank = 0;
  OrtStatusPtr status = api->GetDimensionsCount(info, &rank);
  if (!status) {
    sizes.resize(rank);
    status = api->GetDimensions(info, sizes.data(), rank);
  }
  if (!status) status = api->GetTensorElementType(info, &type);
  api->ReleaseTensorTypeAndShapeInfo(info);
  check(status);
  void* memory = nullptr;
  check(api->GetTensorMutableData(const_cast<OrtValue*>(value), &memory));
  data = memory;
}

int64_t Tensor::bytes() const {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8: return count();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16: return 2 * count();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: return 4 * count();
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: return 8 * count();
    default: throw Failure("iptq_mm: a constant of another type");
  }
}

int64_t Node::integer(const char* name) const {
  int64_t value = 0;
  check(api->KernelInfoGetAttribute_int64(info_, name, &value));
  return value;
}

std::vector<int64_t> Node::integers(const char* name) const {
  size_t count = 0;
  check(api->KernelInfoGetAttributeArray_int64(info_, name, nullptr, &count));
  std::vector<int64_t> values(count);
  check(api->KernelInfoGetAttributeArray_int64(info_, name, values.data(),
                                               &count));
  return values;
}

std::string Node::text(const char* name) const {
  size_t size = 0;  // with the zero at the end
  check(api->KernelInfoGetAttribute_string(info_, name, nullptr, &size));
  std::string value(size, '\0');
  check(api->KernelInfoGetAttribute_string(info_, name, value.data(), &size));
  value.resize(size ? size - 1 : 0);
  return value;
}

std::vector<Tensor> Node::constants(size_t first, size_t last) const {
  std::vector<Tensor> found;
  for (size_t i = first; i < last; ++i) {
    int constant = 0;
    const OrtValue* value = nullptr;
    check(api->KernelInfoGetConstantInput_tensor(info_, i, &constant, &value));
    if (!constant || !value) return {};
    found.emplace_back(value);
  }
  return found;
}

namespace {

// The runtime does not say how many threads it has.
int most_parts() {
  static const int count = static_cast<int>(
      std::min(std::max(std::thread::hardware_concurrency(), 1u), 64u));
  return count;
}

void run_by_runtime(void* context, iptq_task task, void* data,
                    int64_t count) {
  struct Parts {
    iptq_task task;
    void* data;
  } parts{task, data};
  check(api->KernelContext_ParallelFor(
      static_cast<OrtKernelContext*>(context),
      [](void* parts, size_t i) {
        const auto& all = *static_cast<Parts*>(parts);
        all.task(all.data, static_cast<int64_t>(i));
      },
      static_cast<size_t>(count), 0, &parts));
}

}  // namespace

Call::Call(OrtKernelContext* context)
    : context_(context), executor_{most_parts(), run_by_runtime, context} {}

Tensor Call::input(size_t index) const {
  const OrtValue* value = nullptr;
  check(api->KernelContext_GetInput(context_, index, &value));
  require(value, "iptq_mm: an input is missing");
  return Tensor(value);
}

std::vector<Tensor> Call::inputs(size_t first, size_t last) const {
  std::vector<Tensor> found;
  for (size_t i = first; i < last; ++i) found.push_back(input(i));
  return found;
}

void* Call::output(const std::vector<int64_t>& sizes) const {
  OrtValue* value = nullptr;
  check(api->KernelContext_GetOutput(context_, 0, sizes.data(), sizes.size(),
                                     &value));
  void* memory = nullptr;
  check(api->GetTensorMutableData(value, &memory));
  return memory;
}

}  // namespace iptq::ort
