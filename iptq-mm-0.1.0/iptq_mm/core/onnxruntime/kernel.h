// What the operators of ONNX Runtime's binding share: arguments, results,
// threads.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <onnxruntime_c_api.h>

#include "../include/iptq.h"

namespace iptq::ort {

// Of the runtime that loaded the library; set once, before anything else.
extern const OrtApi* api;

// A failure on its way to ONNX Runtime's status.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check(OrtStatusPtr status) {
  if (!status) return;
  const std::string message = api->GetErrorMessage(status);
  api->ReleaseStatus(status);
  throw Failure(message);
}

inline void check(iptq_status status) {
  if (status != IPTQ_OK) throw Failure(iptq_last_error());
}

inline void require(bool holds, const char* what) {
  if (!holds) throw Failure(what);
}

// Runs `call`, whose exceptions become a status.
template <class Call>
OrtStatusPtr guarded(const Call& call) noexcept {
  try {
    call();
    return nullptr;
  } catch (const std::bad_alloc&) {
    return api->CreateStatus(ORT_FAIL, "iptq_mm: out of memory");
  } catch (const std::exception& error) {
    return api->CreateStatus(ORT_INVALID_ARGUMENT, error.what());
  }
}

constexpr ONNXTensorElementDataType element_type(int8_t) {
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
}
constexpr ONNXTensorElementDataType element_type(int16_t) {
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16;
}
constexpr ONNXTensorElementDataType element_type(int32_t) {
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
}
constexpr ONNXTensorElementDataType element_type(int64_t) {
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
}

// A dense tensor of the runtime.
struct Tensor {
  const void* data;
  std::vector<int64_t> sizes;
  ONNXTensorElementDataType type;

  explicit Tensor(const OrtValue* value);

  int64_t count() const {
    int64_t count = 1;
    for (const int64_t size : sizes) count *= size;
    return count;
  }

  int64_t bytes() const;

  // The elements, of which there must be so many; throws otherwise.
  template <class T>
  const T* of(int64_t expected) const {
    require(type == element_type(T{}), "iptq_mm: an input of another type");
    require(count() == expected, "iptq_mm: an input of another size");
    return static_cast<const T*>(data);
  }

  template <class T>
  const T* all() const {
    return of<T>(count());
  }
};

// The attributes and constant inputs of a node.
class Node {
 public:
  explicit Node(const OrtKernelInfo* info) : info_(info) {}

  int64_t integer(const char* name) const;
  std::vector<int64_t> integers(const char* name) const;
  std::string text(const char* name) const;

  // The inputs from `first` to before `last`, if all are constant.
  std::vector<Tensor> constants(size_t first, size_t last) const;

 private:
  const OrtKernelInfo* info_;
};

// Throws if the node's constant inputs are not those that were exported.
void check_constants(const Node& node);

// One run of a node.
class Call {
 public:
  explicit Call(OrtKernelContext* context);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Tensor input(size_t index) const;
  std::vector<Tensor> inputs(size_t first, size_t last) const;

  // Memory of the result.
  void* output(const std::vector<int64_t>& sizes) const;

  // The runtime's own threads.
  const iptq_executor* executor() const { return &executor_; }

 private:
  OrtKernelContext* context_;
  iptq_executor executor_;
};

// An object of the library with its end.
template <class T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* object) const { destroy(object); }
};

using Layer =
    std::unique_ptr<iptq_linear, Destroy<iptq_linear, iptq_linear_destroy>>;
using WideLayer =
    std::unique_ptr<iptq_linear_wide,
                    Destroy<iptq_linear_wide, iptq_linear_wide_destroy>>;
using Gelu = std::unique_ptr<iptq_gelu, Destroy<iptq_gelu, iptq_gelu_destroy>>;
using Norm =
    std::unique_ptr<iptq_layer_norm,
                    Destroy<iptq_layer_norm, iptq_layer_norm_destroy>>;
using Attention =
    std::unique_ptr<iptq_attention,
                    Destroy<iptq_attention, iptq_attention_destroy>>;

// Tells the system that a constant is not read again: pages of a mapped file
// can leave memory. They come back if somebody reads them after all.
void give_back(const Tensor& constant);

// What is made of inputs: once if they are constant, else in every run.
template <class Object>
class Made {
 public:
  template <class Make>
  Made(const Node& node, size_t first, size_t last, const Make& make)
      : first_(first), last_(last) {
    const std::vector<Tensor> constants = node.constants(first, last);
    if (constants.empty()) return;
    kept_ = make(constants);
    for (const Tensor& constant : constants) give_back(constant);
  }

  // The object, or one that lives in `fresh`.
  template <class Make>
  auto* of(const Call& call, Object& fresh, const Make& make) const {
    if (kept_) return kept_.get();
    fresh = make(call.inputs(first_, last_));
    return fresh.get();
  }

 private:
  size_t first_, last_;
  Object kept_;
};

// What a node does when it runs.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const Call& call) const = 0;
};

}  // namespace iptq::ort
