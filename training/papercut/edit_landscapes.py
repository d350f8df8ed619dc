"""Edits of landscapes: time, weather, ground, sky, mountains, and what stands on the ground."""
from . import palette as p
from .captions import a
from .edit_kinds import Kind, counted, edited, only_changed, other, tell_count
from .scenes import NO_MOUNTAINS, NO_TREES, choose

_PARTS = ("mountains", "house", "boat", "trees", "sun", "moon")
ACTIONS = ("change time", "change weather", "stop weather", "change ground", "colour ground", "change moon", "add stars", "remove stars", "change clouds",
           "change mountains", "colour mountains", "add caps", "remove caps", "paint wall", "paint roof", "paint sail", "change trees", "colour trees",
           "replace house", "replace boat", *(f"{verb} {part}" for part in _PARTS for verb in ("add", "remove")),
           *(f"move {part}" for part in ("house", "boat", "sun", "moon")))
GROUNDS = {"sea": ("the sea", "the ocean"), "lake": ("a lake",)}


def _stands(scene):
    return [part for part in ("house", "boat") if scene[part]] + (["trees"] if scene["trees"]["number"] else [])


def _has_room(scene):
    """For one more thing that stands: at most two do, and with mountains at most one."""
    return len(_stands(scene)) < (1 if scene["mountains"]["number"] else 2)


def _paint(writer, thing, colour, *more):
    return writer.pick(f"make the {thing} {colour}", f"turn the {thing} {colour}", f"paint the {thing} {colour}", f"change the {thing} to {colour}", *more)


def _remove(writer, thing, *more):
    return writer.pick(f"remove the {thing}", f"take away the {thing}", f"take the {thing} away", *more)


def _add(writer, things):
    return writer.pick("add ", "add ", "put in ") + things


def _move(writer, thing, position):
    place = {"left": "to the left", "right": "to the right", "middle": "to the middle"}[position]
    return writer.pick(f"move the {thing} {place}", f"put the {thing}{writer.place(position)}", f"bring the {thing} {place}")


# ---- time, weather, ground

def at_time(scene, time):
    """At night the sun is a full moon, and stars come out of a clear sky."""
    body = scene["body"] and ("sun" if time != "night" else "full moon")
    return edited(scene, time=time, body=body, stars=time == "night" and not scene["weather"])


def _tell_time(before, after, writer):
    words = {"day": ("make it day", "make it daytime", "turn it into day", "change it to day", "by day"),
             "night": ("make it night", "turn it into night", "change it to night", "at night"),
             "sunset": ("make it sunset", "turn it into a sunset", "change it to sunset", "at sunset", "make it evening"),
             "dawn": ("make it dawn", "turn it into dawn", "change it to dawn", "at dawn", "make it early morning")}[after["time"]]
    return {"action": "change time", "time": after["time"]}, writer.pick(*words)


def in_weather(scene, weather):
    """No star is seen through weather, nor the sun or the moon through rain."""
    return edited(scene, weather=weather, stars=scene["stars"] and not weather, body=None if weather == "rain" else scene["body"])


def _tell_weather(before, after, writer):
    old, new = before["weather"], after["weather"]
    if not new:
        words = (f"stop the {old}", f"remove the {old}", f"no more {old}", f"take away the {old}")
        return {"action": "stop weather"}, writer.pick(*words)
    words = [f"make it {new}", f"let it {new}", f"add {new}", f"add falling {new}"]
    if old:
        words += [f"replace the {old} with {new}", f"turn the {old} into {new}"]
    return {"action": "change weather", "weather": new}, writer.pick(*words)


def _change_ground(scene, random):
    return None if _stands(scene) else edited(scene, ground=other(random, p.GROUNDS, scene["ground"]))


def _land(scene):
    return "snowy" if scene["weather"] == "snow" else scene["ground_colour"]


