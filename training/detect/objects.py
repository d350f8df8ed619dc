"""Objects on a flat ground: the ground's colour, and the number, colours and shapes of what lies on it."""
import numpy as np

from ..papercut import palette as p
from ..papercut.shapes import SHAPE_DISTANCES
from .pixels import distance, eroded, grid, mask_of, nearest, regions

COLOURS = {name: p.COLOURS[name] for name in p.OBJECT_COLOURS}
SHADES = (1, .92, .84, .76, .68, .6)        # of the ground, down into the deepest shadow
SMALLEST = 120                              # pixels; the smallest object drawn has about 900


def _unit_shapes():
    """Area and centre of each shape of radius 1, measured on a large one."""
    units = {}
    for name, make in SHAPE_DISTANCES.items():
        ys, xs = np.nonzero(mask_of(make(64, 64, 40)))
        units[name] = (len(ys) / 1600, (xs.mean() + .5 - 64) / 40, (ys.mean() + .5 - 64) / 40)
    return units


UNITS = _unit_shapes()


def shape_of(region):
    """The named shape that covers a region best, when laid over it with the same area and centre."""
    mask = region.mask((128, 128))
    x, y = region.centre
    best, best_score = None, -1.0
    for name, (area, dx, dy) in UNITS.items():
        radius = np.sqrt(region.area / area)
        for scale in (.96, 1.04):
            size = radius * scale
            template = mask_of(SHAPE_DISTANCES[name](x + .5 - dx * radius, y + .5 - dy * radius, size))
            score = (mask & template).sum() / (mask | template).sum()
            if score > best_score:
                best, best_score = name, score
    return best


def detect_objects(pixels):
    edge = np.concatenate([pixels[:6].reshape(-1, 3), pixels[-6:].reshape(-1, 3), pixels[:, :6].reshape(-1, 3), pixels[:, -6:].reshape(-1, 3)])
    ground = nearest(np.median(edge, 0), COLOURS)
    to_ground = np.min([distance(pixels, COLOURS[ground] * shade) for shade in SHADES], 0)
    to_others = np.min([distance(pixels, colour) for name, colour in COLOURS.items() if name != ground], 0)
    things = regions(eroded(to_others < to_ground), SMALLEST)
    if things:
        things = [thing for thing in things if thing.area > .25 * things[0].area]
    found = [(nearest(_middle_colour(pixels, thing), {n: c for n, c in COLOURS.items() if n != ground}), shape_of(thing)) for thing in things]
    return {"object ground": ground, "object number": len(found), "objects": found}


def _middle_colour(pixels, region):
    mask = region.mask(pixels.shape[:2])
    inner = eroded(mask, 3)
    return np.median(pixels[inner if inner.any() else mask], 0)
