#include "safelight/scan.h"

#include <gmock/gmock.h>

#include "core/utf8.h"
#include "foreign/builders.h"
#include "format/foreign/npy.h"
#include "format/foreign/scan_names.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Scan : public ::testing::Test {
 protected:
  ScanReport scan_bytes(const std::string& bytes, const std::string& name = "x.pkl") {
    write_file(folder_ / name, bytes);
    return scan(folder_ / name);
  }

  // "dangerous REDUCE os.system@12" for each finding that is not clean.
  std::string bad(const std::string& bytes, const std::string& file = "x.pkl") {
    std::string out;
    for (const ScanFinding& f : scan_bytes(bytes, file).findings)
      if (f.verdict != ScanVerdict::clean)
        out += (out.empty() ? "" : "; ") + std::string(name(f.verdict)) + ' ' + f.opcode + ' ' + f.name + '@' +
               std::to_string(f.offset);
    return out;
  }

  TemporaryFolder folder_;
};

const std::string kSystem = global("os", "system") + "U\x04true\x85R.";

TEST_F(Scan, OrdinaryCheckpointsAreClean) {
  for (const char* file : {"torch_2.15_legacy.pt", "torch_1.13_legacy.pt", "torch_2.15_zip.pt", "torch_1.13_zip.pt"}) {
    SCOPED_TRACE(file);
    const ScanReport report = scan(golden(file));
    // the one name in it that is not a tensor's
    std::string bad;
    for (const ScanFinding& f : report.findings)
      if (f.verdict != ScanVerdict::clean) bad += f.opcode + ' ' + f.name + ' ';
    EXPECT_THAT(bad, ::testing::AnyOf("GLOBAL argparse.Namespace NEWOBJ argparse.Namespace BUILD argparse.Namespace ",
                                      "GLOBAL argparse.Namespace REDUCE argparse.Namespace BUILD argparse.Namespace "));
    EXPECT_EQ(report.verdict, ScanVerdict::suspicious);
  }
  EXPECT_EQ(scan(golden("torch_new_types.pt")).verdict, ScanVerdict::clean);
  for (const char* file : {"numpy_0.pkl", "numpy_2.pkl", "numpy_5.pkl", "numpy.npz", "numpy_v1.npy",
                           "numpy_objects.npy", "gguf_types.gguf", "torch.safetensors"})
    EXPECT_EQ(scan(golden(file)).verdict, ScanVerdict::clean) << file;
}

TEST_F(Scan, WhatIsFoundIsToldWithItsPlace) {
  const ScanReport report = scan_bytes(kSystem);
  EXPECT_EQ(report.verdict, ScanVerdict::dangerous);
  EXPECT_EQ(report.kind, "a pickle");
  EXPECT_EQ(report.pickles, 1u);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].opcode, "GLOBAL");
  EXPECT_EQ(report.findings[0].offset, 0u);
  EXPECT_EQ(report.findings[1].opcode, "REDUCE");
  EXPECT_EQ(report.findings[1].name, "os.system");
  EXPECT_EQ(report.findings[1].arguments, "('true')");
  EXPECT_EQ(report.findings[1].offset, 18u);
  EXPECT_THAT(report.findings[1].why, HasSubstr("programs"));
}

TEST_F(Scan, EveryWayToCall) {
  EXPECT_EQ(bad("(ios\nsystem\n."), "dangerous GLOBAL os.system@1; dangerous INST os.system@1");
  EXPECT_EQ(bad("(cos\nsystem\no."), "dangerous GLOBAL os.system@1; dangerous OBJ os.system@12");
  EXPECT_EQ(bad("\x80\x04\x8C\x02os\x8C\x06system\x93."), "dangerous STACK_GLOBAL os.system@14");
  EXPECT_EQ(bad("\x80\x04V\\u006fs\n\x8C\x06system\x93."), "dangerous STACK_GLOBAL os.system@19");
  EXPECT_EQ(bad("\x80\x02\x82\x01."), "suspicious EXT1 (unresolvable)@2");
  EXPECT_EQ(bad("\x80\x02" + global("my", "Thing") + ")\x81."),
            "suspicious GLOBAL my.Thing@2; suspicious NEWOBJ my.Thing@13");
  EXPECT_EQ(bad(global("__builtin__", "eval") + "."), "dangerous GLOBAL __builtin__.eval@0");
}

