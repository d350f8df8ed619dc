"""Houses, boats and trees: looked for at the places where they can stand, with the outlines they are drawn with."""
import numpy as np

from ..papercut import draw, palette as p
from ..papercut.shapes import convex_polygon
from .pixels import distance, mask_of


class Outline:
    """The pixels of a shape drawn around (64, 64), to be laid over a picture anywhere."""

    def __init__(self, *distance_functions):
        mask = np.any([mask_of(function, 192) for function in distance_functions], 0)
        self.ys, self.xs = np.nonzero(mask)
        self.ys, self.xs = self.ys - 64, self.xs - 64

    def at(self, values, x, y):
        """The values under the outline when its origin is at (x, y); what is outside the picture is left out."""
        ys, xs = self.ys + int(round(y)), self.xs + int(round(x))
        inside = (ys >= 0) & (ys < values.shape[0]) & (xs >= 0) & (xs < values.shape[1])
        return values[ys[inside], xs[inside]]


def _rectangle(left, top, right, bottom):
    return convex_polygon([(64 + left, 64 + top), (64 + right, 64 + top), (64 + right, 64 + bottom), (64 + left, 64 + bottom)])


def _shifted(points):
    return convex_polygon([(64 + x, 64 + y) for x, y in points])


_HALF, _HEIGHT, _GABLE = draw.HOUSE
WALL = Outline(_rectangle(-_HALF + 2, -_HEIGHT + 3, _HALF - 2, -19), _rectangle(-1.5, -19, 2.5, -2), _rectangle(13.5, -19, _HALF - 2, -2))
ROOF = Outline(_shifted([(0, -_HEIGHT - _GABLE + 4), (_HALF, -_HEIGHT - 2), (-_HALF, -_HEIGHT - 2)]))
SAIL = Outline(_shifted([(2, -44), (18, -14), (2, -14)]))
FORE_SAIL = Outline(_shifted([(-3, -38), (-3, -14), (-14, -14)]))
TREE_SIZE, FOREST_SIZE = 1.27, .95
SHIFTS = (-3, -1, 1, 3)
FOREST_BASES = (87, 89, 91, 93)
STANDS = .58                  # the score of a tree that is there: on 120 pictures .61 and more, where there is none .59 and less


def detect_parts(pixels, time, ground):
    found = dict(zip(("wall colour", "roof colour"), _house(pixels, time, ground)))
    found["sail colour"] = _sail(pixels, time, ground)
    found.update(_trees(pixels, time, ground))
    return found


def _lit_colours(names, time):
    return {name: p.lit(p.COLOURS[name], time, .32) for name in names}


def _house(pixels, time, ground):
    """Wall and roof colours where one wall colour and another roof colour fit best together."""
    base, best, best_score = draw.BASE_LINE[ground], (None, None), -1.0
    walls = {name: distance(pixels, colour) for name, colour in _lit_colours(p.WALL_COLOURS, time).items()}
    roofs = {name: distance(pixels, colour) for name, colour in _lit_colours(p.ROOF_COLOURS, time).items()}
    for slot in draw.SLOT.values():
        for dx in SHIFTS:
            for dy in (-1, 1):
                wall_fits = {name: _fit(WALL.at(values, slot + dx, base + dy)) for name, values in walls.items()}
                roof_fits = {name: _fit(ROOF.at(values, slot + dx, base + dy)) for name, values in roofs.items()}
                wall = max(wall_fits, key=wall_fits.get)
                roof = max((name for name in roof_fits if name != wall), key=roof_fits.get)
                score = min(wall_fits[wall], roof_fits[roof])
                if score > best_score:
                    best, best_score = (wall, roof), score
    return best


def _fit(distances, tolerance=.30):
    """1 when every pixel has the colour, 0 when all are far from it."""
    return float(np.clip(1 - distances / tolerance, 0, 1).mean())


def _sail(pixels, time, ground):
    best, best_score = None, -1.0
    fields = {name: (distance(pixels, colour), distance(pixels, colour * .92)) for name, colour in _lit_colours(p.SAIL_COLOURS, time).items()}
    hull = distance(pixels, p.lit(p.COLOURS["brown"], time, .45))
    lines = (draw.WATER_LINE["lake"],) if ground == "lake" else (draw.WATER_LINE["sea"], draw.WATER_LINE["shore"])
    hull_outline = Outline(_shifted([(-16, -7), (16, -7), (12, 0), (-12, 0)]))
    for slot in draw.SLOT.values():
        for dx in SHIFTS:
            for y in lines:
                wood = _fit(hull_outline.at(hull, slot + dx, y))
                for name, (main, fore) in fields.items():
                    score = _fit(SAIL.at(main, slot + dx, y)) + .6 * _fit(FORE_SAIL.at(fore, slot + dx, y)) + .8 * wood
                    if score > best_score:
                        best, best_score = name, score
    return best


def _crown_outlines(size):
    pine = [_shifted([(0, -(foot + height) * size + 2), ((half - 1.5) * size, -foot * size - 1), (-(half - 1.5) * size, -foot * size - 1)])
            for half, foot, height in draw.PINE]
    high, radius = draw.CROWN
    leaves = lambda x, y: np.hypot(x - 64, y - 64 + high * size) - (radius - 1.5) * size
    return {"pine": Outline(*pine), "round": Outline(leaves)}


def _ring(size):
    """Just beside the crowns: what must not have their colour."""
    return {"pine": Outline(_rectangle(-12 * size, -31 * size, -8 * size, -20 * size), _rectangle(8 * size, -31 * size, 12 * size, -20 * size)),
            "round": Outline(_rectangle(-14.5 * size, -31 * size, -10.5 * size, -28 * size), _rectangle(10.5 * size, -31 * size, 14.5 * size, -28 * size),
                             _rectangle(-13 * size, -10 * size, -9 * size, -7 * size), _rectangle(9 * size, -10 * size, 13 * size, -7 * size))}


CROWNS, RINGS = {size: _crown_outlines(size) for size in (TREE_SIZE, FOREST_SIZE)}, {size: _ring(size) for size in (TREE_SIZE, FOREST_SIZE)}


def _trees(pixels, time, ground):
    colours = {("pine", "green"): p.lit(draw.NEEDLES, time, .5) * 1.07}
    colours.update({("round", name): p.lit(colour, time, .5) for name, colour in draw.LEAVES.items()})
    fields = {key: distance(pixels, colour) for key, colour in colours.items()}
    base = draw.BASE_LINE[ground]
    best, best_score = ("none", 0, None), STANDS
    for (kind, colour), field in fields.items():
        single = [_best(field, kind, TREE_SIZE, x, (base - 1, base + 1)) for x in draw.SLOT.values()]
        row = [] if ground == "sea" else [_best(field, kind, FOREST_SIZE, x, FOREST_BASES) for x in draw.FOREST_PLACES]
        forest = float(np.mean(sorted(row)[1:])) if row else 0.0       # one of them may stand behind something
        if forest > best_score:
            best, best_score = (kind, p.FOREST, colour), forest
        elif max(single) > best_score:
            best, best_score = (kind, sum(score > STANDS for score in single), colour), max(single)
    return dict(zip(("tree kind", "tree number", "tree colour"), best))


def _best(field, kind, size, x, bases):
    return max(_stands(field, kind, size, x + dx, base) for dx in (-2, 0, 2) for base in bases)


def _stands(field, kind, size, x, base):
    """How well a crown of one colour is there and its surroundings are not."""
    inside, outside = (_fit(outline.at(field, x, base), .20) for outline in (CROWNS[size][kind], RINGS[size][kind]))
    return inside - .5 * outside
