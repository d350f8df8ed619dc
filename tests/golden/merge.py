"""Goldens of merges: weighted sum, add-difference and LoRA folding on a small random SD 1.x checkpoint, in float64.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    python merge.py [TESTS]        TESTS: the folder tests/ of the repository unless given

Writes data/arithmetic/merge.safetensors (some values of every tensor of each result, packed: SAMPLES for each tensor, in
the order of the names) and data/models/tiny-{lora,peft}.layout, the recipes of two LoRA files (see make_checkpoint.py).
The base is the UNet and one layer of the text encoder of the layout "tiny". B and C have the same random numbers with
other offsets and scales. tests/arithmetic/merge_test.cpp makes the same files and compares.
"""
import math
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

import diffusers_names
import make_checkpoint

SAMPLES = 16
TEXT = "cond_stage_model.transformer.text_model.encoder.layers.0."
RANK = 4
# name, dtype, what is added to the offset, what the scale is multiplied with
B = ("BF16", 0.125, 0.5)
C = ("F32", -0.25, 0.25)
FLOATS = {"F16": np.float16, "F32": np.float32}


def base_entries():
    return [e for e in make_checkpoint.entries("tiny") if e.name.startswith(("model.diffusion_model.", TEXT))]


def rounded(values, dtype):
    data = make_checkpoint.to_bytes(values, dtype)
    if dtype == "BF16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return np.frombuffer(data, FLOATS[dtype]).astype(np.float64)


def values(name, dtype, offset, scale, shape):
    u = make_checkpoint.uniform(name, 0, math.prod(shape))
    return rounded(np.float32(offset) + np.float32(scale) * u, dtype).reshape(shape)


def varied(entry, dtype, offset, scale):
    return values(entry.name, dtype, entry.offset + offset, entry.scale * scale, entry.shape)


class Lora:
    """The recipe of a LoRA file, and the changes it makes to the base."""

    def __init__(self):
        self.lines, self.deltas = [], {}

    def add(self, name, dtype, offset, scale, *shape):
        self.lines.append(f"{name} {dtype} {offset!r} {scale!r} {' '.join(map(str, shape))}".rstrip() + "\n")
        return values(name, dtype, offset, scale, shape)

    def module(self, key, entry, up, down, mid, alpha, rank=RANK):
        """`up`, `down`, `mid`: endings of names. mid only for 3x3 convolutions, which then have 1x1 matrices."""
        out, inp, *kernel = entry.shape
        spread = 0.5
        one = [1] * len(kernel)
        scale = 1.0
        if alpha is not None:
            scale = float(self.add(key + ".alpha", "F32", alpha, 0.0).item()) / rank
        if mid:
            d = self.add(key + down, "F16", 0.0, spread, rank, inp, *one).reshape(rank, inp)
            m = self.add(key + mid, "F16", 0.0, spread, rank, rank, *kernel)
            u = self.add(key + up, "F16", 0.0, spread, out, rank, *one).reshape(out, rank)
            delta = np.einsum("op,pqhw,qi->oihw", u, m, d)
        else:
            d = self.add(key + down, "F16", 0.0, spread, rank, inp, *kernel).reshape(rank, -1)
            u = self.add(key + up, "F16", 0.0, spread, out, rank, *one).reshape(out, rank)
            delta = (u @ d).reshape(entry.shape)
        self.deltas[entry.name] = self.deltas.get(entry.name, 0) + scale * delta


def modules(entries):
    """(the module's name in diffusers, UNet or not, the base tensor) of every weight that is a matrix."""
    names = diffusers_names.unet(diffusers_names.UNETS["sd1"])  # of its tensors, in any width
    unet = {ldm.rsplit(".", 1)[0]: theirs.rsplit(".", 1)[0] for theirs, ldm in names.items()}
    for e in entries:
        name = e.name.removesuffix(".weight")
        if name == e.name or len(e.shape) < 2:
            continue
        if e.name.startswith(TEXT):
            yield name.removeprefix("cond_stage_model.transformer."), False, e
        else:
            yield unet[name.removeprefix("model.diffusion_model.")], True, e


def kohya(entries):
    lora = Lora()
    for i, (name, is_unet, e) in enumerate(modules(entries)):
        key = ("lora_unet_" if is_unet else "lora_te_") + name.replace(".", "_")
        mid = ".lora_mid.weight" if len(e.shape) == 4 and e.shape[-1] == 3 and i % 3 == 0 else None
        alpha = None if i % 5 == 0 else 2.0
        lora.module(key, e, ".lora_up.weight", ".lora_down.weight", mid, alpha)
    return lora


def peft(entries):
    lora = Lora()
    for name, is_unet, e in modules(entries):
        if "attn" not in name:
            continue
        key = ("unet." if is_unet else "text_encoder.") + name
        lora.module(key, e, ".lora_B.weight", ".lora_A.weight", None, None, rank=3)
    return lora


def samples(tensor):
    flat = np.asarray(tensor).reshape(-1)
    return flat[[i * flat.size // SAMPLES for i in range(SAMPLES)]].astype(np.float32)


def main(tests=pathlib.Path(__file__).parent / ".."):
    tests = pathlib.Path(tests)
    entries = sorted(base_entries(), key=lambda e: e.name)
    loras = {"lora": kohya(entries), "peft": peft(entries)}
    for name, lora in loras.items():
        (tests / f"data/models/tiny-{name}.layout").write_text("".join(lora.lines))
    results = {"sum": [], "difference": [], "lora": []}
    for e in entries:
        a = values(e.name, e.dtype, e.offset, e.scale, e.shape)
        b, c = varied(e, *B), varied(e, *C)
        delta = [lora.deltas.get(e.name, 0) for lora in loras.values()]
        results["sum"].append(samples(0.3 * a + 0.7 * b))
        results["difference"].append(samples(a + (b - c) * 0.5))
        results["lora"].append(samples(a + 0.8 * delta[0] - 0.5 * delta[1]))
    save_file({k: np.stack(v) for k, v in results.items()}, tests / "data/arithmetic/merge.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
