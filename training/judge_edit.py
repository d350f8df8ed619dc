"""Is the instruction followed, and the rest kept? Edited pictures against the renderer's own edited pictures.

A case is a scene, an instruction and the scene after it; `unseen` ones end in a pair of attributes that training never showed.
"""
import dataclasses
import json
import pathlib

import numpy as np

from . import png
from .detect import detect
from .papercut import draw, edits, masks, scenes
from .papercut.labels import labels

CASES = pathlib.Path(__file__).with_name("edit_cases.json")
SEEN, UNSEEN, SEED = 120, 80, 5151
NEAR_EDGE = 3                      # pixels beside what the renderer changed that count as changed too
GROUPS = {"time": "time", "weather": "weather", "background": "colour", "object colour": "colour", "ground colour": "colour", "mountain colour": "colour",
          "wall": "colour", "roof": "colour", "sail": "colour", "tree colour": "colour", "object shape": "shape", "object number": "number",
          "object size": "shape", "mountain number": "number", "clouds": "number", "stars": "add or remove", "body": "add or remove",
          "house": "add or remove", "boat": "add or remove", "trees": "add or remove", "mountains": "add or remove", "snow caps": "add or remove",
          "moon": "replace", "ground": "replace", "house or boat": "replace", "other trees": "replace", "body place": "move", "house place": "move",
          "boat place": "move"}
MEASURES = ("instruction followed", *(f"followed: {group}" for group in dict.fromkeys(GROUPS.values())), "attributes changed", "attributes kept",
            "L1 where it changes", "L1 where it stays", "dB where it stays")


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    text: str
    before: dict
    after: dict
    unseen: bool
    seed: int

    def picture(self):
        return draw.render_bytes(self.before)

    def answer(self):
        return draw.render_bytes(self.after)


def make_cases():
    random, cases, counts = np.random.default_rng(SEED), [], {}
    for unseen, wanted in ((False, SEEN), (True, UNSEEN)):
        allowed = scenes.is_held_out if unseen else edits.is_trained
        while wanted:
            scene = scenes.training_scene(random)
            rarest = sorted(edits.random_edits(scene, random, 8, allowed), key=lambda edit: counts.get(edit.kind, 0) / edits.share_of(edit))[:1]
            for edit in rarest:
                told = edit.told(random)
                if told:
                    counts[edit.kind] = counts.get(edit.kind, 0) + 1
                    cases.append(Case(edit.kind, told[1], scene, edit.after, unseen, 2000 + len(cases)))
                    wanted -= 1
    return cases


def cases():
    return [Case(**entry) for entry in json.loads(CASES.read_text())]


def attributes(found_or_scene, kind):
    """What a picture shows or a scene has, as comparable values by name."""
    if kind != "objects":
        return found_or_scene
    objects = found_or_scene["objects"]
    return {"object ground": found_or_scene["object ground"], "object number": found_or_scene["object number"],
            "object colours": sorted(colour for colour, _ in objects), "object shapes": sorted(shape for _, shape in objects)}


def wanted_attributes(scene):
    if scene["kind"] != "objects":
        return labels(scene)
    objects = [(item["colour"], item["shape"]) for item in scene["items"] for _ in range(item["number"])]
    return attributes({"object ground": scene["background"], "object number": len(objects), "objects": objects}, "objects")


def changed_attributes(before, after):
    """The names of what an edit gives another value."""
    old, new = wanted_attributes(before), wanted_attributes(after)
    return [name for name, value in new.items() if old.get(name) != value]


def compared(picture, before, after):
    """(verdicts on attributes that the edit changes, verdicts on those that it keeps)"""
    edited, found = changed_attributes(before, after), attributes(detect(picture, after["kind"]), after["kind"])
    right = {name: found[name] == value for name, value in wanted_attributes(after).items()}
    return {name: right[name] for name in edited}, {name: right[name] for name in right if name not in edited}


def l1(picture, answer, where):
    """The mean difference of colours, of 255, or None where there are no pixels."""
    return float(np.abs(picture[where].astype(float) - answer[where]).mean()) if where.any() else None


def decibels(picture, answer, where):
    error = (picture[where].astype(float) - answer[where]) ** 2
    return float(10 * np.log10(255 ** 2 / max(error.mean(), .25))) if where.any() else None      # equal pictures: as if half a step off


def measures(case, picture):
    """{measure: value} of one picture made for a case."""
    before, after = case.picture(), case.answer()
    where = masks.changed(before, after)
    stays = ~masks.grown(where, NEAR_EDGE)
    changed, kept = compared(picture, case.before, case.after)
    followed = all(changed.values()) and l1(picture, after, where) < l1(picture, before, where)
    found = {"instruction followed": followed, f"followed: {GROUPS[case.kind]}": followed, "L1 where it changes": l1(picture, after, where),
             "L1 where it stays": l1(picture, after, stays), "dB where it stays": decibels(picture, after, stays)}
    for name, verdicts in (("attributes changed", changed), ("attributes kept", kept)):
        if verdicts:
            found[name] = float(np.mean(list(verdicts.values())))
    return {name: value for name, value in found.items() if value is not None}


def write_input(case, folder, number):
    png.write(folder / f"{number}.png", case.picture())
