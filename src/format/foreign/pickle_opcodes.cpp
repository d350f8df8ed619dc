#include "format/foreign/pickle_opcodes.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace safelight::foreign {
namespace {

// How the argument follows the opcode.
enum class Argument : std::uint8_t { none, u8, u16, u32, u64, line, two_lines, counted8, counted32, counted64 };

struct Row {
  Opcode opcode;
  std::string_view name;
  Argument argument = Argument::none;
};

constexpr std::array kRows{
    Row{Opcode::MARK, "MARK"},
    Row{Opcode::STOP, "STOP"},
    Row{Opcode::POP, "POP"},
    Row{Opcode::POP_MARK, "POP_MARK"},
    Row{Opcode::DUP, "DUP"},
    Row{Opcode::FLOAT, "FLOAT", Argument::line},
    Row{Opcode::INT, "INT", Argument::line},
    Row{Opcode::BININT, "BININT", Argument::u32},
    Row{Opcode::BININT1, "BININT1", Argument::u8},
    Row{Opcode::LONG, "LONG", Argument::line},
    Row{Opcode::BININT2, "BININT2", Argument::u16},
    Row{Opcode::NONE, "NONE"},
    Row{Opcode::PERSID, "PERSID", Argument::line},
    Row{Opcode::BINPERSID, "BINPERSID"},
    Row{Opcode::REDUCE, "REDUCE"},
    Row{Opcode::STRING, "STRING", Argument::line},
    Row{Opcode::BINSTRING, "BINSTRING", Argument::counted32},
    Row{Opcode::SHORT_BINSTRING, "SHORT_BINSTRING", Argument::counted8},
    Row{Opcode::UNICODE, "UNICODE", Argument::line},
    Row{Opcode::BINUNICODE, "BINUNICODE", Argument::counted32},
    Row{Opcode::APPEND, "APPEND"},
    Row{Opcode::BUILD, "BUILD"},
    Row{Opcode::GLOBAL, "GLOBAL", Argument::two_lines},
    Row{Opcode::DICT, "DICT"},
    Row{Opcode::EMPTY_DICT, "EMPTY_DICT"},
    Row{Opcode::APPENDS, "APPENDS"},
    Row{Opcode::GET, "GET", Argument::line},
    Row{Opcode::BINGET, "BINGET", Argument::u8},
    Row{Opcode::INST, "INST", Argument::two_lines},
    Row{Opcode::LONG_BINGET, "LONG_BINGET", Argument::u32},
    Row{Opcode::LIST, "LIST"},
    Row{Opcode::EMPTY_LIST, "EMPTY_LIST"},
    Row{Opcode::OBJ, "OBJ"},
    Row{Opcode::PUT, "PUT", Argument::line},
    Row{Opcode::BINPUT, "BINPUT", Argument::u8},
    Row{Opcode::LONG_BINPUT, "LONG_BINPUT", Argument::u32},
    Row{Opcode::SETITEM, "SETITEM"},
    Row{Opcode::TUPLE, "TUPLE"},
    Row{Opcode::EMPTY_TUPLE, "EMPTY_TUPLE"},
    Row{Opcode::SETITEMS, "SETITEMS"},
    Row{Opcode::BINFLOAT, "BINFLOAT", Argument::u64},
    Row{Opcode::PROTO, "PROTO", Argument::u8},
    Row{Opcode::NEWOBJ, "NEWOBJ"},
    Row{Opcode::EXT1, "EXT1", Argument::u8},
    Row{Opcode::EXT2, "EXT2", Argument::u16},
    Row{Opcode::EXT4, "EXT4", Argument::u32},
    Row{Opcode::TUPLE1, "TUPLE1"},
    Row{Opcode::TUPLE2, "TUPLE2"},
    Row{Opcode::TUPLE3, "TUPLE3"},
    Row{Opcode::NEWTRUE, "NEWTRUE"},
    Row{Opcode::NEWFALSE, "NEWFALSE"},
    Row{Opcode::LONG1, "LONG1", Argument::counted8},
    Row{Opcode::LONG4, "LONG4", Argument::counted32},
    Row{Opcode::BINBYTES, "BINBYTES", Argument::counted32},
    Row{Opcode::SHORT_BINBYTES, "SHORT_BINBYTES", Argument::counted8},
    Row{Opcode::SHORT_BINUNICODE, "SHORT_BINUNICODE", Argument::counted8},
    Row{Opcode::BINUNICODE8, "BINUNICODE8", Argument::counted64},
    Row{Opcode::BINBYTES8, "BINBYTES8", Argument::counted64},
    Row{Opcode::EMPTY_SET, "EMPTY_SET"},
    Row{Opcode::ADDITEMS, "ADDITEMS"},
    Row{Opcode::FROZENSET, "FROZENSET"},
    Row{Opcode::NEWOBJ_EX, "NEWOBJ_EX"},
    Row{Opcode::STACK_GLOBAL, "STACK_GLOBAL"},
    Row{Opcode::MEMOIZE, "MEMOIZE"},
    Row{Opcode::FRAME, "FRAME", Argument::u64},
    Row{Opcode::BYTEARRAY8, "BYTEARRAY8", Argument::counted64},
    Row{Opcode::NEXT_BUFFER, "NEXT_BUFFER"},
    Row{Opcode::READONLY_BUFFER, "READONLY_BUFFER"},
};

// From the byte to its row.
constexpr std::array<const Row*, 256> by_byte() {
  std::array<const Row*, 256> table{};
  for (const Row& row : kRows) table[static_cast<std::size_t>(row.opcode)] = &row;
  return table;
}
constexpr std::array<const Row*, 256> kByByte = by_byte();

const Row* find(Opcode opcode) noexcept { return kByByte[static_cast<std::size_t>(opcode)]; }

}  // namespace

