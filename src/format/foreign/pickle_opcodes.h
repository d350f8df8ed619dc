// The instructions of Python's pickle format, protocols 0 to 5, and how each takes its argument from the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "format/foreign/byte_cursor.h"

namespace safelight::foreign {

// Each has the value that stands for it in a file. The names are Python's.
enum class Opcode : std::uint8_t {
  MARK = '(',
  STOP = '.',
  POP = '0',
  POP_MARK = '1',
  DUP = '2',
  FLOAT = 'F',
  INT = 'I',
  BININT = 'J',
  BININT1 = 'K',
  LONG = 'L',
  BININT2 = 'M',
  NONE = 'N',
  PERSID = 'P',
  BINPERSID = 'Q',
  REDUCE = 'R',
  STRING = 'S',
  BINSTRING = 'T',
  SHORT_BINSTRING = 'U',
  UNICODE = 'V',
  BINUNICODE = 'X',
  APPEND = 'a',
  BUILD = 'b',
  GLOBAL = 'c',
  DICT = 'd',
  EMPTY_DICT = '}',
  APPENDS = 'e',
  GET = 'g',
  BINGET = 'h',
  INST = 'i',
  LONG_BINGET = 'j',
  LIST = 'l',
  EMPTY_LIST = ']',
  OBJ = 'o',
  PUT = 'p',
  BINPUT = 'q',
  LONG_BINPUT = 'r',
  SETITEM = 's',
  TUPLE = 't',
  EMPTY_TUPLE = ')',
  SETITEMS = 'u',
  BINFLOAT = 'G',
  PROTO = 0x80,
  NEWOBJ = 0x81,
  EXT1 = 0x82,
  EXT2 = 0x83,
  EXT4 = 0x84,
  TUPLE1 = 0x85,
  TUPLE2 = 0x86,
  TUPLE3 = 0x87,
  NEWTRUE = 0x88,
  NEWFALSE = 0x89,
  LONG1 = 0x8A,
  LONG4 = 0x8B,
  BINBYTES = 'B',
  SHORT_BINBYTES = 'C',
  SHORT_BINUNICODE = 0x8C,
  BINUNICODE8 = 0x8D,
  BINBYTES8 = 0x8E,
  EMPTY_SET = 0x8F,
  ADDITEMS = 0x90,
  FROZENSET = 0x91,
  NEWOBJ_EX = 0x92,
  STACK_GLOBAL = 0x93,
  MEMOIZE = 0x94,
  FRAME = 0x95,
  BYTEARRAY8 = 0x96,
  NEXT_BUFFER = 0x97,
  READONLY_BUFFER = 0x98,
};

struct Instruction {
  Opcode opcode = Opcode::STOP;
  std::size_t offset = 0;     // of the opcode
  std::uint64_t number = 0;   // the argument, if it is an unsigned number of 1, 2, 4 or 8 bytes
  std::string_view text{};    // the argument, if it is counted bytes or a line
  std::string_view second{};  // the second line of GLOBAL and INST
};

// "GLOBAL"; empty for a byte that is no opcode.
std::string_view name(Opcode opcode) noexcept;

// Whether bytes begin with the instruction that every pickle since protocol 2 begins with.
bool begins_like_pickle(std::span<const std::byte> bytes) noexcept;

// The index that an instruction of the PUT and GET families names; UINT64_MAX if its line holds no number.
std::uint64_t memo_index(const Instruction& in) noexcept;

// Takes one instruction. Throws Error(format): no such opcode, an argument that is cut off, or longer than the file.
Instruction take_instruction(ByteCursor& cursor);

}  // namespace safelight::foreign
