"""Random checkpoints in the single-file (ldm) layout of Stable Diffusion: real names, any widths.

    python make_checkpoint.py LAYOUT OUT.safetensors        LAYOUT: a name in LAYOUTS, such as sd15, tiny, sdxl, tiny-sdxl

Needs numpy. The values come from an integer hash, so that the C++ tests make the same bytes and no weights are stored
(tests/models/random_checkpoint.cpp is the same in C++). Value i of a tensor is

    z = s + (i + 1) * 0x9E3779B97F4A7C15             s: FNV-1a, 64 bits, of the tensor's name
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9           the finaliser of SplitMix64
    z = (z ^ z >> 27) * 0x94D049BB133111EB
    z = z ^ z >> 31
    u = (z >> 40) * 2^-23 - 1                        exact in float32, uniform in [-1, 1)
    value = offset + scale * u                       in float32, then rounded to the tensor's type

A layout file, which the C++ tests read, has one line per tensor: NAME DTYPE OFFSET SCALE DIM...
"""

import dataclasses
import json
import math
import struct
import sys

import numpy as np


@dataclasses.dataclass(frozen=True)
class OpenClip:
    """A text encoder under OpenCLIP's names, and where it lies."""

    place: str
    width: int
    layers: int
    pooled: int  # width of the projection


@dataclasses.dataclass(frozen=True)
class Layout:
    unet: tuple  # channels of each level
    attention: tuple  # transformer blocks at each level
    text: int  # width of the text encoder under transformers' names; 0 if there is none
    text_layers: int
    encoder: tuple  # channels of each level of the VAE
    decoder: tuple
    dtype: str = "F16"
    linear: bool = False  # proj_in and proj_out as 2-D weights, and thus heads of 64 channels
    linear_vae: bool = False  # the VAE's attention as 2-D weights
    text_model: str = "transformer.text_model."  # the level that old files lack
    trunk: float = 1.0  # what the residual trunks are scaled by, to come near the epsilon of their norms
    vocabulary: int = 49408
    text_place: str = "cond_stage_model."
    openclip: OpenClip | None = None  # besides, or instead
    attention_up: tuple = ()  # of the three places of each level on the way up, where they differ
    middle: int = 1  # transformer blocks of the middle block; 0: it is one residual block
    channels: int = 4  # of the UNet's input
    label: int = 0  # values that label_emb takes
    only_unet: bool = False

    @property
    def context(self):
        return self.text + (self.openclip.width if self.openclip else 0)

    @property
    def up(self):
        return self.attention_up or tuple((blocks,) * 3 for blocks in self.attention)


VAE = ((128, 256, 512, 512),) * 2
TINY_VAE = ((32, 64, 64, 64),) * 2
H = OpenClip("cond_stage_model.model.", 1024, 24, 1024)
BIG_G = OpenClip("conditioner.embedders.1.model.", 1280, 32, 1280)
TINY_H = OpenClip("cond_stage_model.model.", 64, 3, 64)
TINY_G = OpenClip("conditioner.embedders.1.model.", 64, 3, 1280)
REFINER = "conditioner.embedders.0.model."
SDXL = dict(linear=True, text_place="conditioner.embedders.0.", label=2816)