std::string_view name(Opcode opcode) noexcept {
  const Row* row = find(opcode);
  return row ? row->name : std::string_view();
}

bool begins_like_pickle(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5};
}

std::uint64_t memo_index(const Instruction& in) noexcept {
  if (in.opcode != Opcode::PUT && in.opcode != Opcode::GET) return in.number;
  constexpr std::string_view kBlanks = " \t\r\f\v";  // Python reads the number with blanks around it
  std::string_view line = in.text;
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  line = line.substr(0, line.find_last_not_of(kBlanks) + 1);
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
  return error == std::errc() && end == line.data() + line.size() ? index : UINT64_MAX;
}

Instruction take_instruction(ByteCursor& cursor) {
  Instruction in{.offset = cursor.position()};
  const auto byte = cursor.read<std::uint8_t>();
  in.opcode = static_cast<Opcode>(byte);
  const Row* row = find(in.opcode);
  if (!row) fail(ErrorCategory::format, "[pickle] byte {} is {:#04x}, which is no instruction", in.offset, byte);
  switch (row->argument) {
    case Argument::none:
      break;
    case Argument::u8:
      in.number = cursor.read<std::uint8_t>();
      break;
    case Argument::u16:
      in.number = cursor.read<std::uint16_t>();
      break;
    case Argument::u32:
      in.number = cursor.read<std::uint32_t>();
      break;
    case Argument::u64:
      in.number = cursor.read<std::uint64_t>();
      break;
    case Argument::line:
      in.text = cursor.take_line();
      break;
    case Argument::two_lines:
      in.text = cursor.take_line();
      in.second = cursor.take_line();
      break;
    case Argument::counted8:
      in.text = cursor.take_text(cursor.read<std::uint8_t>());
      break;
    case Argument::counted32:  // Python reads some of these as signed: a negative count is an error there, and here
      in.text = cursor.take_text(cursor.read<std::uint32_t>());
      break;
    case Argument::counted64:
      in.text = cursor.take_text(cursor.read<std::uint64_t>());
      break;
  }
  return in;
}

}  // namespace safelight::foreign
