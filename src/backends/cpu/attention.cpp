#include "backends/cpu/kernels/attention.h"

#include "backends/cpu/ops.h"

namespace safelight::cpu {

// Narrower heads leave too little to do between two ends of a product by parts.
constexpr std::int64_t kFewestSplitChannels = 40;

void attention(Engine& engine, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec,
               Tensor& y) {
  AttentionCall call{.q = q.floats().data(),
                     .k = k.floats().data(),
                     .v = v.floats().data(),
                     .y = y.mutable_floats().data(),
                     .images = q.dim(0),
                     .queries = q.dim(1),
                     .keys = k.dim(1),
                     .stride = q.dim(2),
                     .heads = spec.heads,
                     .width = q.dim(2) / spec.heads,
                     .causal = spec.causal};
  const Kernels& kernels = engine.kernels;
  call.split = kernels.split_attention.attend && call.width >= kFewestSplitChannels;
  call.rounded = spec.precision == Precision::bf16 && (call.split || kernels.attention_of_pairs.attend);
  const AttentionKernels& attention = call.split     ? kernels.split_attention
                                      : call.rounded ? kernels.attention_of_pairs
                                                     : kernels.attention;
  const std::int64_t heads = call.images * call.heads, packed = attention_packed(call, kernels.panel);
  Tensor packed_k = engine.empty({heads, packed}), turned_v = engine.empty({heads, packed});
  call.packed_k = packed_k.mutable_floats().data();
  call.turned_v = turned_v.mutable_floats().data();
  engine.for_each(heads * attention_key_blocks(call, kernels.panel),
                  [&](std::int64_t task) { attention.pack(call, task); });
  engine.for_each_with_scratch(heads * attention_query_blocks(call), attention_scratch(call, kernels.panel).total,
                               [&](std::int64_t task, float* scratch) { attention.attend(call, task, scratch); });
}

}  // namespace safelight::cpu
