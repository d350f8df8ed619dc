// The tasks as jobs for the engine: each from the file of its name. They refuse what is wrong with the options that are
// theirs alone; the engine's plan refuses the rest. A job refers to the options, which must outlive it.
#pragma once

#include "safelight/picture_tasks.h"
#include "tasks/job.h"

namespace safelight {

Job generate_job(Model::State& model, const GenerateOptions& options);
Job transform_job(Model::State& model, const TransformOptions& options);
Job edit_job(Model::State& model, const EditOptions& options);

// Throws Error(usage) if a second pass is asked for, which only generate() has.
void refuse_hires(const GenerateOptions& options);

// Throws Error(usage) unless it is a picture with pixels. `what` is the option's name.
void check_picture(std::string_view what, const Picture& picture);

}  // namespace safelight