// Names that are put together from calls cannot be told without making them.
TEST_F(Scan, NamesThatHide) {
  const std::string joined =
      "\x80\x04" + global("string", "capwords") + text("os") + "\x85R" + text("system") + "\x93)R.";
  EXPECT_EQ(bad(joined),
            "suspicious GLOBAL string.capwords@2; suspicious REDUCE string.capwords@27; "
            "suspicious STACK_GLOBAL (unresolvable)@39; suspicious REDUCE (unresolvable)@41");
  // reached through an attribute of something harmless
  EXPECT_THAT(bad("\x80\x04" + text("torch") + text("storage.os.system") + "\x93."),
              HasSubstr("dangerous STACK_GLOBAL"));
  EXPECT_THAT(bad("\x80\x04" + text("collections") + text("OrderedDict.__reduce__") + "\x93."), HasSubstr("dangerous"));
  // what a call has returned is called
  EXPECT_THAT(bad(global("functools", "partial") + ")R)R."),
              HasSubstr("dangerous REDUCE what functools.partial returns"));
  // what was imported is changed
  EXPECT_THAT(bad(global("torch", "Size") + "}b."), HasSubstr("suspicious BUILD torch.Size"));
}

TEST_F(Scan, BrokenPicklesListWhatRanBefore) {
  EXPECT_EQ(bad(kSystem.substr(0, kSystem.size() - 1) + "\xFF"),
            "dangerous GLOBAL os.system@0; dangerous REDUCE os.system@18; suspicious  broken pickle@20");
  EXPECT_EQ(bad("K\x01r\xFF\xFF\xFF\x7F."), "");
}

// Python adds nothing to anything, items to a bytearray, and remembers values under any number.
TEST_F(Scan, WhatPythonAcceptsEndsNothing) {
  for (const std::string& before :
       {std::string("Nq\xFF"), std::string("N(e"), std::string("K\x01(u"), std::string("K\x01(\x90"),
        "\x96" + le<std::uint64_t>(1) +
            "xK\x01"
            "a",
        std::string("Np 7\n"), std::string("Np70000000000\n")})
    EXPECT_EQ(bad(before + kSystem), "dangerous GLOBAL os.system@" + std::to_string(before.size()) +
                                         "; dangerous REDUCE os.system@" + std::to_string(before.size() + 18));
}

// Where our machine gives up and Python may go on, the names that follow are listed all the same.
TEST_F(Scan, NamesBehindABreakOfOurs) {
  EXPECT_THAT(bad("Rcos\nsystem\n."), HasSubstr("dangerous GLOBAL os.system@1"));
  EXPECT_THAT(bad("R(ios\nsystem\n."), HasSubstr("dangerous INST os.system@2"));
  EXPECT_THAT(bad("R" + text("os") + text("system") + "\x93."), HasSubstr("dangerous STACK_GLOBAL os.system@"));
  EXPECT_THAT(bad(text("os") + "\x94" + text("system") + "q\x07R" + text("a") + text("b") + "h" + std::string(1, '\0') +
                  "h\x07\x93."),
              HasSubstr("dangerous STACK_GLOBAL os.system@"));
  EXPECT_THAT(bad("R\x80\x02N." + kSystem), HasSubstr("dangerous GLOBAL os.system"));
  const std::string many(8'000'001, 'N');
  EXPECT_THAT(bad(many + kSystem), HasSubstr("dangerous GLOBAL os.system@8000001"));
  EXPECT_THAT(bad(zip({{"a/1", "N(R" + kSystem}})), HasSubstr("dangerous GLOBAL os.system"));  // tentative, too
}

TEST_F(Scan, NamesThatAreTooLong) {
  std::string path;
  for (int i = 0; i < 200; ++i) path += "path.os.";
  EXPECT_THAT(bad("\x80\x04" + text("posixpath") + text(path + "system") + "\x93."),
              HasSubstr("dangerous STACK_GLOBAL"));
  EXPECT_THAT(bad("\x80\x04" + text("harmless") + text(std::string(2000, 'a')) + "\x93."), HasSubstr("dangerous"));
}

TEST_F(Scan, VerdictsOfOneNameAreToldApart) {
  // calling the name is clean, changing what was imported is not
  const std::string size = global("torch", "Size");
  EXPECT_THAT(bad(size + ")R}b0" + size + "}b."), HasSubstr("suspicious BUILD torch.Size"));
}

