#include "format/foreign/pickle_machine.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <unordered_map>

#include "format/foreign/joblib_array.h"
#include "format/foreign/pickle_text.h"

namespace safelight::foreign {
namespace {

using Kind = PickleValue::Kind;

constexpr Ref kUnset = UINT32_MAX;
constexpr int kSharedIntegers = 256;

template <class... Args>
[[noreturn]] void broken(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCategory::format, "[pickle] " + fmt::format(format, std::forward<Args>(args)...));
}

std::int64_t parse_integer(std::string_view text) {
  std::int64_t value = 0;
  if (!text.empty() && text.back() == 'L') text.remove_suffix(1);
  std::from_chars(text.data(), text.data() + text.size(), value);  // what is no number counts as 0: it matters nowhere
  return value;
}

class Machine {
 public:
  Machine(std::span<const std::byte> file, std::size_t begin, const PickleLimits& limits, RawArrays raw_arrays,
          const Context& context)
      : file_(file), cursor_(file, "pickle", begin), limits_(limits), raw_arrays_(raw_arrays), context_(context) {
    // Values that never change are shared: 0 to 255 as integers, then these.
    for (int i = 0; i < kSharedIntegers; ++i) add({.kind = Kind::integer, .number = i});
    none_ = add({.kind = Kind::none});
    false_ = add({.kind = Kind::boolean, .number = 0});
    true_ = add({.kind = Kind::boolean, .number = 1});
    empty_tuple_ = add({.kind = Kind::tuple});
  }

  PickleRun run() {
    try {
      while (step()) {
      }
    } catch (const Error& e) {
      if (e.category() == ErrorCategory::cancelled) throw;
      run_.broken = e.what();
      if (taken_) run_.goes_on = here_;
    }
    run_.end = cursor_.position();
    return std::move(run_);
  }

 private:
  Ref add(PickleValue value) {
    if (run_.values.size() >= limits_.values) broken("more than {} values", limits_.values);
    run_.values.push_back(std::move(value));
    return static_cast<Ref>(run_.values.size() - 1);
  }

  PickleValue& at(Ref ref) { return run_.values[ref]; }

