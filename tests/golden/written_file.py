"""Golden of the writer: a file as the public safetensors package writes it.

    pip install torch==2.15.0 safetensors==0.8.0 numpy
    python written_file.py [OUT]        OUT: ../data/format/written.safetensors unless given

tests/format/save_test.cpp reads its tensors, saves them in another order, and expects the same bytes. One metadata key
only, because the package writes several in a random order.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

DTYPES = [torch.bool, torch.uint8, torch.int8, torch.float8_e5m2, torch.float8_e4m3fn, torch.int16, torch.uint16,
          torch.float16, torch.bfloat16, torch.int32, torch.uint32, torch.float32, torch.complex64, torch.float64,
          torch.int64, torch.uint64]
NAMES = ["b", "a", "a.10", "a.2", "é\"\\\n\x01\x1f\x7f/😀", "Z", ""]


def main(out=pathlib.Path(__file__).parent / "../data/format/written.safetensors"):
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for i, dtype in enumerate(DTYPES):
        shape = [(), (3,), (2, 0), (1, 2, 1)][i % 4]
        count = torch.Size(shape).numel()
        tensors[f"{NAMES[i % len(NAMES)]}{i // len(NAMES) or ''}"] = torch.arange(1, count + 1).to(dtype).reshape(shape)
    save_file(tensors, out, metadata={"k\"\t\b": "é\x1f\n"})


if __name__ == "__main__":
    main(*sys.argv[1:])
