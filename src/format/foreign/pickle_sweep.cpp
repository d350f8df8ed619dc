#include "format/foreign/pickle_sweep.h"

#include <array>
#include <optional>
#include <set>
#include <unordered_map>

#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickle_text.h"

namespace safelight::foreign {
namespace {

constexpr std::size_t kMostImports = 10'000, kMostRemembered = std::size_t{1} << 16;
constexpr std::size_t kInstructionsPerLook = std::size_t{1} << 16;  // for cancellation

// A text that the instruction pushes; longer ones than a name can be count as none.
std::optional<std::string> pushed_text(const Instruction& in) {
  switch (in.opcode) {
    case Opcode::BINSTRING:
    case Opcode::SHORT_BINSTRING:
    case Opcode::BINUNICODE:
    case Opcode::SHORT_BINUNICODE:
    case Opcode::BINUNICODE8:
    case Opcode::STRING:
    case Opcode::UNICODE:
      break;
    default:
      return std::nullopt;
  }
  if (in.text.size() > kLongestGlobal) return std::string();
  if (in.opcode == Opcode::STRING) return decode_quoted_line(in.text).value_or("");
  if (in.opcode == Opcode::UNICODE) return decode_unicode_line(in.text).value_or("");
  return std::string(in.text);
}

class Sweep {
 public:
  Sweep(std::span<const std::byte> file, std::size_t begin, std::size_t from)
      : file_(file), cursor_(file, "pickle", begin), from_(from) {}

  std::vector<SweptImport> run(const Context& context) {
    for (std::size_t count = 0; !cursor_.at_end() && imports_.size() < kMostImports; ++count) {
      if (count % kInstructionsPerLook == 0) context.check_cancelled();
      if (!step()) break;
    }
    return std::move(imports_);
  }

 private:
  // False at the end of what can be read.
  bool step() {
    const std::size_t start = cursor_.position();
    std::optional<Instruction> taken;
    try {
      taken = take_instruction(cursor_);
    } catch (const Error&) {  // no instruction
    }
    if (start < from_ && (!taken || cursor_.position() > from_)) {
      cursor_ = ByteCursor(file_, "pickle", from_);  // those were the bytes of an array, which joblib's loader skips
      return true;
    }
    if (!taken) return false;
    const Instruction& in = *taken;
    if (auto text = pushed_text(in))
      push(std::move(*text));
    else if (in.opcode == Opcode::GLOBAL || in.opcode == Opcode::INST)
      add(in, in.text, in.second);
    else if (in.opcode == Opcode::STACK_GLOBAL)
      add(in, last_[0], last_[1]);
    else
      use_memo(in);
    return true;
  }

  void push(std::string text) {
    last_[0] = std::move(last_[1]);
    last_[1] = std::move(text);
  }

  void use_memo(const Instruction& in) {
    switch (in.opcode) {
      case Opcode::PUT:
      case Opcode::BINPUT:
      case Opcode::LONG_BINPUT:
        return remember(memo_index(in));
      case Opcode::MEMOIZE:
        return remember(memo_.size());
      case Opcode::GET:
      case Opcode::BINGET:
      case Opcode::LONG_BINGET:
        return recall(memo_index(in));
      case Opcode::DUP:
        return push(last_[1]);
      default:
        break;
    }
  }
  void remember(std::uint64_t index) {
    if (memo_.size() < kMostRemembered) memo_.insert_or_assign(index, last_[1]);
  }
  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    push(found == memo_.end() ? std::string() : found->second);
  }

  void add(const Instruction& in, std::string_view module, std::string_view name) {
    if (in.offset < from_) return;
    std::string whole;
    if (!module.empty() && !name.empty()) whole = dotted_name(module, name);
    if (seen_.insert(whole).second) imports_.push_back({in.opcode, in.offset, std::move(whole)});
  }

  std::span<const std::byte> file_;
  ByteCursor cursor_;
  std::size_t from_;
  std::array<std::string, 2> last_;
  std::unordered_map<std::uint64_t, std::string> memo_;
  std::set<std::string> seen_;
  std::vector<SweptImport> imports_;
};

}  // namespace

std::vector<SweptImport> sweep_imports(std::span<const std::byte> file, std::size_t begin, std::size_t from,
                                       const Context& context) {
  return Sweep(file, begin, from).run(context);
}

}  // namespace safelight::foreign
