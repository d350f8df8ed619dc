"""Edited and inpainted pictures from a checkpoint file, for the judge's fixed lists:

python -m training.sample_tasks edit MODEL.safetensors OUT_DIRECTORY       by an 8-channel model
python -m training.sample_tasks inpaint MODEL.safetensors OUT_DIRECTORY    by a 9-channel model
python -m training.sample_tasks blend MODEL.safetensors OUT_DIRECTORY      holes filled by a text-to-picture model, blending latents

Picture number n is written as OUT_DIRECTORY/n.png.
"""
import argparse
import pathlib

import numpy as np
import torch

from . import diffusion, judge_edit, judge_inpaint, png, sample
from .model import LATENT_SCALE
from .pairs import to_signed
from .papercut import masks

STEPS, GUIDANCE, PICTURE_GUIDANCE = 25, 4.0, 1.5


@torch.no_grad()
def edited(networks, pictures, instructions, seeds, steps=STEPS, guidance=GUIDANCE, picture_guidance=PICTURE_GUIDANCE, sampler="dpmpp_2m"):
    """Some uint8 pictures as instructions change them."""
    unet, text, vae = networks
    context, empty = sample.contexts(text, instructions)
    unscaled = vae.encode(to_signed(pictures))[0] / LATENT_SCALE
    noise_of = diffusion.edit_guidance(unet, context, empty, unscaled, guidance, picture_guidance)
    return sample.decoded(vae, diffusion.SAMPLERS[sampler](noise_of, sample.starting_noise(seeds), steps))


@torch.no_grad()
def inpainted(networks, pictures, holes, captions, seeds, blend=False, steps=STEPS, guidance=GUIDANCE, sampler="dpmpp_2m"):
    """Some uint8 pictures with their holes (bool) filled; outside they stay as they are."""
    unet, text, vae = networks
    context, empty = sample.contexts(text, captions)
    signed, small = to_signed(pictures), torch.from_numpy(np.stack([masks.latent_mask(hole) for hole in holes]))[:, None].float()
    if blend:
        noise_of = diffusion.blended(diffusion.text_guidance(unet, context, empty, guidance), vae.encode(signed)[0], small)
    else:
        around = vae.encode(signed * ~torch.from_numpy(np.stack(holes))[:, None])[0]
        condition = torch.cat([small, around], 1)
        noise_of = diffusion.text_guidance(unet, context, empty, guidance, condition)
    made = sample.decoded(vae, diffusion.SAMPLERS[sampler](noise_of, sample.starting_noise(seeds), steps))
    return [np.where(hole[..., None], new, old) for hole, new, old in zip(holes, made, pictures)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("edit", "inpaint", "blend"))
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--picture-guidance", type=float, default=PICTURE_GUIDANCE)
    options = parser.parse_args()
    networks, out = sample.load(options.model), pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    cases = (judge_edit if options.task == "edit" else judge_inpaint).cases()[options.first:options.last]
    for start in range(0, len(cases), sample.BATCH):
        part = cases[start:start + sample.BATCH]
        pictures, seeds = [case.picture() for case in part], [case.seed for case in part]
        if options.task == "edit":
            made = edited(networks, pictures, [case.text for case in part], seeds, options.steps, options.guidance, options.picture_guidance)
        else:
            holes = [case.hole() for case in part]
            made = inpainted(networks, pictures, holes, [case.text for case in part], seeds, options.task == "blend", options.steps, options.guidance)
        for number, picture in enumerate(made, options.first + start):
            png.write(out / f"{number}.png", picture)
        print(f"{options.first + start + len(part)} pictures", flush=True)


if __name__ == "__main__":
    main()
