// What is found in a models folder, in every layout, with everything that may be wrong in it.
#include "library/library.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "library/models_folder.h"
#include "support/expect_error.h"
#include "support/unprivileged.h"

namespace safelight::test {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<LibraryEntry> list(const fs::path& folder, const Context& context = {}) {
  return list_models({&folder, 1}, context);
}

// "name kind", in order.
std::vector<std::string> names_and_kinds(const std::vector<LibraryEntry>& entries) {
  std::vector<std::string> lines;
  for (const LibraryEntry& entry : entries) lines.push_back(entry.name() + " " + std::string(name(entry.kind())));
  return lines;
}

const LibraryEntry& entry_of(const std::vector<LibraryEntry>& entries, std::string_view name) {
  for (const LibraryEntry& entry : entries)
    if (entry.name() == name) return entry;
  throw std::out_of_range(std::string(name));
}

class Library : public ::testing::Test {
 protected:
  ModelsFolder folder_;
};

TEST_F(Library, LayoutOfA1111) {
  folder_.add_text("webui.py", "");
  folder_.add("models/Stable-diffusion/anime/b.safetensors", checkpoint_of_sd2());
  folder_.add("models/Stable-diffusion/a.safetensors", checkpoint_of_sd1());
  folder_.add("models/Lora/style.safetensors", lora_for_sd1());
  folder_.add("models/VAE/v.safetensors", vae_file());
  folder_.add_text("models/ESRGAN/4x.pth", "\x80\x02.");
  folder_.add("embeddings/word.safetensors", {{"emb_params", {2, 768}}});
  folder_.add("extensions/sd-webui-controlnet/models/control.safetensors", {{"control_model.x", {1}}});
  folder_.add("venv/not_a_model.safetensors", lora_for_sd1());
  EXPECT_THAT(names_and_kinds(list(folder_.path())),
              ElementsAre("4x.pth upscaler", "a.safetensors checkpoint", "anime/b.safetensors checkpoint",
                          "control.safetensors controlnet", "style.safetensors lora", "v.safetensors vae",
                          "word.safetensors embedding"));
}

TEST_F(Library, LayoutOfComfyUI) {
  folder_.add_text("main.py", "");
  folder_.add_text("custom_nodes/x.py", "");
  folder_.add("models/checkpoints/a.safetensors", checkpoint_of_sd1());
  folder_.add("models/loras/sub/style.sft", lora_for_sd1());
  folder_.add_text("models/unet/flux.gguf", "GGUF");
  folder_.add_text("models/configs/v1.yaml", "model: x");
  folder_.add("elsewhere/more.safetensors", vae_file());
  folder_.add_text("extra_model_paths.yaml", "x:\n  base_path: elsewhere\n  vae: .\n  loras: missing\n");
  EXPECT_THAT(names_and_kinds(list(folder_.path())),
              ElementsAre("a.safetensors checkpoint", "flux.gguf unet", "more.safetensors vae", "sub/style.sft lora"));
}

TEST_F(Library, BrokenPathsFileIsListed) {
  folder_.add("a.safetensors", lora_for_sd1());
  folder_.add_text("extra_model_paths.yaml", "x: [");
  const auto entries = list(folder_.path());
  EXPECT_THAT(names_and_kinds(entries), ElementsAre("a.safetensors lora", "extra_model_paths.yaml unknown"));
  EXPECT_THAT(entries[1].problem(), HasSubstr("[yaml] line"));
}

TEST_F(Library, OnlyModelsAreListed) {
  folder_.add("a.SafeTensors", lora_for_sd1());
  folder_.add(".hidden.safetensors", lora_for_sd1());
  folder_.add(".cache/b.safetensors", lora_for_sd1());
  for (const char* name : {"readme.md", "safetensors", ".safetensors", "put_models_here"}) folder_.add_text(name, "x");
  EXPECT_THAT(names_and_kinds(list(folder_.path())), ElementsAre("a.SafeTensors lora"));
}

TEST_F(Library, WhatLiesBesideAModel) {
  folder_.add("a.safetensors", checkpoint_of_sd1());
  folder_.add("a.vae.safetensors", vae_file());
  folder_.add("b.vae.safetensors", vae_file());
  folder_.add_text("a.yaml", "model:\n  params:\n    parameterization: v\n");
  for (const char* name : {"a.png", "a.preview.png", "a.txt", "a.civitai.info", "ab.png", "a.doc"})
    folder_.add_text(name, "");
  const auto entries = list(folder_.path());
  EXPECT_THAT(names_and_kinds(entries), ElementsAre("a.safetensors checkpoint", "b.vae.safetensors vae"));
  std::vector<std::string> beside;
  for (const Sidecar& s : entries[0].found.sidecars)
    beside.push_back(std::string(s.role) + " " + s.path.filename().native());
  EXPECT_THAT(beside, ElementsAre("config a.yaml", "vae a.vae.safetensors", "preview a.preview.png", "preview a.png",
                                  "description a.txt", "metadata a.civitai.info"));
  EXPECT_EQ(entries[0].examined.recognition.prediction, Prediction::v);
}

TEST_F(Library, BrokenConfigurationIsNoted) {
  folder_.add("a.safetensors", checkpoint_of_sd1());
  folder_.add_text("a.yaml", "*");
  const auto entries = list(folder_.path());
  EXPECT_EQ(entries[0].problem(), "");
  EXPECT_THAT(entries[0].examined.recognition.notes,
              ElementsAre(HasSubstr("its configuration a.yaml says nothing: [yaml]")));
}

TEST_F(Library, BrokenAndHostileFilesAreListedWithTheirReason) {
  folder_.add("good.safetensors", lora_for_sd1());
  folder_.add_text("empty.safetensors", "");
  folder_.add_text("page.safetensors", "<!DOCTYPE html><html></html>");
  folder_.add_text("notes.safetensors", "Trained on my own photos.\n");
  folder_.add_text("pointer.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  folder_.add_text("claims.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10));
  folder_.add_text("nested.safetensors", std::string("\x40\x0d\x03\0\0\0\0\0", 8) + std::string(200'000, '['));
  folder_.add_text("pickle.ckpt", "\x80\x02}q\x01.");
  folder_.add_text("noise.pt", "what is this");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.safetensors").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder_ / "pipe.ckpt").c_str(), 0600), 0);
  fs::create_symlink("nowhere", folder_ / "lost.safetensors");
  fs::create_symlink("round.safetensors", folder_ / "round.safetensors");
  fs::create_directory(folder_ / "folder.safetensors");
  const auto entries = list(folder_.path());
  const auto problem = [&](std::string_view name) { return entry_of(entries, name).problem(); };
  EXPECT_EQ(entries.size(), 13u);
  EXPECT_EQ(problem("good.safetensors"), "");
  EXPECT_THAT(problem("empty.safetensors"), HasSubstr("empty"));
  EXPECT_THAT(problem("page.safetensors"), HasSubstr("a web page"));
  EXPECT_THAT(problem("notes.safetensors"), HasSubstr("a text"));
  EXPECT_THAT(problem("pointer.safetensors"), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(problem("claims.safetensors"), HasSubstr("header-too-large"));
  EXPECT_NE(problem("nested.safetensors"), "");
  EXPECT_THAT(problem("pickle.ckpt"), HasSubstr("safelight convert"));
  EXPECT_NE(problem("noise.pt"), "");
  EXPECT_THAT(problem("pipe.safetensors"), HasSubstr("pipe"));
  EXPECT_THAT(problem("pipe.ckpt"), HasSubstr("pipe"));
  EXPECT_EQ(problem("lost.safetensors"), "a link that leads nowhere");
  EXPECT_EQ(problem("round.safetensors"), "a link that leads nowhere");
}

TEST_F(Library, UnreadableFilesAndFoldersAreListed) {
  fs::permissions(folder_.path(), fs::perms::all);
  const auto closed = folder_.add("closed.safetensors", lora_for_sd1());
  folder_.add("locked/a.safetensors", lora_for_sd1());
  fs::permissions(closed, fs::perms::none);
  fs::permissions(folder_ / "locked", fs::perms::none);
  {
    const Unprivileged user;
    const auto entries = list(folder_.path());
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_THAT(entries[0].problem(), HasSubstr("Permission denied"));
    EXPECT_THAT(entries[1].problem(), HasSubstr("the folder cannot be read: Permission denied"));
  }
  fs::permissions(folder_ / "locked", fs::perms::all);
}

TEST_F(Library, LinksAreFollowedWithoutLoops) {
  folder_.add("real/a.safetensors", lora_for_sd1());
  fs::create_directory_symlink("..", folder_ / "real/up");
  fs::create_directory_symlink("real",
                               folder_ / "alias");  // sorted before it, but names are those of the folder itself
  fs::create_directory_symlink("self", folder_ / "self");
  const ModelsFolder other;
  other.add("b.safetensors", lora_for_sd1());
  fs::create_directory_symlink(other.path(), folder_ / "linked");
  fs::create_directory_symlink(folder_.path(), other / "back");
  fs::create_symlink(other / "b.safetensors", folder_ / "c.safetensors");
  EXPECT_THAT(names_and_kinds(list(folder_.path())),
              ElementsAre("c.safetensors lora", "linked/b.safetensors lora", "real/a.safetensors lora"));
}

TEST_F(Library, ShardsWithAnIndexAreOneModel) {
  folder_.add("x-00001-of-00002.safetensors", {{"a.lora_down.weight", {1, 2}}});
  folder_.add("x-00002-of-00002.safetensors", {{"b.lora_down.weight", {1, 2}}});
  folder_.add_text("x.safetensors.index.json", R"({"weight_map":{"a.lora_down.weight":"x-00001-of-00002.safetensors",)"
                                               R"("b.lora_down.weight":"x-00002-of-00002.safetensors"}})");
  folder_.add("y-00001-of-00002.safetensors", lora_for_sd1());
  const auto entries = list(folder_.path());
  EXPECT_THAT(names_and_kinds(entries),
              ElementsAre("x.safetensors.index.json lora", "y-00001-of-00002.safetensors lora"));
  EXPECT_EQ(entries[0].problem(), "");
  EXPECT_EQ(entries[0].examined.recognition.types.at(0).tensors, 2u);
  fs::remove(folder_ / "x-00002-of-00002.safetensors");
  EXPECT_THAT(list(folder_.path())[0].problem(), HasSubstr("x-00002-of-00002.safetensors"));
}

TEST_F(Library, NotesWhatLiesInTheWrongFolder) {
  folder_.add("loras/a.safetensors", checkpoint_of_sd1());
  folder_.add("unet/b.safetensors", checkpoint_of_sd1());
  const auto entries = list(folder_.path());
  EXPECT_THAT(names_and_kinds(entries), ElementsAre("a.safetensors checkpoint", "b.safetensors checkpoint"));
  EXPECT_THAT(entries[0].examined.recognition.notes,
              ElementsAre("it lies in a folder for the kind lora, but is of the kind checkpoint"));
  EXPECT_THAT(entries[1].examined.recognition.notes, IsEmpty());
}

TEST_F(Library, TheSameInTheSameOrderOnAnyNumberOfThreads) {
  for (int i = 0; i < 20; ++i)
    folder_.add(std::to_string(i) + "/" + std::to_string(i * i) + ".safetensors", lora_for_sd1());
  const auto one = list(folder_.path(), {.threads = 1}), four = list(folder_.path(), {.threads = 4});
  ASSERT_EQ(one.size(), 20u);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].path(), four[i].path());
    EXPECT_EQ(one[i].examined.recognition.what, four[i].examined.recognition.what);
  }
}

TEST_F(Library, HashesAreShownIfTheyAreKnown) {
  folder_.add("a.safetensors", lora_for_sd1());
  folder_.add_text("broken.safetensors", "x");
  fs::create_symlink("nowhere", folder_ / "lost.safetensors");
  auto entries = list(folder_.path());
  EXPECT_EQ(entries[0].title(), "a.safetensors");
  std::int64_t last = 0, total = 0;
  add_missing_hashes(entries, {.on_progress = [&](const Progress& p) { last = p.done, total = p.total; }});
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, static_cast<std::int64_t>(entries[0].examined.bytes + entries[1].examined.bytes));
  const FileHashes expected = hash_file(entries[0].path());
  EXPECT_EQ(entries[0].title(), "a.safetensors [" + expected.autov2 + "]");
  EXPECT_EQ(entries[1].hashes.sha256, hash_file(entries[1].path()).sha256);
  EXPECT_EQ(entries[2].hashes.sha256, "");
  EXPECT_EQ(list(folder_.path())[0].hashes.autov3, expected.autov3);
}

TEST_F(Library, CanBeCancelled) {
  folder_.add("a.safetensors", lora_for_sd1());
  auto entries = list(folder_.path());
  CancelToken token;
  token.cancel();
  EXPECT_ERROR(list(folder_.path(), {.cancel = &token}), cancelled, "");
  EXPECT_ERROR(add_missing_hashes(entries, {.cancel = &token}), cancelled, "");
}

TEST_F(Library, RefusesWhatIsNoFolder) {
  EXPECT_ERROR(list(folder_ / "none"), io, "expected a folder");
  EXPECT_ERROR(list(folder_.add("a.safetensors", lora_for_sd1())), io, "expected a folder");
}

}  // namespace
}  // namespace safelight::test
