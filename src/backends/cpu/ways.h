// Ways to cut a product into tasks, as powers of two times the blocks that are chosen by its sizes. Which task makes an
// element is all they change. See planner.cpp's kVersion when they change themselves.
#pragma once

#include <array>
#include <cstdint>

#include "backends/cpu/rounding.h"

namespace safelight::cpu {

struct Way {
  int rows, channels;
};
constexpr std::array<Way, 5> kWays{{{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}}};

// How many ways a call of so many multiply-adds may try: below some millions it is over too soon to tell one from
// another.
constexpr int ways_for(std::int64_t multiply_adds) {
  return multiply_adds >= 20'000'000 ? static_cast<int>(kWays.size()) : 1;
}

constexpr std::int64_t scaled(std::int64_t size, int power) { return power < 0 ? divide_up(size, 2) : size << power; }

}  // namespace safelight::cpu
