// PyTorch's files. The goldens are PyTorch's own (tests/golden/torch_files.py).
#include <gmock/gmock.h>

#include "foreign/builders.h"
#include "format/foreign/readers.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class TorchGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchGolden, EveryTensorAsTorchHasIt) {
  const ImportedFile file = import_file(golden(GetParam()));
  EXPECT_EQ(file.format, FileFormat::torch);
  expect_same_tensors(file, golden("torch.safetensors"));
  EXPECT_THAT(file.notes, Contains(HasSubstr("state_dict")));
}

TEST_P(TorchGolden, SharedBytesAreTold) {
  std::vector<std::string> shared;
  for (const SharedTensor& s : import_file(golden(GetParam())).shared) shared.push_back(s.name + " " + s.same_as);
  EXPECT_THAT(shared, UnorderedElementsAre("shared.second shared.first", "shared.part shared.first",
                                           "strided.transposed types.float32", "strided.every_other types.float32"));
}

TEST_P(TorchGolden, TheRestIsReported) {
  std::vector<std::string> dropped;
  for (const DroppedValue& d : import_file(golden(GetParam())).dropped) dropped.push_back(d.name + ": " + d.what);
  EXPECT_THAT(dropped, UnorderedElementsAre("epoch: 3", "optimizer_states: a list of 1", "callbacks: a dictionary of 2",
                                            HasSubstr("hyper_parameters: an object made by")));
}

TEST_P(TorchGolden, PrefixTakesAnotherPart) {
  const ImportedFile part = import_file(golden(GetParam()), {.prefix = "optimizer_states"});
  std::vector<std::string> names;
  for (const PendingTensor& t : part.tensors) names.push_back(t.name);
  EXPECT_THAT(names, UnorderedElementsAre("0.state.0.step", "0.state.0.exp_avg"));
  const ImportedFile all = import_file(golden(GetParam()), {.prefix = ""});
  EXPECT_EQ(all.tensors.size(), import_file(golden(GetParam())).tensors.size() + 2);
  EXPECT_EQ(import_file(golden(GetParam()), {.prefix = "state_dict.types.float16"}).tensors[0].name, "tensor");
  EXPECT_ERROR(import_file(golden(GetParam()), {.prefix = "none"}), model, "under the key \"none\"");
}

INSTANTIATE_TEST_SUITE_P(Torch, TorchGolden,
                         ::testing::Values("torch_2.15_zip.pt", "torch_2.15_legacy.pt", "torch_1.13_zip.pt",
                                           "torch_1.13_legacy.pt"));

TEST(Torch, TypesThatCameLater) {
  expect_same_tensors(import_file(golden("torch_new_types.pt")), golden("torch_new_types.safetensors"));
}

TEST(Torch, AWholeModelGivesItsStateDict) {
  expect_same_tensors(import_file(golden("torch_whole_model.pt")), golden("torch_whole_model.safetensors"));
}

// A checkpoint whose only tensor is torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...).
std::string tensor_pickle(const std::string& storage_type, int offset, const std::string& size,
                          const std::string& stride, const std::string& key = "0", int numel = 4) {
  const auto small = [](int value) { return "J" + le(value); };
  return kProtocol2 + "}" + text("t") + global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") +
         global("torch", storage_type) + text(key) + text("cpu") + small(numel) + "tQ" + small(offset) + size + stride +
         "\x89" + global("collections", "OrderedDict") + ")RtRs.";
}

std::string archive(const std::string& pickle, const std::string& storage, std::vector<ZipItem> more = {}) {
  std::vector<ZipItem> items{{"a/data.pkl", pickle}, {"a/data/0", storage}};
  items.insert(items.end(), more.begin(), more.end());
  return zip(items);
}

ImportedFile read(const std::string& bytes, const ImportOptions& options = {}) {
  return foreign::read_torch({as_bytes(bytes), nullptr}, options);
}

const std::string kFour(16, '\x01');  // four floats

TEST(Torch, StoredBytesAreBorrowed) {
  const std::string bytes = archive(tensor_pickle("FloatStorage", 0, "K\x04\x85", "K\x01\x85"), kFour);
  const ImportedFile file = read(bytes);
  const Tensor tensor = file.tensors.at(0).make();
  const std::byte* begin = as_bytes(bytes).data();
  EXPECT_GE(tensor.data(), begin);
  EXPECT_LT(tensor.data(), begin + bytes.size());
}

TEST(Torch, BigEndianBytesAreSwapped) {
  const std::string pickle = tensor_pickle("ShortStorage", 0, "K\x02\x85", "K\x01\x85", "0", 2);
  const std::string swapped = archive(pickle, std::string("\x01\x02\x03\x04", 4), {{"a/byteorder", "big"}});
  const Tensor tensor = read(swapped).tensors.at(0).make();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(tensor.data()), 4), std::string("\x02\x01\x04\x03", 4));
  EXPECT_ERROR(read(archive(pickle, std::string(4, '\0'), {{"a/byteorder", "middle"}})), format, "byte order");
}

