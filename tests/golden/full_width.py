"""Parity of a family at its own widths: hundreds of millions to billions of parameters, a batch of two.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    cmake --build build/release --target models_parity
    python tests/golden/full_width.py build/release/models_parity [FAMILY [FOLDER [BACKEND]]]

FAMILY is a layout of make_checkpoint.py: sd15 (unless given), sd21, sdxl, sdxl-refiner, ssd1b, vega, sd15-inpaint, sd15-edit,
sd21-inpaint, sdxl-inpaint, sdxl-edit, or a small one. Latents are 64x64, of the SDXL family 32x32, of small ones 8x8.

Makes a random checkpoint (float16: 2.1 GB of SD 1.5, 6.9 GB of SDXL) and diffusers' answers in FOLDER (build/full_width
unless given) if they are not there yet, then prints how far each stage of ours is. Has the float32 weights of one
network at a time in memory (3.4 GB of SD 1.5's UNet, 10.3 GB of SDXL's), and what it computes with.
"""

import pathlib
import subprocess
import sys

from safetensors.torch import save_file

import make_checkpoint
import models


def latent_side(family):
    if family.startswith("tiny"):
        return 8
    return 32 if make_checkpoint.LAYOUTS[family].label else 64


def main(program, family="sd15", folder="build/full_width", *backend):
    models.check_versions()
    if family not in make_checkpoint.LAYOUTS or make_checkpoint.LAYOUTS[family].only_unet:
        sys.exit(__doc__)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, golden = folder / f"{family}.safetensors", folder / f"{family}.golden.safetensors"
    if not checkpoint.exists():
        make_checkpoint.write(family, checkpoint)
    if not golden.exists():
        side = latent_side(family)
        tensors = models.cases(make_checkpoint.LAYOUTS[family], checkpoint, [(2, side, side, 77)], [(side, side)])
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, golden, metadata=models.VERSIONS)
    print(family, flush=True)
    subprocess.run([program, checkpoint, golden, *backend], check=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
