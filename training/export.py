"""Packs trained weights as one .safetensors file: python -m training.export OUT.safetensors"""
import argparse
import pathlib

import numpy as np
import torch

from . import checkpoint, tokens
from .model import fold_trunk


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
    packed = {name: checkpoint.stored(value) for name, value in named.items()}
    broken = [name for name, value in packed.items() if not np.isfinite(value).all()]
    if broken:
        raise ValueError(f"[export] not finite: {broken}")
    return packed


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
    checkpoint.write(options.out, tensors)
    size = pathlib.Path(options.out).stat().st_size
    wide = sum(value.dtype == np.float32 for value in tensors.values())
    print(f"{options.out}: {len(tensors)} tensors, {wide} of them F32, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
