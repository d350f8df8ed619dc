// The tile registers of x86 processors with AMX: eight matrices of up to 16 rows of 64 bytes, whose products are added
// by one instruction. Written out, because Highway compiles for AVX-512 without them; whoever gets here has asked
// request_tiles(). Every register belongs to the thread.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace safelight::cpu {

// Whether this processor multiplies tiles of bf16 and of whole numbers of 8 bits, and rounds to bf16, and the system
// knows of it.
bool has_tiles();

// Linux must be asked before a process uses tiles, since a signal then saves 8 KiB more of a thread: alternate signal
// stacks of less than some 11 KiB are refused from then on, and a thread that has one is a reason to refuse tiles.
// Returns whether they may be used; asks once. REQUIRES: has_tiles().
bool request_tiles();

constexpr std::int64_t kTileRegisterRows = 16, kTileRowBytes = 64;
constexpr std::int64_t kTileBytes = kTileRegisterRows * kTileRowBytes;

#if defined(__x86_64__)

// How many rows each register has, from here to the end of the object's life.
class TileRegisters {
 public:
  // 16 each.
  TileRegisters() : TileRegisters(2 * kTileRegisterRows) {}

  // For `rows` of the left side and of sums, 32 at most: registers 4 (left), 0 and 1 (sums) have the first 16 of them,
  // 5, 2 and 3 the others, if there are any; those of the right side, 6 and 7, have 16. REQUIRES: 1 <= rows <= 32.
  explicit TileRegisters(std::int64_t rows) {
    const std::int64_t upper = rows < kTileRegisterRows ? rows : kTileRegisterRows, lower = rows - upper;
    const auto set = [&](int index, std::int64_t count) {
      layout_.row_bytes[index] = count > 0 ? kTileRowBytes : 0;
      layout_.rows[index] = static_cast<std::uint8_t>(count);
    };
    for (const int index : {0, 1, 4}) set(index, upper);
    for (const int index : {2, 3, 5}) set(index, lower);
    for (const int index : {6, 7}) set(index, kTileRegisterRows);
    asm volatile("ldtilecfg %0" : : "m"(layout_));
  }
  ~TileRegisters() { asm volatile("tilerelease"); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

 private:
  struct alignas(64) {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } layout_;
};

template <int kTile>
inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}

// Row i from or to `at` + i * stride bytes.
template <int kTile>
inline void load_tile(const void* at, std::int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(at), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
inline void store_tile(void* at, std::int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(at), "r"(stride), "i"(kTile) : "memory");
}

// sums[i][j] += the sum over k of left[i][2k] * right[k][2j] + left[i][2k + 1] * right[k][2j + 1].
template <int kSums, int kLeft, int kRight>
inline void multiply_bf16_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kLeft), "i"(kRight));
}

// The same of four numbers of 8 bits each; the left side's have no sign.
template <int kSums, int kLeft, int kRight>
inline void multiply_byte_tiles() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kLeft), "i"(kRight));
}

#endif

}  // namespace safelight::cpu