def _tell_ground(before, after, writer):
    names = {**GROUNDS, "hills": (f"{_land(after)} hills",)}
    old = {"hills": "hills", "sea": writer.pick("sea", "ocean"), "lake": "lake"}[before["ground"]]
    new = choose(writer.random, names[after["ground"]])
    meaning = {"action": "change ground", "ground": after["ground"]}
    if after["ground"] == "lake" and before["ground"] == "sea":
        new += f" in {_land(after)} hills"
    if "hills" in new and after["weather"] != "snow":
        meaning["ground colour"] = after["ground_colour"]
    return meaning, writer.pick(f"replace the {old} with {new}", f"turn the {old} into {new}", f"change the {old} to {new}")


def _has_land(scene):
    return scene["weather"] != "snow" and (scene["ground"] != "sea" or scene["house"] or scene["trees"]["number"])


def _recolour_ground(scene, random):
    return edited(scene, ground_colour=other(random, p.GROUND_COLOURS, scene["ground_colour"])) if _has_land(scene) else None


def _tell_ground_colour(before, after, writer):
    colour = after["ground_colour"]
    return {"action": "colour ground", "ground colour": colour}, _paint(writer, "shore" if after["ground"] == "sea" else "hills", colour)


# ---- sky

def _body_name(scene):
    return "sun" if scene["body"] == "sun" else "moon"


def _change_body(scene, random):
    """Takes the sun or the moon away, or puts one into an empty sky."""
    if scene["body"]:
        return edited(scene, body=None)
    if scene["weather"] == "rain":
        return None
    return edited(scene, body=choose(random, p.BODIES[1:]) if scene["time"] == "night" else "sun", body_position=choose(random, p.POSITIONS))


def _tell_body(before, after, writer):
    if not after["body"]:
        name = _body_name(before)
        return {"action": f"remove {name}"}, _remove(writer, name, f"hide the {name}")
    action = f"add {_body_name(after)}"
    if writer.chance(writer.vague):
        return {"action": action}, _add(writer, writer.pick("the ", "a ") + _body_name(after))
    meaning = {"action": action, "body": after["body"], "position": after["body_position"]}
    return meaning, _add(writer, a(after["body"]) + writer.place_above(after["body_position"]))


def _change_moon(scene, random):
    return edited(scene, body=other(random, p.BODIES[1:], scene["body"])) if scene["body"] in p.BODIES[1:] else None


def _tell_moon(before, after, writer):
    old, new = before["body"], a(after["body"])
    words = (f"turn the {old} into {new}", f"replace the {old} with {new}", f"make it {new}", f"turn the moon into {new}")
    return {"action": "change moon", "body": after["body"]}, writer.pick(*words)


def _move_body(scene, random):
    return edited(scene, body_position=other(random, p.POSITIONS, scene["body_position"])) if scene["body"] else None


def _tell_body_move(before, after, writer):
    name = _body_name(after)
    return {"action": f"move {name}", "position": after["body_position"]}, _move(writer, name, after["body_position"])


def _change_stars(scene, random):
    return edited(scene, stars=not scene["stars"]) if scene["time"] == "night" and not scene["weather"] else None


def _tell_stars(before, after, writer):
    if after["stars"]:
        return {"action": "add stars"}, writer.pick("add stars", "add bright stars", "put in stars", "let the stars shine")
    return {"action": "remove stars"}, _remove(writer, "stars", "no stars", "hide the stars")


def _change_clouds(scene, random):
    return edited(scene, clouds=other(random, range(3 if scene["body"] else 4), scene["clouds"]))


def _tell_other_count(action, attribute, thing, old, new, writer):
    text, named = tell_count(old, new, thing, writer)
    return ({"action": action, attribute: new} if named else {"action": action}), text


