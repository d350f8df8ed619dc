// The pickle machine. What Python's own pickle module makes of the same opcodes was looked up for each case.
#include <gmock/gmock.h>

#include "core/utf8.h"
#include "foreign/builders.h"
#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickle_text.h"

namespace safelight::test {
namespace {

using foreign::PickleRun;
using foreign::PickleValue;
using foreign::Ref;
using foreign::run_pickle;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = PickleValue::Kind;

// Keeps the bytes that a run refers to.
struct Ran {
  explicit Ran(std::string pickle, const foreign::PickleLimits& limits = {})
      : bytes(std::move(pickle)), run(run_pickle(as_bytes(bytes), 0, limits)) {}
  const PickleValue& result() const { return run[run.result]; }
  const PickleValue& item(std::size_t i) const { return run[result().items.at(i)]; }

  std::string bytes;
  PickleRun run;
};

std::string why_broken(const std::string& pickle, const foreign::PickleLimits& limits = {}) {
  return Ran(pickle, limits).run.broken;
}

TEST(Pickle, Numbers) {
  const auto number = [](const std::string& opcode) { return Ran(opcode + ".").result().number; };
  EXPECT_EQ(number("K\xFF"), 255);
  EXPECT_EQ(number("M\xFF\xFF"), 65535);
  EXPECT_EQ(number("J\xFE\xFF\xFF\xFF"), -2);
  EXPECT_EQ(number("I-12\n"), -12);
  EXPECT_EQ(number("L123456789012L\n"), 123456789012);
  EXPECT_EQ(number(std::string("\x8A\x00", 2)), 0);
  EXPECT_EQ(number("\x8A\x01\xFF"), -1);
  EXPECT_EQ(number("\x8A\x02\xFF\x7F"), 32767);
  EXPECT_EQ(number("\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), INT64_MAX);
  EXPECT_EQ(Ran("\x8A\x09" + std::string(9, '\x01') + ".").result().kind, Kind::big_integer);
  EXPECT_EQ(Ran("I01\n.").result().kind, Kind::boolean);
  EXPECT_EQ(Ran("F1.5\n.").result().real, 1.5);
  EXPECT_EQ(Ran(std::string("G\x3F\xF8\0\0\0\0\0\0.", 10)).result().real, 1.5);
}

TEST(Pickle, Texts) {
  EXPECT_EQ(Ran(text("abc") + ".").result().text, "abc");
  EXPECT_EQ(Ran("V\\u006fs\n.").result().text, "os");
  EXPECT_EQ(Ran("V\xE4\\U0001F600\n.").result().text, "ä😀");
  EXPECT_EQ(Ran("S'o\\x73'\n.").result().text, "os");
  EXPECT_EQ(Ran("S\"a\\'\\n\\101\\q\"\n.").result().text, "a'\nA\\q");
  EXPECT_EQ(Ran("U\x02os.").result().text, "os");
  EXPECT_EQ(Ran("C\x02os.").result().kind, Kind::bytes);
  EXPECT_THAT(why_broken("S'os\n."), HasSubstr("not what Python would write"));
  EXPECT_THAT(why_broken("V\\u00\n."), HasSubstr("not what Python would write"));
}

TEST(Pickle, Containers) {
  const Ran list(
      "](K\x01K\x02"
      "ea" +
      std::string("."));
  EXPECT_THAT(list.run.broken, HasSubstr("needs a value"));
  EXPECT_EQ(Ran("](K\x01K\x02"
                "eK\x03"
                "a.")
                .result()
                .items.size(),
            3u);
  EXPECT_EQ(Ran("(K\x01K\x02"
                "t.")
                .result()
                .kind,
            Kind::tuple);
  EXPECT_EQ(Ran("K\x01K\x02K\x03\x87.").item(2).number, 3);
  EXPECT_EQ(Ran("(K\x01K\x02"
                "d.")
                .result()
                .kind,
            Kind::dict);
  EXPECT_EQ(Ran("}K\x01K\x02s(K\x03K\x04u.").result().items.size(), 4u);
  EXPECT_EQ(Ran("\x8F(K\x01\x90.").result().kind, Kind::set);
  EXPECT_EQ(Ran("(K\x01\x91.").result().items.size(), 1u);
  EXPECT_EQ(Ran("K\x01(K\x02K\x03"
                "1.")
                .result()
                .number,
            1);
  EXPECT_EQ(Ran("K\x01(0.").result().number, 1);
  EXPECT_EQ(Ran("K\x01"
                "2\x86.")
                .result()
                .items.size(),
            2u);
  EXPECT_THAT(why_broken("}(K\x01u."), HasSubstr("a key without a value"));
  EXPECT_THAT(why_broken("K\x01K\x02"
                         "a."),
              HasSubstr("cannot hold any"));
  EXPECT_THAT(why_broken("K\x01(\x85."), HasSubstr("needs a value"));  // not below the mark
  EXPECT_THAT(why_broken("K\x01t."), HasSubstr("needs a mark"));
}

// MEMOIZE goes by how many are remembered, whatever their numbers are.
TEST(Pickle, Memo) {
  EXPECT_EQ(Ran("K\x07q\x01"
                "0h\x01.")
                .result()
                .number,
            7);
  EXPECT_EQ(Ran("K\x07p1\n0g1\n.").result().number, 7);
  EXPECT_EQ(Ran("K\x07\x94"
                "0h" +
                std::string("\0.", 2))
                .result()
                .number,
            7);
  EXPECT_EQ(Ran("K\x07q\x02K\x08\x94"
                "00h\x01.")
                .result()
                .number,
            8);
  EXPECT_THAT(why_broken("K\x07h\x01."), HasSubstr("never set"));
  EXPECT_THAT(why_broken("K\x07gx\n."), HasSubstr("never set"));
  // any index will do, and costs no more than another
  EXPECT_EQ(why_broken("K\x07r\xFF\xFF\xFF\x7Fj\xFF\xFF\xFF\x7F."), "");
  EXPECT_EQ(why_broken("K\x07p99999999999\ng 99999999999\n."), "");
  EXPECT_EQ(why_broken("K\x07q\xFFh\xFF."), "");
  EXPECT_THAT(why_broken("K\x07px\n."), HasSubstr("no number"));
}

std::string called(const std::string& pickle) {
  const Ran ran(pickle);
  std::string names;
  for (const foreign::PickleAction& action : ran.run.actions) {
    const PickleValue& target = ran.run[action.target];
    names += std::string(name(action.opcode)) + " " +
             global_name(ran.run, target.kind == Kind::object ? target.callable : action.target) + "@" +
             std::to_string(action.offset) + ";";
  }
  return names + ran.run.broken;
}

TEST(Pickle, ImportsAndCalls) {
  EXPECT_EQ(called("cos\nsystem\n)R."), "GLOBAL os.system@0;REDUCE os.system@12;");
  EXPECT_EQ(called(text("os") + text("system") + "\x93)R."), "STACK_GLOBAL os.system@18;REDUCE os.system@20;");
  EXPECT_EQ(called("U\x02osq\x01"
                   "0U\x06systemh\x01"
                   "0h\x01U\x06system\x93."),
            "STACK_GLOBAL os.system@28;");
  EXPECT_EQ(called("(ios\nsystem\n."), "GLOBAL os.system@1;INST os.system@1;");
  EXPECT_EQ(called("(cos\nsystem\nK\x01o."), "GLOBAL os.system@1;OBJ os.system@14;");
  EXPECT_EQ(called("ca\nb\n)\x81}b."), "GLOBAL a.b@0;NEWOBJ a.b@6;BUILD a.b@8;");
  EXPECT_EQ(called("ca\nb\n)}\x92."), "GLOBAL a.b@0;NEWOBJ_EX a.b@7;");
  EXPECT_EQ(called("\x82\x05."), "EXT1 @0;");
}

// A pickle executes up to the break.
TEST(Pickle, WhatRanBeforeTheBreakIsKnown) {
  EXPECT_THAT(called("cos\nsystem\n)R\xFF"),
              StartsWith("GLOBAL os.system@0;REDUCE os.system@12;[pickle] byte 13 is 0xff"));
  EXPECT_THAT(called("cos\nsystem\n)R"), HasSubstr("the file ends at byte 13"));
  EXPECT_THAT(called("cos\nsystem\n)RX\xFF\xFF\xFF\x7F"), HasSubstr("expected 2147483647 bytes"));
  EXPECT_THAT(called("cos\nsystem\n)R\x80\x09."), HasSubstr("protocol 9"));
}

TEST(Pickle, MemoryIsBounded) {
  const foreign::PickleLimits small{.values = 1000, .items = 1000, .actions = 100, .instructions = 100'000};
  EXPECT_THAT(why_broken(std::string(2000, ']'), small), HasSubstr("more than 1000 values"));
  EXPECT_THAT(why_broken("N" + std::string(2000, '2'), small), HasSubstr("on the stack"));
  EXPECT_THAT(why_broken(std::string(2000, '('), small), HasSubstr("marks"));
  std::string items = "](", imports = "cm\nn\n";
  for (int i = 0; i < 200; ++i) items += "NNNNNNNNNNe(", imports += "Nb";
  EXPECT_THAT(why_broken(items, small), HasSubstr("more than 1000 items"));
  EXPECT_THAT(why_broken(imports, small), HasSubstr("more than 100 imports"));
  EXPECT_THAT(why_broken("N" + std::string(200'000, 'N'), {.instructions = 1000}), HasSubstr("instructions"));
}

TEST(Pickle, EveryByteAlone) {
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_FALSE(why_broken(std::string(1, static_cast<char>(byte))).empty()) << byte;
}

TEST(PickleText, Latin1) {
  EXPECT_EQ(latin1_to_utf8("a\xE4"), "aä");
  EXPECT_EQ(foreign::utf8_to_latin1("aä"), "a\xE4");
  EXPECT_EQ(foreign::utf8_to_latin1("€"), std::nullopt);
  EXPECT_EQ(foreign::utf8_to_latin1("\xFF"), std::nullopt);
}

}  // namespace
}  // namespace safelight::test
