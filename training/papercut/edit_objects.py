"""Edits of object scenes: colours, ground, shapes, numbers, sizes."""
from . import palette as p
from .captions import a, plural
from .edit_kinds import Kind, edited, other, tell_count
from .scenes import choose

ACTIONS = ("colour objects", "colour background", "change shape", "change number", "change size")


def _with_item(scene, index, **values):
    return edited(scene, items=[{**item, **values} if number == index else dict(item) for number, item in enumerate(scene["items"])])


def _changed_item(before, after):
    return next((old, new) for old, new in zip(before["items"], after["items"]) if old != new)


def _name(scene, item):
    """What to call an item: its shape, and its colour too where another has the same shape."""
    name = plural(item["shape"], item["number"])
    return name if sum(i["shape"] == item["shape"] for i in scene["items"]) == 1 else f"{item['colour']} {name}"


def _recolour(scene, random):
    colours = [item["colour"] for item in scene["items"]]
    return _with_item(scene, int(random.integers(len(colours))), colour=other(random, p.OBJECT_COLOURS, scene["background"], *colours))


def _tell_colour(before, after, writer):
    old, new = _changed_item(before, after)
    name, colour = _name(before, old), new["colour"]
    if writer.chance(.25):
        name = f"{old['colour']} {plural(old['shape'], old['number'])}"
    words = writer.pick(f"make the {name} {colour}", f"turn the {name} {colour}", f"change the {name} to {colour}", f"paint the {name} {colour}")
    return {"action": "colour objects", "object shape": old["shape"], "object colour": colour}, words


def _change_background(scene, random):
    return edited(scene, background=other(random, p.OBJECT_COLOURS, scene["background"], *(item["colour"] for item in scene["items"])))


def _tell_background(before, after, writer):
    colour = after["background"]
    words = writer.pick(f"make the background {colour}", f"change the background to {colour}", f"turn the background {colour}",
                        f"put it on {a(colour)} background", f"paint the background {colour}")
    return {"action": "colour background", "object ground": colour}, words


def _reshape(scene, random):
    index = int(random.integers(len(scene["items"])))
    return _with_item(scene, index, shape=other(random, p.SHAPES, *(item["shape"] for item in scene["items"])))


def _tell_shape(before, after, writer):
    old, new = _changed_item(before, after)
    name = _name(before, old)
    shape = a(new["shape"]) if new["number"] == 1 else plural(new["shape"], 2)
    words = [f"turn the {name} into {shape}", f"replace the {name} with {shape}", f"change the {name} into {shape}"]
    if len(before["items"]) == 1:
        words.append(f"make it {shape}")
    return {"action": "change shape", "object shape": new["shape"]}, writer.pick(*words)


def _renumber(scene, random):
    if len(scene["items"]) > 1 or scene["size"]:
        return None
    return _with_item(scene, 0, number=other(random, (1, 2, 3), scene["items"][0]["number"]))


def _tell_number(before, after, writer):
    old, new = _changed_item(before, after)
    text, named = tell_count(old["number"], new["number"], new["shape"], writer)
    meaning = {"action": "change number", "object shape": new["shape"]}
    return ({**meaning, "object number": new["number"]} if named else meaning), text


def _resize(scene, random):
    item = scene["items"][0]
    return edited(scene, size=other(random, ("big", "small"), scene["size"])) if len(scene["items"]) == 1 and item["number"] == 1 else None


def _tell_size(before, after, writer):
    size, shape = after["size"], after["items"][0]["shape"]
    if not size:
        return None
    words = {"big": ("make the {} big", "make the {} bigger", "make the {} large", "make the {} larger"),
             "small": ("make the {} small", "make the {} smaller", "make the {} little")}[size]
    return {"action": "change size", "object shape": shape, "size": size}, choose(writer.random, words).format(shape)


KINDS = {
    "object colour": Kind(_recolour, _tell_colour, share=2), "background": Kind(_change_background, _tell_background, share=2),
    "object shape": Kind(_reshape, _tell_shape, share=2), "object number": Kind(_renumber, _tell_number), "object size": Kind(_resize, _tell_size),
}
