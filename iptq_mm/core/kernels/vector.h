// Vectors of the compiler's vector extension (gcc, clang): the same arithmetic
// on every instruction set. What the extension cannot say (dot products,
// widening multiplications) an instruction set adds in isa/.
//
// This folder and isa/ are compiled once for each instruction set, so
// everything in them lies in unnamed namespaces and nothing of the C++ library
// is used: of an inline function with external linkage the linker keeps one
// copy for all, and it could be one with instructions this machine lacks.
#pragma once

#include <cstdint>
#include <cstring>

#define IPTQ_INLINE inline __attribute__((always_inline))
#define IPTQ_INLINE_LAMBDA __attribute__((always_inline))

namespace iptq {
namespace {

template <class T, int N>
struct VectorOf {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};
template <class T, int N>
using Vector = typename VectorOf<T, N>::type;

template <class V, class T>
IPTQ_INLINE V load(const T* from) {
  V v;
  static_assert(sizeof(v[0]) == sizeof(T), "load does not convert");
  std::memcpy(&v, from, sizeof(V));
  return v;
}

// `count` < 2 Size values, in pieces of known sizes: a call would cost the
// kernel around it all vector registers.
template <int Size, class T>
IPTQ_INLINE void copy_pieces(T* to, const T* from, int count) {
  if constexpr (Size > 0) {
    if (count & Size) {
      std::memcpy(to, from, Size * sizeof(T));
      to += Size;
      from += Size;
    }
    copy_pieces<Size / 2>(to, from, count);
  }
}

template <class V, class T>
constexpr int lanes_of = static_cast<int>(sizeof(V) / sizeof(T));

// The first `count` lanes, not all, zeros beyond: reads nothing else.
template <class V, class T>
IPTQ_INLINE V load_first(const T* from, int count) {
  T lanes[lanes_of<V, T>]{};
  copy_pieces<lanes_of<V, T> / 2>(lanes, from, count);
  return load<V>(lanes);
}

template <class V, class T>
IPTQ_INLINE void store(T* to, V v) {
  static_assert(sizeof(v[0]) == sizeof(T), "store does not convert");
  std::memcpy(to, &v, sizeof(V));
}

// The first `count` lanes, not all: writes nothing else.
template <class V, class T>
IPTQ_INLINE void store_first(T* to, V v, int count) {
  T lanes[lanes_of<V, T>];
  store(lanes, v);
  copy_pieces<lanes_of<V, T> / 2>(to, lanes, count);
}

// What of a vector is in memory: all of it, or its first lanes.
struct WholeVector {
  template <class V, class T>
  IPTQ_INLINE V load(const T* from) const {
    return iptq::load<V>(from);
  }

  template <class V, class T>
  IPTQ_INLINE void store(T* to, V v) const {
    iptq::store(to, v);
  }
};

struct FirstLanes {
  int count;

  template <class V, class T>
  IPTQ_INLINE V load(const T* from) const {
    return load_first<V>(from, count);
  }

  template <class V, class T>
  IPTQ_INLINE void store(T* to, V v) const {
    store_first(to, v, count);
  }
};

// Of numbers, or of each lane of vectors.
template <class V>
IPTQ_INLINE V minimum(V x, V y) {
  return x < y ? x : y;
}

template <class V>
IPTQ_INLINE V maximum(V x, V y) {
  return x > y ? x : y;
}

template <class T, int N>
IPTQ_INLINE T sum_of_lanes(Vector<T, N> v) {
  if constexpr (N == 2) {
    return v[0] + v[1];
  } else {
    Vector<T, N / 2> halves[2];
    std::memcpy(halves, &v, sizeof(v));
    return sum_of_lanes<T, N / 2>(halves[0] + halves[1]);
  }
}

template <class T, int N>
IPTQ_INLINE T largest_lane(Vector<T, N> v) {
  if constexpr (N == 2) {
    return maximum(v[0], v[1]);
  } else {
    Vector<T, N / 2> halves[2];
    std::memcpy(halves, &v, sizeof(v));
    return largest_lane<T, N / 2>(maximum(halves[0], halves[1]));
  }
}

// The vector types of an instruction set with `Isa::lanes` int32 lanes, and
// the conversions between them.
template <class Isa>
struct Lanes {
  static constexpr int count = Isa::lanes;
  using I8 = Vector<int8_t, count>;
  using I16 = Vector<int16_t, count>;
  using I32 = Vector<int32_t, count>;
  using U32 = Vector<uint32_t, count>;
  using I64 = Vector<int64_t, count / 2>;  // as many bytes as I32
  using U64 = Vector<uint64_t, count / 2>;

  static IPTQ_INLINE I32 splat(int32_t x) { return x - I32{}; }

  static IPTQ_INLINE I32 saturate(I32 x, int32_t limit) {
    return maximum(minimum(x, splat(limit)), splat(-limit));
  }

  // Each lane modulo the narrower type. In one step from four bytes to one,
  // gcc has instructions for AVX-512 alone, and goes lane by lane otherwise.
  template <class Out>
  static IPTQ_INLINE Vector<Out, count> narrow(I32 x) {
    using To = Vector<Out, count>;
    if constexpr (sizeof(Out) == 1 && count < 16)
      return __builtin_convertvector(__builtin_convertvector(x, I16), To);
    else
      return __builtin_convertvector(x, To);
  }

  static IPTQ_INLINE I32 widen(I16 x) {
    if constexpr (Isa::narrows)
      return Isa::widen(x);
    else
      return __builtin_convertvector(x, I32);
  }

  // Each lane between two numbers of the narrower type. Where instructions
  // narrow and saturate in one (`Isa::narrows`), what is left to compare are
  // narrow lanes.
  template <class Out>
  static IPTQ_INLINE Vector<Out, count> clamped(I32 x, int32_t smallest,
                                                int32_t largest) {
    using To = Vector<Out, count>;
    if constexpr (Isa::narrows)
      return maximum(minimum(Isa::narrow(x, Out{}),
                             static_cast<Out>(largest) - To{}),
                     static_cast<Out>(smallest) - To{});
    else
      return narrow<Out>(
          maximum(minimum(x, splat(largest)), splat(smallest)));
  }

  // Sums that wrap around, as int32 tensors do.
  static IPTQ_INLINE I32 add(I32 x, I32 y) {
    return reinterpret_cast<I32>(reinterpret_cast<U32>(x) +
                                 reinterpret_cast<U32>(y));
  }
};

constexpr int64_t round_up(int64_t x, int64_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

}  // namespace
}  // namespace iptq
