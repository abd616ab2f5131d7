// The operators with weights and those of the stream, as kernels of ONNX
// Runtime. Inputs and attributes are those of the operators in Python.
#include <algorithm>
#include <utility>

#include "operators.h"

namespace iptq::ort {
namespace {

// An object of weight, bias, m, n.
template <class Object, class Create>
Object made_by(const Create& create, const std::vector<Tensor>& inputs) {
  const Tensor& weight = inputs[0];
  require(weight.sizes.size() == 2, "iptq_mm: weights of another rank");
  const int64_t outputs = weight.sizes[0];
  typename Object::pointer made = nullptr;
  check(create(outputs, weight.sizes[1], weight.all<int8_t>(),
               inputs[1].of<int32_t>(outputs), inputs[2].of<int64_t>(outputs),
               inputs[3].of<int64_t>(outputs), &made));
  return Object(made);
}

Layer made_layer(const std::vector<Tensor>& inputs) {
  return made_by<Layer>(iptq_linear_create, inputs);
}

WideLayer made_wide_layer(const std::vector<Tensor>& inputs) {
  return made_by<WideLayer>(iptq_linear_wide_create, inputs);
}

// The rows of x, and the sizes of what a layer of so many outputs gives.
template <class T>
struct RowsOf {
  const T* x;
  int64_t count;
  std::vector<int64_t> sizes;

  RowsOf(const Tensor& input, const Tensor& weight)
      : x(input.all<T>()), count(0), sizes(input.sizes) {
    require(!sizes.empty() && weight.sizes.size() == 2 &&
                sizes.back() == weight.sizes[1],
            "iptq_mm: an input of another number of channels");
    count = input.count() / weight.sizes[1];
    sizes.back() = weight.sizes[0];
  }
};

using Rows = RowsOf<int8_t>;

// x, weight, bias, m, n
class Linear : public Kernel {
 public:
  explicit Linear(const Node& node)
      : layer_(node, 1, 5, made_layer),
        bits_(static_cast<int>(node.integer("bits"))) {}

  void run(const Call& call) const override {
    Layer fresh;
    const Rows rows(call.input(0), call.input(1));
    check(iptq_linear_run(layer_.of(call, fresh, made_layer),
                          call.executor(), rows.x, rows.count, bits_,
                          call.output(rows.sizes)));
  }

 private:
  Made<Layer> layer_;
  int bits_;
};

// x, weight, bias, m, n
class LinearWide : public Kernel {
 public:
  explicit LinearWide(const Node& node)
      : layer_(node, 1, 5, made_wide_layer) {}

  void run(const Call& call) const override {
    WideLayer fresh;
    const RowsOf<int16_t> rows(call.input(0), call.input(1));
    check(iptq_linear_wide_run(
        layer_.of(call, fresh, made_wide_layer), call.executor(), rows.x,
        rows.count, static_cast<int16_t*>(call.output(rows.sizes))));
  }

 private:
  Made<WideLayer> layer_;
};

// x, weight, bias, m, n, residual
class LinearAdd : public Kernel {
 public:
  explicit LinearAdd(const Node& node) : layer_(node, 1, 5, made_layer) {}

  void run(const Call& call) const override {
    Layer fresh;
    const Rows rows(call.input(0), call.input(1));
    const Tensor residual = call.input(5);
    require(residual.sizes == rows.sizes,
            "iptq_mm: a residual stream of another size");
    check(iptq_linear_add(layer_.of(call, fresh, made_layer),
                          call.executor(), rows.x, rows.count,
                          residual.all<int16_t>(),
                          static_cast<int16_t*>(call.output(rows.sizes))));
  }

 private:
  Made<Layer> layer_;
};

// x, weight, bias, m, n, params
class LinearGelu : public Kernel {
 public:
  explicit LinearGelu(const Node& node)
      : layer_(node, 1, 5, made_layer), name_(node.text("name")),
        ends_(node.integers("ends")),
        in_bits_(static_cast<int>(node.integer("in_bits"))),
        bits_(static_cast<int>(node.integer("bits"))),
        gelu_(node, 5, 6,
              [this](const auto& inputs) { return made_gelu(inputs); }) {}

  void run(const Call& call) const override {
    Layer layer;
    Gelu gelu;
    const Rows rows(call.input(0), call.input(1));
    check(iptq_linear_gelu(
        layer_.of(call, layer, made_layer),
        gelu_.of(call, gelu,
                 [this](const auto& inputs) { return made_gelu(inputs); }),
        call.executor(), rows.x, rows.count,
        static_cast<int8_t*>(call.output(rows.sizes))));
  }

