// Scaled dot-product attention (Vaswani et al. 2017), several heads side by side in the channels.
#pragma once

#include "ops/precision.h"

namespace safelight {

struct AttentionSpec {
  int heads = 1;        // channels are split into this many equal parts; scores are scaled by (channels/heads)^-1/2
  bool causal = false;  // token i sees tokens 0..i only
  Precision precision = Precision::full;  // int8 counts as full
};

}  // namespace safelight
