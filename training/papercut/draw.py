"""Draws a scene. Every part takes its jitter from its own stream of random numbers, seeded by the scene's seed and the part's name: an edit
that changes one part leaves every pixel that the part does not cover as it was."""
import zlib

import numpy as np

from . import palette as p
from .shapes import Canvas, cloud, crescent, draw_shape

SLOT = {"left": 27.0, "middle": 64.0, "right": 101.0}
SKY_BOTTOM = 84.0
BODY_RADIUS, BODY_HEIGHT = 14.0, 24.0
MOUNTAIN_FOOT = 98.0
BASE_LINE = {"sea": 121.0, "hills": 114.0, "lake": 102.0}     # where houses and trees stand
WATER_LINE = {"sea": 107, "shore": 103, "lake": 113}          # where boats swim
WATER = np.array((.18, .50, .80), np.float32)
SNOW = np.array((.92, .95, .98), np.float32)
SUN = {"day": (1.0, .84, .26), "dawn": (1.0, .72, .42), "sunset": (1.0, .92, .56), "night": (1.0, .84, .26)}
SUN = {time: np.array(colour, np.float32) for time, colour in SUN.items()}
MOON = np.array((.97, .95, .86), np.float32)
CLOUD = {"day": (.99, .99, 1), "dawn": (1, .92, .92), "sunset": (1, .82, .70), "night": (.44, .49, .68)}
CLOUD = {time: np.array(colour, np.float32) for time, colour in CLOUD.items()}
STARLIGHT = np.array((1.0, .95, .74), np.float32)
OBJECT_PLACES = {1: ((64, 64),), 2: ((33, 64), (95, 64)), 3: ((64, 34), (33, 91), (95, 91))}
OBJECT_RADIUS = {1: 37, 2: 27, 3: 25}
FOREST_PLACES = np.arange(9, 128, 22)
MOUNTAIN_PLACES = {1: (64.0,), 2: (38.0, 90.0), 3: (23.0, 64.0, 105.0)}
MOUNTAIN_SIZE = {1: (50, 41), 2: (38, 45), 3: (30, 48)}       # half of the width, height of the peak
HOUSE = (18.5, 25.0, 20.0)        # half of its width, height of the wall, height of the roof
PINE = ((10.5, 5, 13), (8.5, 13, 12), (6.5, 20, 12))          # half width, foot and height of each layer
NEEDLES = np.array((.10, .42, .28), np.float32)
LEAVES = {"green": (.36, .66, .24), "orange": (.95, .54, .14), "pink": (.97, .62, .76), "red": (.80, .16, .18)}
LEAVES = {name: np.array(colour, np.float32) for name, colour in LEAVES.items()}
CROWN = (21.0, 11.0)              # height of the centre and radius of a round tree's leaves
SINGLE_RADIUS = {"big": 51, "small": 22, None: 36}
STAR_PLACES = ((9, 13), (46, 10), (83, 13), (119, 10), (27, 49), (64, 52), (101, 49), (46, 34), (83, 34))


def stream(seed, part):
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def render(scene, size=128):
    """The picture as float32 (size, size, 3) in 0..1."""
    canvas = Canvas(size)
    (_objects if scene["kind"] == "objects" else _landscape)(canvas, scene)
    return np.clip(canvas.pixels, 0, 1)


def render_bytes(scene, size=128):
    """The picture as uint8 (size, size, 3)."""
    return (render(scene, size) * 255 + .5).astype(np.uint8)


def _objects(canvas, scene):
    canvas.pixels[:] = p.COLOURS[scene["background"]]
    random = stream(scene["seed"], "objects")
    todo = [item for item in scene["items"] for _ in range(item["number"])]
    radius = SINGLE_RADIUS[scene["size"]] if len(todo) == 1 else OBJECT_RADIUS[len(todo)]
    for (x, y), item in zip(OBJECT_PLACES[len(todo)], todo):
        dx, dy, grow = random.uniform(-1, 1, 3)
        draw_shape(canvas, item["shape"], x + 2.5 * dx, y + 2.5 * dy, radius * (1 + .04 * grow), p.COLOURS[item["colour"]],
                   offset=(2, 3), softness=7, shadow=.35)


