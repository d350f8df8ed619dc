"""Goldens of the networks: inputs and diffusers' and transformers' outputs, on the same random weights.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    python models.py [OUT]              OUT: ../data/models unless given

Writes LAYOUT.layout (names, types, shapes and the recipe of the weights; see make_checkpoint.py) and LAYOUT.safetensors
(see cases()) for every small layout. tests/models/golden_test.cpp compares our networks with them.
"""

import pathlib
import sys
import tempfile

import diffusers
import torch
import transformers
from safetensors.torch import save_file

import diffusers_models as reference
import make_checkpoint

VERSIONS = {"torch": "2.15.0", "diffusers": "0.42.1", "transformers": "5.23.0"}
SMALL = ("tiny", "uneven", "small-trunk")


def check_versions():
    found = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__,
             "transformers": transformers.__version__}
    if found != VERSIONS:
        sys.exit(f"needs {VERSIONS}, found {found}")


def last(x):
    """NCHW -> NHWC, our order."""
    return x.permute(0, 2, 3, 1).contiguous()


def token_ids(layout, generator):
    """An empty prompt, a full one, and one in between, padded with the end mark as SD 1.x does."""
    begin, end = layout.vocabulary - 2, layout.vocabulary - 1
    rows = []
    for words in (0, 75, 9):
        body = torch.randint(0, begin, (words,), generator=generator).tolist()
        rows.append([begin] + body + [end] * (76 - words))
    return torch.tensor(rows)


def cases(layout, path, unet_sizes, vae_sizes):
    """text.{ids,embeddings}, unet.N.{latents,timesteps,context,noise}, vae.N.{latents,picture,mean,log_variance}.

    unet_sizes: (images, height, width, tokens) of each UNet case; vae_sizes: (height, width) in latent pixels. The
    picture that is encoded is the one that was decoded, clamped.
    """
    generator = torch.Generator().manual_seed(0)
    text, unet, vae = reference.load(layout, path)
    ids = token_ids(layout, generator)
    out = {"text.ids": ids.int(), "text.embeddings": reference.encode_text(text, ids)}
    for i, (images, height, width, tokens) in enumerate(unet_sizes):
        latents = torch.randn(images, 4, height, width, generator=generator)
        context = torch.randn(images, tokens, layout.text, generator=generator)
        timesteps = torch.tensor([999.0, 20.25, 500.5][:images])
        noise = reference.predict_noise(unet, latents, timesteps, context)
        out |= {f"unet.{i}.latents": last(latents), f"unet.{i}.timesteps": timesteps, f"unet.{i}.context": context,
                f"unet.{i}.noise": last(noise)}
    for i, (height, width) in enumerate(vae_sizes):
        latents = torch.randn(1, 4, height, width, generator=generator)
        picture = reference.decode(vae, latents)
        mean, log_variance = reference.encode(vae, picture.clamp(-1, 1))
        out |= {f"vae.{i}.latents": last(latents), f"vae.{i}.picture": last(picture), f"vae.{i}.mean": last(mean),
                f"vae.{i}.log_variance": last(log_variance)}
    return out


def write_small(name, out):
    layout = make_checkpoint.LAYOUTS[name]
    (out / f"{name}.layout").write_text(make_checkpoint.layout_lines(name))
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = pathlib.Path(folder) / "checkpoint.safetensors"
        make_checkpoint.write(name, checkpoint)
        tensors = cases(layout, checkpoint, [(2, 8, 16, 77), (1, 9, 13, 10), (3, 5, 6, 154)], [(4, 6), (3, 5)])
    save_file(tensors, out / f"{name}.safetensors", metadata=VERSIONS)


if __name__ == "__main__":
    check_versions()
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data/models")
    folder.mkdir(parents=True, exist_ok=True)
    for layout_name in SMALL:
        write_small(layout_name, folder)