  // The stack. What lies below the last mark cannot be reached, as in Python.
  void push(Ref ref) {
    if (stack_.size() >= limits_.values) broken("more than {} values on the stack", limits_.values);
    stack_.push_back(ref);
  }
  void push_new(PickleValue value) { push(add(std::move(value))); }
  Ref top() const {
    if (stack_.size() <= floor()) broken("byte {} needs a value, but there is none", here_);
    return stack_.back();
  }
  Ref pop() {
    const Ref ref = top();
    stack_.pop_back();
    return ref;
  }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  // Everything above the last mark, which goes too.
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) broken("byte {} needs a mark, but there is none", here_);
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Ref> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    count_items(items.size());
    return items;
  }

  void count_instructions(std::size_t more) {
    constexpr std::size_t kPerLook = std::size_t{1} << 16;
    const std::size_t before = instructions_;
    instructions_ += more;
    if (instructions_ > limits_.instructions) broken("more than {} instructions", limits_.instructions);
    if (before / kPerLook != instructions_ / kPerLook) context_.check_cancelled();
  }
  void count_items(std::size_t more) {
    items_ += more;
    if (items_ > limits_.items) broken("more than {} items", limits_.items);
  }

  Ref tuple(std::vector<Ref> items) {
    if (items.empty()) return empty_tuple_;
    return add({.kind = Kind::tuple, .items = std::move(items)});
  }
  void push_tuple(std::size_t size) {
    std::vector<Ref> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = pop();
    count_items(size);
    push(tuple(std::move(items)));
  }
  Ref integer(std::int64_t value) {
    if (value >= 0 && value < kSharedIntegers) return static_cast<Ref>(value);
    return add({.kind = Kind::integer, .number = value});
  }
  Ref text(std::string_view text) { return add({.kind = Kind::text, .text = text}); }
  Ref decoded(std::optional<std::string> value) {
    if (!value) broken("the text at byte {} is not what Python would write", here_);
    run_.decoded.push_back(std::move(*value));
    return text(run_.decoded.back());
  }
  void push_long(std::string_view little_endian) {
    if (little_endian.size() > 8) return push_new({.kind = Kind::big_integer, .text = little_endian});
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < little_endian.size(); ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(little_endian[i])) << (8 * i);
    const int unused = 64 - 8 * static_cast<int>(little_endian.size());
    push(integer(unused == 64 ? 0 : static_cast<std::int64_t>(value << unused) >> unused));
  }

  void act(Opcode opcode, Ref target, Ref arguments) {
    if (run_.actions.size() >= limits_.actions) broken("more than {} imports and calls", limits_.actions);
    run_.actions.push_back({opcode, here_, target, arguments});
  }
  Ref import_name(Opcode opcode, Ref module, Ref name) {
    const Ref global = add({.kind = Kind::global, .callable = module, .arguments = name});
    act(opcode, global, none_);
    return global;
  }
  void call(Opcode opcode, Ref callable, Ref arguments) {
    act(opcode, callable, arguments);
    push_new({.kind = Kind::object, .callable = callable, .arguments = arguments});
  }

  // A place that can hold items: also an object, which Python would ask to take them, and bytes, as they may be a
  // bytearray.
  PickleValue& container(Ref ref) {
    PickleValue& value = at(ref);
    switch (value.kind) {
      case Kind::list:
      case Kind::set:
      case Kind::dict:
      case Kind::object:
      case Kind::global:
      case Kind::persistent:
      case Kind::bytes:
      case Kind::unknown:
        return value;
      default:
        broken("byte {} adds an item to a value that cannot hold any", here_);
    }
  }
  void append(std::vector<Ref> items) {
    const Ref place = top();
    if (items.empty()) return;  // Python does not even look at what it would add nothing to
    PickleValue& target = container(place);
    target.items.insert(target.items.end(), items.begin(), items.end());
  }
  void set_items(std::vector<Ref> items) {
    if (items.size() % 2 != 0) broken("byte {} sets a key without a value", here_);
    append(std::move(items));
  }

  // What is remembered under an index. Python's own pickles count from 0, so that the file's size bounds them: these
  // are in a table. A file may choose others as it likes.
  Ref& memo(std::uint64_t index) {
    if (index >= std::min<std::uint64_t>(file_.size(), limits_.values))
      return far_memo_.try_emplace(index, kUnset).first->second;
    if (index >= memo_.size()) memo_.resize(static_cast<std::size_t>(index) + 1, kUnset);
    return memo_[static_cast<std::size_t>(index)];
  }
  void put(std::uint64_t index) {
    const Ref value = top();
    if (index == UINT64_MAX) broken("byte {} has no number as memo index", here_);
    if (memo_count_ >= limits_.values) broken("more than {} values in the memo", limits_.values);
    Ref& slot = memo(index);
    if (slot == kUnset) ++memo_count_;  // what MEMOIZE goes by
    slot = value;
  }
  void get(std::uint64_t index) {
    const Ref value = index < memo_.size()        ? memo_[static_cast<std::size_t>(index)]
                      : far_memo_.contains(index) ? far_memo_.at(index)
                                                  : kUnset;
    if (value == kUnset) broken("byte {} asks for memo {}, which was never set", here_, index);
    push(value);
  }

  void build() {
    const Ref state = pop();
    const Ref target = top();
    act(Opcode::BUILD, target, state);
    PickleValue& value = at(target);
    value.state = state;
    value.has_state = true;
    if (raw_arrays_ == RawArrays::none) return;
    count_instructions(at(state).items.size());  // which are searched
    if (const auto skipped = raw_bytes_after(run_, target, file_.subspan(cursor_.position()))) {
      cursor_.take(*skipped);
      run_.skipped_arrays = true;
    }
  }

  bool step();
  bool push_constant(const Instruction& in);
  bool make_container(const Instruction& in);
  bool use_memo_or_stack(const Instruction& in);
  bool import_or_call(const Instruction& in);

  std::span<const std::byte> file_;
  ByteCursor cursor_;
  const PickleLimits& limits_;
  RawArrays raw_arrays_;
  const Context& context_;
  PickleRun run_;
  std::vector<Ref> stack_, memo_;
  std::unordered_map<std::uint64_t, Ref> far_memo_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::size_t here_ = 0, items_ = 0, instructions_ = 0, memo_count_ = 0;
  bool taken_ = false;  // the instruction at here_ is one, and whole
  Ref none_ = 0, false_ = 0, true_ = 0, empty_tuple_ = 0;
};

