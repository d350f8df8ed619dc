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
TREE_TOLERANCE = {"day": .34, "dawn": .34, "sunset": .30, "night": .20}      # for the colour of leaves: dark colours are close together
STANDS = .53                  # the score of a tree that is there, from that on
SURE = .62                    # the score of a house, or of each of a boat's parts, that surely stands there: no tree does then


def detect_parts(pixels, time, ground):
    (wall, roof), house_slot = _house(pixels, time, ground)
    sail, boat_slot = _sail(pixels, time, ground)
    free = [slot for name, slot in draw.SLOT.items() if name not in (house_slot, boat_slot)]
    return {"wall colour": wall, "roof colour": roof, "sail colour": sail, **_trees(pixels, time, ground, free)}


def _lit_colours(names, time):
    return {name: p.lit(p.COLOURS[name], time, .32) for name in names}


def _house(pixels, time, ground):
    """Wall and roof colours where one wall colour and another roof colour fit best together, and the place if a house surely stands there."""
    base, best, place, best_score = draw.BASE_LINE[ground], (None, None), None, -1.0
    walls = {name: distance(pixels, colour) for name, colour in _lit_colours(p.WALL_COLOURS, time).items()}
    roofs = {name: distance(pixels, colour) for name, colour in _lit_colours(p.ROOF_COLOURS, time).items()}
    for name_of_slot, slot in draw.SLOT.items():
        for dx in SHIFTS:
            for dy in (-1, 1):
                wall_fits = {name: _fit(WALL.at(values, slot + dx, base + dy)) for name, values in walls.items()}
                roof_fits = {name: _fit(ROOF.at(values, slot + dx, base + dy)) for name, values in roofs.items()}
                wall = max(wall_fits, key=wall_fits.get)
                roof = max((name for name in roof_fits if name != wall), key=roof_fits.get)
                score = min(wall_fits[wall], roof_fits[roof])
                if score > best_score:
                    best, place, best_score = (wall, roof), name_of_slot, score
    return best, place if best_score > SURE else None


def _fit(distances, tolerance=.30):
    """1 when every pixel has the colour, 0 when all are far from it."""
    return float(np.clip(1 - distances / tolerance, 0, 1).mean())


def _sail(pixels, time, ground):
    best, place, best_score = None, None, -1.0
    fields = {name: (distance(pixels, colour), distance(pixels, colour * .92)) for name, colour in _lit_colours(p.SAIL_COLOURS, time).items()}
    hull = distance(pixels, p.lit(p.COLOURS["brown"], time, .45))
    lines = (draw.WATER_LINE["lake"],) if ground == "lake" else (draw.WATER_LINE["sea"], draw.WATER_LINE["shore"])
    hull_outline = Outline(_shifted([(-16, -7), (16, -7), (12, 0), (-12, 0)]))
    for name_of_slot, slot in draw.SLOT.items():
        for dx in SHIFTS:
            for y in lines:
                wood = _fit(hull_outline.at(hull, slot + dx, y))
                for name, (main, fore) in fields.items():
                    score = _fit(SAIL.at(main, slot + dx, y)) + .6 * _fit(FORE_SAIL.at(fore, slot + dx, y)) + .8 * wood
                    if score > best_score:
                        best, place, best_score = name, name_of_slot, score
    return best, place if best_score > SURE * 2.4 else None


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


def _trees(pixels, time, ground, slots):
    colours = {("pine", "green"): p.lit(draw.NEEDLES, time, .5) * 1.07}
    colours.update({("round", name): p.lit(colour, time, .5) for name, colour in draw.LEAVES.items()})
    fields = {key: distance(pixels, colour) for key, colour in colours.items()}
    base = draw.BASE_LINE[ground]
    best, best_score = ("none", 0, None), STANDS
    for (kind, colour), field in fields.items():
        tolerance = TREE_TOLERANCE[time]
        single = [_best(field, kind, TREE_SIZE, x, (base - 3, base - 1, base + 1), tolerance) for x in slots]
        row = [] if ground == "sea" else [_best(field, kind, FOREST_SIZE, x, FOREST_BASES, tolerance) for x in draw.FOREST_PLACES]
        forest = float(np.mean(sorted(row)[1:])) if row else 0.0       # one of them may stand behind something
        if forest > best_score and forest > max(single, default=0) - .15:
            best, best_score = (kind, p.FOREST, colour), forest
        elif max(single, default=0) > best_score:
            best, best_score = (kind, sum(score > STANDS for score in single), colour), max(single)
    return dict(zip(("tree kind", "tree number", "tree colour"), best))


def _best(field, kind, size, x, bases, tolerance):
    return max(_stands(field, kind, size, x + dx, base, tolerance) for dx in (-4, -2, 0, 2, 4) for base in bases)


def _stands(field, kind, size, x, base, tolerance):
    """How well a crown of one colour is there and its surroundings are not."""
    inside, outside = (_fit(outline.at(field, x, base), tolerance) for outline in (CROWNS[size][kind], RINGS[size][kind]))
    return inside - .5 * outside