def _tell_clouds(before, after, writer):
    old, new = before["clouds"], after["clouds"]
    if not new:
        things = "cloud" if old == 1 else "clouds"
        return {"action": "change clouds", "clouds": 0}, _remove(writer, things, f"clear the {things}", "no clouds")
    if not old:
        return {"action": "change clouds", "clouds": new}, _add(writer, writer.pick("a cloud", "one cloud") if new == 1 else counted(new, "cloud"))
    return _tell_other_count("change clouds", "clouds", "cloud", old, new, writer)


# ---- mountains

def _mountains(scene):
    return "mountain" if scene["mountains"]["number"] == 1 else "mountains"


def _change_mountains(scene, random):
    if scene["mountains"]["number"]:
        return edited(scene, mountains=dict(NO_MOUNTAINS))
    if len(_stands(scene)) > 1:
        return None
    return edited(scene, mountains=dict(number=choose(random, (1, 2, 3)), colour=choose(random, p.MOUNTAIN_COLOURS), snow=bool(random.random() < .4)))


def _tell_mountains(before, after, writer):
    if not after["mountains"]["number"]:
        return {"action": "remove mountains"}, _remove(writer, _mountains(before))
    mountains = after["mountains"]
    if writer.chance(writer.vague):
        return {"action": "add mountains"}, _add(writer, "mountains" if mountains["number"] > 1 else "a mountain")
    meaning = {"action": "add mountains", "mountain number": mountains["number"], "mountain colour": mountains["colour"],
               "snow caps": "caps" if mountains["snow"] else "none"}
    return meaning, _add(writer, writer.mountains(after))


def _renumber_mountains(scene, random):
    number = scene["mountains"]["number"]
    return edited(scene, mountains=dict(number=other(random, (1, 2, 3), number))) if number else None


def _tell_mountain_number(before, after, writer):
    return _tell_other_count("change mountains", "mountain number", "mountain", before["mountains"]["number"], after["mountains"]["number"], writer)


def _recolour_mountains(scene, random):
    mountains = scene["mountains"]
    return edited(scene, mountains=dict(colour=other(random, p.MOUNTAIN_COLOURS, mountains["colour"]))) if mountains["number"] else None


def _tell_mountain_colour(before, after, writer):
    colour = after["mountains"]["colour"]
    return {"action": "colour mountains", "mountain colour": colour}, _paint(writer, _mountains(after), colour)


def _change_caps(scene, random):
    return edited(scene, mountains=dict(snow=not scene["mountains"]["snow"])) if scene["mountains"]["number"] else None


def _tell_caps(before, after, writer):
    name = _mountains(after)
    if after["mountains"]["snow"]:
        return {"action": "add caps"}, writer.pick("add snow caps", f"put snow on the {name}", f"make the {name} snow-capped", "add snowy peaks")
    return {"action": "remove caps"}, writer.pick("remove the snow caps", f"melt the snow on the {name}", f"remove the snow from the {name}")


# ---- house and boat

def _new_house(random, position):
    wall = choose(random, p.WALL_COLOURS)
    return dict(wall=wall, roof=other(random, p.ROOF_COLOURS, wall), position=position)


def _free_position(scene, random):
    return other(random, p.POSITIONS, *(scene[part]["position"] for part in ("house", "boat") if scene[part]))


def _change_house(scene, random):
    if scene["house"]:
        return edited(scene, house=None)
    return edited(scene, house=_new_house(random, _free_position(scene, random))) if _has_room(scene) else None


def _change_boat(scene, random):
    if scene["boat"]:
        return edited(scene, boat=None)
    if scene["ground"] == "hills" or not _has_room(scene):
        return None
    return edited(scene, boat=dict(sail=choose(random, p.SAIL_COLOURS), position=_free_position(scene, random)))


def _means_house(house):
    return {"wall colour": house["wall"], "roof colour": house["roof"], "position": house["position"]}


def _means_boat(boat):
    return {"sail colour": boat["sail"], "position": boat["position"]}