def _landscape(canvas, scene):
    top, horizon = sky_colours(scene)
    fade = np.clip(canvas.rows() / SKY_BOTTOM, 0, 1)[..., None]
    canvas.pixels[:] = top * (1 - fade) + horizon * fade
    if scene["stars"]:
        _stars(canvas, scene)
    if scene["body"]:
        _body(canvas, scene)
    if scene["clouds"]:
        _clouds(canvas, scene)
    if scene["mountains"]["number"]:
        _mountains(canvas, scene, horizon)
    _ground(canvas, scene, horizon)
    base_line = BASE_LINE[scene["ground"]]
    if 0 < scene["trees"]["number"] < p.FOREST:
        _trees(canvas, scene, base_line)
    if scene["house"]:
        _house(canvas, scene, base_line)
    if scene["weather"] == "snow":
        _snowfall(canvas, scene)
    elif scene["weather"] == "rain":
        _rainfall(canvas, scene)


def sky_colours(scene):
    top, horizon = p.SKY[scene["time"]]
    if not scene["weather"]:
        return top, horizon
    if scene["time"] == "night":
        return top * .8 + .06, horizon * .8 + .06
    overcast = np.array((.72, .76, .80), np.float32)
    return top * .55 + overcast * .40, horizon * .55 + overcast * .42


def _stars(canvas, scene):
    random = stream(scene["seed"], "stars")
    hidden = SLOT[scene["body_position"]] if scene["body"] else None
    for x, y in STAR_PLACES:
        dx, dy = random.uniform(-2.5, 2.5, 2)
        if hidden is None or abs(x - hidden) > 10 or y > 45:
            canvas.star(x + dx, y + dy, 5.6, STARLIGHT, tips=4, inner=.38, shadow=0)


def _body(canvas, scene):
    dx, dy = stream(scene["seed"], "body").uniform(-2.5, 2.5, 2)
    x, y = SLOT[scene["body_position"]] + dx, BODY_HEIGHT + dy
    if scene["body"] == "sun":
        colour = SUN[scene["time"]]
        canvas.circle(x, y, BODY_RADIUS + 6, colour * .5 + .5, shadow=0, alpha=.26)
        canvas.circle(x, y, BODY_RADIUS, colour, shadow=.15)
    elif scene["body"] == "full moon":
        canvas.circle(x, y, BODY_RADIUS, MOON, shadow=0)
    else:
        box = (x - BODY_RADIUS, y - BODY_RADIUS, x + BODY_RADIUS, y + BODY_RADIUS)
        canvas.paint(box, crescent(x, y, BODY_RADIUS), MOON, shadow=0)


def cloud_places(scene, random):
    """The places of the clouds, from their stream."""
    slots = [slot for slot in p.POSITIONS if not scene["body"] or slot != scene["body_position"]]
    if random.random() < .5:
        slots.reverse()
    return slots[:scene["clouds"]]


def _clouds(canvas, scene):
    random = stream(scene["seed"], "clouds")
    slots = cloud_places(scene, random)
    colour = CLOUD[scene["time"]]
    if scene["weather"] and scene["time"] != "night":
        colour = colour * .82
    for slot in slots:
        x, y, grow = SLOT[slot] + random.uniform(-2.5, 2.5), random.uniform(22, 28), random.uniform(1.12, 1.22)
        canvas.paint((x - 17 * grow, y - 12 * grow, x + 17 * grow, y + 6 * grow), cloud(x, y, grow), colour, shadow=.22)