// False after STOP.
bool Machine::step() {
  here_ = cursor_.position();
  taken_ = false;
  if (cursor_.at_end()) broken("the file ends at byte {} before the pickle does", here_);
  const Instruction in = take_instruction(cursor_);
  taken_ = true;
  count_instructions(1);
  if (in.opcode == Opcode::STOP) {
    run_.result = pop();
    return false;
  }
  if (!push_constant(in) && !make_container(in) && !use_memo_or_stack(in) && !import_or_call(in))
    broken("byte {} holds an instruction that is not understood", here_);
  return true;
}

bool Machine::push_constant(const Instruction& in) {
  switch (in.opcode) {
    case Opcode::NONE:
      return push(none_), true;
    case Opcode::NEWTRUE:
      return push(true_), true;
    case Opcode::NEWFALSE:
      return push(false_), true;
    case Opcode::INT:
      return push(in.text == "00" ? false_ : in.text == "01" ? true_ : integer(parse_integer(in.text))), true;
    case Opcode::LONG:
      return push(integer(parse_integer(in.text))), true;
    case Opcode::BININT:
      return push(integer(static_cast<std::int32_t>(in.number))), true;
    case Opcode::BININT1:
    case Opcode::BININT2:
      return push(integer(static_cast<std::int64_t>(in.number))), true;
    case Opcode::LONG1:
    case Opcode::LONG4:
      return push_long(in.text), true;
    case Opcode::FLOAT: {
      double value = 0;
      std::from_chars(in.text.data(), in.text.data() + in.text.size(), value);
      return push_new({.kind = Kind::real, .real = value}), true;
    }
    case Opcode::BINFLOAT:  // the one big-endian number of the format
      return push_new({.kind = Kind::real, .real = std::bit_cast<double>(__builtin_bswap64(in.number))}), true;
    case Opcode::STRING:
      return push(decoded(decode_quoted_line(in.text))), true;
    case Opcode::UNICODE:
      return push(decoded(decode_unicode_line(in.text))), true;
    case Opcode::BINSTRING:
    case Opcode::SHORT_BINSTRING:
    case Opcode::BINUNICODE:
    case Opcode::SHORT_BINUNICODE:
    case Opcode::BINUNICODE8:
      return push(text(in.text)), true;
    case Opcode::BINBYTES:
    case Opcode::SHORT_BINBYTES:
    case Opcode::BINBYTES8:
    case Opcode::BYTEARRAY8:
      return push_new({.kind = Kind::bytes, .text = in.text}), true;
    case Opcode::NEXT_BUFFER:
      return push_new({.kind = Kind::unknown}), true;
    default:
      return false;
  }
}

bool Machine::make_container(const Instruction& in) {
  switch (in.opcode) {
    case Opcode::EMPTY_TUPLE:
      return push(empty_tuple_), true;
    case Opcode::TUPLE1:
      return push_tuple(1), true;
    case Opcode::TUPLE2:
      return push_tuple(2), true;
    case Opcode::TUPLE3:
      return push_tuple(3), true;
    case Opcode::TUPLE:
      return push(tuple(pop_to_mark())), true;
    case Opcode::EMPTY_LIST:
      return push_new({.kind = Kind::list}), true;
    case Opcode::LIST:
      return push_new({.kind = Kind::list, .items = pop_to_mark()}), true;
    case Opcode::EMPTY_SET:
      return push_new({.kind = Kind::set}), true;
    case Opcode::FROZENSET:
      return push_new({.kind = Kind::set, .items = pop_to_mark()}), true;
    case Opcode::EMPTY_DICT:
      return push_new({.kind = Kind::dict}), true;
    case Opcode::DICT: {
      std::vector<Ref> items = pop_to_mark();
      push_new({.kind = Kind::dict});
      return set_items(std::move(items)), true;
    }
    case Opcode::APPEND: {
      const Ref item = pop();
      count_items(1);
      return append({item}), true;
    }
    case Opcode::APPENDS:
    case Opcode::ADDITEMS:
      return append(pop_to_mark()), true;
    case Opcode::SETITEM: {
      const Ref value = pop(), key = pop();
      count_items(2);
      return set_items({key, value}), true;
    }
    case Opcode::SETITEMS:
      return set_items(pop_to_mark()), true;
    default:
      return false;
  }
}

