// How exactly products are computed.
#pragma once

namespace safelight {

// What an op multiplies. `full`: what it is given, to 32 bits. `bf16`: both sides rounded to the nearest bf16 (8 bits,
// those of attention the weights of values, too), added up in 32; a backend whose processor does not multiply those, or
// not at this shape, multiplies in full. `int8`, of linear layers alone: whole numbers of 8 bits, to which every row of
// x and every row of W is rounded with a unit of its own (ops/quantise.h), added up exactly in 32; a row with a value
// that is infinite or no number then gives only results that are no numbers.
enum class Precision { full, bf16, int8 };

}  // namespace safelight
