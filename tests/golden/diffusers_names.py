"""Golden of names: what diffusers and transformers call the tensors of each family's parts, and what ldm calls them.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 numpy
    python diffusers_names.py [OUT]        OUT: ../data/models/diffusers_names.txt unless given

The names of diffusers are those of its modules in each family's published configuration, without weights. The ldm name
of each is a guess that diffusers' own converter of single files must turn back into it. One line per module, or per
transformer with all its blocks:

    # unet sd1 sd2 686        a part, the families whose names these are, how many tensors it has
    : attn1.to_k -            below transformer_blocks.N. of every transformer; "-": without bias
    LDM DIFFUSERS             a module with weight and bias; a third word "-": without bias
    * LDM DIFFUSERS 2         a transformer with two blocks: norm, proj_in, proj_out and the lines with ":" twice
    = LDM DIFFUSERS           a tensor

tests/models/checkpoint_names_test.cpp compares.
"""

import pathlib
import re
import sys
import tempfile

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import diffusers_models
import make_checkpoint

CROSS_DOWN, DOWN, CROSS_UP, UP = "CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"
SD = {"block_out_channels": (320, 640, 1280, 1280), "down_block_types": [CROSS_DOWN] * 3 + [DOWN],
      "up_block_types": [UP] + [CROSS_UP] * 3}
XL = {"block_out_channels": (320, 640, 1280), "down_block_types": [DOWN, CROSS_DOWN, CROSS_DOWN],
      "up_block_types": [CROSS_UP, CROSS_UP, UP], "cross_attention_dim": 2048, "attention_head_dim": (5, 10, 20),
      "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "use_linear_projection": True,
      "projection_class_embeddings_input_dim": 2816}
UNETS = {
    "sd1": SD | {"cross_attention_dim": 768, "attention_head_dim": 8},
    "sd1-inpaint": SD | {"cross_attention_dim": 768, "attention_head_dim": 8, "in_channels": 9},
    "sd2": SD | {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True},
    "sdxl": XL | {"transformer_layers_per_block": (1, 2, 10)},
    "refiner": XL | {"block_out_channels": (384, 768, 1536, 1536), "attention_head_dim": (6, 12, 24, 24),
                     "down_block_types": [DOWN, CROSS_DOWN, CROSS_DOWN, DOWN],
                     "up_block_types": [UP, CROSS_UP, CROSS_UP, UP], "transformer_layers_per_block": 4,
                     "cross_attention_dim": 1280, "projection_class_embeddings_input_dim": 2560},
    "ssd-1b": XL | {"mid_block_type": "UNetMidBlock2D", "transformer_layers_per_block": (1, (2, 2), (4, 4)),
                    "reverse_transformer_layers_per_block": ((4, 4, 10), (2, 1, 1), 1)},
    # Another number of blocks in each level, as in KOALA.
    "one-block": XL | {"layers_per_block": 1, "transformer_layers_per_block": (1, 2, 5)},
}
RES = {theirs: ldm for ldm, theirs in diffusers_models.RES.items()}
ENDS = {theirs: ldm for ldm, theirs in diffusers_models.UNET_ENDS.items()} | {
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}


def ldm_guess(module, modules, layers):
    """The ldm name of a UNet's module."""
    if module in ENDS:
        return ENDS[module]
    way, level, kind, index, rest = re.fullmatch(r"(down|mid|up)_block(?:s\.(\d+))?\.(\w+)\.(\d+)\.(.+)", module).groups()
    level, index = int(level or 0), int(index)
    rest = RES[rest] if kind == "resnets" else rest
    part = 0 if kind == "resnets" else 1
    if way == "mid":
        return f"middle_block.{2 * index + part}.{rest}"
    if kind == "downsamplers":
        return f"input_blocks.{(level + 1) * (layers + 1)}.0.op"
    if kind == "upsamplers":
        part = 2 if any(name.startswith(f"up_blocks.{level}.attentions.{layers}.") for name in modules) else 1
        return f"output_blocks.{(level + 1) * (layers + 1) - 1}.{part}.conv"
    block = level * (layers + 1) + index
    return f"input_blocks.{1 + block}.{part}.{rest}" if way == "down" else f"output_blocks.{block}.{part}.{rest}"


def split(name):
    return name.rsplit(".", 1)