LAYOUTS = {
    "sd15": Layout((320, 640, 1280, 1280), (1, 1, 1, 0), 768, 12, (128, 256, 512, 512), (128, 256, 512, 512)),
    "tiny": Layout((32, 64, 128, 128), (1, 1, 1, 0), 64, 12, (32, 64, 128, 128), (32, 64, 128, 128)),
    # Whatever may differ from SD 1.5 at once: three levels, none or two transformer blocks, a ratio of widths that is no
    # integer, an encoder unlike the decoder, 2-D projections, the old text names, bfloat16.
    "uneven": Layout((64, 96, 128), (0, 2, 0), 128, 3, (32, 32, 64), (64, 64, 96), dtype="BF16", linear=True,
                     linear_vae=True, text_model="transformer.", vocabulary=1000),
    # Trunks near the epsilon of their norms, whose float16 weights are partly subnormal (as in the shipped model's VAE):
    # 1e-5 and 1e-6 cannot be confused here.
    "small-trunk": Layout((32, 64), (0, 1), 64, 1, (32, 64), (32, 64), trunk=2.0**-10, vocabulary=1000),
    # The families at their own widths, and as small as their topology allows.
    "sd21": Layout((320, 640, 1280, 1280), (1, 1, 1, 0), 0, 0, *VAE, linear=True, openclip=H),
    "sdxl": Layout((320, 640, 1280), (0, 2, 10), 768, 12, *VAE, openclip=BIG_G, middle=10, **SDXL),
    "sdxl-refiner": Layout((384, 768, 1536, 1536), (0, 4, 4, 0), 0, 0, *VAE, linear=True, middle=4, label=2560,
                           openclip=dataclasses.replace(BIG_G, place=REFINER)),
    "ssd1b": Layout((320, 640, 1280), (0, 2, 4), 768, 12, *VAE, openclip=BIG_G, middle=0,
                    attention_up=((0, 0, 0), (2, 1, 1), (4, 4, 10)), **SDXL),
    "vega": Layout((320, 640, 1280), (0, 1, 2), 768, 12, *VAE, openclip=BIG_G, middle=0, **SDXL),
    "tiny-sd21": Layout((32, 64, 128, 128), (1, 1, 1, 0), 0, 0, *TINY_VAE, linear=True, openclip=TINY_H),
    "tiny-sdxl": Layout((32, 64, 128), (0, 1, 2), 32, 3, *TINY_VAE, openclip=TINY_G, middle=2, **SDXL),
    "tiny-refiner": Layout((32, 64, 64, 128), (0, 1, 2, 0), 0, 0, *TINY_VAE, linear=True, middle=2, label=2560,
                           openclip=dataclasses.replace(TINY_G, place=REFINER)),
    "tiny-ssd1b": Layout((32, 64, 128), (0, 2, 1), 32, 3, *TINY_VAE, openclip=TINY_G, middle=0, only_unet=True,
                         attention_up=((0, 0, 0), (2, 1, 1), (1, 1, 3)), **SDXL),
    "tiny-vega": Layout((32, 64, 128), (0, 1, 2), 32, 3, *TINY_VAE, openclip=TINY_G, middle=0, only_unet=True, **SDXL),
}


def variant(name, channels):
    """The same with another number of input channels: 9 to inpaint, 8 to edit."""
    return dataclasses.replace(LAYOUTS[name], channels=channels)


for family in ("tiny-sd21", "tiny-sdxl", "sd15", "sd21", "sdxl"):
    LAYOUTS[family + "-inpaint"] = variant(family, 9)
    LAYOUTS[family + "-edit"] = variant(family, 8)


@dataclasses.dataclass(frozen=True)
class Entry:
    name: str
    dtype: str
    offset: float
    scale: float
    shape: tuple


class Tensors:
    """The entries of one checkpoint, in order."""

    def __init__(self, layout):
        self.layout = layout
        self.entries = []

    def add(self, name, offset, scale, *shape):
        self.entries.append(Entry(name, self.layout.dtype, offset, float(np.float32(scale)), shape))

    def norm(self, name, width):
        self.add(name + ".weight", 1.0, 1 / 32, width)
        self.add(name + ".bias", 0.0, 1 / 32, width)

    def linear(self, name, out, inp, bias=True, kernel=(), scale=1.0):
        fan_in = inp * math.prod(kernel)
        self.add(name + ".weight", 0.0, scale * math.sqrt(3 / fan_in), out, inp, *kernel)
        if bias:
            self.add(name + ".bias", 0.0, scale / 32, out)

    def conv(self, name, out, inp, kernel=3, scale=1.0):
        self.linear(name, out, inp, kernel=(kernel, kernel), scale=scale)

    def projection(self, name, out, inp, scale=1.0):
        self.linear(name, out, inp, kernel=() if self.layout.linear else (1, 1), scale=scale)

    def vae_projection(self, name, out, inp, scale=1.0):
        self.linear(name, out, inp, kernel=() if self.layout.linear_vae else (1, 1), scale=scale)