def _mountains(canvas, scene, horizon):
    random = stream(scene["seed"], "mountains")
    mountains, time = scene["mountains"], scene["time"]
    number = mountains["number"]
    places, (half_width, peak) = MOUNTAIN_PLACES[number], MOUNTAIN_SIZE[number]
    colour = p.lit(p.COLOURS[mountains["colour"]], time, .7)
    for rank, which in enumerate(np.argsort(random.random(number))):
        x, width, y = places[which] + random.uniform(-3, 3), half_width * random.uniform(.96, 1.06), peak + random.uniform(-2.5, 2.5)
        distant = .18 if rank == 0 and number > 1 else .08
        canvas.convex([(x, y), (x + width, MOUNTAIN_FOOT), (x - width, MOUNTAIN_FOOT)], colour * (1 - distant) + horizon * distant)
        if mountains["snow"]:
            cap = 15.0
            reach = width / (MOUNTAIN_FOOT - y) * cap
            canvas.convex([(x, y), (x + reach, y + cap), (x, y + cap * 1.25), (x - reach, y + cap)], p.lit(SNOW, time, .5), shadow=0)


def _hill(random, base, amplitude):
    phase, wave = random.uniform(0, 2 * np.pi), random.uniform(.8, 1.3) * 2 * np.pi / 128
    return lambda x: base + amplitude * np.sin(x * wave + phase)


def _ground(canvas, scene, horizon):
    random, time, ground = stream(scene["seed"], "ground"), scene["time"], scene["ground"]
    paper = p.lit(SNOW if scene["weather"] == "snow" else p.COLOURS[scene["ground_colour"]], time, .85)
    back, middle, front = _hill(random, 81, 4), _hill(random, 95, 3), _hill(random, 113, 2.5)
    water = p.lit(WATER, time, .75)
    if ground == "sea":
        _waves(canvas, random, water, horizon)
    else:
        canvas.below(back, paper * .78 + horizon * .20, shadow=.25)
        if scene["trees"]["number"] == p.FOREST:
            _forest(canvas, scene, back)
        canvas.below(middle, paper * .84 + horizon * .03, shadow=.25)
    if ground == "lake":
        _lake(canvas, scene, water)
    if scene["boat"]:
        _boat(canvas, scene, water_line(scene))
    if has_shore(scene):
        canvas.below(_hill(stream(scene["seed"], "shore"), 112, 1.5), paper * .86, shadow=.25)
    elif ground == "hills":
        canvas.below(front, paper * .72, shadow=.25)


def has_shore(scene):
    """Whether there is land before the sea, for what cannot stand on water."""
    return scene["ground"] == "sea" and bool(scene["house"] or scene["trees"]["number"])


def water_line(scene):
    return WATER_LINE["lake" if scene["ground"] == "lake" else "shore" if has_shore(scene) else "sea"]


def _waves(canvas, random, water, horizon):
    for layer, (y, amplitude) in enumerate(((82, 1.1), (94, 1.2), (109, 1.3))):
        phase = random.uniform(0, 2 * np.pi)
        colour = water * (1 - .13 * layer) + horizon * (.24 - .12 * layer)
        canvas.below(lambda x: y + amplitude * np.sin(x * 2 * np.pi / 26 + phase), colour, shadow=.14)


def _lake(canvas, scene, water):
    x, y = 64 + stream(scene["seed"], "lake").uniform(-3, 3), 111
    rim = water * .5 + .42 * p.lit((1, 1, 1), scene["time"], .8)
    for size, colour in ((1.0, rim), (.93, water)):
        canvas.paint((x - 57, y - 15, x + 57, y + 15), lambda px, py: (np.hypot((px - x) / 56, (py - y) / 14) - size) * 14, colour, shadow=0)


def _house(canvas, scene, base):
    house, time = scene["house"], scene["time"]
    half, height, gable = HOUSE
    x = SLOT[house["position"]] + stream(scene["seed"], "house").uniform(-2, 2)
    wall, roof = (p.lit(p.COLOURS[house[part]], time, .32) for part in ("wall", "roof"))
    canvas.convex([(x - half, base - height), (x + half, base - height), (x + half, base), (x - half, base)], wall)
    canvas.convex([(x, base - height - gable), (x + half + 5, base - height), (x - half - 5, base - height)], roof)
    window = (1, .88, .46) if time in ("night", "sunset") else (.80, .90, .96)
    _rectangle(canvas, x + 8, base - 14, 4, 4, window)
    _rectangle(canvas, x - 7, base - 7.5, 4, 7.5, p.lit(p.COLOURS["brown"] * .7, time, .5))


