"""Editing pairs: a scene, an instruction in words, and the scene after it. Only what the instruction names changes, to the pixel.

An edit of some kind (the tables KINDS of edit_objects and edit_landscapes) is two functions: `change` makes the scene after it, `tell` says what
was asked for. `tell` sees nothing but the two scenes, so that most pairs serve in both directions: who removes a house can be told to add it.
"""
import dataclasses

from . import draw, edit_landscapes, edit_objects, palette as p
from .captions import Writer
from .scenes import choose, is_held_out

KINDS = {"objects": edit_objects.KINDS, "landscape": edit_landscapes.KINDS}
# What instructions may mean, by the words of labels.VALUES where these have them. A value is named by the instruction or is not there.
ACTIONS = (*edit_objects.ACTIONS, *edit_landscapes.ACTIONS)
PLACES, SIZES = p.POSITIONS, ("big", "small")


@dataclasses.dataclass(frozen=True)
class Edit:
    kind: str
    before: dict
    after: dict

    def told(self, random, vague=0.0):
        """(meaning, instruction): what is asked for as {"action": ..., attribute: value}, and in words. None: words cannot ask for it."""
        return KINDS[self.before["kind"]][self.kind].tell(self.before, self.after, Writer(random, vague))

    def reversed(self):
        return Edit(self.kind, self.after, self.before)

    def is_exact(self):
        """Whether the instruction determines the scene after it, and nothing moves that it does not name."""
        kind = KINDS[self.before["kind"]][self.kind]
        return (not kind.outcome or kind.outcome(self.before, self.after) == self.after) and _stays(self.before, self.after)


def share_of(edit):
    return KINDS[edit.before["kind"]][edit.kind].share


def is_trained(scene):
    return not is_held_out(scene)


def random_edits(scene, random, count, allowed=is_trained):
    """Up to `count` edits of a scene, each of another kind, whose scenes after them are allowed."""
    kinds = KINDS[scene["kind"]]
    names = [name for name, kind in kinds.items() for _ in range(kind.share)]
    found = {}
    for which in random.permutation(len(names)):
        name = names[which]
        if len(found) == count:
            break
        after = None if name in found else kinds[name].change(scene, random)
        if after and after != scene and allowed(after) and Edit(name, scene, after).is_exact():
            found[name] = Edit(name, scene, after)
    return list(found.values())


def random_edit(scene, random):
    """(instruction, edited scene), chosen among the edits that apply."""
    edit = choose(random, random_edits(scene, random, 4))
    return edit.told(random)[1], edit.after


def _stays(before, after):
    """Whether the renderer draws what both scenes have at the same places. Parts make room for each other: a cloud for the sun, a tree for the
    house, a boat for the shore that a house needs."""
    if before["kind"] == "objects":
        return True
    clouds, trees = ([places(scene, draw.stream(scene["seed"], part)) for scene in (before, after)]
                     for places, part in ((draw.cloud_places, "clouds"), (_tree_places, "trees")))
    if any(one != other for pair in (clouds, trees) for one, other in zip(*pair)):
        return False
    stands = before["ground"] != after["ground"] and any(before[part] and after[part] for part in ("house", "boat"))
    return not stands and not (before["boat"] and after["boat"] and draw.water_line(before) != draw.water_line(after))


def _tree_places(scene, random):
    return draw.tree_places(scene, random) if scene["trees"]["number"] < p.FOREST else []