def module_lines(pairs):
    """pairs: {their tensor: ldm tensor} -> the lines of modules and transformers."""
    kinds, lines, members, depth = {}, [], {}, {}
    for theirs, ldm in pairs.items():
        (module, kind), (ldm_module, ldm_kind) = split(theirs), split(ldm)
        assert kind == ldm_kind
        kinds.setdefault((ldm_module, module), set()).add(kind)
    for (ldm, theirs), kind in kinds.items():
        bias = "" if kind == {"weight", "bias"} else " -"
        assert kind >= {"weight"}
        if match := re.fullmatch(r"(.+)\.transformer_blocks\.(\d+)\.(.+)", theirs):
            place, block, member = match[1], int(match[2]), match[3]
            ldm_match = re.fullmatch(r"(.+)\.transformer_blocks\.(\d+)\.(.+)", ldm)
            assert ldm_match[2] == match[2] and ldm_match[3] == member
            members.setdefault((ldm_match[1], place, block), set()).add(member + bias)
            depth[ldm_match[1], place] = max(depth.get((ldm_match[1], place), 0), block + 1)
        elif not (re.search(r"attentions\.\d+\.(norm|proj_in|proj_out)$", theirs)):
            lines.append(f"{ldm} {theirs}{bias}")
        else:
            assert not bias and split(ldm)[1] == split(theirs)[1]
    same = {frozenset(m) for m in members.values()}
    assert len(same) <= 1 and len(members) == sum(depth.values())
    lines += [f"* {ldm} {theirs} {n}" for (ldm, theirs), n in depth.items()]
    return [f": {member}" for m in same for member in sorted(m)] + sorted(lines)


def unet(config):
    with torch.device("meta"):
        names = list(UNet2DConditionModel(**config).state_dict())
    layers = config.get("layers_per_block", 2)
    ldm = {f"{ldm_guess(split(n)[0], names, layers)}.{split(n)[1]}": torch.tensor(i) for i, n in enumerate(names)}
    converted = convert_ldm_unet_checkpoint({"model.diffusion_model." + n: t for n, t in ldm.items()},
                                            {"layers_per_block": layers} | config)
    assert {name: names[int(i)] for name, i in converted.items()} == {name: name for name in names}
    return {names[int(i)]: name for name, i in ldm.items()}


def vae(layout):
    widths = make_checkpoint.LAYOUTS[layout].encoder
    types = {"down_block_types": ["DownEncoderBlock2D"] * len(widths), "up_block_types": ["UpDecoderBlock2D"] * len(widths)}
    with torch.device("meta"):
        names = set(AutoencoderKL(block_out_channels=widths, layers_per_block=2, **types).state_dict())
    tensors = make_checkpoint.Tensors(make_checkpoint.LAYOUTS[layout])
    make_checkpoint.add_vae(tensors)
    ldm = [entry.name for entry in tensors.entries]
    converted = convert_ldm_vae_checkpoint({name: torch.full((1, 1), i) for i, name in enumerate(ldm)}, types)
    assert set(converted) == names
    return {name: ldm[int(i)].removeprefix("first_stage_model.") for name, i in converted.items()}


def text_encoders():
    """The names in files as they are saved, and below the encoder's place in a single file."""
    config = CLIPTextConfig(vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=2,
                            num_attention_heads=1, projection_dim=8)
    for name, kind in (("text-encoder", CLIPTextModel), ("text-encoder-2", CLIPTextModelWithProjection)):
        with tempfile.TemporaryDirectory() as folder:
            kind(config).save_pretrained(folder)
            with safe_open(pathlib.Path(folder) / "model.safetensors", "pt") as file:
                saved = list(file.keys())
        plain = [n.removeprefix("text_model.") for n in saved]
        ldm = [n if n.startswith("text_projection") else "text_model." + n for n in plain]
        yield name, sorted(f"= transformer.{one} {theirs}\n" for one, theirs in zip(ldm, saved))


def main(out=pathlib.Path(__file__).parent / "../data/models/diffusers_names.txt"):
    sections = {}
    for family, config in UNETS.items():
        pairs = unet(config)
        sections.setdefault(("unet", len(pairs), "\n".join(module_lines(pairs)) + "\n"), []).append(family)
    for layout in ("sd15", "small-trunk"):
        pairs = vae(layout)
        sections["vae", len(pairs), "\n".join(module_lines(pairs)) + "\n"] = [layout]
    for name, lines in text_encoders():
        sections[name, len(lines), "".join(lines)] = ["all"]
    text = "".join(f"# {part} {' '.join(names)} {count}\n{lines}" for (part, count, lines), names in sections.items())
    pathlib.Path(out).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
