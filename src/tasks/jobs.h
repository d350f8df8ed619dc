// The tasks as jobs for the engine: each from the file of its name. They refuse what is wrong with the options that are
// theirs alone; the engine's plan refuses the rest. A job may refer to its options, which must outlive it.
#pragma once

#include "safelight/picture_tasks.h"
#include "tasks/job.h"

namespace safelight {

Job generate_job(const Model::State& model, const GenerateOptions& options);
Job transform_job(const Model::State& model, const TransformOptions& options);
Job inpaint_job(const Model::State& model, const InpaintOptions& options);
Job outpaint_job(const Model::State& model, const OutpaintOptions& options);
Job edit_job(const Model::State& model, const EditPictureOptions& options);

// What tasks that take a picture have in common to refuse, Error(usage): a picture without pixels, a second pass.
void check_picture_task(const GenerateOptions& options, const Picture& picture);

// A job over a whole picture: one pass, of the size that is wanted, or else the picture's. Refuses the above, and sizes
// that the model does not take.
Job job_over(const Model::State& model, const GenerateOptions& options, const Picture& picture, double strength = 1);

// A picture that is painted anew where it is masked, as the model does it: by what it sees, or by blending. The picture
// is one that the model's multiple divides; `content`: what is under the mask at first.
void repaint(Job& job, const Model::State& model, const Picture& picture, const Mask& mask, MaskedContent content,
             double strength);

}  // namespace safelight
