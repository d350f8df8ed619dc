#include "format/foreign/torch_objects.h"

#include <algorithm>
#include <array>

#include "core/fail.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

using Kind = PickleValue::Kind;

struct Row {
  std::string_view storage;  // "FloatStorage", empty if the type has none
  std::string_view dtype;    // "float32"
  std::optional<DType> type;
};

// One row per element type of PyTorch; without `type`, the SafeTensors format lacks it.
constexpr std::array kTypes{
    Row{"DoubleStorage", "float64", DType::F64},
    Row{"FloatStorage", "float32", DType::F32},
    Row{"HalfStorage", "float16", DType::F16},
    Row{"BFloat16Storage", "bfloat16", DType::BF16},
    Row{"LongStorage", "int64", DType::I64},
    Row{"IntStorage", "int32", DType::I32},
    Row{"ShortStorage", "int16", DType::I16},
    Row{"CharStorage", "int8", DType::I8},
    Row{"ByteStorage", "uint8", DType::U8},
    Row{"BoolStorage", "bool", DType::BOOL},
    Row{"ComplexFloatStorage", "complex64", DType::C64},
    Row{"ComplexDoubleStorage", "complex128", {}},
    Row{"QInt8Storage", "qint8", {}},
    Row{"QUInt8Storage", "quint8", {}},
    Row{"QInt32Storage", "qint32", {}},
    Row{"QUInt4x2Storage", "quint4x2", {}},
    Row{"QUInt2x4Storage", "quint2x4", {}},
    Row{"UntypedStorage", "", DType::U8},
    Row{"", "uint16", DType::U16},
    Row{"", "uint32", DType::U32},
    Row{"", "uint64", DType::U64},
    Row{"", "float8_e4m3fn", DType::F8_E4M3},
    Row{"", "float8_e5m2", DType::F8_E5M2},
    Row{"", "float8_e4m3fnuz", DType::F8_E4M3FNUZ},
    Row{"", "float8_e5m2fnuz", DType::F8_E5M2FNUZ},
    Row{"", "float8_e8m0fnu", DType::F8_E8M0},
    Row{"", "float4_e2m1fn_x2", {}},
    Row{"", "complex32", {}},
};

// "FloatStorage" or "float32" of "torch.FloatStorage", "torch.storage.FloatStorage", "torch.cuda.FloatStorage".
std::string_view short_name(std::string_view global) {
  for (const std::string_view prefix : {"torch.storage.", "torch.cuda.", "torch."}) {
    if (!global.starts_with(prefix)) continue;
    global.remove_prefix(prefix.size());
    return global == "_UntypedStorage" ? "UntypedStorage" : global;
  }
  return {};
}

const Row* find_type(std::string_view global) {
  const std::string_view wanted = short_name(global);
  if (wanted.empty()) return nullptr;
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const Row& r) { return r.storage == wanted || r.dtype == wanted; });
  return found == kTypes.end() ? nullptr : &*found;
}

DType type_named(std::string_view global, std::string_view name) {
  const Row* row = find_type(global);
  if (!row)
    fail(ErrorCategory::format, "[torch] tensor \"{}\" has the unknown type \"{}\"", shown(name), shown(global));
  if (!row->type)
    fail(ErrorCategory::format, "[torch] tensor \"{}\" has the type {}, which the SafeTensors format lacks",
         shown(name), global);
  return *row->type;
}

// The numbers of a tuple, a list, or a torch.Size.
std::vector<std::int64_t> numbers_of(const PickleRun& run, Ref ref, std::string_view name) {
  const PickleValue* value = &run[ref];
  if (value->kind == Kind::object && global_name(run, value->callable) == "torch.Size" &&
      run[value->arguments].items.size() == 1)
    value = &run[run[value->arguments].items[0]];
  if (value->items.size() > kHighestRank)
    fail(ErrorCategory::limit, "[torch] tensor \"{}\" has {} dimensions, more than {}", shown(name),
         value->items.size(), kHighestRank);
  std::vector<std::int64_t> numbers;
  bool sound = value->kind == Kind::tuple || value->kind == Kind::list;
  for (const Ref item : value->items) {
    sound = sound && run[item].kind == Kind::integer;
    numbers.push_back(run[item].number);
  }
  if (!sound)
    fail(ErrorCategory::format, "[torch] tensor \"{}\" has a size that would have to be executed to be known",
         shown(name));
  return numbers;
}

// (storage, offset, size, stride, ...), with an element type of its own if the storage has none.
PickledTensor rebuild(const PickleRun& run, const std::vector<Ref>& arguments, const DType* dtype,
                      std::string_view name) {
  if (arguments.size() < 4)
    fail(ErrorCategory::format, "[torch] tensor \"{}\" is made with {} arguments, expected 4 or more", shown(name),
         arguments.size());
  const auto storage = as_torch_storage(run, arguments[0]);
  if (!storage)
    fail(ErrorCategory::format, "[torch] the storage of tensor \"{}\" would have to be executed to be known",
         shown(name));
  const PickleValue& offset = run[arguments[1]];
  if (offset.kind != Kind::integer || offset.number < 0)
    fail(ErrorCategory::format, "[torch] tensor \"{}\" has no sound offset in its storage", shown(name));
  PickledTensor tensor{.storage = *storage};
  tensor.array.dtype = dtype ? *dtype : storage->dtype;
  tensor.array.offset = static_cast<std::uint64_t>(offset.number);
  tensor.array.shape = numbers_of(run, arguments[2], name);
  tensor.array.strides = numbers_of(run, arguments[3], name);
  return tensor;
}