TEST_F(Scan, ArgumentsAreCutBetweenCharacters) {
  std::string four;
  for (int i = 0; i < 4; ++i)
    four += text("x" + std::string(i, 'x') +
                 "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
                 "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
                 "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4");
  for (const ScanFinding& f : scan_bytes(global("os", "system") + "(" + four + "tR.").findings)
    EXPECT_TRUE(is_utf8(f.arguments)) << f.arguments;
}

// Building the same wrapper over and over looks at the same state every time.
TEST_F(Scan, RepeatedBuildsAreBounded) {
  std::string state = "}q\x01(";
  for (int i = 0; i < 20'000; ++i) state += "NN";
  const std::string pickle = "\x80\x02" + global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81q\0" + state +
                             "u0" +
                             [] {
                               std::string builds;
                               for (int i = 0; i < 50'000; ++i)
                                 builds +=
                                     "h\x01"
                                     "b";
                               return builds;
                             }() +
                             ".";
  EXPECT_THAT(bad(pickle), HasSubstr("broken pickle"));
}

TEST_F(Scan, PicklesAfterThePickle) {
  EXPECT_EQ(bad("N." + kSystem), "dangerous GLOBAL os.system@2; dangerous REDUCE os.system@20");
  EXPECT_EQ(bad("\x80\x02N.\x80\x02N.\x80\x02" + kSystem),
            "dangerous GLOBAL os.system@10; dangerous REDUCE os.system@28");
  EXPECT_EQ(bad("N.just some bytes"), "suspicious  bytes after the pickle@2");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "N.";
  EXPECT_THAT(bad("\x80\x02" + many), HasSubstr("bytes after the pickle"));
  std::string marked;
  for (int i = 0; i < 20'000; ++i) marked += "\x80\x02N.";
  EXPECT_THAT(bad(marked), HasSubstr("more pickles"));
}

TEST_F(Scan, ArchivesAndTheirMembers) {
  const ScanReport report = scan_bytes(zip({{"a/data.pkl", kSystem}, {"a/data/0", "numbers"}}), "x.pt");
  EXPECT_EQ(report.verdict, ScanVerdict::dangerous);
  EXPECT_EQ(report.findings.at(0).member, "a/data.pkl");
  // under any name, if it begins as a pickle does
  EXPECT_THAT(bad(zip({{"readme.txt", "\x80\x02" + kSystem}})), HasSubstr("dangerous"));
  EXPECT_THAT(bad(zip({{"readme.txt", kSystem}})), HasSubstr("dangerous"));  // no instruction has to come first
  EXPECT_EQ(bad(zip({{"data.dat", "\x80\x02 no pickle"}})), "");
  EXPECT_EQ(bad(zip({{"data.dat", "\x1F\x8B..."}})), "suspicious  archive in the archive@0");
  EXPECT_EQ(bad(zip({{"data.pkl", ""}})), "suspicious  no pickle@0");
  // an archive in the comment of another one: which of the two is read depends on the reader
  const std::string inner = zip({{"data.pkl", kSystem}});
  std::string outer = zip({{"data.pkl", "N."}});
  outer.replace(outer.size() - 2, 2, le(static_cast<std::uint16_t>(inner.size() + 1)));
  EXPECT_EQ(bad(outer + inner + "x"), "suspicious  broken file@0");
  EXPECT_EQ(bad(zip({{"inner.zip", zip({{"data.pkl", kSystem}})}})), "suspicious  archive in the archive@0");
  EXPECT_EQ(bad(zip({{"code/x.py", "print()"}})), "suspicious  program text@0");
  EXPECT_EQ(bad(zip({{"a.pkl", "N."}}, {.after = "x"})), "suspicious  broken file@0");
  EXPECT_EQ(bad(zip({{.name = "a.pkl", .data = "x", .method = 8, .size = 900}})), "suspicious  broken entry@0");
}

TEST_F(Scan, ObjectsInNumpyArrays) {
  const std::string header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
  const std::string array =
      "\x93NUMPY\x01" + std::string(1, '\0') + le(static_cast<std::uint16_t>(header.size())) + header;
  EXPECT_THAT(bad(array + kSystem, "x.npy"), HasSubstr("dangerous REDUCE os.system"));
  EXPECT_THAT(bad(zip({{"x.npy", array + kSystem}}), "x.npz"), HasSubstr("dangerous REDUCE os.system"));
}

// NumPy reads many spellings as objects; only what is surely none is left alone.
TEST_F(Scan, TypesOfNumpyArrays) {
  const auto array = [](const std::string& descr) {
    const std::string header = "{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }";
    return "\x93NUMPY\x01" + std::string(1, '\0') + le(static_cast<std::uint16_t>(header.size())) + header + kSystem;
  };
  for (const char* objects :
       {"'object'", "'O8'", "'U4,O'", "'i4,O'", "[('a', '|O')]", "[('a', '<i4'), ('b', [('c', 'O')])]",
        "[('a', 'object', (2,))]", "[('a', ('O', (2,)))]", "[('a', '<i4'), ('b', ('O', (2,)))]"})
    EXPECT_THAT(bad(array(objects), "x.npy"), HasSubstr("dangerous REDUCE os.system")) << objects;
  for (const char* odd :
       {"'|\\x4f'", "'V4' ',O'", "[('a', 'V4' ',O')]", "[('a', r'O')]", "[('a', 'O'])", "[('a', #\n'O')]"})
    EXPECT_EQ(bad(array(odd), "x.npy"), "suspicious  broken file@0") << odd;
  for (const char* plain : {"'<f4'", "'<U4'", "'|S7'", "'|V2'", "'<M8[25us]'", "'<c16'", "'<f16'",
                            "[('One', '<f4'), ('O', '<M8[ns]', (2, 3)), ('c', [('d', '|V8')]), ('e', ('<i4', (2,)))]"})
    EXPECT_EQ(bad(array(plain), "x.npy"), "") << plain;
}

// joblib's loader skips the arrays, pickle.load runs into them: both count.
TEST_F(Scan, ArraysBetweenTheInstructions) {
  const ScanReport report = scan(golden("numpy.joblib"));
  EXPECT_EQ(report.verdict, ScanVerdict::clean) << report.findings.at(0).name << report.findings.at(0).why;
  const std::string wrapped = "\x80\x02" + global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81}(" +
                              text("shape") + "K" + static_cast<char>(kSystem.size()) + "\x85" + text("dtype") +
                              global("numpy", "dtype") + text("u1") + "\x85Rub";
  EXPECT_EQ(bad(wrapped + std::string(kSystem.size(), ' ') + "."), "");
  EXPECT_THAT(bad(wrapped + kSystem + "."), HasSubstr("dangerous REDUCE os.system"));
}

// A file can be two things at once.
TEST_F(Scan, ATensorFileThatIsAPickleToo) {
  // "G" is the instruction for a float of eight bytes
  const std::string both = "GGUF" + le(3u) + std::string(1, '\0') + kSystem;
  EXPECT_EQ(scan_bytes(both, "x.gguf").kind, "GGUF");
  EXPECT_THAT(bad(both, "x.gguf"), HasSubstr("dangerous REDUCE os.system"));
  EXPECT_EQ(scan(golden("torch.safetensors")).kind, "SafeTensors");
}

TEST_F(Scan, FilesThatAreNothing) {
  EXPECT_THAT(bad("some text that is no pickle", "x.txt"), HasSubstr("unknown file"));
  EXPECT_THAT(bad("\x1F\x8B compressed", "x.joblib"), HasSubstr("unknown file"));
  EXPECT_ERROR(scan(folder_ / "none"), io, "none");
  CancelToken token;
  token.cancel();
  write_file(folder_ / "x", kSystem);
  EXPECT_ERROR(scan(folder_ / "x", {.cancel = &token}), cancelled, "");
}

TEST(ScanNames, Table) {
  const auto verdict = [](std::string_view n) { return name(foreign::judge_name(n).verdict); };
  for (const char* n : {"torch._utils._rebuild_tensor_v2", "collections.OrderedDict", "torch.FloatStorage",
                        "torch.storage.UntypedStorage", "torch.bfloat16", "numpy.dtype", "builtins.set"})
    EXPECT_EQ(verdict(n), "clean") << n;
  for (const char* n : {"os.system", "posix.system", "nt.system", "subprocess.Popen", "builtins.eval", "builtins.exec",
                        "builtins.getattr", "builtins.__import__", "runpy.run_path", "socket.socket",
                        "importlib.import_module", "pickle.loads", "_pickle.loads", "torch.load", "torch.hub.load",
                        "numpy.load", "operator.attrgetter", "torch.storage._load_from_bytes", "types.CodeType"})
    EXPECT_EQ(verdict(n), "dangerous") << n;
  for (const char* n : {"osx.system", "my.model.Net", "torch.nn.modules.linear.Linear", "torchx.load"})
    EXPECT_EQ(verdict(n), "suspicious") << n;
}

}  // namespace
}  // namespace safelight::test
