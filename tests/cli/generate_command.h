// What the tests of safelight generate have in common.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/program.h"
#include "models/random_checkpoint.h"
#include "support/temporary_folder.h"

namespace safelight::test {

using Arguments = std::vector<std::string>;
using Recipes = std::vector<TensorRecipe>;

class GenerateCommand : public ::testing::Test {
 protected:
  // Random weights: the pictures are noise, but everything happens.
  std::string model(std::string_view layout = "tiny") { return write_model(read_layout(layout)); }

  std::string write_model(const Recipes& recipes, std::size_t bytes_missing = 0) {
    const std::vector<std::byte> file = file_bytes(recipes);
    const std::filesystem::path path = inputs_ / "model.safetensors";
    write_file(path, std::string(reinterpret_cast<const char*>(file.data()), file.size() - bytes_missing));
    return path;
  }

  // A short run of 64 x 64 pixels, further arguments added.
  Arguments arguments(const std::string& model, const Arguments& more = {}) const {
    Arguments all{"generate", "-p", "a house", "-m", model,    "-o", folder_ / "out.png", "--steps", "2",
                  "-W",       "64", "-H",      "64", "--seed", "5"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // The same at another size.
  static Arguments sized(Arguments all, const std::string& width, const std::string& height) {
    *(std::ranges::find(all, "-W") + 1) = width;
    *(std::ranges::find(all, "-H") + 1) = height;
    return all;
  }

  // The one line on the standard error with which it ends, having written nothing.
  std::string refusal(const Arguments& arguments, int exit_code, const RunOptions& options = {}) const {
    const Result result = run(arguments, options);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, ::testing::StartsWith("safelight: "));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(folder_.files(), 0u);
    return result.err;
  }

  TemporaryFolder inputs_, folder_;
};

}  // namespace safelight::test
