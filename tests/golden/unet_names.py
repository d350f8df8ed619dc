"""Golden of the UNet's module names: what diffusers calls each module of the single-file (ldm) layout.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 numpy
    python unet_names.py [OUT]        OUT: ../data/arithmetic/unet_names.txt unless given

One line per module of SD 1.x and of SD XL's arrangement of levels: LDM-NAME DIFFUSERS-NAME, found by giving diffusers'
converter a checkpoint whose every tensor is one of a kind. tests/arithmetic/lora_names_test.cpp compares.
"""
import pathlib
import sys

import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

import make_checkpoint

PREFIX = "model.diffusion_model."
LAYOUTS = {
    "sd": make_checkpoint.LAYOUTS["tiny"],
    "xl": make_checkpoint.Layout((32, 64, 128), (0, 2, 3), 64, 1, (32, 32), (32, 32)),
}


def pairs(layout):
    tensors = make_checkpoint.Tensors(layout)
    make_checkpoint.add_unet(tensors)
    names = [e.name for e in tensors.entries]
    checkpoint = {name: torch.tensor([i]) for i, name in enumerate(names)}
    converted = convert_ldm_unet_checkpoint(dict(checkpoint), {"layers_per_block": 2})
    for name, tensor in converted.items():
        ldm = names[int(tensor)]
        if ldm.endswith(".weight"):
            yield ldm.removeprefix(PREFIX).removesuffix(".weight"), name.removesuffix(".weight")


def main(out=pathlib.Path(__file__).parent / "../data/arithmetic/unet_names.txt"):
    lines = sorted({f"{ldm} {name}\n" for layout in LAYOUTS.values() for ldm, name in pairs(layout)})
    pathlib.Path(out).write_text("".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
