"""Goldens of the tasks that start from pictures with the families beyond Stable Diffusion 1, by diffusers' pipelines on the
random weights of their small layouts (make_checkpoint.py).

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy
    python tests/golden/family_tasks.py [OUT]           OUT: tests/data/tasks unless given

Writes family_tasks.safetensors: "FAMILY TASK SAMPLER SPACING STRENGTH" F32 [steps that are run, 1, 4, 8, 12], the latents
after every one of STEPS steps, for each of RUNS; from the picture, the masks and the noises of picture_tasks.py.
tests/tasks/picture_task_parity_test.cpp compares our tasks with them.

No edit model of Stable Diffusion 2 is published, nor any of the refiner. Steps are whole training steps, so that no
interpolation between them differs. Where diffusers has one crop for the prompt and another for the negative one, both are
told the same, as ours are.
"""

import pathlib
import sys
import tempfile

import torch
from diffusers import (StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionXLImg2ImgPipeline,
                       StableDiffusionXLInpaintPipeline, StableDiffusionXLInstructPix2PixPipeline)
from safetensors.torch import save_file

import families
import models
import picture_tasks

STEPS = 4
PIPELINES = {
    "sd2": {"transform": StableDiffusionImg2ImgPipeline, "inpaint4": StableDiffusionInpaintPipeline,
            "inpaint9": StableDiffusionInpaintPipeline},
    "sdxl": {"transform": StableDiffusionXLImg2ImgPipeline, "inpaint4": StableDiffusionXLInpaintPipeline,
             "inpaint9": StableDiffusionXLInpaintPipeline, "edit": StableDiffusionXLInstructPix2PixPipeline},
}
PIPELINES["refiner"] = PIPELINES["sdxl"]
SIZES = dict(original_size=(700, 500), crops_coords_top_left=(16, 8))
# Family, task, layout, what was different in training, samplers with spacing and strength, and what the pipeline is told.
RUNS = (
    ("sd2", "transform", "tiny-sd21", families.V, [("euler", "normal", 0.75)], {}),
    ("sd2", "inpaint4", "tiny-sd21", families.V, [("euler", "normal", 1.0), ("ddim", "normal", 0.75)], {}),
    ("sd2", "inpaint9", "tiny-sd21-inpaint", {}, [("euler", "normal", 1.0)], {}),
    ("sdxl", "transform", "tiny-sdxl", {}, [("euler", "normal", 0.75)],
     dict(**SIZES, target_size=(1024, 900), negative_original_size=(700, 500), negative_target_size=(1024, 900),
          negative_crops_coords_top_left=(16, 8))),
    ("sdxl", "inpaint4", "tiny-sdxl", {}, [("euler", "normal", 1.0), ("ddim", "normal", 0.75)], {}),
    ("sdxl", "inpaint9", "tiny-sdxl-inpaint", {}, [("euler", "normal", 1.0)], {}),
    ("sdxl", "edit", "tiny-sdxl-edit", {}, [("euler", "normal", 1.0)], dict(**SIZES, target_size=(1024, 900))),
    ("refiner", "transform", "tiny-refiner", {}, [("euler", "normal", 0.5)],
     dict(**SIZES, negative_original_size=(700, 500), negative_crops_coords_top_left=(16, 8), aesthetic_score=7.5,
          negative_aesthetic_score=1.5)),
    ("refiner", "inpaint4", "tiny-refiner", {}, [("euler", "normal", 0.75)], {}),
)


@torch.no_grad()
def main(out):
    models.check_versions()
    torch.manual_seed(0)
    inputs, tensors = picture_tasks.make_inputs(), {}
    with tempfile.TemporaryDirectory() as folder:
        for family, task, layout, training, samplers, told in RUNS:
            parts = families.parts(layout, pathlib.Path(folder), training)
            parts["unet"].register_to_config(sample_size=64)  # what these pipelines look for; sizes are given
            pipe = PIPELINES[family][task](**parts)
            pipe.set_progress_bar_config(disable=True)
            for sampler, spacing, strength in samplers:
                given = picture_tasks.what_is_given(pipe, task, strength, inputs)
                tensors[f"{family} {task} {sampler} {spacing} {strength}"] = picture_tasks.trace_of(
                    pipe, sampler, spacing, strength, STEPS, training, **given, **told)
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(tensors, out / "family_tasks.safetensors", metadata=models.VERSIONS)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data/tasks"))
