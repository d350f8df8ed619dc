// oneDNN 2 (Debian's libdnnl-dev): matmul, convolution direct and by Winograd, softmax.
#include <fmt/format.h>

#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "bench/peers.h"

namespace safelight {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
static_assert(DNNL_VERSION_MAJOR == 2, "written for oneDNN 2; version 3 describes primitives otherwise");

constexpr auto kFloat = memory::data_type::f32;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
dnnl::stream& stream() {
  static dnnl::stream in_order(engine());
  return in_order;
}

using Arguments = std::unordered_map<int, memory>;

void execute(const dnnl::primitive& primitive, const Arguments& arguments) {
  primitive.execute(stream(), arguments);
  stream().wait();
}

// A view of our tensor. oneDNN only reads its sources.
memory view(const Tensor& t, const memory::desc& desc) { return {desc, engine(), const_cast<std::byte*>(t.data())}; }

memory converted(memory from, const memory::desc& to) {
  if (from.get_desc() == to) return from;
  memory result(to, engine());
  execute(dnnl::reorder(from, result), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, result}});
  return result;
}

Tensor copied(memory from, const memory::desc& plain, Shape shape) {
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  memory to = view(result, plain);
  execute(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  return result;
}

Peer convolution(const Tensor& x, const Tensor& weight, dnnl::algorithm algorithm, std::string_view what, Tag layout) {
  const memory::dims in{x.dim(0), x.dim(3), x.dim(1), x.dim(2)}, kernel = weight.shape();
  const memory::dims out{x.dim(0), weight.dim(0), x.dim(1), x.dim(2)}, ones{1, 1};
  const dnnl::convolution_forward::primitive_desc description(
      {dnnl::prop_kind::forward_inference, algorithm, memory::desc(in, kFloat, layout),
       memory::desc(kernel, kFloat, Tag::any), memory::desc(out, kFloat, layout), ones, ones, ones},
      engine());
  const memory y(description.dst_desc(), engine());
  const Arguments arguments{
      {DNNL_ARG_SRC, converted(view(x, {in, kFloat, Tag::nhwc}), description.src_desc())},
      {DNNL_ARG_WEIGHTS, converted(view(weight, {kernel, kFloat, Tag::oihw}), description.weights_desc())},
      {DNNL_ARG_DST, y}};
  return {std::string(what),
          [primitive = dnnl::convolution_forward(description), arguments, x] { execute(primitive, arguments); },
          [y, out, shape = Shape{out[0], out[2], out[3], out[1]}] {
            return copied(y, {out, kFloat, Tag::nhwc}, shape);
          }};
}

}  // namespace

std::string peer_library() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::vector<Peer> linear_peers(const Tensor& x, const Tensor& weight) {
  const memory::desc from({x.dim(0), x.dim(1)}, kFloat, Tag::ab), to({x.dim(0), weight.dim(0)}, kFloat, Tag::ab);
  const memory::dims shape{x.dim(1), weight.dim(0)};
  const dnnl::matmul::primitive_desc description({from, memory::desc(shape, kFloat, Tag::any), to}, engine());
  const memory y(to, engine());
  const Arguments arguments{
      {DNNL_ARG_SRC, view(x, from)},
      {DNNL_ARG_WEIGHTS, converted(view(weight, {shape, kFloat, Tag::ba}), description.weights_desc())},
      {DNNL_ARG_DST, y}};
  return {{"oneDNN, packed F32",
           [primitive = dnnl::matmul(description), arguments, x] { execute(primitive, arguments); },
           [y, to, out = Shape{x.dim(0), weight.dim(0)}] { return copied(y, to, out); }}};
}

std::vector<Peer> convolution_peers(const Tensor& x, const Tensor& weight) {
  std::vector<Peer> peers;
  peers.push_back(convolution(x, weight, dnnl::algorithm::convolution_direct, "oneDNN direct", Tag::nhwc));
  try {
    peers.push_back(convolution(x, weight, dnnl::algorithm::convolution_winograd, "oneDNN Winograd", Tag::any));
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;  // it has none for thin layers, nor without AVX-512
  }
  return peers;
}

std::vector<Peer> attention_peers(const Tensor& q, const Tensor& k, const Tensor& v, int heads) {
  const std::int64_t tokens = q.dim(1), keys = k.dim(1), channels = q.dim(2), width = channels / heads;
  const memory::desc rows({1, tokens, width}, kFloat, memory::dims{tokens * channels, channels, 1});
  const memory::desc transposed({1, width, keys}, kFloat, memory::dims{keys * channels, 1, channels});
  const memory::desc values({1, keys, width}, kFloat, memory::dims{keys * channels, channels, 1});
  const memory::desc square({1, tokens, keys}, kFloat, Tag::abc);
  dnnl::primitive_attr scaling;
  scaling.set_output_scales(0, {1 / std::sqrt(static_cast<float>(width))});
  const dnnl::matmul score({{rows, transposed, square}, scaling, engine()}), sum({{square, values, rows}, engine()});
  const dnnl::softmax_forward soften({{dnnl::prop_kind::forward_inference, square, 2}, engine()});
  const Tensor y = Tensor::allocate(DType::F32, q.shape());
  const memory scores(square, engine());
  const auto run = [=] {
    for (std::int64_t n = 0; n < q.dim(0); ++n)
      for (std::int64_t head = 0; head < heads; ++head) {
        const auto part = [&](const Tensor& t, const memory::desc& desc) {
          const std::byte* first = t.data() + 4 * (n * t.dim(1) * channels + head * width);
          return memory(desc, engine(), const_cast<std::byte*>(first));
        };
        execute(score,
                {{DNNL_ARG_SRC, part(q, rows)}, {DNNL_ARG_WEIGHTS, part(k, transposed)}, {DNNL_ARG_DST, scores}});
        execute(soften, {{DNNL_ARG_SRC, scores}, {DNNL_ARG_DST, scores}});
        execute(sum, {{DNNL_ARG_SRC, scores}, {DNNL_ARG_WEIGHTS, part(v, values)}, {DNNL_ARG_DST, part(y, rows)}});
      }
  };
  return {{"oneDNN, product softmax product", run, [y] { return y; }}};
}

}  // namespace safelight
