"""Goldens of the networks: inputs and diffusers' and transformers' outputs, on the same random weights.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    python models.py [OUT]              OUT: ../data/models unless given

Writes LAYOUT.layout (names, types, shapes and the recipe of the weights; see make_checkpoint.py) and LAYOUT.safetensors
(see cases()) for every small layout. tests/models/golden_test.cpp compares our networks with them; the families beyond
Stable Diffusion 1 (see families()) are for tests/models/families_test.cpp.
"""

import dataclasses
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
FAMILIES = ("tiny-sd21", "tiny-sdxl", "tiny-refiner", "tiny-ssd1b", "tiny-vega")


def check_versions():
    found = {"torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__,
             "transformers": transformers.__version__}
    if found != VERSIONS:
        sys.exit(f"needs {VERSIONS}, found {found}")


def last(x):
    """NCHW -> NHWC, our order."""
    return x.permute(0, 2, 3, 1).contiguous()


def token_ids(layout, generator, padding=None, lengths=(0, 75, 9)):
    """An empty prompt, a full one, and one in between, padded with the end mark unless another padding is given."""
    begin, end = layout.vocabulary - 2, layout.vocabulary - 1
    rows = []
    for words in lengths:
        body = torch.randint(0, begin, (words,), generator=generator).tolist()
        rows.append([begin] + body + [end] + [end if padding is None else padding] * (75 - words))
    return torch.tensor(rows)


def text_cases(layout, path, generator, lengths=(0, 75, 9)):
    """text.{ids,embeddings} of the first encoder, text2 of the second, each with pooled if it has that."""
    out, encoders = {}, reference.text_encoders(layout, path)
    for i, encoder in enumerate(encoders):
        name = ("text", "text2")[i]
        is_openclip = layout.openclip is not None and i + 1 == len(encoders)
        ids = token_ids(layout, generator, 0 if is_openclip else None, lengths)
        embeddings, pooled = reference.encode_text(encoder, ids, penultimate=layout.label > 0)
        out |= {f"{name}.ids": ids.int(), f"{name}.embeddings": embeddings}
        if pooled is not None:
            out[f"{name}.pooled"] = pooled
    return out


def unet_case(layout, unet, size, generator):
    """{latents,timesteps,context,noise} and, where there is a label, vector. `noise` is what the UNet answers."""
    images, height, width, tokens = size
    latents = torch.randn(images, layout.channels, height, width, generator=generator)
    context = torch.randn(images, tokens, layout.context, generator=generator)
    timesteps = torch.tensor([999.0, 20.25, 500.5][:images])
    case, conditions = {}, None
    if layout.label:
        count = {2816: 6, 2560: 5}[layout.label]
        conditions = {
            "text_embeds": torch.randn(images, layout.openclip.pooled, generator=generator),
            "time_ids": torch.randint(0, 1500, (images, count), generator=generator).float()}
        case["vector"] = reference.vector(unet, conditions)
    noise = reference.predict_noise(unet, latents, timesteps, context, conditions)
    return case | {"latents": last(latents), "timesteps": timesteps, "context": context, "noise": last(noise)}


def cases(layout, path, unet_sizes, vae_sizes):
    """text_cases(), unet.N.{...} of unet_case(), vae.N.{latents,picture,mean,log_variance}.

    unet_sizes: (images, height, width, tokens) of each UNet case; vae_sizes: (height, width) in latent pixels. The
    picture that is encoded is the one that was decoded, clamped. One network at a time is in memory.
    """
    generator = torch.Generator().manual_seed(0)
    out = text_cases(layout, path, generator)
    unet = reference.unet(layout, path)
    for i, size in enumerate(unet_sizes):
        out |= {f"unet.{i}.{key}": value for key, value in unet_case(layout, unet, size, generator).items()}
    del unet
    vae = reference.vae(layout, path)
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


def openclip_under_transformers_names(generator):
    """text.{ids,embeddings,pooled} of three blocks with erf's GELU, as in a folder of diffusers; last.{ids,embeddings} are
    the last layer's, normed. The weights are those that "tiny" has under these names, and text_projection."""
    layout = dataclasses.replace(
        make_checkpoint.LAYOUTS["tiny"], text_layers=3, text_place="", text_model="text_model.", vocabulary=1000)
    tensors = make_checkpoint.Tensors(layout)
    make_checkpoint.add_text_encoder(tensors)
    tensors.linear("text_projection", 96, layout.text, bias=False)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "text.safetensors"
        make_checkpoint.write_entries(tensors.entries, path)
        encoder = reference.clip_with_projection(layout, layout.text, layout.text_layers, 96, path)
    ids = token_ids(layout, generator, 0, (0, 9))
    embeddings, pooled = reference.encode_text(encoder, ids, penultimate=True)
    last_layer, _ = reference.encode_text(encoder, ids)
    return {"text.ids": ids.int(), "text.embeddings": embeddings, "text.pooled": pooled,
            "last.ids": ids.int(), "last.embeddings": last_layer}


def write_families(out):
    """The .layout of each; and families.safetensors with text cases, and a UNet's for each number of input channels: for
    LAYOUT those of cases(), named "LAYOUT text.ids", "LAYOUT unet.4.latents" and so on."""
    tensors = {}
    for name in FAMILIES:
        (out / f"{name}.layout").write_text(make_checkpoint.layout_lines(name))
        generator = torch.Generator().manual_seed(0)
        for channels, task in ((4, ""), (9, "-inpaint"), (8, "-edit")):
            if name + task not in make_checkpoint.LAYOUTS:
                continue
            layout = make_checkpoint.LAYOUTS[name + task]
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "checkpoint.safetensors"
                make_checkpoint.write(name + task, path)
                found = unet_case(layout, reference.unet(layout, path), (2, 6, 5, 7), generator)
                found = {f"unet.{channels}.{key}": value for key, value in found.items()}
                if channels == 4 and not layout.only_unet:
                    found |= text_cases(layout, path, generator, (0, 9))
            tensors |= {f"{name} {key}": value for key, value in found.items()}
    tensors |= {f"text_model {key}": value for key, value in openclip_under_transformers_names(generator).items()}
    tensors = {key: value.contiguous().clone() for key, value in tensors.items()}
    save_file(tensors, out / "families.safetensors", metadata=VERSIONS)


if __name__ == "__main__":
    check_versions()
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data/models")
    folder.mkdir(parents=True, exist_ok=True)
    for layout_name in SMALL:
        write_small(layout_name, folder)
    write_families(folder)
