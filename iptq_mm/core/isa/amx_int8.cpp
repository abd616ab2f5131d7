// AVX-512 with AMX (Sapphire Rapids): tiles of 16 rows by 64 bytes.
#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi2")
#include "avx512.h"

namespace iptq {
namespace {

#if defined(IPTQ_EMULATED_TILES)

// The same instructions in C++, for the tests: no emulator has them.
struct AmxTiles {
  template <int T>
  static void zero() {
    std::memset(tiles[T], 0, sizeof(tiles[T]));
  }

  template <int T>
  static void load(const void* from, int64_t step) {
    for (int row = 0; row < 16; ++row)
      std::memcpy(tiles[T][row],
                  static_cast<const uint8_t*>(from) + row * step, 64);
  }

  template <int T>
  static void store(void* to, int64_t step) {
    for (int row = 0; row < 16; ++row)
      std::memcpy(static_cast<uint8_t*>(to) + row * step, tiles[T][row], 64);
  }

  // TDPBUSD: unsigned times signed, four products to a lane.
  template <int Sum, int Left, int Right>
  static void add_product() {
    for (int row = 0; row < 16; ++row)
      for (int lane = 0; lane < 16; ++lane) {
        int32_t sum;
        std::memcpy(&sum, tiles[Sum][row] + 4 * lane, sizeof(sum));
        for (int k = 0; k < 64; ++k)
          sum += tiles[Left][row][k] *
                 static_cast<int8_t>(tiles[Right][k / 4][4 * lane + k % 4]);
        std::memcpy(tiles[Sum][row] + 4 * lane, &sum, sizeof(sum));
      }
  }

  static inline thread_local uint8_t tiles[8][16][64];
};

#else

// Has the tiles of this thread as long as it lives. In assembly: not every
// compiler that makes the rest knows these instructions.
class AmxTiles {
 public:
  AmxTiles() {
    struct {
      uint8_t palette = 1, start_row = 0, reserved[14]{};
      uint16_t bytes[16]{64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16]{16, 16, 16, 16, 16, 16, 16, 16};
    } const all_whole;
    static_assert(sizeof(all_whole) == 64);
    __asm__ volatile("ldtilecfg %0" ::"m"(all_whole));
  }
  ~AmxTiles() { __asm__ volatile("tilerelease"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  template <int T>
  static IPTQ_INLINE void zero() {
    __asm__ volatile("tilezero %%tmm%c0" ::"i"(T));
  }

  template <int T>
  static IPTQ_INLINE void load(const void* from, int64_t step) {
    __asm__ volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(T), "r"(from),
                     "r"(step)
                     : "memory");
  }

  template <int T>
  static IPTQ_INLINE void store(void* to, int64_t step) {
    __asm__ volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(T), "r"(to),
                     "r"(step)
                     : "memory");
  }

  template <int Sum, int Left, int Right>
  static IPTQ_INLINE void add_product() {
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum),
                     "i"(Left), "i"(Right));
  }
};

#endif

struct AmxInt8 : VnniBytes<Avx512Intrinsics> {
  static constexpr int vectors = 2, run = 16;
  static constexpr bool tiles = true;
  using Tiles = AmxTiles;
};

// For the layers; all else as without tiles.
constexpr Kernels with_amx(Kernels kernels) {
  kernels.name = "amx_int8";
  kernels.linear = kernels.narrow_linear = linear_kernels<AmxInt8>();
  return kernels;
}

constexpr Kernels table =
    with_amx(with_vbmi(kernel_table<Avx512Vnni>("avx512_vnni")));

}  // namespace

constexpr const Kernels* amx_int8_kernels = &table;

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
constexpr const Kernels* amx_int8_kernels = nullptr;
}  // namespace iptq
#endif