TEST(Torch, TensorsThatLie) {
  const auto lies = [](const std::string& type, int offset, const std::string& size, const std::string& stride,
                       const std::string& key = "0") {
    return archive(tensor_pickle(type, offset, size, stride, key), kFour);
  };
  EXPECT_ERROR(read(lies("FloatStorage", 1, "K\x04\x85", "K\x01\x85")), format, "outside its storage of 16 bytes");
  EXPECT_ERROR(read(lies("FloatStorage", 0, "K\x04\x85", "K\x02\x85")), format, "outside its storage");
  EXPECT_ERROR(read(lies("FloatStorage", -1, "K\x04\x85", "K\x01\x85")), format, "no sound offset");
  EXPECT_ERROR(read(lies("FloatStorage", 0, "J\xFF\xFF\xFF\xFF\x85", "K\x01\x85")), format, "negative");
  EXPECT_ERROR(read(lies("FloatStorage", 0, "K\x04\x85", "K\x01K\x01\x86")), format, "1 dimensions but 2 strides");
  EXPECT_ERROR(read(lies("FloatStorage", 0, "K\x04\x85", "K\x01\x85", "9")), format, "storage \"9\"");
  EXPECT_ERROR(read(lies("NoStorage", 0, "K\x04\x85", "K\x01\x85")), format, "unknown type");
  EXPECT_ERROR(read(lies("ComplexDoubleStorage", 0, "K\x01\x85", "K\x01\x85")), format, "lacks");
  EXPECT_ERROR(read(lies("FloatStorage", 0, text("x") + "\x85", "K\x01\x85")), format, "would have to be executed");
  const std::string huge = "\x8A\x08" + le<std::int64_t>(INT64_MAX);
  EXPECT_ERROR(read(lies("FloatStorage", 0, huge + huge + "\x86", "K\x01K\x01\x86")), format, "does not fit 64 bits");
  EXPECT_ERROR(read(lies("FloatStorage", 0, huge + "\x85", huge + "\x85")), format, "");
}

// Bits that change what the numbers mean, such as those of a conjugate view, stand in a dictionary behind the rest.
TEST(Torch, MetadataOfTensors) {
  const std::string plain = tensor_pickle("FloatStorage", 0, "K\x04\x85", "K\x01\x85");
  const auto with = [&](const std::string& metadata) {
    std::string pickle = plain;
    return archive(pickle.insert(pickle.rfind("tRs."), metadata), kFour);
  };
  EXPECT_ERROR(read(with("}" + text("neg") + "\x88s")), format, "metadata (\"neg\")");
  EXPECT_EQ(read(with("}")).tensors.size(), 1u);
  EXPECT_EQ(read(with("N")).tensors.size(), 1u);
}

TEST(Torch, ChecksumsOfStorages) {
  const std::string pickle = tensor_pickle("FloatStorage", 0, "K\x04\x85", "K\x01\x85");
  std::string bytes = archive(pickle, kFour);
  read(bytes).tensors.at(0).make();
  bytes[bytes.find(kFour)] = 'X';
  const ImportedFile damaged = read(bytes);
  EXPECT_ERROR(damaged.tensors.at(0).make(), format, "checksum");
}

// {"epoch": 3, "model": a module}: the module's tensors are the checkpoint, but for buffers it does not save.
TEST(Torch, AModuleInACheckpoint) {
  const std::string whole = tensor_pickle("FloatStorage", 0, "K\x04\x85", "K\x01\x85");
  const std::size_t begin = kProtocol2.size() + 1 + text("t").size();
  const std::string tensor = whole.substr(begin, whole.size() - begin - 2);
  const std::string buffers = "}" + text("kept") + tensor + "s" + text("left") + tensor + "s";
  const std::string inner = global("my", "Layer") + ")\x81}(" + text("_parameters") + "}" + text("weight") + tensor +
                            "s" + text("_buffers") + buffers + text("_modules") + "}" +
                            text("_non_persistent_buffers_set") + global("__builtin__", "set") + "](" + text("left") +
                            "e\x85Rub";
  const std::string module =
      global("my", "Net") + ")\x81}(" + text("_parameters") + "}" + text("_modules") + "}" + text("0") + inner + "sub";
  const ImportedFile file =
      read(archive(kProtocol2 + "}(" + text("epoch") + "K\x03" + text("model") + module + "u.", kFour));
  std::vector<std::string> names;
  for (const PendingTensor& t : file.tensors) names.push_back(t.name);
  EXPECT_THAT(names, UnorderedElementsAre("0.weight", "0.kept"));
  EXPECT_THAT(file.notes, Contains(HasSubstr("\"model\"")));
}

