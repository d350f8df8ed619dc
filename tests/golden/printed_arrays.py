"""Goldens of `safelight cat`: arrays, and how NumPy prints them.

    pip install numpy==2.4.6 safetensors==0.8.0
    python printed_arrays.py [OUT]      OUT: ../data/cli/printed.safetensors unless given

The file's metadata maps each tensor's name to numpy.array2string of it; "NAME@3" has the same with precision=3.
tests/cli/cat_test.cpp compares with what the program prints.
"""
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0]


def floats(rng, dtype):
    tiny, most = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    return {
        "scalar": np.array(0.1, dtype),
        "one": np.array([1.0], dtype),
        "thirds": (np.arange(12) / 3).reshape(3, 4).astype(dtype),
        "signs": np.array([[-1.5, 2.0], [100.25, -0.001]], dtype),
        "special": np.array(SPECIAL, dtype),
        "only_nan": np.array([np.nan, np.nan], dtype),
        "inf_and_short": np.array([1.0, -np.inf], dtype),
        "zeros": np.zeros((2, 2), dtype),
        "range": np.array([1e-3, 1.0, 999.0], dtype),
        "wide": np.array([1e-3, 1.0, 1001.0], dtype),
        "small": np.array([1e-5, 2e-5, 0.0], dtype),
        "ends": np.array([tiny, -most, 1.0], dtype),
        "random": rng.standard_normal((5, 7)).astype(dtype),
        "scales": (rng.standard_normal(40) * 10.0 ** rng.integers(-4, 4, 40)).astype(dtype),
        "cube": rng.random((2, 3, 4)).astype(dtype),
        "long": rng.random(60).astype(dtype),
        "cut": rng.random(2000).astype(dtype),
        "cut_matrix": rng.random((8, 300)).astype(dtype),
        "cut_cube": rng.random((12, 10, 9)).astype(dtype),
    }


def main(out=pathlib.Path(__file__).parent / "../data/cli/printed.safetensors"):
    rng = np.random.default_rng(5)
    arrays = {}
    for dtype in (np.float16, np.float32, np.float64):
        arrays |= {f"{np.dtype(dtype).name}.{name}": a for name, a in floats(rng, dtype).items()}
    for dtype in (np.int8, np.uint8, np.int32, np.uint64, np.int64):
        info = np.iinfo(dtype)
        arrays[f"{np.dtype(dtype).name}.ends"] = np.array([[info.min, 0], [1, info.max]], dtype)
        arrays[f"{np.dtype(dtype).name}.cut"] = (np.arange(1200) % 100).astype(dtype).reshape(30, 40)
    arrays["bool.row"] = np.array([[True, False], [False, False]])
    arrays["bool.scalar"] = np.array(True)
    arrays["complex64.row"] = np.array([1 + 2j, -0.5 - 1e-3j, 0.25j], np.complex64)
    arrays["complex64.special"] = np.array([complex(np.nan, 1), complex(1, -np.inf)], np.complex64)
    arrays["float32.empty"] = np.zeros((2, 0), np.float32)
    arrays["float32.flat"] = np.zeros((1, 1, 1), np.float32)

    printed = {name: np.array2string(a) for name, a in arrays.items()}
    printed |= {f"{name}@3": np.array2string(a, precision=3) for name, a in arrays.items() if "float" in name}
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, out, metadata=printed)


if __name__ == "__main__":
    main(*sys.argv[1:])
