"""Goldens of the casts between floating types: torch's .to(dtype) on a processor, as hashes of whole tables.

    pip install torch==2.15.0 numpy
    python cast.py [OUT]        OUT: ../data/tensor/cast.txt unless given

Each line is FROM TO SHA256-OF-THE-RESULT'S-BYTES. The inputs are not stored; tests/tensor/cast_test.cpp makes the same:
every bit pattern of the 8- and 16-bit types in order, and for F32 and F64, for every sign and exponent, mantissas around
every bit, then pseudo-random bit patterns. Lines FROM - SHA256 are the hashes of the inputs.

From F32 and F64 torch makes of NaN in BF16 either 0x7FC0 or 0xFFFF, as the place in the tensor has it; the goldens have
0x7FC0. torch's threads are held at one, so that nothing else depends on the place.
"""
import hashlib
import pathlib
import sys

import numpy as np
import torch

TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}
SIGNED = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.uint8}
RANDOM = 200_000


def mantissas(bits):
    """0, 1, 2, 3 and every sum of two powers of two, each with its neighbours: ties of every target are among them."""
    powers = [1 << i for i in range(bits)]
    centres = {0, *powers, *(a | b for a in powers for b in powers), (1 << bits) - 1}
    return sorted({(c + d) % (1 << bits) for c in centres for d in (-1, 0, 1)})


def splitmix64(count):
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def wide_inputs(exponent_bits, mantissa_bits, dtype, exponents):
    m = np.array(mantissas(mantissa_bits), np.uint64)
    e = np.array(exponents, np.uint64) << np.uint64(mantissa_bits)
    s = np.array([0, 1], np.uint64) << np.uint64(exponent_bits + mantissa_bits)
    structured = (s[:, None, None] | e[None, :, None] | m[None, None, :]).ravel()
    random = splitmix64(RANDOM) >> np.uint64(63 - exponent_bits - mantissa_bits)
    return np.concatenate([structured, random]).astype(dtype)


def inputs(name):
    if name == "F64":  # the exponents that F32 has, some on both sides, and the ends
        exponents = [0, 1, 2, *range(860, 1160), 1500, 2045, 2046, 2047]
        return torch.from_numpy(wide_inputs(11, 52, np.uint64, exponents).view(np.float64))
    if name == "F32":
        return torch.from_numpy(wide_inputs(8, 23, np.uint32, range(256)).view(np.float32))
    if name in ("F16", "BF16"):
        return torch.from_numpy(np.arange(1 << 16, dtype=np.uint16).view(np.int16)).view(TYPES[name])
    return torch.from_numpy(np.arange(1 << 8, dtype=np.uint8)).view(TYPES[name])


def bytes_of(tensor):
    return tensor.view(SIGNED[tensor.element_size()]).numpy().tobytes()


def golden(source, target):
    result = source.to(target)
    if target == torch.bfloat16 and source.element_size() >= 4:
        words = result.view(torch.int16)
        words[source.isnan()] = 0x7FC0
    return result


def main(out=pathlib.Path(__file__).parent / "../data/tensor/cast.txt"):
    torch.set_num_threads(1)
    lines = []
    for name in TYPES:
        source = inputs(name)
        lines.append(f"{name} - {hashlib.sha256(bytes_of(source)).hexdigest()}")
        for target, dtype in TYPES.items():
            lines.append(f"{name} {target} {hashlib.sha256(bytes_of(golden(source, dtype))).hexdigest()}")
    pathlib.Path(out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
