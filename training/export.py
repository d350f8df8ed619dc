"""Packs trained weights as one .safetensors file: python -m training.export OUT.safetensors"""
import argparse
import pathlib

import numpy as np
import torch

from . import checkpoint, tokens
from .model import LATENT_SCALE, fold_trunk
from .model.vae import LATENT_CHANNELS

SHORT_MANTISSA = 7
FIRST_LAYER = checkpoint.UNET + "input_blocks.0.0.weight"


def full_token_table(compact, vocabulary):
    """All 49408 rows: words that captions never use share the row of the unknown word."""
    table = np.repeat(compact[tokens.UNKNOWN][None], tokens.WORDS, 0)
    table[vocabulary.ids] = compact[1:]
    return table


def pack(unet, text, vae, vocabulary):
    """Named arrays of the checkpoint from the three networks' state dicts."""
    named = {checkpoint.UNET + name: value.numpy() for name, value in unet.items()}
    named.update({checkpoint.VAE + name: value.numpy() for name, value in fold_trunk(vae).items()})
    named.update({checkpoint.TEXT + name: value.numpy() for name, value in text.items()})
    named[checkpoint.TOKEN_TABLE] = full_token_table(named[checkpoint.TOKEN_TABLE], vocabulary)
    return checked({name: checkpoint.stored(value) for name, value in named.items()})


def pack_task(start, task, unet, text=None, vocabulary=None):
    """Named arrays of an edit or inpaint model: the tensors of the model that it was made of, as stored there, but for the UNet and, if given, the
    text encoder. Of the edit model's picture the channels are trained on latents of unit variance and run on unscaled ones, as InstructPix2Pix does."""
    new = {checkpoint.UNET + name: value.numpy() for name, value in unet.items()}
    if task == "edit":
        first = new[FIRST_LAYER].copy()
        first[:, LATENT_CHANNELS:] *= LATENT_SCALE
        new[FIRST_LAYER] = first
    if text:
        new.update({checkpoint.TEXT + name: value.numpy() for name, value in text.items()})
        new[checkpoint.TOKEN_TABLE] = full_token_table(new[checkpoint.TOKEN_TABLE], vocabulary)
    return checked({name: rounded(checkpoint.stored(new[name])) if name in new else value for name, value in start.items()})


def rounded(value):
    """Halves with SHORT_MANTISSA instead of 10 bits behind the point: the UNet's noise changes by a six-hundredth, and version control, which keeps
    files compressed, by a sixth."""
    if value.dtype != np.float16:
        return value
    dropped = 10 - SHORT_MANTISSA
    bits = value.view(np.uint16).astype(np.uint32)
    bits = bits + (1 << (dropped - 1)) - 1 + (bits >> dropped & 1) >> dropped << dropped      # to nearest, ties to even
    return bits.astype(np.uint16).view(np.float16)


def checked(packed):
    broken = [name for name, value in packed.items() if not np.isfinite(value).all()]
    if broken:
        raise ValueError(f"[export] not finite: {broken}")
    return packed


def write(path, tensors, task="generate"):
    checkpoint.write(path, tensors, task)
    wide = sum(value.dtype == np.float32 for value in tensors.values())
    print(f"{path}: {len(tensors)} tensors, {wide} of them F32, {pathlib.Path(path).stat().st_size / 1e6:.2f} MB; judge it as training/README.md says")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--runs", default="training/runs")
    parser.add_argument("--unet", default="unet.pt")
    parser.add_argument("--vae", default="vae.pt")
    options = parser.parse_args()
    runs = pathlib.Path(options.runs)
    trained = torch.load(runs / options.unet)
    vocabulary = tokens.CompactVocabulary(np.load(runs / "vocabulary.npy"))
    tensors = pack(trained["unet"], trained["text"], torch.load(runs / options.vae), vocabulary)
    write(options.out, tensors)


if __name__ == "__main__":
    main()