def _rectangle(canvas, x, y, half_width, half_height, colour):
    canvas.convex([(x - half_width, y - half_height), (x + half_width, y - half_height), (x + half_width, y + half_height),
                   (x - half_width, y + half_height)], colour, shadow=0)


def _boat(canvas, scene, water_line):
    boat, time, y = scene["boat"], scene["time"], water_line
    x = SLOT[boat["position"]] + stream(scene["seed"], "boat").uniform(-2, 2)
    canvas.convex([(x - 22, y - 9), (x + 22, y - 9), (x + 15, y + 2), (x - 15, y + 2)], p.lit(p.COLOURS["brown"], time, .45))
    sail = p.lit(p.COLOURS[boat["sail"]], time, .32)
    canvas.convex(main_sail(x, y), sail, shadow=.2)
    canvas.convex(fore_sail(x, y), sail * .92, shadow=.2)


def main_sail(x, y):
    return [(x + 1, y - 50), (x + 22, y - 12), (x + 1, y - 12)]


def fore_sail(x, y):
    return [(x - 2, y - 44), (x - 2, y - 12), (x - 18, y - 12)]


def _tree(canvas, scene, x, base, size):
    time, tree = scene["time"], scene["trees"]
    trunk = p.lit(p.COLOURS["brown"] * .85, time, .5)
    if tree["kind"] == "pine":
        needles = p.lit(NEEDLES, time, .5)
        _rectangle(canvas, x, base - 3 * size, 2 * size, 3 * size, trunk)
        for layer, (half, foot, height) in enumerate(PINE):
            low = base - foot * size
            canvas.convex([(x, low - height * size), (x + half * size, low), (x - half * size, low)], needles * (1 + .10 * layer), shadow=.2)
        return
    _rectangle(canvas, x, base - 7 * size, 2.2 * size, 7 * size, trunk)
    height, radius = CROWN
    canvas.circle(x, base - height * size, radius * size, p.lit(LEAVES[tree["colour"]], time, .5))


def tree_slots(scene):
    """The places a single tree may stand at: where neither the house nor the boat is."""
    taken = {part["position"] for part in (scene["house"], scene["boat"]) if part}
    return [slot for slot in p.POSITIONS if slot not in taken]


def tree_places(scene, random):
    """The places of single trees, from their stream."""
    slots = tree_slots(scene)
    return [slots[which] for which in random.permutation(len(slots))[:scene["trees"]["number"]]]


def _trees(canvas, scene, base):
    random = stream(scene["seed"], "trees")
    for slot in tree_places(scene, random):
        x, size = SLOT[slot] + random.uniform(-2, 2), random.uniform(1.22, 1.32)
        _tree(canvas, scene, x, base, size)


def _forest(canvas, scene, ridge):
    random = stream(scene["seed"], "forest")
    for x in FOREST_PLACES + random.uniform(-2, 2, len(FOREST_PLACES)):
        _tree(canvas, scene, x, float(ridge(x)) + 10, .95)


def _scattered(random, columns, rows, jitter):
    """Points over the picture, one a cell, every other row moved by half a cell."""
    for row in range(rows):
        for column in range(columns):
            dx, dy = random.uniform(-jitter, jitter, 2)
            yield (column + (.25 if row % 2 else .75)) * 128 / columns + dx, (row + .5) * 128 / rows + dy


def _snowfall(canvas, scene):
    for x, y in _scattered(stream(scene["seed"], "snow"), 5, 5, 4):
        canvas.circle(x, y, 2.8, (1, 1, 1), shadow=0)


def _rainfall(canvas, scene):
    colour = np.array((.88, .94, 1.0)) * (.78 if scene["time"] == "night" else 1)
    for x, y in _scattered(stream(scene["seed"], "rain"), 5, 4, 4):
        canvas.convex([(x + 1, y - 7), (x + 3.4, y - 7), (x - 1, y + 7), (x - 3.4, y + 7)], colour, shadow=0, alpha=.9)
