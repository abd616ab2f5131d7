// attention and window_attention as kernels of ONNX Runtime.
#include "operators.h"

namespace iptq::ort {
namespace {

// Makes the attention of score, params, output, given the channels of qkv.
class Maker {
 public:
  explicit Maker(const Node& node)
      : heads_(node.integer("heads")), softmax_(node.text("softmax")),
        bits_(static_cast<int>(node.integer("bits"))) {}

  Attention operator()(const std::vector<Tensor>& inputs,
                       int64_t channels) const {
    iptq_attention* attention = nullptr;
    check(iptq_attention_create(
        channels, heads_, inputs[0].of<int64_t>(2 * heads_), softmax_.c_str(),
        inputs[1].count(), inputs[1].all<int64_t>(),
        inputs[2].of<int64_t>(2 * heads_), bits_, &attention));
    return Attention(attention);
  }

  int64_t heads() const { return heads_; }

 private:
  int64_t heads_;
  std::string softmax_;
  int bits_;
};

int64_t channels_of(const Tensor& qkv, size_t rank) {
  require(qkv.sizes.size() == rank && qkv.sizes.back() > 0 &&
              qkv.sizes.back() % 3 == 0,
          "iptq_mm: q, k and v of another rank or size");
  return qkv.sizes.back() / 3;
}

// qkv, score, params, output
class Global : public Kernel {
 public:
  explicit Global(const Node& node) : make_(node) {}

  void run(const Call& call) const override {
    const Tensor qkv = call.input(0);
    const int64_t channels = channels_of(qkv, 3);
    // Cheap to make: some tens of numbers.
    const Attention attention = make_(call.inputs(1, 4), channels);
    const auto& s = qkv.sizes;
    check(iptq_attention_run(
        attention.get(), call.executor(), qkv.all<int8_t>(), s[0], s[1],
        static_cast<int8_t*>(call.output({s[0], s[1], channels}))));
  }

 private:
  Maker make_;
};

// qkv, pad, table, mask, score, params, output
class Windows : public Kernel {
 public:
  explicit Windows(const Node& node)
      : make_(node), window_(node.integer("window")),
        shift_(node.integer("shift")) {}

  void run(const Call& call) const override {
    const Tensor qkv = call.input(0);
    const int64_t channels = channels_of(qkv, 4);
    const Attention attention = make_(call.inputs(4, 7), channels);
    const auto& s = qkv.sizes;
    const int64_t side = 2 * window_ - 1;
    check(iptq_window_attention(
        attention.get(), call.executor(), qkv.all<int8_t>(), s.data(),
        call.input(1).of<int8_t>(3 * channels), window_, shift_,
        call.input(2).of<int16_t>(side * side * make_.heads()),
        *call.input(3).of<int32_t>(1),
        static_cast<int8_t*>(call.output({s[0], s[1], s[2], channels}))));
  }

 private:
  Maker make_;
  int64_t window_, shift_;
};

}  // namespace

void add_attention(std::vector<Operator>& operators) {
  constexpr auto i8 = element_type(int8_t{}), i16 = element_type(int16_t{}),
                 i32 = element_type(int32_t{}), i64 = element_type(int64_t{});
  operators.push_back({"attention_int8_int8", {i8, i64, i64, i64}, i8,
                       of_attention, create<Global>});
  operators.push_back({"window_attention_int8_int8",
                       {i8, i8, i16, i32, i64, i64, i64}, i8,
                       of_attention, create<Windows>});
}

}  // namespace iptq::ort
