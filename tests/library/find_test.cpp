// Which model a name means.
#include "library/find.h"

#include <gmock/gmock.h>

#include "library/models_folder.h"
#include "library/quick_hash.h"
#include "safelight/hash.h"
#include "support/expect_error.h"

namespace safelight::test {
namespace {

namespace fs = std::filesystem;

class FindModel : public ::testing::Test {
 protected:
  fs::path find(const std::string& text) const {
    const std::vector<fs::path> folders = {folder_.path(), folder_ / "missing"};
    return find_model(text, folders);
  }

  ModelsFolder folder_;
  const fs::path a_ = folder_.add("checkpoints/Anime/Alpha.safetensors", checkpoint_of_sd1());
  const fs::path b_ = folder_.add("checkpoints/beta.v1.ckpt.safetensors", checkpoint_of_sd2());
  const fs::path c_ = folder_.add("loras/style.safetensors", lora_for_sd1());
};

TEST_F(FindModel, ByPath) {
  EXPECT_EQ(find(a_.native()), a_);
  EXPECT_EQ(find((folder_ / "checkpoints").native()), folder_ / "checkpoints");
}

TEST_F(FindModel, ByName) {
  for (const char* name :
       {"Anime/Alpha.safetensors", "Anime/Alpha", "Alpha.safetensors", "Alpha", "alpha", "anime/ALPHA.SAFETENSORS"})
    EXPECT_EQ(find(name), a_) << name;
  EXPECT_EQ(find("beta.v1.ckpt"), b_);
  EXPECT_EQ(find("style"), c_);
}

TEST_F(FindModel, TheMoreExactNameWins) {
  const fs::path top = folder_.add("checkpoints/Alpha.safetensors", checkpoint_of_sd2());
  EXPECT_EQ(find("Alpha"), top);  // its whole name, and only the last part of the other's
  EXPECT_EQ(find("Anime/Alpha"), a_);
  const fs::path lower = folder_.add("checkpoints/other/alpha.safetensors", checkpoint_of_sd1());
  EXPECT_EQ(find("alpha"), lower);
  EXPECT_EQ(find("ALPHA"), top);
}

TEST_F(FindModel, AmbiguousNamesAreListed) {
  folder_.add("loras/Real/Alpha.safetensors", lora_for_sd1());
  EXPECT_ERROR(find("Alpha"), usage,
               "[model] Alpha is the name of 2 models: Anime/Alpha.safetensors, Real/Alpha.safetensors; name one");
  fs::remove(folder_ / "loras/Real/Alpha.safetensors");
  fs::create_symlink(a_, folder_ / "loras/Real/Alpha.safetensors");  // the same file twice is one
  EXPECT_NO_THROW(find("Alpha"));
}

TEST_F(FindModel, ByTitle) {
  const FileHashes hashes = hash_file(a_);
  EXPECT_EQ(find("Anime/Alpha.safetensors [" + hashes.autov2 + "]"), a_);
  EXPECT_EQ(find("alpha [" + hashes.sha256 + "]"), a_);
  EXPECT_EQ(find("renamed [" + hashes.autov2 + "]"), a_);
  EXPECT_ERROR(find("Alpha [0123456789]"), io, "Alpha.safetensors has another hash than 0123456789");
}

TEST_F(FindModel, ByHash) {
  const FileHashes hashes = hash_file(a_);
  for (const std::string& hash : {hashes.autov2, hashes.autov3, hashes.sha256, hashes.data_sha256})
    EXPECT_EQ(find(hash), a_) << hash;
  std::string upper = hashes.autov3;
  std::ranges::transform(upper, upper.begin(), ::toupper);
  EXPECT_EQ(find(upper), a_);
  EXPECT_ERROR(find("0123456789"), io, "safelight models --hash");
}

TEST_F(FindModel, ByTheOldHashWithoutReadingTheFile) {
  const fs::path big =
      folder_.add_text("big.safetensors", std::string(0x100000, 'a') + std::string(0x10000, 'b') + "c");
  const std::string autov1 = autov1_of(big);
  EXPECT_EQ(autov1, hash_file(big, {.cache = false}).autov1);
  EXPECT_EQ(find(autov1), big);
  EXPECT_EQ(autov1_of(a_), "e3b0c442");
  EXPECT_ERROR(find("e3b0c442"), usage, "is the hash of 3 models");  // what all small files have
}

TEST_F(FindModel, NoMatchNamesTheNearest) {
  EXPECT_ERROR(find("stile"), io, "the nearest: style.safetensors, ");
  EXPECT_ERROR(find("alph\n"), io, "alph\\n: no file and no model of");
  EXPECT_ERROR(find_model("x", {}), io, "no such file, and no models");
}

TEST_F(FindModel, ByHashElseByName) {
  const std::vector<fs::path> folders = {folder_.path()};
  const auto found = [&](const std::string& hash, const std::string& name) {
    return find_model_by_hash_or_name(hash, name, folders);
  };
  EXPECT_EQ(found("", "Alpha"), a_);
  EXPECT_EQ(found("0123456789", "Alpha"), a_);  // the hash is for the caller to compare
  const std::string weak = autov1_of(a_);       // that of all small files
  EXPECT_EQ(found(weak, "Alpha"), a_);
  EXPECT_ERROR(found(weak, ""), usage, "[model] " + weak + " is the hash of 3 models: ");
  EXPECT_ERROR(found("0123456789", "Alpla"), io, "[model] Alpla [0123456789]: no file and no model of ");
  EXPECT_ERROR(found("0123456789", "Alpla"), io, "the nearest: Anime/Alpha.safetensors, ");
  EXPECT_ERROR(found("0123456789", ""), io, "safelight models --hash computes the hashes that are missing");
}

TEST_F(FindModel, TheHashCountsMoreThanTheName) {
  const std::string hash = hash_file(b_).autov2;
  const std::vector<fs::path> folders = {folder_.path()};
  EXPECT_EQ(find_model_by_hash_or_name(hash, "Alpha", folders), b_);
}

TEST_F(FindModel, CompanionsAreUnambiguousOrNone) {
  const std::vector<fs::path> folders = {folder_.path()};
  EXPECT_EQ(find_companion("style.safetensors", folders), c_);
  EXPECT_EQ(find_companion("other.safetensors", folders), std::nullopt);
  folder_.add("loras/two/style.safetensors", lora_for_sd1());
  EXPECT_EQ(find_companion("style.safetensors", folders), c_);  // the more exact name
  fs::remove(c_);
  folder_.add("loras/one/style.safetensors", lora_for_sd1());
  EXPECT_EQ(find_companion("style.safetensors", folders), std::nullopt);
}

}  // namespace
}  // namespace safelight::test
