"""Is the hole filled as the caption says, and its edge not to be seen? Filled pictures against the renderer's own.

A case is a picture with a hole and the caption of the whole picture as it is to be. In the hole there is something else: another colour, another
number, nothing of what is asked for (`object`: a hole of the change's shape, `box`: a box around it); or, as in front of the edge of a picture,
grey (`border`, `half`). `unseen` cases end in a pair of attributes that training never showed.
"""
import dataclasses
import json
import pathlib

import numpy as np

from . import png
from .judge_edit import changed_attributes, compared, l1
from .papercut import captions, draw, edits, masks, scenes
from .papercut.scenes import choose

CASES = pathlib.Path(__file__).with_name("inpaint_cases.json")
SEEN, UNSEEN, SEED = 120, 80, 6161
KINDS = ("object", "box", "border", "half")
MARGIN, LARGEST, IN_HOLE = 5, .55, .7         # around what changes; share of the picture that a hole has at most; share of a part that the hole asks for
SIDES = ("left", "right", "top", "bottom")
# What may be asked of a hole: attributes by the part that shows them.
SHOWN = {"body": ("body", "body number"), "clouds": ("clouds",), "mountains": ("mountain number", "mountain colour", "snow caps"),
         "house": ("wall colour", "roof colour"), "boat": ("sail colour",), "trees": ("tree kind", "tree number", "tree colour")}
MEASURES = ("filled as asked", *(f"filled as asked: {kind}" for kind in KINDS), "attributes around kept", "L1 in the hole", "gradient across the seam",
            "its error", "pixels touched outside")


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    text: str
    before: dict | None
    after: dict
    asked: list
    side: str | None
    pixels: int
    unseen: bool
    seed: int

    def hole(self):
        if self.side:
            return masks.strip(self.side, self.pixels)
        changed = masks.changed(draw.render_bytes(self.before), self.answer())
        return masks.grown(changed, self.pixels) if self.kind == "object" else masks.box(changed, self.pixels)

    def picture(self):
        return draw.render_bytes(self.before) if self.before else masks.blanked(self.answer(), self.hole())

    def answer(self):
        return draw.render_bytes(self.after)


def asked_of(scene, hole):
    """The attributes of the parts that lie in a hole, nearly whole."""
    if scene["kind"] == "objects":
        return ["object ground", "object number", "object colours", "object shapes"]
    covers = {part: masks.cover(scene, part) for part in masks.parts(scene)}
    return [name for part, cover in covers.items() if (cover & hole).sum() > IN_HOLE * cover.sum() for name in SHOWN[part]]


def make_cases():
    random, made = np.random.default_rng(SEED), []
    for unseen, wanted in ((False, SEEN), (True, UNSEEN)):
        allowed = scenes.is_held_out if unseen else edits.is_trained
        for number in range(wanted):
            make = _edited_case if KINDS[number % 4] in ("object", "box") else _blank_case
            case = None
            while case is None:
                case = make(KINDS[number % 4], allowed, random, unseen, 3000 + len(made))
            made.append(case)
    return made


def _edited_case(kind, allowed, random, unseen, seed):
    scene = scenes.training_scene(random)
    found = edits.random_edits(scene, random, 8, allowed)
    if not found:
        return None
    edit = choose(random, found)
    asked = changed_attributes(scene, edit.after)
    case = Case(kind, captions.caption(edit.after, random), scene, edit.after, asked, None, MARGIN, unseen, seed)
    return case if asked and case.hole().mean() < LARGEST else None


def _blank_case(kind, allowed, random, unseen, seed):
    scene = scenes.any_scene(random)
    side, pixels = choose(random, SIDES), masks.SIZE // 2 if kind == "half" else choose(random, (32, 40, 48))
    asked = asked_of(scene, masks.strip(side, pixels)) if allowed(scene) else []
    return Case(kind, captions.caption(scene, random), None, scene, asked, side, pixels, unseen, seed) if asked else None


def cases():
    return [Case(**entry) for entry in json.loads(CASES.read_text())]


def seam(picture, hole):
    """The steps of colour between neighbours on either side of a hole's edge, one row each."""
    values, steps = picture.astype(float), []
    for axis in (0, 1):
        crossing = np.diff(hole.astype(np.int8), axis=axis) != 0
        steps.append(np.diff(values, axis=axis)[crossing])
    return np.concatenate(steps)


def measures(case, picture):
    """{measure: value} of one picture made for a case."""
    answer, hole, given = case.answer(), case.hole(), case.picture()
    changed, kept = compared(picture, case.before or case.after, case.after)
    verdicts = {**changed, **kept}
    filled = all(verdicts[name] for name in case.asked)
    steps = seam(picture, hole)
    found = {"filled as asked": filled, f"filled as asked: {case.kind}": filled, "L1 in the hole": l1(picture, answer, hole),
             "gradient across the seam": float(np.abs(steps).mean()), "its error": float(np.abs(steps - seam(answer, hole)).mean()),
             "pixels touched outside": float((picture != given).any(-1)[~hole].mean())}
    around = [right for name, right in verdicts.items() if name not in case.asked]
    return {**found, "attributes around kept": float(np.mean(around))} if around else found


def write_input(case, folder, number):
    png.write(folder / f"{number}.png", case.picture())
    png.write(folder / f"{number}.mask.png", np.repeat(case.hole()[..., None], 3, -1).astype(np.uint8) * 255)
