// How ONNX Runtime finds the operators: by the names that the functions of an
// exported file have. One that is found here runs in the place of the
// function.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>

#include "operators.h"

namespace iptq::ort {
namespace {

constexpr const char* domain_name = "iptq_mm";

// A file has functions of the same operator with other settings; the second
// one is named NAME__1, and so on.
constexpr int most_variants = 64;

// The first version of ONNX Runtime that lends its threads.
constexpr int least_version = 17;

struct CustomOp : OrtCustomOp {
  std::string full_name;
  const Operator* of = nullptr;
};

const CustomOp& self(const OrtCustomOp* op) {
  return *static_cast<const CustomOp*>(op);
}

OrtStatusPtr create_kernel(const OrtCustomOp* op, const OrtApi*,
                           const OrtKernelInfo* info, void** kernel) {
  return guarded([&] {
    const Node node(info);
    require(node.integer("interface") == IPTQ_INTERFACE,
            "iptq_mm: the file and the library are of different versions; "
            "export it again, or install the version that made it");
    check_constants(node);
    *kernel = self(op).of->create(node).release();
  });
}

OrtStatusPtr run_kernel(void* kernel, OrtKernelContext* context) {
  return guarded([&] { static_cast<Kernel*>(kernel)->run(Call(context)); });
}

CustomOp custom_op(const Operator& of, int variant, uint32_t version) {
  CustomOp op{};
  op.version = version;
  op.of = &of;
  op.full_name =
      variant ? of.name + "__" + std::to_string(variant) : of.name;
  op.GetName = [](const OrtCustomOp* op) {
    return self(op).full_name.c_str();
  };
  op.GetExecutionProviderType = [](const OrtCustomOp*) -> const char* {
    return nullptr;
  };
  op.GetInputTypeCount = [](const OrtCustomOp* op) {
    return self(op).of->inputs.size();
  };
  op.GetInputType = [](const OrtCustomOp* op, size_t i) {
    return self(op).of->inputs[i];
  };
  op.GetOutputTypeCount = [](const OrtCustomOp*) { return size_t{1}; };
  op.GetOutputType = [](const OrtCustomOp* op, size_t) {
    return self(op).of->output;
  };
  op.KernelDestroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  op.GetInputCharacteristic = [](const OrtCustomOp* op, size_t) {
    return self(op).of->variadic ? INPUT_OUTPUT_VARIADIC
                                 : INPUT_OUTPUT_REQUIRED;
  };
  op.GetOutputCharacteristic = [](const OrtCustomOp*, size_t) {
    return INPUT_OUTPUT_REQUIRED;
  };
  op.GetInputMemoryType = [](const OrtCustomOp*, size_t) {
    return OrtMemTypeDefault;
  };
  op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 0; };
  op.GetVariadicOutputMinArity = op.GetVariadicInputMinArity;
  op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 1; };
  op.CreateKernelV2 = create_kernel;
  op.KernelComputeV2 = run_kernel;
  op.InferOutputShapeFn = [](const OrtCustomOp* op,
                             OrtShapeInferContext* context) {
    return infer(context, self(op).of->infer, self(op).of->output);
  };
  op.GetStartVersion = [](const OrtCustomOp*) { return 1; };
  op.GetEndVersion = [](const OrtCustomOp*) { return 1 << 20; };
  return op;
}

// All of them: they live as long as the library, which is never unloaded.
OrtCustomOpDomain* domain_of(uint32_t version) {
  static std::mutex mutex;
  static std::vector<Operator> operators;
  static std::deque<CustomOp> ops;
  static OrtCustomOpDomain* domain = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (domain) return domain;
  operators.clear();
  ops.clear();
  add_layers(operators);
  add_attention(operators);
  add_boxes(operators);
  OrtCustomOpDomain* made = nullptr;
  check(api->CreateCustomOpDomain(domain_name, &made));
  for (const Operator& of : operators)
    for (int variant = 0; variant < most_variants; ++variant) {
      ops.push_back(custom_op(of, variant, version));
      check(api->CustomOpDomain_Add(made, &ops.back()));
    }
  domain = made;
  return domain;
}

// 1.32.0 -> 32, which is also the number of its interface.
int minor_version(const char* version) {
  const char* point = std::strchr(version, '.');
  return point ? std::atoi(point + 1) : 0;
}

}  // namespace
}  // namespace iptq::ort

extern "C" IPTQ_API OrtStatusPtr RegisterCustomOps(
    OrtSessionOptions* options, const OrtApiBase* base) {
  using namespace iptq::ort;
  const int running = minor_version(base->GetVersionString());
  const auto version =
      static_cast<uint32_t>(std::min<int>(ORT_API_VERSION, running));
  api = base->GetApi(version);
  if (running < least_version || !api)
    return base->GetApi(1)->CreateStatus(
        ORT_FAIL, "iptq_mm needs ONNX Runtime 1.17 or newer");
  return guarded([&] {
    check(api->AddCustomOpDomain(options, domain_of(version)));
  });
}
