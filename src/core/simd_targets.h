// Which of Highway's targets get kernels: one per vector width, and the plain baseline for every other processor.
// Included before Highway's own headers.
#pragma once

// Bits 0 to 7 are the AVX-512 revisions after HWY_AVX3: the few kernels that use an addition of theirs write it out,
// and ask the processor (backends/cpu/kernels/kernels.cpp); SVE's vectors have no fixed size and cannot be elements of
// an array of accumulators.
#define HWY_DISABLED_TARGETS (0xFFLL | HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// The plain baseline is one value at a time. Highway's other one, vectors without instructions, makes the largest
// number of what is beyond it when F64 becomes F32, where every processor makes infinity; and not every compiler has
// it.
#define HWY_BROKEN_EMU128 1
