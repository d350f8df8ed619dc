// What a call of an op takes of a processor, for who plans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace safelight {

// Kinds of ops that differ in how fast they run.
enum class WorkKind { conv3x3, product, attention, passing };  // passing: norms, joins: bound by memory
constexpr std::size_t kWorkKinds = 4;

// Floating-point operations of each kind: a multiply-add is two, a convolution is counted as the direct one. Of
// `passing`, values stored.
struct Work {
  std::array<double, kWorkKinds> of{};

  double& operator[](WorkKind kind) { return of[static_cast<std::size_t>(kind)]; }
  double operator[](WorkKind kind) const { return of[static_cast<std::size_t>(kind)]; }
};

// What Backend::rehearse() found.
struct Rehearsal {
  std::uint64_t peak_bytes = 0;  // of all tensors and scratch at one time, with what is kept for reuse
  Work work;
};

}  // namespace safelight
