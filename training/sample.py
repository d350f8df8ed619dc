"""Pictures from a checkpoint file: python -m training.sample MODEL.safetensors PROMPTS.json OUT_DIRECTORY

PROMPTS.json is a list of captions, or of objects with "caption" and optionally "seed". Picture number n is written as OUT_DIRECTORY/n.png.
"""
import argparse
import json
import pathlib

import numpy as np
import torch

from . import checkpoint, diffusion, model, png, tokens
from .model.vae import EPSILON

BATCH = 16


def load(path):
    """UNet, text encoder and autoencoder as every other program would run them: folded weights, standard epsilons, the whole token table."""
    tensors = {name: torch.from_numpy(value) for name, value in checkpoint.read(path).items()}
    channels = tensors[checkpoint.UNET + "input_blocks.0.0.weight"].shape[1]
    unet, text, vae = model.UNet(**model.UNET, channels=channels), model.TextEncoder(**model.TEXT), model.Autoencoder(**model.VAE, epsilon=EPSILON)
    for network, prefix in ((unet, checkpoint.UNET), (text, checkpoint.TEXT), (vae, checkpoint.VAE)):
        network.load_state_dict(checkpoint.part(tensors, prefix))
    return unet.eval(), text.eval(), vae.eval()


def starting_noise(seeds):
    return torch.stack([torch.randn((4, 16, 16), generator=torch.Generator().manual_seed(seed)) for seed in seeds])


@torch.no_grad()
def contexts(text, texts):
    """The states of some texts, and as many of no text."""
    tokenizer = tokens.Tokenizer()
    return (text(torch.from_numpy(np.stack([tokenizer.padded(words) for words in batch])).long()) for batch in (texts, [""] * len(texts)))


@torch.no_grad()
def decoded(vae, latents):
    """uint8 pictures (128, 128, 3)."""
    made = []
    for latent in latents:
        picture = (vae.decode(latent[None])[0].clamp(-1, 1) + 1) * 127.5 + .5
        made.append(picture.clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8))
    return made


@torch.no_grad()
def pictures(networks, captions, seeds, steps=25, guidance=4.0, sampler="ddim"):
    """uint8 pictures (128, 128, 3), one for each caption."""
    unet, text, vae = networks
    made = []
    for start in range(0, len(captions), BATCH):
        context, empty = contexts(text, captions[start:start + BATCH])
        noise_of = diffusion.text_guidance(unet, context, empty, guidance)
        made += decoded(vae, diffusion.SAMPLERS[sampler](noise_of, starting_noise(seeds[start:start + BATCH]), steps))
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("prompts")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--sampler", choices=sorted(diffusion.SAMPLERS), default="ddim")
    parser.add_argument("--seed", type=int, default=0, help="added to every picture's own seed")
    options = parser.parse_args()
    prompts = [entry if isinstance(entry, dict) else dict(caption=entry) for entry in json.loads(pathlib.Path(options.prompts).read_text())]
    seeds = [options.seed + entry.get("seed", number) for number, entry in enumerate(prompts)]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    made = pictures(load(options.model), [entry["caption"] for entry in prompts], seeds, options.steps, options.guidance, options.sampler)
    for number, picture in enumerate(made):
        png.write(out / f"{number}.png", picture)


if __name__ == "__main__":
    main()
