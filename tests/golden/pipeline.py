"""Goldens of whole pipelines: sentence in, latents and picture out, by diffusers' StableDiffusionPipeline on the random
weights of the layout "tiny" (make_checkpoint.py).

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy
    python tests/golden/pipeline.py [OUT]           OUT: tests/data/tasks unless given

Writes pipeline.safetensors: for each of diffusion.SAMPLERS and its spacings, "SAMPLER SPACING latents" F32
[10, 1, 4, 8, 12], after every step (DPM++ 2M's brought to x0 + sigma * n), and "SAMPLER SPACING picture" F32
[1, 3, 64, 96] in [-1, 1], not clamped; and "start_noise", drawn by torch's CPU generator with SEED. The noise that euler_a
adds comes from the same generator. tests/tasks/pipeline_test.cpp compares generate() with them.
"""

import pathlib
import sys
import tempfile

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

import diffusers_models
import diffusion
import make_checkpoint
import models
import tokenizer

PROMPT = "a red house by a lake, at night"
NEGATIVE = "rain, fog"
SEED, STEPS, CFG = 20, 10, 7.0
WIDTH, HEIGHT = 96, 64


def pipeline(folder):
    """Without a scheduler: each run brings its own."""
    path = folder / "tiny.safetensors"
    make_checkpoint.write("tiny", path)
    text, unet, vae = diffusers_models.load(make_checkpoint.LAYOUTS["tiny"], path)
    vae.register_to_config(scaling_factor=0.18215)
    return StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer.published_tokenizer(tokenizer.VOCABULARY), unet=unet,
        scheduler=diffusion.euler_scheduler("normal", STEPS), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )


def run(pipe, sampler, spacing, guidance=lambda step: CFG):
    """`guidance` is asked for the scale of each step, from 0."""
    pipe.scheduler, start_scale = diffusion.reference_scheduler(sampler, spacing, STEPS)
    prepared = pipe.scheduler
    sigmas, timesteps = getattr(prepared, "sigmas", None), prepared.timesteps
    generator = torch.Generator().manual_seed(SEED)
    start = torch.randn(1, 4, HEIGHT // 8, WIDTH // 8, generator=generator)

    # The pipeline sets the timesteps anew and scales the noise itself: both as prepared.
    def keep(*args, **kwargs):
        prepared.timesteps = timesteps
        if sigmas is not None:
            prepared.sigmas = sigmas
        prepared._step_index = None

    prepared.set_timesteps = keep
    trace = []

    def on_step(pipe, index, timestep, tensors):
        exploding = (sigmas[index + 1] ** 2 + 1) ** 0.5 if sampler == "dpmpp_2m" else 1.0
        trace.append(tensors["latents"] * exploding)
        pipe._guidance_scale = guidance(index + 1)
        return tensors

    latents = start * start_scale / float(prepared.init_noise_sigma)
    final = pipe(
        PROMPT, negative_prompt=NEGATIVE, height=HEIGHT, width=WIDTH, num_inference_steps=STEPS, guidance_scale=guidance(0),
        generator=generator, latents=latents, output_type="latent", callback_on_step_end=on_step,
    ).images
    assert len(trace) == STEPS and torch.equal(final, trace[-1])
    picture = diffusers_models.decode(pipe.vae, final / pipe.vae.config.scaling_factor)
    return start, torch.stack(trace), picture


def main(out):
    models.check_versions()
    torch.manual_seed(0)
    tensors = {}
    with tempfile.TemporaryDirectory() as folder:
        pipe = pipeline(pathlib.Path(folder))
        pipe.set_progress_bar_config(disable=True)
        for sampler, spacings in diffusion.SAMPLERS.items():
            for spacing in spacings:
                start, latents, picture = run(pipe, sampler, spacing)
                tensors["start_noise"] = start
                tensors[f"{sampler} {spacing} latents"] = latents
                tensors[f"{sampler} {spacing} picture"] = picture
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(tensors, out / "pipeline.safetensors", metadata=models.VERSIONS)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data/tasks"))