 private:
  Gelu made_gelu(const std::vector<Tensor>& inputs) const {
    const auto groups = static_cast<int64_t>(ends_.size());
    const Tensor& params = inputs[0];
    require(groups > 0 && params.sizes.size() == 2 &&
                params.sizes[0] == groups,
            "iptq_mm: a GELU of another number of groups");
    iptq_gelu* gelu = nullptr;
    check(iptq_gelu_create(name_.c_str(), groups, ends_.data(),
                           params.sizes[1], params.all<int64_t>(), in_bits_,
                           bits_, &gelu));
    return Gelu(gelu);
  }

  Made<Layer> layer_;
  std::string name_;
  std::vector<int64_t> ends_;
  int in_bits_, bits_;
  Made<Gelu> gelu_;
};

// x, weight, bias, m, n
class Conv2d : public Kernel {
 public:
  explicit Conv2d(const Node& node)
      : layer_(node, 1, 5, made_layer), kernel_(node.integer("kernel")),
        stride_(node.integer("stride")), padding_(node.integer("padding")),
        relu_(static_cast<int>(node.integer("relu"))),
        bits_(static_cast<int>(node.integer("bits"))) {}

  void run(const Call& call) const override {
    Layer fresh;
    const Tensor x = call.input(0), weight = call.input(1);
    require(x.sizes.size() == 4 && weight.sizes.size() == 2,
            "iptq_mm: an image or weights of another rank");
    const auto out = [&](int64_t side) {
      return (side + 2 * padding_ - kernel_) / stride_ + 1;
    };
    const auto& s = x.sizes;
    const int64_t steps[] = {s[1] * s[2] * s[3], s[2] * s[3], s[3], 1};
    require(stride_ > 0 && out(s[1]) > 0 && out(s[2]) > 0,
            "iptq_mm: an image smaller than the kernel");
    check(iptq_conv2d(
        layer_.of(call, fresh, made_layer), call.executor(),
        x.all<int8_t>(), s.data(), steps, kernel_, stride_, padding_, relu_,
        bits_,
        call.output({s[0], out(s[1]), out(s[2]), weight.sizes[0]})));
  }

 private:
  Made<Layer> layer_;
  int64_t kernel_, stride_, padding_;
  int relu_, bits_;
};

// Makes the LayerNorm of a node's params.
class NormMaker {
 public:
  explicit NormMaker(const Node& node)
      : name_(node.text("name")),
        bits_(static_cast<int>(node.integer("bits"))) {}

  Norm operator()(const std::vector<Tensor>& inputs) const {
    const Tensor& params = inputs[0];
    require(params.sizes.size() == 2, "iptq_mm: params of another rank");
    iptq_layer_norm* norm = nullptr;
    check(iptq_layer_norm_create(name_.c_str(), params.sizes[0],
                                 params.sizes[1], params.all<int64_t>(),
                                 bits_, &norm));
    return Norm(norm);
  }

 private:
  std::string name_;
  int bits_;
};

// x, params
class LayerNorm : public Kernel {
 public:
  explicit LayerNorm(const Node& node)
      : make_(node), norm_(node, 1, 2, make_) {}

  void run(const Call& call) const override {
    Norm fresh;
    const Tensor x = call.input(0), params = call.input(1);
    require(!x.sizes.empty() && params.sizes.size() == 2 &&
                x.sizes.back() == params.sizes[1] && params.sizes[1] > 0,
            "iptq_mm: an input of another number of channels");
    check(iptq_layer_norm_run(norm_.of(call, fresh, make_), call.executor(),
                              x.all<int16_t>(), x.count() / x.sizes.back(),
                              call.output(x.sizes)));
  }

 private:
  NormMaker make_;
  Made<Norm> norm_;
};

// x, params
class MergeLayerNorm : public Kernel {
 public:
  explicit MergeLayerNorm(const Node& node)
      : make_(node), norm_(node, 1, 2, make_),
        stride_(node.integer("stride")) {}

  void run(const Call& call) const override {
    Norm fresh;
    const Tensor x = call.input(0), params = call.input(1);
    const auto& s = x.sizes;
    require(s.size() == 4 && params.sizes.size() == 2 &&
                4 * s[3] == params.sizes[1] && stride_ > 0,
            "iptq_mm: tokens of another rank or number of channels");
    const auto out = [&](int64_t side) {
      return (side + stride_ - 1) / stride_;
    };
    check(iptq_merge_layer_norm(
        norm_.of(call, fresh, make_), call.executor(), x.all<int16_t>(),
        s.data(), stride_,
        call.output({s[0], out(s[1]), out(s[2]), 4 * s[3]})));
  }