// A dictionary is not copied again and again because it is referred to again and again.
TEST(Torch, RepeatedDictionariesAreBounded) {
  std::string pickle = kProtocol2 + "}q\x01(";
  for (int i = 0; i < 10'000; ++i) pickle += ")N";  // keys that are no text
  pickle += "u0](";
  for (int i = 0; i < 10'000; ++i) pickle += "h\x01";
  EXPECT_ERROR(read(archive(pickle + "e.", kFour)), limit, "values to look at");
}

TEST(Torch, CancelledWhileReading) {
  CancelToken token;
  token.cancel();
  const std::string bytes = kProtocol2 + std::string(100'000, 'N') + ".";
  EXPECT_ERROR(foreign::read_torch({as_bytes(bytes), nullptr}, {}, {.cancel = &token}), cancelled, "");
}

// A stride of 0 repeats an element: a few bytes must not become terabytes.
TEST(Torch, ExpansionIsBounded) {
  const std::string million = "J" + le<std::int32_t>(1'000'000);
  const std::string size = million + million + "\x86", zeros("K\0K\0\x86", 5);
  EXPECT_ERROR(read(archive(tensor_pickle("FloatStorage", 0, size, zeros), kFour)), limit, "repeats its storage");
  const std::string some = "J" + le<std::int32_t>(1000) + "\x85";
  const std::string sound = archive(tensor_pickle("FloatStorage", 1, some, std::string("K\0\x85", 3)), kFour);
  EXPECT_EQ(read(sound).tensors.at(0).make().bytes(), 4000u);
}

// What would have to be called to know the tensor is refused, not guessed.
TEST(Torch, CallsAreNotMade) {
  EXPECT_ERROR(read(archive(kProtocol2 + "}" + text("t") + global("torch._utils", "_rebuild_tensor_v2") + "(" +
                                global("os", "system") + text("true") + "\x85R" + "K\x01))tRs.",
                            kFour)),
               format, "would have to be executed");
  EXPECT_ERROR(
      read(archive(kProtocol2 + "}" + text("t") + global("torch._utils", "_rebuild_sparse_tensor") + ")Rs.", kFour)),
      format, "_rebuild_sparse_tensor");
  const ImportedFile other =
      read(archive(kProtocol2 + "}" + text("bad") + global("os", "system") + text("true") + "\x85Rs" +
                       tensor_pickle("FloatStorage", 0, "K\x04\x85", "K\x01\x85").substr(3),
                   kFour));
  ASSERT_EQ(other.tensors.size(), 1u);
  EXPECT_EQ(other.dropped.at(0).what, "an object made by os.system");
}

TEST(Torch, DictionariesThatHoldThemselves) {
  const std::string circle = kProtocol2 + "}q\x01" + text("a") + "h\x01s.";
  EXPECT_ERROR(read(archive(circle, kFour)), format, "nested");
  // Twenty dictionaries, each holding the one before ten times: 10^20 names.
  std::string laughs = kProtocol2 + "}" + text("k") + "K\x01sq\x01";
  for (int i = 1; i <= 20; ++i) {
    laughs += "}(";
    for (int k = 0; k < 10; ++k) laughs += text(std::to_string(k)) + "h" + static_cast<char>(i);
    laughs += "uq" + std::string(1, static_cast<char>(i + 1));
  }
  EXPECT_ERROR(read(archive(laughs + ".", kFour)), limit, "more than");
}

TEST(Torch, TwoTensorsOfOneName) {
  const std::string one = tensor_pickle("FloatStorage", 0, "K\x04\x85", "K\x01\x85");
  const std::string tensor = one.substr(kProtocol2.size() + 1 + 6, one.size() - kProtocol2.size() - 1 - 6 - 2);
  const std::string twice = kProtocol2 + "}(" + text("a.b") + tensor + text("a") + "}" + text("b") + tensor + "su.";
  EXPECT_ERROR(read(archive(twice, kFour)), format, "named \"a.b\"");
}

TEST(Torch, OtherArchives) {
  EXPECT_ERROR(read(zip({{"x", "y"}})), format, "no data.pkl");
  EXPECT_ERROR(read(zip({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}})), format, "two pickles");
  EXPECT_ERROR(read(zip({{"a/data.pkl", "N."}, {"a/constants.pkl", "N."}})), format, "TorchScript");
  EXPECT_ERROR(read(archive("N.", "")), model, "no tensor");
  EXPECT_ERROR(read(archive("}", "")), format, "ends at byte 1");
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  EXPECT_ERROR(read(tar), format, "tar archive");
}

TEST(Torch, LegacyFilesThatAreCutOff) {
  const std::string whole = read_file(golden("torch_2.15_legacy.pt"));
  EXPECT_THAT(read(whole).tensors, ::testing::Not(IsEmpty()));
  for (const std::size_t bytes : {std::size_t{20}, std::size_t{100}, whole.size() / 2, whole.size() - 1})
    EXPECT_ERROR(read(whole.substr(0, bytes)), format, "");
  EXPECT_ERROR(read(whole + "x"), format, "follow the last storage");
}

// What a big-endian machine wrote has little-endian storages all the same.
TEST(Torch, LegacyFilesOfBigEndianMachines) {
  std::string bytes = read_file(golden("torch_2.15_legacy.pt"));
  const std::size_t key = bytes.find("little_endian"), truth = bytes.find('\x88', key);
  ASSERT_LT(truth - key, 40u);
  bytes[truth] = '\x89';
  const ImportedFile file = read(bytes);
  expect_same_tensors(file, golden("torch.safetensors"));
}

}  // namespace
}  // namespace safelight::test
