// Runs a task for a command: opens the model, makes the pictures, writes their files, and says what was done.
#pragma once

#include <functional>
#include <string>

#include "apps/cli/picture_options.h"

namespace safelight::cli {

struct Task {
  std::function<GenerateReport(Model& model, const OnPicture& on_picture)> make;
  std::function<GenerateForecast(Model& model)> plan;
  std::string json;           // its own options, for --json: ,"name":value and so on
  bool keeps_pixels = false;  // some are to be those of a given picture, so the file should keep them, too
};

// Returns the exit code. `options` are settled, and are those that the task was made with but for `inspect`, which is
// set here if there is a --dump.
int make_pictures(PictureArguments& options, GenerateOptions& of_task, const Task& task);

}  // namespace safelight::cli
