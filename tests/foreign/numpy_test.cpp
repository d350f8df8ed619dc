// NumPy's files. The goldens are NumPy's own (tests/golden/numpy_files.py).
#include <gmock/gmock.h>

#include "foreign/builders.h"
#include "format/foreign/npy.h"
#include "format/foreign/readers.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

TEST(Npy, EveryVersionAndOrder) {
  for (const char* name :
       {"numpy_v1.npy", "numpy_v2.npy", "numpy_v3.npy", "numpy_fortran.npy", "numpy_big_endian.npy"}) {
    SCOPED_TRACE(name);
    const ImportedFile file = import_file(golden(name));
    EXPECT_EQ(file.format, FileFormat::npy);
    expect_same_tensors(file, golden("numpy_cube.safetensors"));
  }
}

TEST(Npz, StoredAndCompressed) {
  for (const char* name : {"numpy.npz", "numpy_compressed.npz"}) {
    SCOPED_TRACE(name);
    const ImportedFile file = import_file(golden(name));
    EXPECT_EQ(file.format, FileFormat::npz);
    expect_same_tensors(file, golden("numpy.safetensors"));
  }
}

TEST(NumpyPickle, EveryProtocol) {
  for (int protocol = 0; protocol <= 5; ++protocol) {
    SCOPED_TRACE(protocol);
    const auto path = golden("numpy_" + std::to_string(protocol) + ".pkl");
    ImportedFile file = import_file(path, {.prefix = "arrays"});
    EXPECT_EQ(file.format, FileFormat::torch);
    expect_same_tensors(file, golden("numpy.safetensors"));
    const ImportedFile all = import_file(path);
    EXPECT_EQ(all.tensors.size(), file.tensors.size() + 2);  // list.0 and list.1.t
    EXPECT_EQ(all.dropped_count, 2u);                        // a text and a number
  }
}

TEST(Npy, WhatIsNoNumberIsRefusedByName) {
  EXPECT_ERROR(import_file(golden("numpy_objects.npy")), format, "Python objects, which are a pickle");
  EXPECT_ERROR(import_file(golden("numpy_records.npy")), format, "records of several fields");
}

std::string npy(const std::string& header, const std::string& data, char major = 1) {
  return "\x93NUMPY" + std::string{major, '\0'} + le(static_cast<std::uint16_t>(header.size())) + header + data;
}

void parse(const std::string& bytes) { foreign::parse_npy(as_bytes(bytes), bytes.size(), "x"); }

TEST(Npy, HeadersThatLie) {
  const std::string eight(8, '\0');
  parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", eight));
  parse(npy("{\"shape\":(1L,2L),'fortran_order':True,'descr':'|i4'}", eight));
  const auto lie = [&](const std::string& descr, const std::string& shape) {
    return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + "}", eight);
  };
  EXPECT_ERROR(parse(lie("'<f4'", "(3,)")), format, "outside its storage");
  EXPECT_ERROR(parse(lie("'<f4'", "(1,)")), format, "has 4 bytes, but 8 follow");
  EXPECT_ERROR(parse(lie("'<f4'", "(9223372036854775807, 9223372036854775807)")), format, "does not fit");
  EXPECT_ERROR(parse(lie("'<f4'", "(99999999999999999999,)")), format, "expected a size");
  EXPECT_ERROR(parse(lie("'<f4'", "(-2,)")), format, "expected a size");
  EXPECT_ERROR(parse(lie("'<c16'", "()")), format, "complex128");
  EXPECT_ERROR(parse(lie("'<U2'", "()")), format, "text");
  EXPECT_ERROR(parse(lie("'|V2'", "(4,)")), format, "bfloat16");
  EXPECT_ERROR(parse(lie("[('a', '<f4'), ('b', [('c', '<i4')])]", "()")), format, "records");
  EXPECT_ERROR(parse(lie("__import__('os')", "()")), format, "expected a quoted text");
  EXPECT_ERROR(parse(npy("{'descr': '<f4'", eight)), format, "expected ',' or '}'");
  EXPECT_ERROR(parse(npy("{'descr': '<f4'}", eight)), format, "lacks descr, fortran_order or shape");
  EXPECT_ERROR(parse(lie("'<f\\x34'", "(2,)")), format, "without a backslash");
  EXPECT_ERROR(parse(npy("{}", eight, 4)), format, "version 4.0");
  EXPECT_ERROR(parse("\x93NUMPY\x01"), format, "expected 1 bytes");
  EXPECT_ERROR(parse("\x93NUMPY\x02" + std::string(1, '\0') + le(0xFFFFFFFFu)), limit, "header of 4294967295 bytes");
}

TEST(Npy, OurHeaderIsNumpys) {
  const std::string file = read_file(golden("numpy_v1.npy"));
  const std::string header = foreign::npy_header(DType::F32, {2, 3, 4}, "x");
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_EQ(file.substr(0, header.size()), header);
  EXPECT_THAT(foreign::npy_header(DType::BOOL, {3}, "x"),
              ::testing::HasSubstr("'|b1', 'fortran_order': False, 'shape': (3,), }"));
  EXPECT_THAT(foreign::npy_header(DType::C64, {}, "x"), ::testing::HasSubstr("'shape': (), }"));
  foreign::npy_header(DType::F32, Shape(64, 1), "x");
  EXPECT_ERROR(foreign::npy_header(DType::F32, Shape(65, 1), "x"), usage, "65 dimensions, but NumPy allows 64");
  EXPECT_ERROR(foreign::npy_header(DType::BF16, {1}, "x"), usage, "no type BF16");
}

TEST(Npz, DamageIsFound) {
  const std::string array = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}", "abcd");
  std::string bytes = zip({{"x.npy", array}, {"readme.txt", "text"}});
  const ImportedFile file = foreign::read_npz({as_bytes(bytes), nullptr});
  EXPECT_EQ(file.tensors.at(0).make().bytes(), 4u);
  EXPECT_EQ(file.dropped.at(0).name, "readme.txt");
  bytes[bytes.find("abcd")] = 'X';
  const ImportedFile damaged = foreign::read_npz({as_bytes(bytes), nullptr});
  EXPECT_ERROR(damaged.tensors.at(0).make(), format, "checksum");
  EXPECT_ERROR(foreign::read_npz({as_bytes(zip({{"readme.txt", "text"}})), nullptr}), model, "no array");
}

}  // namespace
}  // namespace safelight::test
