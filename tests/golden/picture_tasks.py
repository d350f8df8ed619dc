"""Goldens of the tasks that start from pictures, by diffusers' pipelines on the random weights of the layout "tiny", whose
UNet's first convolution takes 4, 8 or 9 channels here (CHANNELS).

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy
    python tests/golden/picture_tasks.py [OUT]           OUT: tests/data/tasks unless given

Writes picture_tasks.safetensors:

    picture                       U8 [64, 96, 3]
    mask, soft_mask               U8 [64, 96]: one that latent pixels tile, one that they do not and that has greys
    mean, encoder_noise           F32 [1, 4, 8, 12]: the picture's latents (scaled), and what picks others
    TASK SAMPLER SPACING STRENGTH F32 [steps that are run, 1, 4, 8, 12]: the latents after every step

for the tasks transform (Img2ImgPipeline, from latents picked with encoder_noise), edit (InstructPix2PixPipeline), inpaint4
(InpaintPipeline of a 4-channel UNet, with mask) and inpaint9 (of a 9-channel one, with soft_mask). Start noise and the
noise of steps come from torch's CPU generator with SEED, so nothing else may draw from it: the inpainting pipeline is made
to take the encoder's mean, as we do. tests/tasks/picture_task_parity_test.cpp compares our tasks with them.
"""

import dataclasses
import inspect
import pathlib
import sys
import tempfile

import torch
from diffusers import (StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
                       StableDiffusionInstructPix2PixPipeline)
from safetensors.torch import save_file

import diffusers_models
import diffusion
import make_checkpoint
import models
import tokenizer

PROMPT, NEGATIVE = "a red house by a lake, at night", "rain, fog"
SEED, STEPS, CFG, IMAGE_CFG = 20, 6, 7.0, 1.5
WIDTH, HEIGHT = 96, 64
SCALE = 0.18215
FIRST_CONVOLUTION = "model.diffusion_model.input_blocks.0.0.weight"
CASES = {
    "transform": [("euler", "karras", 0.75), ("euler_a", "normal", 0.5), ("ddim", "normal", 0.75), ("dpmpp_2m", "karras", 1.0)],
    "edit": [("euler", "normal", 1.0), ("ddim", "normal", 1.0)],
    "inpaint4": [("euler", "karras", 1.0), ("ddim", "normal", 1.0), ("euler", "normal", 0.5), ("ddim", "normal", 0.75)],
    "inpaint9": [("euler", "karras", 1.0), ("ddim", "normal", 0.75)],
}
CHANNELS = {"transform": 4, "edit": 8, "inpaint4": 4, "inpaint9": 9}


def networks(folder, channels):
    """The checkpoint's networks, with a first convolution for so many channels."""
    path, table = folder / f"{channels}.safetensors", make_checkpoint.entries("tiny")

    def with_channels(entry):
        if entry.name != FIRST_CONVOLUTION:
            return entry
        return dataclasses.replace(entry, shape=(entry.shape[0], channels, *entry.shape[2:]))

    entries, unet_class = make_checkpoint.entries, diffusers_models.UNet2DConditionModel
    make_checkpoint.entries = lambda name: [with_channels(entry) for entry in table]
    diffusers_models.UNet2DConditionModel = lambda **config: unet_class(**(config | {"in_channels": channels}))
    try:
        make_checkpoint.write("tiny", path)
        return diffusers_models.load(make_checkpoint.LAYOUTS["tiny"], path)
    finally:
        make_checkpoint.entries, diffusers_models.UNet2DConditionModel = entries, unet_class


