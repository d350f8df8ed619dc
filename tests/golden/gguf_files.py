"""Goldens of GGUF files: a tensor of every type, with the values that the format's own Python package makes of them.

    pip install gguf==0.17.1 numpy==2.4.6 safetensors==0.8.0
    python gguf_files.py

Writes ../data/foreign/gguf_*.gguf and .safetensors. tests/foreign/gguf_test.cpp reads them.
"""
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent / "../data/foreign"
# type: elements and bytes per block, and where the block's 16-bit floats are
BLOCKS = {
    Type.Q4_0: (32, 18, [0]),
    Type.Q4_1: (32, 20, [0, 2]),
    Type.Q5_0: (32, 22, [0]),
    Type.Q5_1: (32, 24, [0, 2]),
    Type.Q8_0: (32, 34, [0]),
    Type.Q4_K: (256, 144, [0, 2]),
    Type.Q5_K: (256, 176, [0, 2]),
    Type.Q6_K: (256, 210, [208]),
}
ROWS = 3


def random_blocks(rng, elements, size, halves):
    blocks = rng.integers(0, 256, (ROWS, 512 // elements, size), dtype=np.uint8)
    for at in halves:
        scales = rng.normal(0, 0.1, blocks.shape[:2]).astype(np.float16)
        blocks[..., at : at + 2] = scales[..., None].view(np.uint8)
    return blocks.reshape(ROWS, -1)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    writer = GGUFWriter(FOLDER / "gguf_types.gguf", "test")
    writer.add_name("a model")
    writer.add_uint32("test.count", 4096)
    writer.add_float32("test.epsilon", 1e-5)
    writer.add_bool("test.flag", True)
    writer.add_int64("test.offset", -3)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "c"])
    expected = {}
    for type, (elements, size, halves) in BLOCKS.items():
        blocks = random_blocks(rng, elements, size, halves)
        writer.add_tensor(f"blocks.{type.name}", blocks, raw_dtype=type)
        expected[f"blocks.{type.name}"] = dequantize(blocks, type).astype(np.float32)
    cube = rng.normal(0, 1, (2, 3, 5)).astype(np.float32)
    writer.add_tensor("plain.F32", cube)
    writer.add_tensor("plain.F16", cube.astype(np.float16))
    writer.add_tensor("plain.BF16", quantize(cube, Type.BF16), raw_dtype=Type.BF16)
    writer.add_tensor("plain.I32", np.arange(4, dtype=np.int32))
    expected |= {"plain.F32": cube, "plain.F16": cube.astype(np.float16), "plain.I32": np.arange(4, dtype=np.int32)}
    expected["plain.BF16"] = dequantize(quantize(cube, Type.BF16), Type.BF16).astype(np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, FOLDER / "gguf_types.safetensors")

    # what Q8_0 makes of floats, rounding and zero blocks included
    values = rng.normal(0, 3, (4, 64)).astype(np.float32)
    values[1, :32] = 0
    values[2, :32] = np.arange(-16, 16) / 2 + 0.25
    values[3, 0] = 127
    values[3, 1:32] = np.arange(31) + 0.5
    save_file({"values": values, "blocks": quantize(values, Type.Q8_0)}, FOLDER / "gguf_q8_0.safetensors")


if __name__ == "__main__":
    main()
