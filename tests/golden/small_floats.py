"""Goldens of the small floating types: every value of each, widened to float32 by torch.

    pip install torch==2.15.0 safetensors==0.8.0 numpy
    python small_floats.py [OUT]        OUT: ../data/tensor/small_floats.safetensors unless given

tests/tensor/small_floats_test.cpp compares our conversions with them.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

WORDS = {"F16": torch.float16, "BF16": torch.bfloat16}
BYTES = {"F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}


def main(out=pathlib.Path(__file__).parent / "../data/tensor/small_floats.safetensors"):
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    words = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)  # wraps: every bit pattern in order
    values = torch.arange(1 << 8, dtype=torch.int32).to(torch.uint8)
    goldens = {name: words.view(dtype).float() for name, dtype in WORDS.items()}
    goldens |= {name: values.view(dtype).float() for name, dtype in BYTES.items()}
    save_file(goldens, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
