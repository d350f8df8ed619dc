#include "format/foreign/numpy_objects.h"

#include "core/fail.h"
#include "format/foreign/pickle_text.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

using Kind = PickleValue::Kind;

// The name without "numpy.core." or "numpy._core.", as the package has moved; empty if it has neither.
std::string_view core_name(std::string_view name) {
  for (const std::string_view prefix : {"numpy.core.", "numpy._core."})
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  return {};
}

// The text of a numpy.dtype object: the byte order that its state tells, then the code that it was made with.
std::string type_text(const PickleRun& run, Ref ref) {
  const PickleValue& value = run[ref];
  if (value.kind != Kind::object || global_name(run, value.callable) != "numpy.dtype") return {};
  const PickleValue& arguments = run[value.arguments];
  if (arguments.items.empty() || run[arguments.items[0]].kind != Kind::text) return {};
  constexpr std::size_t kLongestType = 100;
  std::string text(run[arguments.items[0]].text.substr(0, kLongestType));  // what is longer is none that is known
  if (value.has_state && run[value.state].items.size() >= 2) {
    const PickleValue& order = run[run[value.state].items[1]];
    if (order.kind == Kind::text && order.text.size() == 1 && !text.empty() && text[0] != '<' && text[0] != '>')
      text.insert(0, order.text);
  }
  return text;
}

Shape shape_of(const PickleRun& run, Ref ref, std::string_view name) {
  Shape shape;
  const PickleValue& value = run[ref];
  if (value.items.size() > kHighestRank)
    fail(ErrorCategory::limit, "[pickle] array \"{}\" has {} dimensions, more than {}", shown(name), value.items.size(),
         kHighestRank);
  const auto size_of = [&](const PickleValue& size) {
    if (size.kind != Kind::integer || size.number < 0)
      fail(ErrorCategory::format, "[pickle] array \"{}\" has a shape that is not made of numbers", shown(name));
    shape.push_back(size.number);
  };
  if (value.kind == Kind::tuple)
    for (const Ref item : value.items) size_of(run[item]);
  else
    size_of(value);  // a plain number
  return shape;
}

// The bytes of the array: bytes; a byte string of Python 2; or, as protocol 2 has no bytes, text that stands for them
// through _codecs.encode(text, "latin1").
void set_bytes(const PickleRun& run, Ref ref, std::string_view name, PickledTensor& tensor) {
  const PickleValue* value = &run[ref];
  std::string function = global_name(run, value->callable);
  const auto first_argument = [&] {
    const std::vector<Ref>& arguments = run[value->arguments].items;
    return value->kind == Kind::object && !arguments.empty() ? &run[arguments[0]] : nullptr;
  };
  if (const PickleValue* inner = first_argument(); inner && function == "builtins.bytearray") {
    value = inner;
    function = global_name(run, value->callable);
  }
  if (value->kind == Kind::bytes) {
    tensor.bytes = value->text;
    return;
  }
  if (value->kind == Kind::text) {  // perhaps a text that the machine decoded and will not keep
    tensor.decoded = value->text;
    return;
  }
  if (const PickleValue* text = first_argument(); text && function == "_codecs.encode") {
    if (auto bytes = utf8_to_latin1(text->text)) {
      tensor.decoded = std::move(*bytes);
      return;
    }
  }
  if (value->kind == Kind::object && (function == "builtins.bytes" || function == "__builtin__.bytes"))
    return;  // bytes() makes none
  fail(ErrorCategory::format, "[pickle] array \"{}\" has no bytes of its own: its pickle keeps them elsewhere",
       shown(name));
}

PickledTensor array_of(const PickleRun& run, Ref shape, Ref dtype, bool column_major, Ref bytes,
                       std::string_view name) {
  const std::string text = type_text(run, dtype);
  const auto type = parse_numpy_type(text);
  if (!type)
    fail(ErrorCategory::format, "[pickle] array \"{}\" holds {}", shown(name),
         text.empty() ? "elements of an unknown type" : explain_numpy_type(text));
  PickledTensor tensor;
  tensor.is_inline = true;
  tensor.array.dtype = type->dtype;
  tensor.array.big_endian = type->big_endian;
  tensor.array.shape = shape_of(run, shape, name);
  tensor.array.strides = contiguous_strides(tensor.array.shape, column_major);
  set_bytes(run, bytes, name, tensor);
  return tensor;
}

}  // namespace

std::optional<NumpyType> as_numpy_type(const PickleRun& run, Ref ref) { return parse_numpy_type(type_text(run, ref)); }

std::optional<PickledTensor> as_numpy_array(const PickleRun& run, Ref ref, std::string_view name) {
  const PickleValue& value = run[ref];
  if (value.kind != Kind::object) return std::nullopt;
  const std::string callable = global_name(run, value.callable);
  const std::string_view function = core_name(callable);
  if (function == "multiarray._reconstruct") {
    // state: (version, shape, dtype, Fortran's order, bytes)
    if (!value.has_state || run[value.state].items.size() != 5)
      fail(ErrorCategory::format, "[pickle] array \"{}\" is incomplete", shown(name));
    const std::vector<Ref>& state = run[value.state].items;
    return array_of(run, state[1], state[2], run[state[3]].number != 0, state[4], name);
  }
  if (function == "numeric._frombuffer") {
    // arguments: (bytes, dtype, shape, order)
    const std::vector<Ref>& arguments = run[value.arguments].items;
    if (arguments.size() != 4) fail(ErrorCategory::format, "[pickle] array \"{}\" is incomplete", shown(name));
    return array_of(run, arguments[2], arguments[1], run[arguments[3]].text == "F", arguments[0], name);
  }
  return std::nullopt;
}

}  // namespace safelight::foreign
