"""Goldens of doing less per step: reuse of deep features (DeepCache, Ma, Fang & Wang 2023) and guidance in an interval of
the steps, by diffusers on the random weights of the small layouts.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy
    python tests/golden/reuse.py [OUT]              OUT: tests/data unless given

diffusers' own UNet runs in full every time. A hook at its last residual block, whose input is what comes from below beside
conv_in's output, exchanges the former for that of an earlier run.

Writes models/reuse.safetensors, for tests/models/cached_unet_test.cpp: for each small layout LAYOUT.{context,timesteps},
and for the runs 0 (full) and 1 (with the deep features of 0) LAYOUT.N.{latents,noise}, NHWC. And tasks/reuse.safetensors,
for tests/tasks/reuse_test.cpp: for each of RUNS, "SAMPLER SPACING cache N interval FROM TO" F32 [10, 1, 4, 8, 12], the
latents after every step of pipeline.py's picture.
"""

import pathlib
import sys
import tempfile

import torch
from safetensors.torch import save_file

import diffusers_models
import make_checkpoint
import models
import pipeline

# Sampler, spacing, cache, guidance interval.
RUNS = [("dpmpp_2m", "karras", 3, 0.0, 1.0), ("euler_a", "normal", 2, 0.0, 1.0), ("euler", "karras", 1, 0.2, 0.6),
        ("dpmpp_2m", "karras", 3, 0.2, 0.6)]
# The pipeline leaves out the negative prompt, and half the batch, at a scale of 1: so it is a hair more.
UNGUIDED = 1.0000001


class DeepFeatures:
    """Of every `interval`-th run; the runs between take them instead of their own."""

    def __init__(self, unet, interval):
        self.interval, self.runs, self.deep = interval, 0, None
        self.skip = unet.conv_in.out_channels
        self.hook = unet.up_blocks[-1].resnets[-1].register_forward_pre_hook(self.exchange)

    def exchange(self, module, arguments):
        x, *rest = arguments
        if self.runs % self.interval == 0:
            self.deep = x[:, : -self.skip]
        self.runs += 1
        return torch.cat([self.deep, x[:, -self.skip :]], 1), *rest


def unet_runs(name, folder):
    layout, path = make_checkpoint.LAYOUTS[name], pathlib.Path(folder) / f"{name}.safetensors"
    make_checkpoint.write(name, path)
    _, unet, _ = diffusers_models.load(layout, path)
    generator = torch.Generator().manual_seed(0)
    context = torch.randn(2, 10, layout.context, generator=generator)
    timesteps = torch.tensor([600.0, 540.25])
    out = {f"{name}.context": context, f"{name}.timesteps": timesteps}
    DeepFeatures(unet, 2)
    for run, timestep in enumerate(timesteps):
        latents = torch.randn(2, 4, 9, 13, generator=generator)
        noise = diffusers_models.predict_noise(unet, latents, timestep, context)
        out |= {f"{name}.{run}.latents": models.last(latents), f"{name}.{run}.noise": models.last(noise)}
    return out


def picture(pipe, sampler, spacing, interval, first, last):
    features = DeepFeatures(pipe.unet, interval)
    guided_before = None

    def guidance(step):
        nonlocal guided_before
        guided = first <= step / pipeline.STEPS < last
        if guided != guided_before:  # the step is full, and the count begins anew
            features.runs = 0
        guided_before = guided
        return pipeline.CFG if guided else UNGUIDED

    _, latents, _ = pipeline.run(pipe, sampler, spacing, guidance)
    features.hook.remove()
    return latents


def main(out):
    models.check_versions()
    torch.manual_seed(0)
    networks, pictures = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in models.SMALL:
            networks |= unet_runs(name, folder)
        pipe = pipeline.pipeline(pathlib.Path(folder))
        pipe.set_progress_bar_config(disable=True)
        for run in RUNS:
            pictures["{} {} cache {} interval {} {}".format(*run)] = picture(pipe, *run)
    for name, tensors in (("models", networks), ("tasks", pictures)):
        (out / name).mkdir(parents=True, exist_ok=True)
        tensors = {key: tensor.contiguous().clone() for key, tensor in tensors.items()}
        save_file(tensors, out / name / "reuse.safetensors", metadata=models.VERSIONS)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data"))
