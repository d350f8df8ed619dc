"""Parity at SD 1.5's own widths: 860 million parameters of UNet, 64x64 latents, a batch of two.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    cmake --build build/release --target models_parity
    python tests/golden/full_width.py build/release/models_parity [FOLDER] [BACKEND]

Makes a random checkpoint (2.1 GB, float16) and diffusers' answers in FOLDER (build/full_width unless given) if they are
not there yet, then prints how far ours are. Needs about 8 GB of memory.
"""

import pathlib
import subprocess
import sys

from safetensors.torch import save_file

import make_checkpoint
import models


def main(program, folder="build/full_width", *backend):
    models.check_versions()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, golden = folder / "sd15.safetensors", folder / "golden.safetensors"
    if not checkpoint.exists():
        make_checkpoint.write("sd15", checkpoint)
    if not golden.exists():
        layout = make_checkpoint.LAYOUTS["sd15"]
        tensors = models.cases(layout, checkpoint, [(2, 64, 64, 77)], [(64, 64)])
        save_file(tensors, golden, metadata=models.VERSIONS)
    subprocess.run([program, checkpoint, golden, *backend], check=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