def add_text_encoder(t):
    width, p = t.layout.text, t.layout.text_place + t.layout.text_model
    t.add(p + "embeddings.token_embedding.weight", 0.0, 1 / 32, t.layout.vocabulary, width)
    t.add(p + "embeddings.position_embedding.weight", 0.0, 1 / 32, 77, width)
    for i in range(t.layout.text_layers):
        layer = f"{p}encoder.layers.{i}."
        for norm in ("layer_norm1", "layer_norm2"):
            t.norm(layer + norm, width)
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            t.linear(layer + "self_attn." + projection, width, width)
        t.linear(layer + "mlp.fc1", 4 * width, width)
        t.linear(layer + "mlp.fc2", width, 4 * width)
    t.norm(p + "final_layer_norm", width)


def add_openclip(t, clip):
    width, p = clip.width, clip.place
    t.add(p + "positional_embedding", 0.0, 1 / 32, 77, width)
    t.add(p + "text_projection", 0.0, math.sqrt(3 / width), width, clip.pooled)
    t.add(p + "token_embedding.weight", 0.0, 1 / 32, t.layout.vocabulary, width)
    for i in range(clip.layers):
        block = f"{p}transformer.resblocks.{i}."
        for norm in ("ln_1", "ln_2"):
            t.norm(block + norm, width)
        t.add(block + "attn.in_proj_weight", 0.0, math.sqrt(3 / width), 3 * width, width)
        t.add(block + "attn.in_proj_bias", 0.0, 1 / 32, 3 * width)
        t.linear(block + "attn.out_proj", width, width)
        t.linear(block + "mlp.c_fc", 4 * width, width)
        t.linear(block + "mlp.c_proj", width, 4 * width)
    t.norm(p + "ln_final", width)


