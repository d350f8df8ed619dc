// From every format to every other, and back.
#include "safelight/convert.h"

#include <gmock/gmock.h>

#include <cstring>

#include "foreign/builders.h"
#include "safelight/writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class Convert : public ::testing::Test {
 protected:
  // A file with one tensor of each type, and metadata.
  std::filesystem::path sample(std::initializer_list<DType> types) {
    std::vector<NamedTensor> tensors;
    for (const DType type : types) {
      Tensor t = Tensor::allocate(type, {4, 8});
      for (std::size_t i = 0; i < t.bytes(); ++i) t.mutable_data()[i] = static_cast<std::byte>(i % 50);
      tensors.push_back({std::string(name(type)), t});
    }
    const std::filesystem::path path = folder_ / "sample.safetensors";
    save(path, tensors, Metadata{{"title", "a picture"}});
    return path;
  }

  TemporaryFolder folder_;
};

TEST_F(Convert, GoldensBecomeSafetensors) {
  for (const auto& [in, expected] : {std::pair{"torch_1.13_zip.pt", "torch.safetensors"},
                                     {"torch_2.15_legacy.pt", "torch.safetensors"},
                                     {"numpy_compressed.npz", "numpy.safetensors"},
                                     {"numpy_fortran.npy", "numpy_cube.safetensors"}}) {
    const ConvertReport report = convert(golden(in), folder_ / "out.safetensors");
    const SafeTensors out = SafeTensors::open(folder_ / "out.safetensors");
    EXPECT_EQ(report.tensors, out.tensors().size());
    EXPECT_EQ(report.bytes, out.file_bytes());
    expect_same_tensors(import_file(folder_ / "out.safetensors"), golden(expected));
  }
}

TEST_F(Convert, ThereAndBack) {
  const auto in = sample({DType::F16, DType::F32, DType::F64, DType::I8, DType::I16, DType::I32, DType::I64});
  for (const char* between : {"x.npz", "x.gguf"}) {
    convert(in, folder_ / between);
    expect_same_tensors(import_file(folder_ / between), in);
    convert(folder_ / between, folder_ / "back.safetensors");
    expect_same_tensors(import_file(folder_ / "back.safetensors"), in);
  }
  EXPECT_EQ(SafeTensors::open(folder_ / "back.safetensors").metadata().at("title"), "a picture");
}

TEST_F(Convert, NumpysTypesAreKept) {
  const auto in = sample({DType::BOOL, DType::U8, DType::U16, DType::U32, DType::U64, DType::C64});
  const ConvertReport report = convert(in, folder_ / "x.npz");
  EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("1 metadata are left out")));
  expect_same_tensors(import_file(folder_ / "x.npz"), in);
}

TEST_F(Convert, TypesThatTheTargetLacksAreWidened) {
  const auto in = sample({DType::BF16, DType::F8_E4M3, DType::F8_E5M2});
  const ConvertReport report = convert(in, folder_ / "x.npz");
  EXPECT_THAT(report.notes, Contains("1 tensor of BF16 became F32, as NumPy has no such type"));
  const SafeTensors original = SafeTensors::open(in);
  for (const PendingTensor& t : import_file(folder_ / "x.npz").tensors) {
    const Tensor wide = to_f32(original.tensor(t.name)), found = t.make();
    ASSERT_EQ(found.dtype(), DType::F32);
    EXPECT_EQ(std::memcmp(found.data(), wide.data(), wide.bytes()), 0) << t.name;
  }
}

TEST_F(Convert, IntegersAreWidenedForGguf) {
  const auto in = sample({DType::BOOL, DType::U8, DType::U16, DType::U32});
  const ConvertReport report = convert(in, folder_ / "x.gguf");
  EXPECT_THAT(report.notes, Contains("1 tensor of U8 became I16, as GGUF has no such type"));
  const SafeTensors original = SafeTensors::open(in);
  for (const PendingTensor& t : import_file(folder_ / "x.gguf").tensors) {
    const Tensor before = to_f32(original.tensor(t.name)), after = to_f32(t.make());
    EXPECT_EQ(std::memcmp(before.data(), after.data(), before.bytes()), 0) << t.name;
  }
  EXPECT_ERROR(convert(sample({DType::U64}), folder_ / "x.gguf"), usage, "U64, which GGUF cannot hold");
  EXPECT_ERROR(convert(sample({DType::F8_E8M0}), folder_ / "x.npz"), usage, "F8_E8M0, which NumPy cannot hold");
}