def _tell_house(before, after, writer):
    if not after["house"]:
        return {"action": "remove house"}, _remove(writer, writer.pick("house", "house", "cottage"))
    if writer.chance(writer.vague):
        return {"action": "add house"}, _add(writer, "a house")
    return {"action": "add house", **_means_house(after["house"])}, _add(writer, writer.house(after, placed=True))


def _tell_boat(before, after, writer):
    if not after["boat"]:
        return {"action": "remove boat"}, _remove(writer, writer.pick("boat", "boat", "sailboat"))
    if writer.chance(writer.vague):
        return {"action": "add boat"}, _add(writer, "a boat")
    return {"action": "add boat", **_means_boat(after["boat"])}, _add(writer, writer.boat(after, placed=True))


def _repaint_house(part, colours):
    def change(scene, random):
        house = scene["house"]
        return edited(scene, house={part: other(random, colours, house["wall"], house["roof"])}) if house else None
    return change


def _tell_wall(before, after, writer):
    colour = after["house"]["wall"]
    return {"action": "paint wall", "wall colour": colour}, _paint(writer, writer.pick("house", "house", "walls"), colour)


def _tell_roof(before, after, writer):
    colour = after["house"]["roof"]
    return {"action": "paint roof", "roof colour": colour}, _paint(writer, "roof", colour, f"give the house {a(colour)} roof")


def _repaint_sail(scene, random):
    return edited(scene, boat=dict(sail=other(random, p.SAIL_COLOURS, scene["boat"]["sail"]))) if scene["boat"] else None


def _tell_sail(before, after, writer):
    colour = after["boat"]["sail"]
    return {"action": "paint sail", "sail colour": colour}, _paint(writer, writer.pick("sail", "sail", "sails"), colour, f"give the boat {a(colour)} sail")


def _move_part(part):
    def change(scene, random):
        return edited(scene, **{part: dict(position=_free_position(scene, random))}) if scene[part] else None
    return change


def _tell_move(part):
    def tell(before, after, writer):
        position = after[part]["position"]
        return {"action": f"move {part}", "position": position}, _move(writer, part, position)
    return tell


def _replace(scene, random):
    """A boat instead of the house, or a house instead of the boat, at the same place."""
    if scene["ground"] == "hills" or bool(scene["house"]) == bool(scene["boat"]):
        return None
    if scene["house"]:
        return edited(scene, house=None, boat=dict(sail=choose(random, p.SAIL_COLOURS), position=scene["house"]["position"]))
    return edited(scene, boat=None, house=_new_house(random, scene["boat"]["position"]))


def _tell_replace(before, after, writer):
    old, new = ("house", "boat") if after["boat"] else ("boat", "house")
    words, means = (writer.boat, _means_boat) if new == "boat" else (writer.house, _means_house)
    text = words(after, placed=False)
    meaning = means(after[new])
    if not any(position in text.split() for position in p.POSITIONS):
        del meaning["position"]
    return {"action": f"replace {old}", **meaning}, writer.pick(f"replace the {old} with ", f"turn the {old} into ", f"change the {old} to ") + text


# ---- trees

def _new_trees(random, number):
    kind = choose(random, p.TREE_KINDS)
    return dict(kind=kind, number=number, colour=choose(random, p.TREE_COLOURS) if kind == "round" else "green")


def _change_trees(scene, random):
    if scene["trees"]["number"]:
        return edited(scene, trees=dict(NO_TREES))
    if not _has_room(scene):
        return None
    numbers = (1, 2) if scene["house"] or scene["boat"] else (1, 2, 3)
    return edited(scene, trees=_new_trees(random, choose(random, numbers if scene["ground"] == "sea" else (*numbers, p.FOREST))))


def _means_trees(trees):
    return {"tree kind": trees["kind"], "tree number": trees["number"], "tree colour": trees["colour"]}


def _tree_name(scene):
    return "tree" if scene["trees"]["number"] == 1 else "trees"


