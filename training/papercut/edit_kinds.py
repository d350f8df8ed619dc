"""What an edit of one kind is made of, and small tools that the tables of kinds share."""
import copy
import dataclasses
from typing import Callable

from .captions import NUMBER_WORDS, plural
from .scenes import choose


@dataclasses.dataclass(frozen=True)
class Kind:
    """change(scene, random): the scene after a random edit of this kind, or None where there is nothing to edit.
    tell(before, after, writer): (meaning, instruction), or None where words cannot ask for it.
    outcome(before, after): where the instruction names less than what changes, the scene it stands for.
    share: how often it is chosen, relative to others."""
    change: Callable
    tell: Callable
    outcome: Callable | None = None
    share: int = 1


def other(random, options, *excluded):
    return choose(random, [option for option in options if option not in excluded])


def edited(scene, **parts):
    """A copy of a scene with some of its entries replaced; a dict updates the entries of a part."""
    after = copy.deepcopy(scene)
    for name, value in parts.items():
        after[name] = {**after[name], **value} if isinstance(value, dict) and isinstance(after[name], dict) else value
    return after


def only_changed(before, after, part, *keys):
    """Whether a part is in both scenes and differs in just these of its entries."""
    return all((before[part][key] != after[part][key]) == (key in keys) for key in before[part])


def counted(number, thing):
    return f"{NUMBER_WORDS[number]} {plural(thing, number)}"


def tell_count(old, new, thing, writer):
    """(words for another number of things that are there before and after, whether they name the number)"""
    more = [f"add another {thing}", f"add one more {thing}"] if new == old + 1 else [f"add two more {plural(thing, 2)}"] if new > old else []
    fewer = [f"remove one {thing}", f"take away one {thing}"] if new == old - 1 else []
    named = [f"make it {counted(new, thing)}", f"change it to {counted(new, thing)}", f"show {counted(new, thing)}"]
    text = writer.pick(*named, *more, *fewer)
    return text, text in named
