"""Goldens of indexing: what NumPy selects for random index expressions.

    pip install numpy==2.4.6        (any NumPy from 1.24 on gives the same)
    python slices.py [OUT]          OUT: ../data/format/slices.txt unless given

Each line is SHAPE|EXPRESSION|RESULT for an array of that shape that counts 0, 1, 2, ... in uint16. RESULT is "error", or the shape
of the selection and the FNV-1a hash of its bytes. tests/format/slice_test.cpp expects the same of ours.
"""
import pathlib
import random
import sys

import numpy as np

SHAPES = [(), (1,), (7,), (40,), (0,), (3, 5), (8, 1, 6), (4, 3, 2, 5), (2, 0, 3), (1, 1), (2, 3, 2, 2, 3), (16, 17)]
CASES = 4000


def fnv1a(data):
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def bound(rng, size):
    kind = rng.random()
    if kind < 0.25:
        return ""
    if kind < 0.9:
        return str(rng.randint(-size - 2, size + 2))
    return str(rng.choice([-10**30, 10**30, 2**63 - 1, -2**63, 2**63, 1 << 40]))


def item(rng, size):
    kind = rng.random()
    if kind < 0.3:
        low, high = (-size, size - 1) if size > 0 and rng.random() < 0.93 else (-size - 2, size + 2)
        return str(rng.randint(low, high))
    if kind < 0.38:
        return rng.choice(["None", "...", ":", "::"])
    text = bound(rng, size) + ":" + bound(rng, size)
    if rng.random() < 0.6:
        steps = [1, 2, 3, -1, -2, -3, size + 1, -size - 1, 10**30, -10**30, -2**63, ""]
        text += ":" + str(rng.choice(steps) if rng.random() < 0.98 else 0)
    return text


def expression(rng, shape):
    count = rng.randint(0, len(shape) + (rng.random() < 0.05))
    items = [item(rng, shape[i] if i < len(shape) else 3) for i in range(count)]
    if rng.random() < 0.3:  # the rest of the axes from the end
        place = rng.randint(0, len(items))
        items.insert(place, "...")
        items[place + 1:] = [item(rng, size) for size in shape[len(shape) - len(items[place + 1:]):]]
    text = rng.choice([",", ", ", " , "]).join(items) or "()"
    if len(items) == 1 and rng.random() < 0.2:
        text += ","
    return text


def select(array, text):
    try:
        return eval("array[" + text + "]", {"array": array, "None": None})
    except (IndexError, ValueError):  # ValueError: the step is 0
        return None


def main(out=pathlib.Path(__file__).parent / "../data/format/slices.txt"):
    rng = random.Random(20)
    lines = {}
    while len(lines) < CASES:
        shape = rng.choice(SHAPES)
        text = expression(rng, shape)
        chosen = select(np.arange(np.prod(shape, dtype=int), dtype="<u2").reshape(shape), text)
        shape_text = ",".join(map(str, shape))
        if chosen is None:
            result = "error"
        else:
            result = ",".join(map(str, np.shape(chosen))) + f" {fnv1a(np.ascontiguousarray(chosen).tobytes()):08x}"
        lines[f"{shape_text}|{text}"] = result
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(f"{key}|{result}\n" for key, result in lines.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
