"""Scenes: plain dicts of attributes, how they are drawn at random, and which combinations are kept out of training.

An object scene:    kind, background, items [{shape, colour, number}], size (of a single object), seed
A landscape scene:  kind, time, weather, body, body_position, stars, clouds, mountains {number, colour, snow}, ground, ground_colour,
                    trees {kind, number, colour}, house {wall, roof, position}, boat {sail, position}, seed
An absent part is None (or number 0). The seed drives the jitter of every part, each from its own stream.
"""
from . import palette as p

# Pairs never drawn for training: what tests that attributes compose.
HELD_OUT = {
    ("shape", "star", "purple"), ("shape", "heart", "green"), ("shape", "circle", "orange"), ("shape", "triangle", "pink"),
    ("shape", "square", "red"), ("house", "blue", "orange"), ("house", "yellow", "red"), ("house", "white", "purple"),
    ("sail", "green", "night"), ("sail", "red", "sunset"), ("sail", "yellow", "day"),
    ("mountain", "red", "night"), ("mountain", "purple", "day"), ("mountain", "green", "sunset"),
}
OBJECT_SHARE = .42

NO_MOUNTAINS = dict(number=0, colour=None, snow=False)
NO_TREES = dict(kind=None, number=0, colour=None)


def pairs(scene):
    """The attribute pairs of a scene that HELD_OUT may name."""
    if scene["kind"] == "objects":
        return {("shape", item["shape"], item["colour"]) for item in scene["items"]}
    found = set()
    if scene["house"]:
        found.add(("house", scene["house"]["wall"], scene["house"]["roof"]))
    if scene["boat"]:
        found.add(("sail", scene["boat"]["sail"], scene["time"]))
    if scene["mountains"]["number"]:
        found.add(("mountain", scene["mountains"]["colour"], scene["time"]))
    return found


def is_held_out(scene):
    return not HELD_OUT.isdisjoint(pairs(scene))


def choose(random, options):
    return options[int(random.integers(len(options)))]


def any_scene(random, object_share=OBJECT_SHARE):
    """A random scene that may contain held-out pairs: for the judge."""
    return _objects(random) if random.random() < object_share else _landscape(random)


def training_scene(random, object_share=OBJECT_SHARE):
    """A random scene without any held-out pair."""
    while True:
        scene = any_scene(random, object_share)
        if not is_held_out(scene):
            return scene


def _objects(random):
    background = choose(random, p.OBJECT_COLOURS)
    colours = [c for c in p.OBJECT_COLOURS if c != background]
    layout = choose(random, ("single", "single", "single", "pair", "pair", "three", "different"))
    colour = choose(random, colours)
    items = [dict(shape=choose(random, p.SHAPES), colour=colour, number={"pair": 2, "three": 3}.get(layout, 1))]
    if layout == "different":
        items.append(dict(shape=choose(random, p.SHAPES), colour=choose(random, [c for c in colours if c != colour]), number=1))
    size = choose(random, (None, None, "big", "small")) if layout == "single" else None
    return dict(kind="objects", background=background, items=items, size=size, seed=_seed(random))


def _landscape(random):
    time = choose(random, ("day", "day", "sunset", "night", "night", "dawn"))
    weather = choose(random, (None,) * 7 + ("snow", "snow", "rain"))
    body = _body(random, time, weather)
    ground = choose(random, ("hills", "hills", "sea", "sea", "lake"))
    stands = _standing_parts(random, ground)
    mountains = dict(NO_MOUNTAINS)
    if len(stands) < 2 and random.random() < .62:
        mountains = dict(number=choose(random, (1, 2, 3)), colour=choose(random, p.MOUNTAIN_COLOURS), snow=bool(random.random() < .4))
    house, boat, trees = None, None, dict(NO_TREES)
    if "house" in stands:
        wall = choose(random, p.WALL_COLOURS)
        position = choose(random, ("left", "right") if "boat" in stands else p.POSITIONS)
        house = dict(wall=wall, roof=choose(random, [c for c in p.ROOF_COLOURS if c != wall]), position=position)
    if "boat" in stands:
        position = {"left": "right", "right": "left"}[house["position"]] if house else choose(random, p.POSITIONS)
        boat = dict(sail=choose(random, p.SAIL_COLOURS), position=position)
    if "trees" in stands:
        numbers = (1, 1, 2) if house or boat else (1, 2, 3)
        kind = choose(random, p.TREE_KINDS)
        number = choose(random, numbers if ground == "sea" else numbers + (p.FOREST,))
        trees = dict(kind=kind, number=number, colour=choose(random, p.TREE_COLOURS) if kind == "round" else "green")
    most_clouds = 2 if body else 3
    clouds = 1 + int(random.integers(most_clouds)) if random.random() < .45 else 0
    return dict(kind="landscape", time=time, weather=weather, body=body, body_position=choose(random, p.POSITIONS),
                stars=bool(time == "night" and not weather and random.random() < .6), clouds=clouds, mountains=mountains, ground=ground,
                ground_colour=choose(random, ("green", "green", "green", "golden", "pink", "purple")), trees=trees, house=house, boat=boat,
                seed=_seed(random))


def _body(random, time, weather):
    """The sun or the moon; neither is seen through rain."""
    if weather == "rain":
        return None
    if time == "night":
        return choose(random, ("full moon", "full moon", "crescent moon", "crescent moon", None))
    return choose(random, ("sun", "sun", "sun", None))


def _standing_parts(random, ground):
    """At most two of house, boat and trees, so that each has room to be large."""
    parts = [name for name, chance in (("house", .42), ("boat", 0 if ground == "hills" else .6), ("trees", .4)) if random.random() < chance]
    while len(parts) > 2:
        parts.pop(int(random.integers(len(parts))))
    return parts


def _seed(random):
    return int(random.integers(1 << 30))
