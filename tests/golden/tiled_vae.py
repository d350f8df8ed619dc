"""Golden of decoding and encoding in tiles: diffusers' AutoencoderKL.tiled_decode and tiled_encode on a random VAE.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    python tiled_vae.py [OUT]              OUT: ../data/models/uneven-tiled.safetensors unless given

latents [1, 12, 17, 4] and picture [1, 48, 68, 3], decoded in tiles of 8 x 8 latent pixels that overlap by 2; mean and
log_variance [1, 12, 17, 4] of that picture, clamped to [-1, 1], encoded in tiles of 8 x 8 latent pixels too. Neither
side leaves diffusers a last tile that the one before covers already: there we differ (src/models/vae_tiling.h).
"""

import pathlib
import sys
import tempfile

import torch
from safetensors.torch import save_file

import diffusers_models as reference
import make_checkpoint
import models

TILE = 8


@torch.no_grad()
def make(out, name="uneven"):
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = pathlib.Path(folder) / "checkpoint.safetensors"
        make_checkpoint.write(name, checkpoint)
        _, _, vae = reference.load(make_checkpoint.LAYOUTS[name], checkpoint)
    vae.tile_latent_min_size = TILE
    vae.tile_sample_min_size = TILE * 2 ** (len(make_checkpoint.LAYOUTS[name].decoder) - 1)
    latents = torch.randn(1, 4, 12, 17, generator=torch.Generator().manual_seed(0))
    picture = vae.tiled_decode(latents).sample
    posterior = vae.tiled_encode(picture.clamp(-1, 1)).latent_dist
    encoded = {"mean": models.last(posterior.mean), "log_variance": models.last(posterior.logvar)}
    save_file(encoded | {"latents": models.last(latents), "picture": models.last(picture)}, out, metadata=models.VERSIONS)


if __name__ == "__main__":
    models.check_versions()
    default = pathlib.Path(__file__).parent.parent / "data/models/uneven-tiled.safetensors"
    make(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
