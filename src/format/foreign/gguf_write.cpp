// GGUF files, version 3.
#include <algorithm>
#include <array>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "format/foreign/gguf.h"
#include "format/foreign/widening.h"
#include "format/foreign/writers.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

constexpr std::size_t kLongestUsualName = 63;  // of llama.cpp; the format itself has no limit

bool has_ggml_type(DType dtype) { return ggml_type_of(dtype) != nullptr; }

std::uint64_t padding_after(std::uint64_t bytes) { return (kGgufAlignment - bytes % kGgufAlignment) % kGgufAlignment; }

// A tensor and the type that it is going to have in the file.
struct Planned {
  PendingTensor tensor;
  const GgmlType* type;

  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(elements(tensor.shape)) / type->elements * type->bytes;
  }
};

// Vectors (norms, biases) stay as they are: they are small, and what is computed from them suffers most.
bool worth_quantising(const PendingTensor& tensor) {
  const bool is_float = tensor.dtype == DType::F32 || tensor.dtype == DType::F16 || tensor.dtype == DType::BF16;
  return is_float && tensor.shape.size() >= 2 && tensor.shape.back() % q8_0().elements == 0;
}

Tensor as_q8_0(const PendingTensor& tensor, std::uint64_t bytes) {
  const Tensor values = to_f32(make_checked(tensor));
  Tensor blocks = Tensor::allocate(DType::U8, {static_cast<std::int64_t>(bytes)});
  if (!quantise_q8_0(values.floats(), {blocks.mutable_data(), blocks.bytes()}))
    fail(ErrorCategory::usage, "[gguf] tensor \"{}\" has NaN, infinities or numbers above 8,319,008: Q8_0 has none",
         shown(tensor.name));
  return blocks;
}

std::vector<Planned> plan(std::span<const PendingTensor> tensors, bool quantise, Notes& notes) {
  std::vector<Planned> result;
  std::size_t quantised = 0, long_names = 0;
  for (PendingTensor& tensor : widen_unsupported(tensors, has_ggml_type, "GGUF", notes)) {
    if (tensor.shape.size() > kHighestGgufRank)
      fail(ErrorCategory::usage, "[gguf] tensor \"{}\" has {} dimensions, but GGUF allows {}", shown(tensor.name),
           tensor.shape.size(), kHighestGgufRank);
    if (tensor.name.size() > kLongestGgufName)
      fail(ErrorCategory::usage, "[gguf] the name of tensor \"{}\" has {} bytes, more than {}", shown(tensor.name),
           tensor.name.size(), kLongestGgufName);
    long_names += tensor.name.size() > kLongestUsualName;
    const bool to_q8_0 = quantise && worth_quantising(tensor);
    quantised += to_q8_0;
    const GgmlType* type = to_q8_0 ? &q8_0() : ggml_type_of(tensor.dtype);
    result.push_back({std::move(tensor), type});
  }
  if (quantise) notes.push_back(fmt::format("{} of {} tensors became Q8_0", quantised, result.size()));
  if (long_names > 0)
    notes.push_back(
        fmt::format("{} names are longer than {} bytes, which llama.cpp refuses", long_names, kLongestUsualName));
  std::vector<std::string_view> names;
  names.reserve(result.size());
  for (const Planned& p : result) names.push_back(p.tensor.name);
  std::sort(names.begin(), names.end());
  const auto same = std::adjacent_find(names.begin(), names.end());
  if (same != names.end()) fail(ErrorCategory::usage, "[gguf] two tensors are named \"{}\"", shown(*same));
  return result;
}

std::string header_for(std::span<const Planned> tensors, const Metadata& metadata) {
  const GgufMetadataBytes pairs = gguf_metadata(metadata);
  std::string out = "GGUF";
  append_number(out, kGgufVersion);
  append_number<std::uint64_t>(out, tensors.size());
  append_number(out, pairs.count);
  out += pairs.bytes;
  std::uint64_t offset = 0;
  for (const Planned& planned : tensors) {
    append_text(out, planned.tensor.name);
    append_number(out, static_cast<std::uint32_t>(planned.tensor.shape.size()));
    for (auto size = planned.tensor.shape.rbegin(); size != planned.tensor.shape.rend(); ++size)
      append_number(out, static_cast<std::uint64_t>(*size));
    append_number(out, planned.type->number);
    append_number(out, offset);
    offset += planned.bytes() + padding_after(planned.bytes());
  }
  out.append(padding_after(out.size()), '\0');
  return out;
}

}  // namespace

void write_gguf(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
                bool quantise_q8_0, Notes& notes, const Context& context) {
  constexpr std::array<std::byte, kGgufAlignment> kPadding{};
  const std::vector<Planned> planned = plan(tensors, quantise_q8_0, notes);
  std::int64_t done = 0, total = 0;
  for (const Planned& p : planned) total += static_cast<std::int64_t>(p.bytes());
  AtomicFile file(path);
  const std::string header = header_for(planned, metadata);
  file.write(std::as_bytes(std::span(header)));
  for (const Planned& p : planned) {
    context.check_cancelled();
    context.report("write", done, total);
    const Tensor bytes = p.type->plain ? make_checked(p.tensor) : as_q8_0(p.tensor, p.bytes());
    file.write({bytes.data(), bytes.bytes()});
    file.write(std::span(kPadding).first(static_cast<std::size_t>(padding_after(bytes.bytes()))));
    done += static_cast<std::int64_t>(bytes.bytes());
  }
  context.check_cancelled();
  file.commit();
  context.report("write", total, total);
}

}  // namespace safelight::foreign
