"""The single-file Stable Diffusion checkpoint: tensor names, number formats, description; written to and read from .safetensors.

The file: 8 bytes of header length (little endian), the header as JSON, then the tensors' bytes one after the other.
"""
import hashlib
import json
import struct

import numpy as np

UNET, TEXT, VAE = "model.diffusion_model.", "cond_stage_model.transformer.text_model.", "first_stage_model."
TOKEN_TABLE = TEXT + "embeddings.token_embedding.weight"
FORMATS = {"F16": np.float16, "F32": np.float32}
NAMES = {np.dtype(kind): name for name, kind in FORMATS.items()}
SMALLEST_NORMAL_HALF = 2.0 ** -14

DESCRIPTION = {
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.architecture": "stable-diffusion-v1",
    "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
    "modelspec.author": "Safelight",
    "modelspec.date": "2026-11-21",
    "modelspec.license": "Apache-2.0",
    "modelspec.resolution": "128x128",
    "modelspec.prediction_type": "epsilon",
}
ABOUT = "trained from scratch on procedurally drawn paper-cut pictures: landscapes with houses, boats, trees and mountains, and coloured shapes on " \
        "coloured grounds."
TASKS = {
    "generate": {
        "modelspec.title": "Papercut",
        "modelspec.description": f"A small text-to-picture model {ABOUT}",
        "modelspec.usage_hint": "128x128, 25 steps, guidance 4: a red house with a brown roof on green hills at night, a crescent moon on the left",
    },
    "edit": {
        "modelspec.title": "Papercut Edit",
        "modelspec.description": f"A small model that edits pictures as an instruction says (InstructPix2Pix), {ABOUT}",
        "modelspec.usage_hint": "128x128, 25 steps, text guidance 4, image guidance 1.5: make it night",
    },
    "inpaint": {
        "modelspec.title": "Papercut Inpaint",
        "modelspec.description": f"A small model that fills holes in pictures, {ABOUT}",
        "modelspec.usage_hint": "128x128, 25 steps, guidance 4, the caption of the whole picture: a red house on green hills at night, a crescent moon",
    },
}


def stored(value):
    """A tensor in the number format it is shipped in: halves, unless many of them would be too small to be normal numbers."""
    value = np.asarray(value, np.float32)
    tiny = (np.abs(value) < SMALLEST_NORMAL_HALF) & (value != 0)
    return value if tiny.mean() > .05 else value.astype(np.float16)


def write(path, tensors, task="generate"):
    """Write named arrays (float16 or float32), in the order given, with the description of the model for a task."""
    digest, header, place = hashlib.sha256(), {}, 0
    for name, value in tensors.items():
        header[name] = dict(dtype=NAMES[value.dtype], shape=list(value.shape), data_offsets=[place, place + value.nbytes])
        place += value.nbytes
        digest.update(value.tobytes())
    about = dict(format="pt", **DESCRIPTION, **TASKS[task], **{"modelspec.hash_sha256": "0x" + digest.hexdigest()})
    text = json.dumps({"__metadata__": about, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(value.tobytes())


def read_header(path):
    """(description, {name: entry}, where the tensors' bytes begin)"""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    return header.pop("__metadata__", {}), header, 8 + length


def read_stored(path):
    """{name: array} of the whole file, in the number formats of the file."""
    _, header, start = read_header(path)
    with open(path, "rb") as file:
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[start + begin:start + end], FORMATS[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def read(path):
    """{name: float32 array} of the whole file."""
    return {name: value.astype(np.float32) for name, value in read_stored(path).items()}


def part(tensors, prefix):
    """The tensors of one network, by its own names."""
    return {name[len(prefix):]: value for name, value in tensors.items() if name.startswith(prefix)}