 private:
  NormMaker make_;
  Made<Norm> norm_;
  int64_t stride_;
};

// x, params
class GeluAlone : public Kernel {
 public:
  explicit GeluAlone(const Node& node)
      : name_(node.text("name")),
        bits_(static_cast<int>(node.integer("bits"))) {}

  void run(const Call& call) const override {
    const Tensor x = call.input(0), params = call.input(1);
    const int64_t end = 0;
    iptq_gelu* gelu = nullptr;
    check(iptq_gelu_create(name_.c_str(), 1, &end, params.count(),
                           params.all<int64_t>(), 8, bits_, &gelu));
    const Gelu owner(gelu);
    check(iptq_gelu_run(gelu, call.executor(), x.all<int8_t>(), x.count(),
                        static_cast<int8_t*>(call.output(x.sizes))));
  }

 private:
  std::string name_;
  int bits_;
};

// x, m, n
class Requantize : public Kernel {
 public:
  explicit Requantize(const Node& node)
      : bits_(static_cast<int>(node.integer("bits"))) {}

  void run(const Call& call) const override {
    const Tensor x = call.input(0), m = call.input(1), n = call.input(2);
    require(!x.sizes.empty(), "iptq_mm: a scalar to requantize");
    void* y = call.output(x.sizes);
    if (x.count() == 0) return;
    const int width = x.type == element_type(int8_t{})    ? 1
                      : x.type == element_type(int16_t{}) ? 2
                                                          : 4;
    check(iptq_requantize(call.executor(), x.data, width,
                          x.count() / x.sizes.back(), x.sizes.back(),
                          m.all<int64_t>(), n.of<int64_t>(m.count()),
                          m.count(), bits_, y));
  }

 private:
  int bits_;
};

// x, y, which is repeated over leading axes of x
class Add : public Kernel {
 public:
  explicit Add(const Node&) {}

  void run(const Call& call) const override {
    const Tensor x = call.input(0), y = call.input(1);
    require(x.sizes.size() >= y.sizes.size() &&
                std::equal(y.sizes.rbegin(), y.sizes.rend(),
                           x.sizes.rbegin()),
            "iptq_mm: summands that are broadcast otherwise");
    void* sum = call.output(x.sizes);
    if (x.count() == 0) return;
    check(iptq_add(call.executor(), x.all<int16_t>(), y.all<int16_t>(),
                   x.count() / y.count(), y.count(),
                   static_cast<int16_t*>(sum)));
  }
};

}  // namespace

void add_layers(std::vector<Operator>& operators) {
  constexpr auto i8 = element_type(int8_t{}), i16 = element_type(int16_t{}),
                 i32 = element_type(int32_t{}), i64 = element_type(int64_t{});
  const auto add = [&](const std::string& name, std::vector<Type> inputs,
                       Type output, Infer infer, Create create) {
    operators.push_back({name, std::move(inputs), output, infer, create});
  };
  for (const auto& [suffix, type] : {std::pair{"int8", i8}, {"int16", i16}}) {
    const std::string to = suffix;
    add("linear_int8_" + to, {i8, i8, i32, i64, i64}, type, of_layer,
        create<Linear>);
    add("conv2d_int8_" + to, {i8, i8, i32, i64, i64}, type, of_convolution,
        create<Conv2d>);
    add("layer_norm_int16_" + to, {i16, i64}, type, as_first,
        create<LayerNorm>);
    add("merge_layer_norm_int16_" + to, {i16, i64}, type, of_merged,
        create<MergeLayerNorm>);
    add("requantize_int8_" + to, {i8, i64, i64}, type, as_first,
        create<Requantize>);
    add("requantize_int16_" + to, {i16, i64, i64}, type, as_first,
        create<Requantize>);
    add("requantize_int32_" + to, {i32, i64, i64}, type, as_first,
        create<Requantize>);
  }
  add("linear_add_int8_int16", {i8, i8, i32, i64, i64, i16}, i16, of_layer,
      create<LinearAdd>);
  add("linear_wide_int16_int16", {i16, i8, i32, i64, i64}, i16, of_layer,
      create<LinearWide>);
  add("linear_gelu_int8_int8", {i8, i8, i32, i64, i64, i64}, i8, of_layer,
      create<LinearGelu>);
  add("gelu_int8_int8", {i8, i64}, i8, as_first, create<GeluAlone>);
  add("add_int16_int16", {i16, i16}, i16, as_first, create<Add>);
}

}  // namespace iptq::ort
