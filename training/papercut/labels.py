"""The attributes of a scene as words, by the names the judge's table uses. None: the scene has no such attribute to get right."""
from . import palette as p

ABSENT = "none"

# attribute: its possible values, the first meaning that the part is absent.
VALUES = {
    "time": p.TIMES, "ground": p.GROUNDS, "weather": (ABSENT, *p.WEATHERS), "body": (ABSENT, *p.BODIES), "body number": (0, 1), "stars": (ABSENT, "stars"),
    "clouds": (0, 1, 2, 3), "mountain number": (0, 1, 2, 3), "mountain colour": p.MOUNTAIN_COLOURS, "snow caps": (ABSENT, "caps"),
    "object ground": p.OBJECT_COLOURS, "object colour": p.OBJECT_COLOURS, "object number": (1, 2, 3), "object shape": p.SHAPES,
    "tree kind": (ABSENT, *p.TREE_KINDS), "tree number": (0, 1, 2, 3, p.FOREST), "tree colour": p.TREE_COLOURS,
    "wall colour": p.WALL_COLOURS, "roof colour": p.ROOF_COLOURS, "sail colour": p.SAIL_COLOURS,
    "second colour": p.OBJECT_COLOURS, "second shape": p.SHAPES,
}


def labels(scene):
    """{attribute: value} for every attribute that applies to the scene; absent parts of a landscape count as values too."""
    if scene["kind"] == "objects":
        first, *rest = scene["items"]
        found = {"object ground": scene["background"], "object colour": first["colour"], "object shape": first["shape"],
                 "object number": sum(item["number"] for item in scene["items"])}
        if rest:
            found.update({"second colour": rest[0]["colour"], "second shape": rest[0]["shape"]})
        return found
    mountains, trees, house, boat = (scene[key] for key in ("mountains", "trees", "house", "boat"))
    found = {"time": scene["time"], "ground": scene["ground"], "weather": scene["weather"] or ABSENT, "body": scene["body"] or ABSENT,
             "body number": int(bool(scene["body"])),
             "stars": "stars" if scene["stars"] else ABSENT, "clouds": scene["clouds"], "mountain number": mountains["number"],
             "tree kind": trees["kind"] or ABSENT, "tree number": trees["number"]}
    if mountains["number"]:
        found.update({"mountain colour": mountains["colour"], "snow caps": "caps" if mountains["snow"] else ABSENT})
    if trees["number"]:
        found["tree colour"] = trees["colour"]
    if house:
        found.update({"wall colour": house["wall"], "roof colour": house["roof"]})
    if boat:
        found["sail colour"] = boat["sail"]
    return found