bool Machine::use_memo_or_stack(const Instruction& in) {
  switch (in.opcode) {
    case Opcode::PROTO:
      if (in.number > 5) broken("byte {} asks for protocol {}; the newest is 5", here_, in.number);
      return true;
    case Opcode::FRAME:  // how much to read at once: of no consequence
    case Opcode::READONLY_BUFFER:
      return true;
    case Opcode::MARK:
      if (marks_.size() >= limits_.values) broken("more than {} marks", limits_.values);
      return marks_.push_back(stack_.size()), true;
    case Opcode::POP:
      if (!marks_.empty() && stack_.size() == marks_.back())
        marks_.pop_back();
      else
        pop();
      return true;
    case Opcode::POP_MARK:
      return pop_to_mark(), true;
    case Opcode::DUP:
      return push(top()), true;
    case Opcode::PUT:
    case Opcode::BINPUT:
    case Opcode::LONG_BINPUT:
      return put(memo_index(in)), true;
    case Opcode::MEMOIZE:
      return put(memo_count_), true;
    case Opcode::GET:
    case Opcode::BINGET:
    case Opcode::LONG_BINGET:
      return get(memo_index(in)), true;
    default:
      return false;
  }
}

bool Machine::import_or_call(const Instruction& in) {
  switch (in.opcode) {
    case Opcode::GLOBAL:
      return push(import_name(in.opcode, text(in.text), text(in.second))), true;
    case Opcode::STACK_GLOBAL: {
      const Ref name = pop(), module = pop();
      return push(import_name(in.opcode, module, name)), true;
    }
    case Opcode::EXT1:
    case Opcode::EXT2:
    case Opcode::EXT4: {
      const Ref code = integer(static_cast<std::int64_t>(in.number));
      return push(import_name(in.opcode, none_, code)), true;
    }
    case Opcode::INST: {
      const Ref arguments = tuple(pop_to_mark());
      const Ref callable = import_name(Opcode::GLOBAL, text(in.text), text(in.second));
      return call(in.opcode, callable, arguments), true;
    }
    case Opcode::OBJ: {
      std::vector<Ref> items = pop_to_mark();
      if (items.empty()) broken("byte {} makes an object without a class", here_);
      const Ref callable = items.front();
      items.erase(items.begin());
      return call(in.opcode, callable, tuple(std::move(items))), true;
    }
    case Opcode::REDUCE:
    case Opcode::NEWOBJ: {
      const Ref arguments = pop(), callable = pop();
      return call(in.opcode, callable, arguments), true;
    }
    case Opcode::NEWOBJ_EX: {
      const Ref keywords = pop(), arguments = pop(), callable = pop();
      count_items(at(keywords).items.size());
      call(in.opcode, callable, arguments);
      at(top()).items = at(keywords).items;
      return true;
    }
    case Opcode::BUILD:
      return build(), true;
    case Opcode::PERSID:
      return push_new({.kind = Kind::persistent, .arguments = text(in.text)}), true;
    case Opcode::BINPERSID: {
      const Ref id = pop();
      return push_new({.kind = Kind::persistent, .arguments = id}), true;
    }
    default:
      return false;
  }
}

}  // namespace

PickleRun run_pickle(std::span<const std::byte> file, std::size_t begin, const PickleLimits& limits,
                     RawArrays raw_arrays, const Context& context) {
  return Machine(file, begin, limits, raw_arrays, context).run();
}

std::optional<Ref> find_key(const PickleRun& run, Ref dictionary, std::string_view key) {
  const PickleValue& value = run[dictionary];
  if (value.kind != Kind::dict && value.kind != Kind::object) return std::nullopt;
  for (std::size_t i = value.items.size() / 2 * 2; i >= 2; i -= 2) {
    const PickleValue& candidate = run[value.items[i - 2]];
    if (candidate.kind == Kind::text && candidate.text == key) return value.items[i - 1];
  }
  return std::nullopt;
}

std::string dotted_name(std::string_view module, std::string_view name) {
  std::string whole(module.substr(0, kLongestGlobal));
  whole += '.';
  whole += name.substr(0, kLongestGlobal);
  if (module.size() + 1 + name.size() > kLongestGlobal) whole = whole.substr(0, kLongestGlobal) + "...";
  return whole;
}

std::string global_name(const PickleRun& run, Ref ref) {
  const PickleValue& value = run[ref];
  if (value.kind != Kind::global) return {};
  const PickleValue &module = run[value.callable], &name = run[value.arguments];
  if (module.kind != Kind::text || name.kind != Kind::text) return {};
  return dotted_name(module.text, name.text);
}

}  // namespace safelight::foreign