def _tell_trees(before, after, writer):
    if not after["trees"]["number"]:
        more = ("remove the forest",) if before["trees"]["number"] == p.FOREST else ()
        return {"action": "remove trees"}, _remove(writer, _tree_name(before), *more)
    if writer.chance(writer.vague):
        return {"action": "add trees"}, _add(writer, "a tree" if after["trees"]["number"] == 1 else "trees")
    return {"action": "add trees", **_means_trees(after["trees"])}, _add(writer, writer.trees(after))


def _exchange_trees(scene, random):
    """As many trees of the other kind, or another number of the same."""
    trees = scene["trees"]
    if not trees["number"]:
        return None
    if random.random() < .6:
        kind = other(random, p.TREE_KINDS, trees["kind"])
        return edited(scene, trees=dict(kind=kind, colour="green" if kind == "pine" else choose(random, p.TREE_COLOURS)))
    most = 2 if scene["house"] or scene["boat"] else 3
    return edited(scene, trees=dict(number=other(random, range(1, most + 1), trees["number"]))) if trees["number"] < p.FOREST else None


def _tell_exchange(before, after, writer):
    meaning, new = _means_trees(after["trees"]), writer.trees(after)
    words = [f"replace the {_tree_name(before)} with {new}", f"turn the {_tree_name(before)} into {new}", f"change the {_tree_name(before)} to {new}"]
    if only_changed(before, after, "trees", "number"):
        words.append(f"make it {new}")
    return {"action": "change trees", **meaning}, writer.pick(*words)


def _recolour_trees(scene, random):
    trees = scene["trees"]
    return edited(scene, trees=dict(colour=other(random, p.TREE_COLOURS, trees["colour"]))) if trees["kind"] == "round" else None


def _tell_tree_colour(before, after, writer):
    colour = after["trees"]["colour"]
    return {"action": "colour trees", "tree colour": colour}, _paint(writer, _tree_name(after), colour)


KINDS = {
    "time": Kind(lambda scene, random: at_time(scene, other(random, p.TIMES, scene["time"])), _tell_time,
                 outcome=lambda before, after: at_time(before, after["time"]), share=4),
    "weather": Kind(lambda scene, random: in_weather(scene, other(random, (*p.WEATHERS, None), scene["weather"])), _tell_weather,
                    outcome=lambda before, after: in_weather(before, after["weather"]), share=3),
    "ground": Kind(_change_ground, _tell_ground), "ground colour": Kind(_recolour_ground, _tell_ground_colour, share=2),
    "body": Kind(_change_body, _tell_body, share=2), "moon": Kind(_change_moon, _tell_moon), "body place": Kind(_move_body, _tell_body_move),
    "stars": Kind(_change_stars, _tell_stars), "clouds": Kind(_change_clouds, _tell_clouds, share=2),
    "mountains": Kind(_change_mountains, _tell_mountains, share=2), "mountain number": Kind(_renumber_mountains, _tell_mountain_number),
    "mountain colour": Kind(_recolour_mountains, _tell_mountain_colour, share=2), "snow caps": Kind(_change_caps, _tell_caps),
    "house": Kind(_change_house, _tell_house, share=2), "wall": Kind(_repaint_house("wall", p.WALL_COLOURS), _tell_wall, share=2),
    "roof": Kind(_repaint_house("roof", p.ROOF_COLOURS), _tell_roof, share=2), "house place": Kind(_move_part("house"), _tell_move("house")),
    "boat": Kind(_change_boat, _tell_boat, share=2), "sail": Kind(_repaint_sail, _tell_sail, share=2),
    "boat place": Kind(_move_part("boat"), _tell_move("boat")), "house or boat": Kind(_replace, _tell_replace),
    "trees": Kind(_change_trees, _tell_trees, share=2), "other trees": Kind(_exchange_trees, _tell_exchange),
    "tree colour": Kind(_recolour_trees, _tell_tree_colour),
}