def add_transformer(t, name, width, blocks):
    t.norm(name + ".norm", width)
    t.projection(name + ".proj_in", width, width)
    for i in range(blocks):
        block = f"{name}.transformer_blocks.{i}."
        for attention, context in (("attn1.", width), ("attn2.", t.layout.context)):
            t.linear(block + attention + "to_q", width, width, bias=False)
            t.linear(block + attention + "to_k", width, context, bias=False)
            t.linear(block + attention + "to_v", width, context, bias=False)
            t.linear(block + attention + "to_out.0", width, width)
        t.linear(block + "ff.net.0.proj", 8 * width, width)
        t.linear(block + "ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            t.norm(block + norm, width)
    t.projection(name + ".proj_out", width, width, scale=t.layout.trunk)


def add_unet(t):
    widths, p = t.layout.unet, "model.diffusion_model."
    embedding = 4 * widths[0]

    def res(name, inp, out):
        t.norm(name + ".in_layers.0", inp)
        t.conv(name + ".in_layers.2", out, inp)
        t.linear(name + ".emb_layers.1", out, embedding)
        t.norm(name + ".out_layers.0", out)
        t.conv(name + ".out_layers.3", out, out, scale=t.layout.trunk)
        if inp != out:
            t.conv(name + ".skip_connection", out, inp, 1)

    t.linear(p + "time_embed.0", embedding, widths[0])
    t.linear(p + "time_embed.2", embedding, embedding)
    if t.layout.label:
        t.linear(p + "label_emb.0.0", embedding, t.layout.label)
        t.linear(p + "label_emb.0.2", embedding, embedding)
    t.conv(p + "input_blocks.0.0", widths[0], 4, scale=t.layout.trunk)
    weight = t.entries[-2]  # of one recipe for any number of channels
    t.entries[-2] = dataclasses.replace(weight, shape=(widths[0], t.layout.channels, 3, 3))
    skips, width, at = [widths[0]], widths[0], 1
    for level, out in enumerate(widths):
        for _ in range(2):
            res(f"{p}input_blocks.{at}.0", width, out)
            width = out
            if t.layout.attention[level]:
                add_transformer(t, f"{p}input_blocks.{at}.1", width, t.layout.attention[level])
            skips.append(width)
            at += 1
        if level + 1 < len(widths):
            t.conv(f"{p}input_blocks.{at}.0.op", width, width)
            skips.append(width)
            at += 1
    res(p + "middle_block.0", width, width)
    if t.layout.middle:
        add_transformer(t, p + "middle_block.1", width, t.layout.middle)
        res(p + "middle_block.2", width, width)
    at = 0
    for level, out in reversed(list(enumerate(widths))):
        for i, blocks in enumerate(t.layout.up[level]):
            res(f"{p}output_blocks.{at}.0", width + skips.pop(), out)
            width, part = out, 1
            if blocks:
                add_transformer(t, f"{p}output_blocks.{at}.{part}", width, blocks)
                part += 1
            if level and i == 2:
                t.conv(f"{p}output_blocks.{at}.{part}.conv", width, width)
            at += 1
    t.norm(p + "out.0", width)
    t.conv(p + "out.2", 4, width)


def add_vae(t):
    p, trunk = "first_stage_model.", t.layout.trunk

    def res(name, inp, out):
        t.norm(name + ".norm1", inp)
        t.conv(name + ".conv1", out, inp)
        t.norm(name + ".norm2", out)
        t.conv(name + ".conv2", out, out, scale=trunk)
        if inp != out:
            t.conv(name + ".nin_shortcut", out, inp, 1)

    def mid(name, width):
        res(name + ".block_1", width, width)
        t.norm(name + ".attn_1.norm", width)
        for projection in ("q", "k", "v"):
            t.vae_projection(f"{name}.attn_1.{projection}", width, width)
        t.vae_projection(f"{name}.attn_1.proj_out", width, width, scale=trunk)
        res(name + ".block_2", width, width)

    def encoder(name, widths):
        t.conv(name + "conv_in", widths[0], 3, scale=trunk)
        width = widths[0]
        for level, out in enumerate(widths):
            for i in range(2):
                res(f"{name}down.{level}.block.{i}", width, out)
                width = out
            if level + 1 < len(widths):
                t.conv(f"{name}down.{level}.downsample.conv", width, width)
        mid(name + "mid", width)
        t.norm(name + "norm_out", width)
        t.conv(name + "conv_out", 8, width)

    def decoder(name, widths):
        width = widths[-1]
        t.conv(name + "conv_in", width, 4, scale=trunk)
        mid(name + "mid", width)
        for level, out in reversed(list(enumerate(widths))):
            for i in range(3):
                res(f"{name}up.{level}.block.{i}", width, out)
                width = out
            if level:
                t.conv(f"{name}up.{level}.upsample.conv", width, width)
        t.norm(name + "norm_out", width)
        t.conv(name + "conv_out", 3, width)

    encoder(p + "encoder.", t.layout.encoder)
    t.vae_projection(p + "quant_conv", 8, 8)
    t.vae_projection(p + "post_quant_conv", 4, 4)
    decoder(p + "decoder.", t.layout.decoder)


def entries(layout_name):
    t = Tensors(LAYOUTS[layout_name])
    if not t.layout.only_unet:
        if t.layout.text:
            add_text_encoder(t)
        if t.layout.openclip:
            add_openclip(t, t.layout.openclip)
    add_unet(t)
    if not t.layout.only_unet:
        add_vae(t)
    return t.entries


def layout_lines(layout_name):
    return "".join(
        f"{e.name} {e.dtype} {e.offset!r} {e.scale!r} {' '.join(map(str, e.shape))}\n" for e in entries(layout_name)
    )


def fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def uniform(name, first, count):
    """Values u of elements [first, first + count), float32 in [-1, 1)."""
    index = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
    z = np.uint64(fnv1a(name)) + index * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)


def to_bytes(values, dtype):
    if dtype == "F16":
        return values.astype(np.float16).tobytes()
    if dtype == "BF16":
        bits = values.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()
    assert dtype == "F32"
    return values.tobytes()


def write(layout_name, path):
    write_entries(entries(layout_name), path)


def write_entries(table, path):
    size = {"F16": 2, "BF16": 2, "F32": 4}
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for e in table:
        end = offset + math.prod(e.shape) * size[e.dtype]
        header[e.name] = {"dtype": e.dtype, "shape": e.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    chunk = 1 << 22
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for e in table:
            total = math.prod(e.shape)
            for first in range(0, total, chunk):
                u = uniform(e.name, first, min(chunk, total - first))
                file.write(to_bytes(np.float32(e.offset) + np.float32(e.scale) * u, e.dtype))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in LAYOUTS:
        sys.exit(__doc__)
    write(sys.argv[1], sys.argv[2])
