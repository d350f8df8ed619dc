#include "format/foreign/widening.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <map>

#include "core/fail.h"
#include "core/human.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

// Element by element; the bytes of either side may be unaligned.
template <class From, class To>
Tensor widen_integers(const Tensor& from, DType to) {
  Tensor result = Tensor::allocate(to, from.shape());
  for (std::size_t i = 0; i < static_cast<std::size_t>(from.elements()); ++i) {
    From value;
    std::memcpy(&value, from.data() + i * sizeof value, sizeof value);
    const To wide = static_cast<To>(value);
    std::memcpy(result.mutable_data() + i * sizeof wide, &wide, sizeof wide);
  }
  return result;
}

Tensor bool_to_i8(const Tensor& from, DType to) {
  Tensor result = Tensor::allocate(to, from.shape());
  for (std::size_t i = 0; i < from.bytes(); ++i)
    result.mutable_data()[i] = from.data()[i] == std::byte{0} ? std::byte{0} : std::byte{1};
  return result;
}

Tensor floats_of(const Tensor& from, DType /*to*/) { return to_f32(from); }

struct Widening {
  DType from, to;
  Tensor (*convert)(const Tensor&, DType);
};

// For each type, the candidates from the nearest on.
constexpr std::array kWidenings{
    Widening{DType::BOOL, DType::I8, bool_to_i8},
    Widening{DType::U8, DType::I16, widen_integers<std::uint8_t, std::int16_t>},
    Widening{DType::U16, DType::I32, widen_integers<std::uint16_t, std::int32_t>},
    Widening{DType::U32, DType::I64, widen_integers<std::uint32_t, std::int64_t>},
    Widening{DType::BF16, DType::F32, floats_of},
    Widening{DType::F8_E4M3, DType::F32, floats_of},
    Widening{DType::F8_E5M2, DType::F32, floats_of},
};

const Widening* find(DType from, bool (*supported)(DType)) {
  for (const Widening& w : kWidenings)
    if (w.from == from && supported(w.to)) return &w;
  return nullptr;
}

}  // namespace

std::vector<PendingTensor> widen_unsupported(std::span<const PendingTensor> tensors, bool (*supported)(DType),
                                             std::string_view target, std::vector<std::string>& notes) {
  std::vector<PendingTensor> result(tensors.begin(), tensors.end());
  std::map<const Widening*, std::size_t> counts;
  for (PendingTensor& tensor : result) {
    if (supported(tensor.dtype)) continue;
    const Widening* widening = find(tensor.dtype, supported);
    if (!widening)
      fail(ErrorCategory::usage, "[convert] tensor \"{}\" is of {}, which {} cannot hold, nor widened",
           shown(tensor.name), name(tensor.dtype), target);
    ++counts[widening];
    tensor.dtype = widening->to;
    tensor.make = [make = std::move(tensor.make), widening] { return widening->convert(make(), widening->to); };
  }
  for (const Widening& w : kWidenings)
    if (const auto found = counts.find(&w); found != counts.end())
      notes.push_back(fmt::format("{} of {} became {}, as {} has no such type", counted(found->second, "tensor"),
                                  name(w.from), name(w.to), target));
  return result;
}

std::uint64_t total_bytes(std::span<const PendingTensor> tensors) {
  std::uint64_t total = 0;
  for (const PendingTensor& t : tensors)
    total += static_cast<std::uint64_t>(elements(t.shape)) * static_cast<std::uint64_t>(bits(t.dtype)) / 8;
  return total;
}

Tensor make_checked(const PendingTensor& tensor) {
  Tensor made = tensor.make();
  if (made.empty() || made.dtype() != tensor.dtype || made.shape() != tensor.shape)
    fail(ErrorCategory::model, "[convert] tensor \"{}\" should be {} with shape {}, but was made as {} with shape {}",
         shown(tensor.name), name(tensor.dtype), to_string(tensor.shape), name(made.dtype()), to_string(made.shape()));
  return made;
}

}  // namespace safelight::foreign