// Python's tensors carry bits that change what their numbers mean ("conj", "neg"), as a dictionary behind the rest.
void refuse_metadata(const PickleRun& run, const std::vector<Ref>& arguments, std::size_t place,
                     std::string_view name) {
  if (arguments.size() <= place) return;
  const PickleValue& metadata = run[arguments[place]];
  if (metadata.kind == Kind::none || (metadata.kind == Kind::dict && metadata.items.empty())) return;
  const bool named = !metadata.items.empty() && run[metadata.items[0]].kind == Kind::text;
  fail(ErrorCategory::format, "[torch] tensor \"{}\" has metadata (\"{}\") that change its numbers; save its clone()",
       shown(name), named ? shown(run[metadata.items[0]].text) : "?");
}

// What a function of torch._utils would give; `depth` bounds parameters of parameters of ...
std::optional<PickledTensor> call(const PickleRun& run, std::string_view function, const std::vector<Ref>& arguments,
                                  std::string_view name, int depth);

std::optional<PickledTensor> tensor_at(const PickleRun& run, Ref ref, std::string_view name, int depth) {
  const PickleValue& value = run[ref];
  if (value.kind != Kind::object) return std::nullopt;
  return call(run, global_name(run, value.callable), run[value.arguments].items, name, depth);
}

std::optional<PickledTensor> call(const PickleRun& run, std::string_view function, const std::vector<Ref>& arguments,
                                  std::string_view name, int depth) {
  constexpr int kDeepest = 8;
  constexpr std::string_view kUtils = "torch._utils.";
  if (depth > kDeepest) fail(ErrorCategory::format, "[torch] tensor \"{}\" is nested too deep", shown(name));
  if (function == "torch._tensor._rebuild_from_type_v2") {  // (function, type, arguments, state): a subclass
    if (arguments.size() < 3) return std::nullopt;
    return call(run, global_name(run, arguments[0]), run[arguments[2]].items, name, depth + 1);
  }
  if (!function.starts_with(kUtils)) return std::nullopt;
  function.remove_prefix(kUtils.size());
  if (function == "_rebuild_tensor" || function == "_rebuild_tensor_v2") {
    refuse_metadata(run, arguments, 6, name);
    return rebuild(run, arguments, nullptr, name);
  }
  if (function == "_rebuild_tensor_v3") {
    refuse_metadata(run, arguments, 7, name);
    if (arguments.size() < 7) fail(ErrorCategory::format, "[torch] tensor \"{}\" has no element type", shown(name));
    const DType dtype = type_named(global_name(run, arguments[6]), name);
    return rebuild(run, arguments, &dtype, name);
  }
  if (function == "_rebuild_parameter" || function == "_rebuild_parameter_with_state") {
    if (!arguments.empty())
      if (auto tensor = tensor_at(run, arguments[0], name, depth + 1)) return tensor;
    fail(ErrorCategory::format, "[torch] parameter \"{}\" is not made of a tensor", shown(name));
  }
  if (function.starts_with("_rebuild_"))  // sparse, quantized, nested, meta, of other devices
    fail(ErrorCategory::format, "[torch] tensor \"{}\" is made by torch._utils.{}, which cannot be read", shown(name),
         shown(function));
  return std::nullopt;
}

}  // namespace

std::optional<StorageRef> as_torch_storage(const PickleRun& run, Ref ref) {
  const PickleValue& value = run[ref];
  if (value.kind != Kind::persistent) return std::nullopt;
  const PickleValue& id = run[value.arguments];  // ("storage", type, key, location, numel[, view])
  if (id.kind != Kind::tuple || id.items.size() < 5 || run[id.items[0]].text != "storage") return std::nullopt;
  const PickleValue &key = run[id.items[2]], &numel = run[id.items[4]];
  if (key.kind != Kind::text || numel.kind != Kind::integer || numel.number < 0) return std::nullopt;
  StorageRef storage{.key = key.text,
                     .dtype = type_named(global_name(run, id.items[1]), key.text),
                     .numel = static_cast<std::uint64_t>(numel.number)};
  if (id.items.size() > 5 && run[id.items[5]].items.size() == 3) {  // a view: (key, offset, size)
    const PickleValue& offset = run[run[id.items[5]].items[1]];
    if (offset.kind != Kind::integer || offset.number < 0) return std::nullopt;
    storage.offset = static_cast<std::uint64_t>(offset.number);
  }
  return storage;
}

std::optional<PickledTensor> as_torch_tensor(const PickleRun& run, Ref ref, std::string_view name) {
  return tensor_at(run, ref, name, 0);
}

bool is_torch_type(std::string_view global) noexcept {
  return find_type(global) != nullptr || global == "torch.storage.TypedStorage" ||
         global == "torch.storage._TypedStorage";
}

}  // namespace safelight::foreign