TEST_F(Convert, ToQ8_0AndBack) {
  const ConvertReport report = convert(golden("gguf_q8_0.safetensors"), folder_ / "x.gguf", {.quantise_q8_0 = true});
  EXPECT_THAT(report.notes, Contains(HasSubstr("1 of 2 tensors became Q8_0")));
  const ImportedFile back = import_file(folder_ / "x.gguf");
  EXPECT_THAT(back.notes, Contains("1 quantised tensors became F32"));
  const SafeTensors original = SafeTensors::open(golden("gguf_q8_0.safetensors"));
  for (const PendingTensor& t : back.tensors) {
    if (t.name != "values") continue;
    const Tensor before = to_f32(original.tensor("values")), after = t.make();
    for (std::size_t i = 0; i < before.floats().size(); ++i)
      EXPECT_NEAR(before.floats()[i], after.floats()[i], 0.51 * 127 / 127 + 0.07);
  }
  EXPECT_ERROR(convert(golden("gguf_q8_0.safetensors"), folder_ / "x.npz", {.quantise_q8_0 = true}), usage, "Q8_0");
}

TEST_F(Convert, OneArray) {
  convert(golden("numpy_cube.safetensors"), folder_ / "x.npy");
  EXPECT_EQ(read_file(folder_ / "x.npy"), read_file(golden("numpy_v1.npy")));
  EXPECT_ERROR(convert(golden("numpy.npz"), folder_ / "x.npy"), usage, "holds one array");
}

TEST_F(Convert, EqualContentGivesEqualFiles) {
  convert(golden("numpy.npz"), folder_ / "a.npz");
  convert(golden("numpy_compressed.npz"), folder_ / "b.npz");
  EXPECT_EQ(read_file(folder_ / "a.npz"), read_file(folder_ / "b.npz"));
}

TEST_F(Convert, NamesThatSayNothing) {
  EXPECT_ERROR(convert(golden("numpy.npz"), folder_ / "x"), usage, "does not say what to write");
  EXPECT_ERROR(convert(golden("numpy.npz"), folder_ / "x.pt"), usage, "read, not written");
  convert(golden("numpy_cube.safetensors"), folder_ / "x",
          {.source = {.format = FileFormat::safetensors}, .to = FileFormat::gguf});
  EXPECT_EQ(recognise(folder_ / "x"), FileFormat::gguf);
  write_file(folder_ / "y", "some text");
  EXPECT_ERROR(convert(folder_ / "y", folder_ / "x.npz"), format, "none of the formats");
  EXPECT_EQ(recognise(folder_ / "y"), std::nullopt);
  EXPECT_EQ(recognise(golden("torch_1.13_zip.pt")), FileFormat::torch);
  EXPECT_EQ(format_of_name("A.CKPT"), FileFormat::torch);
}

TEST_F(Convert, ProgressAndCancel) {
  std::int64_t last = -1, total = 0;
  Context context{.on_progress = [&](const Progress& p) {
    EXPECT_GE(p.done, last);
    last = p.done;
    total = p.total;
  }};
  convert(golden("gguf_types.safetensors"), folder_ / "x.gguf", {}, context);
  EXPECT_EQ(last, total);
  EXPECT_GT(total, 0);
  CancelToken token;
  for (const char* out : {"y.gguf", "y.npz", "y.safetensors"}) {
    Context cancelling{.on_progress = [&](const Progress&) { token.cancel(); }, .cancel = &token};
    token.cancel();
    EXPECT_ERROR(convert(golden("gguf_types.safetensors"), folder_ / out, {}, cancelling), cancelled, "");
  }
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(Convert, NamesOfOurFormatsRoundTrip) {
  for (const FileFormat format :
       {FileFormat::safetensors, FileFormat::torch, FileFormat::npy, FileFormat::npz, FileFormat::gguf})
    EXPECT_EQ(parse_file_format(name(format)), format);
  EXPECT_EQ(parse_file_format("tar"), std::nullopt);
}

}  // namespace
}  // namespace safelight::test
