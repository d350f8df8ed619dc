// YAML, and the two configurations that are written in it.
#include "models/yaml.h"

#include <gmock/gmock.h>

#include "library/model_paths.h"
#include "library/models_folder.h"
#include "models/said_prediction.h"
#include "support/expect_error.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Yaml, MappingsSequencesTexts) {
  const YamlNode root = parse_yaml("a: 1\nb:\n  c: \"x y\" # a comment\n  d: [p, {q: r}]\ne: |\n  one\n  two\na: 2\n");
  ASSERT_EQ(root.kind, YamlNode::Kind::mapping);
  EXPECT_EQ(root.find("a")->text, "2");  // the last counts
  EXPECT_EQ(root.find("b")->find("c")->text, "x y");
  const YamlNode& list = *root.find("b")->find("d");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].text, "p");
  EXPECT_EQ(list.items[1].find("q")->text, "r");
  EXPECT_EQ(root.find("e")->text, "one\ntwo\n");
  EXPECT_EQ(root.find("z"), nullptr);
  EXPECT_EQ(root.find("a")->find("z"), nullptr);
  EXPECT_TRUE(parse_yaml("x: TRUE").find("x")->is_true());
  EXPECT_FALSE(parse_yaml("x: no").find("x")->is_true());
}

TEST(Yaml, NothingIsAnEmptyMapping) {
  for (const char* text : {"", "# nothing\n", "---\n---\na: 1\n"})
    EXPECT_TRUE(parse_yaml(text).members.empty()) << text;
}

TEST(Yaml, Refuses) {
  EXPECT_ERROR(parse_yaml("a: [1"), format, "line ");
  EXPECT_ERROR(parse_yaml("a: b: c"), format, "line 1: ");
  EXPECT_ERROR(parse_yaml("a: \xff"), format, "byte 3: ");
  EXPECT_ERROR(parse_yaml("a: &x [1]\nb: *x\n"), format, "line 2: expected no alias, found *x");
  EXPECT_ERROR(parse_yaml("[a, b]: c"), format, "expected a text as key");
  EXPECT_ERROR(parse_yaml(std::string(40, '[')), limit, "32 levels");
  EXPECT_ERROR(parse_yaml("[" + std::string(300'000, ',') + "]"), format, "line 1");
  std::string many = "[";
  for (int i = 0; i < 100'001; ++i) many += "a,";
  EXPECT_ERROR(parse_yaml(many + "]"), limit, "at most 100000 nodes");
}

TEST(ModelPaths, ReadsSectionsOfFolders) {
  const ModelsFolder folder;
  const auto yaml = folder.add_text("extra_model_paths.yaml",
                                    "a111:\n  base_path: /data/webui/\n  checkpoints: models/Stable-diffusion\n"
                                    "  loras: |\n    models/Lora\n\n    models/LyCORIS\n  custom_nodes: x\n"
                                    "#nothing\nother:\nmine:\n  is_default: true\n  vae: here\n  sams: [/a, /b]\n");
  std::vector<std::string> found;
  for (const ModelPath& path : read_model_paths(yaml))
    found.push_back(path.section + " " + path.key + " " + path.folder.native() + (path.kind ? "" : " unknown"));
  EXPECT_THAT(found, ElementsAre("mine vae " + (folder / "here").native(), "mine sams /a unknown",
                                 "mine sams /b unknown", "a111 checkpoints /data/webui/models/Stable-diffusion",
                                 "a111 loras /data/webui/models/Lora", "a111 loras /data/webui/models/LyCORIS"));
}

TEST(ModelPaths, Refuses) {
  const ModelsFolder folder;
  EXPECT_ERROR(read_model_paths(folder.add_text("a.yaml", "checkpoints: /x")), format, "expected a section of folders");
  EXPECT_ERROR(read_model_paths(folder.add_text("b.yaml", "a: [")), format, "[yaml] line");
  EXPECT_ERROR(read_model_paths(folder.add_text("c.yaml", std::string((1 << 20) + 1, '#'))), limit, "at most 1048576");
  EXPECT_ERROR(read_model_paths(folder / "none.yaml"), io, "none.yaml");
}

TEST(ModelConfig, SaysWhatIsPredicted) {
  const ModelsFolder folder;
  const auto said = [&](const std::string& text) { return said_by_config(folder.add_text("m.yaml", text)); };
  const auto v = said("model:\n  target: x\n  params:\n    parameterization: \"v\"\n");
  ASSERT_TRUE(v);
  EXPECT_EQ(v->prediction, Prediction::v);
  EXPECT_EQ(v->by, "parameterization is v in m.yaml");
  EXPECT_EQ(said("model:\n  params:\n    linear_start: 0.00085\n")->prediction, Prediction::noise);
  EXPECT_FALSE(said("model: x"));
  EXPECT_FALSE(said("a: 1"));
  EXPECT_ERROR(said("model:\n  params:\n    parameterization: x0\n"), format,
               "parameterization is x0, expected eps or v");
}

}  // namespace
}  // namespace safelight::test