def pipeline(kind, folder, channels):
    text, unet, vae = networks(folder, channels)
    vae.register_to_config(scaling_factor=SCALE)
    unet.register_to_config(sample_size=64)  # what these pipelines look for; sizes are given
    pipe = kind(
        vae=vae, text_encoder=text, tokenizer=tokenizer.published_tokenizer(tokenizer.VOCABULARY), unet=unet,
        scheduler=diffusion.euler_scheduler("normal", STEPS), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def trace_of(pipe, sampler, spacing, share, steps=STEPS, training={}, **arguments):
    """The latents after every step that is run. `training`: what differs from diffusion.TRAINED."""
    pipe.scheduler, _ = diffusion.reference_scheduler(sampler, spacing, steps, **training)
    prepared = pipe.scheduler
    sigmas, timesteps = getattr(prepared, "sigmas", None), prepared.timesteps
    first = steps - int(steps * share)

    def keep(*args, **kwargs):
        prepared.timesteps = timesteps
        if sigmas is not None:
            prepared.sigmas = sigmas
        prepared._step_index = None

    prepared.set_timesteps = keep
    trace = []

    def on_step(pipe, index, timestep, tensors):
        exploding = (sigmas[first + index + 1] ** 2 + 1) ** 0.5 if sampler == "dpmpp_2m" else 1.0
        trace.append(tensors["latents"] * exploding)
        return tensors

    if "callback_on_step_end" in inspect.signature(pipe.__call__).parameters:
        arguments["callback_on_step_end"] = on_step
    else:  # as older pipelines have it
        arguments |= dict(callback=lambda index, t, latents: on_step(pipe, index, t, {"latents": latents}), callback_steps=1)
    pipe(
        PROMPT, negative_prompt=NEGATIVE, num_inference_steps=steps, guidance_scale=CFG,
        generator=torch.Generator().manual_seed(SEED), output_type="latent", **arguments,
    )
    assert len(trace) == steps - first
    return torch.stack(trace)


def what_is_given(pipe, task, strength, inputs):
    """The arguments of a pipeline for a task, by the tensors that are stored; the picture's latents are its own."""
    image = inputs["picture"].permute(2, 0, 1)[None].float() / 255
    scale = pipe.vae.config.scaling_factor
    distribution = pipe.vae.encode(2 * image - 1).latent_dist
    if task == "transform":
        return {"image": scale * (distribution.mean + distribution.std * inputs["encoder_noise"]), "strength": strength}
    size = {"height": HEIGHT, "width": WIDTH}
    if task == "edit":
        more = size if "height" in inspect.signature(pipe.__call__).parameters else {}
        return {"image": image, "image_guidance_scale": IMAGE_CFG, **more}
    pipe._encode_vae_image = lambda image, generator: scale * pipe.vae.encode(image).latent_dist.mode()
    mask = inputs["mask" if task == "inpaint4" else "soft_mask"]
    return {"image": image, "mask_image": mask[None, None].float() / 255, "strength": strength, **size}


def make_picture(generator):
    coarse = torch.rand(1, 3, 5, 7, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round().to(torch.uint8)


def make_masks():
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.uint8)
    mask[16:48, 24:72] = 255
    soft = torch.zeros(HEIGHT, WIDTH, dtype=torch.uint8)
    soft[13:51, 21:77] = 255
    soft[13:51, 21:35] = 127
    soft[40:51, 35:77] = 128
    return mask, soft


def make_inputs():
    generator = torch.Generator().manual_seed(1)
    picture, (mask, soft) = make_picture(generator), make_masks()
    return {"picture": picture[0].permute(1, 2, 0), "mask": mask, "soft_mask": soft,
            "encoder_noise": torch.randn(1, 4, HEIGHT // 8, WIDTH // 8, generator=generator)}


@torch.no_grad()
def main(out):
    models.check_versions()
    torch.manual_seed(0)
    inputs = make_inputs()
    tensors = dict(inputs)
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"transform": StableDiffusionImg2ImgPipeline, "edit": StableDiffusionInstructPix2PixPipeline,
                 "inpaint4": StableDiffusionInpaintPipeline, "inpaint9": StableDiffusionInpaintPipeline}
        for task, cases in CASES.items():
            pipe = pipeline(kinds[task], pathlib.Path(folder), CHANNELS[task])
            image = inputs["picture"].permute(2, 0, 1)[None].float() / 255
            tensors["mean"] = SCALE * pipe.vae.encode(2 * image - 1).latent_dist.mean
            for sampler, spacing, strength in cases:
                tensors[f"{task} {sampler} {spacing} {strength}"] = trace_of(
                    pipe, sampler, spacing, strength, **what_is_given(pipe, task, strength, inputs))
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(tensors, out / "picture_tasks.safetensors", metadata=models.VERSIONS)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data/tasks"))
