// The same work done by another library, for the kernels' bench.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "safelight/tensor.h"

namespace safelight {

struct Peer {
  std::string name;                // e.g. "oneDNN direct"
  std::function<void()> run;       // what is timed, on as many threads as OMP_NUM_THREADS says
  std::function<Tensor()> result;  // of the last run, F32 in our layout
};

// The library and its version; empty if the program was built without one, and then there are no peers below.
std::string peer_library();

// x: F32 [rows, in], weight: F32 [out, in]; packed by the peer beforehand.
std::vector<Peer> linear_peers(const Tensor& x, const Tensor& weight);

// x: F32 [n, h, w, in], weight: F32 [out, in, 3, 3]; padding 1. Packed beforehand; where a peer wants x in a layout of
// its own, it gets it so, and the conversion there and back is not timed.
std::vector<Peer> convolution_peers(const Tensor& x, const Tensor& weight);

// q, k, v: F32 [n, tokens, channels]. Head by head a product, a softmax and a product.
std::vector<Peer> attention_peers(const Tensor& q, const Tensor& k, const Tensor& v, int heads);

}  // namespace safelight
