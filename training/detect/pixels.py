"""Small tools on pixels: regions, distances of colours, windows that slide."""
import numpy as np


class Region:
    """A connected set of pixels."""

    def __init__(self, ys, xs):
        self.ys, self.xs = ys, xs
        self.area = len(ys)

    @property
    def height(self):
        return int(self.ys.max() - self.ys.min() + 1)

    @property
    def width(self):
        return int(self.xs.max() - self.xs.min() + 1)

    @property
    def centre(self):
        return float(self.xs.mean()), float(self.ys.mean())

    def mask(self, shape):
        result = np.zeros(shape, bool)
        result[self.ys, self.xs] = True
        return result


def regions(mask, smallest=1):
    """Four-connected regions of a mask, largest first, by joining runs of neighbouring rows."""
    parents, runs, previous = [], [], []

    def root(number):
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    for y, row in enumerate(np.diff(padded, axis=1)):
        current = []
        for start, end in zip(np.flatnonzero(row == 1), np.flatnonzero(row == -1)):
            number = len(parents)
            parents.append(number)
            runs.append((y, start, end))
            for other, other_start, other_end in previous:
                if other_start < end and start < other_end:
                    parents[root(other)] = root(number)
            current.append((number, start, end))
        previous = current
    groups = {}
    for number, run in enumerate(runs):
        groups.setdefault(root(number), []).append(run)
    found = []
    for members in groups.values():
        ys = np.concatenate([np.full(end - start, y) for y, start, end in members])
        xs = np.concatenate([np.arange(start, end) for _, start, end in members])
        if len(ys) >= smallest:
            found.append(Region(ys, xs))
    return sorted(found, key=lambda region: -region.area)


def eroded(mask, times=1):
    """Without the pixels that touch the outside."""
    for _ in range(times):
        inner = mask.copy()
        inner[1:] &= mask[:-1]
        inner[:-1] &= mask[1:]
        inner[:, 1:] &= mask[:, :-1]
        inner[:, :-1] &= mask[:, 1:]
        mask = inner
    return mask


def distance(pixels, colour):
    """How far every pixel's colour is from one colour."""
    return np.sqrt(((pixels - np.asarray(colour, np.float32)) ** 2).sum(-1))


def nearest(colour, named):
    """The name of the nearest of some named colours."""
    return min(named, key=lambda name: float(((np.asarray(colour) - named[name]) ** 2).sum()))


def box_mean(values, radius):
    """The mean over a (2 radius + 1)-sided square around every pixel; the edge is repeated."""
    padded = np.pad(values, radius + 1, mode="edge").cumsum(0).cumsum(1)
    side = 2 * radius + 1
    return ((padded[side:, side:] - padded[:-side, side:] - padded[side:, :-side] + padded[:-side, :-side]) / side ** 2)[:values.shape[0], :values.shape[1]]


def grid(size=128):
    """x as a row and y as a column, at pixel centres, for distance functions."""
    line = np.arange(size, dtype=np.float32) + .5
    return line[None], line[:, None]


def mask_of(distance_function, size=128):
    x, y = grid(size)
    return np.broadcast_to(distance_function(x, y) < 0, (size, size))
