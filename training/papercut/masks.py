"""Holes in pictures: the masks that an inpainting model learns to fill. True: to be painted anew; bool (128, 128) like the picture."""
import numpy as np

from . import draw, palette as p
from .edit_kinds import edited
from .scenes import NO_MOUNTAINS, NO_TREES, choose

SIZE, LATENT_PIXEL = 128, 8
NOTHING = dict(body=None, clouds=0, mountains=NO_MOUNTAINS, house=None, boat=None, trees=NO_TREES)     # what a landscape's part is when it is not there


def parts(scene):
    """The parts of a landscape that are there, or of an object scene the places of its objects."""
    if scene["kind"] == "objects":
        return list(range(sum(item["number"] for item in scene["items"])))
    return [part for part, nothing in NOTHING.items() if scene[part] != nothing]


def cover(scene, part):
    """The pixels that a part, its shadow and what comes along with it cover."""
    picture = draw.render_bytes(scene)
    if scene["kind"] == "objects":
        places = np.array(draw.OBJECT_PLACES[len(parts(scene))])
        ys, xs = np.mgrid[:SIZE, :SIZE]
        nearest = ((xs[..., None] - places[:, 0]) ** 2 + (ys[..., None] - places[:, 1]) ** 2).argmin(-1)
        return (picture != (p.COLOURS[scene["background"]] * 255 + .5).astype(np.uint8)).any(-1) & (nearest == part)
    return changed(picture, draw.render_bytes(edited(scene, **{part: NOTHING[part]})))


def changed(before, after):
    return (before != after).any(-1)


def grown(mask, pixels):
    """With every pixel within so many steps along rows and columns."""
    for _ in range(pixels):
        wide = mask.copy()
        wide[1:] |= mask[:-1]
        wide[:-1] |= mask[1:]
        wide[:, 1:] |= mask[:, :-1]
        wide[:, :-1] |= mask[:, 1:]
        mask = wide
    return mask


def box(mask, margin=0):
    """The rectangle around a mask."""
    result = np.zeros_like(mask)
    if mask.any():
        (top, bottom), (left, right) = ((lines.min(), lines.max()) for lines in np.nonzero(mask))
        result[max(0, top - margin):bottom + margin + 1, max(0, left - margin):right + margin + 1] = True
    return result


def strip(side, pixels):
    """The border that an extension to one side adds."""
    mask = np.zeros((SIZE, SIZE), bool)
    {"left": mask[:, :pixels], "right": mask[:, SIZE - pixels:], "top": mask[:pixels], "bottom": mask[SIZE - pixels:]}[side][:] = True
    return mask


def latent_mask(mask):
    """Of every 8 x 8 pixels the first, as programs make a mask as small as latents ("nearest")."""
    return mask[::LATENT_PIXEL, ::LATENT_PIXEL]


def blanked(picture, mask):
    """The picture with its hole in middle grey, 0 on -1..1: what the encoder sees."""
    return np.where(mask[..., None], np.uint8(128), picture)


# ---- random masks

def _object(scene, random):
    """Around something in the picture: in its shape or as a box."""
    there = parts(scene)
    if not there:
        return _blob(scene, random)
    mask = cover(scene, choose(random, there))
    grow = int(random.integers(1, 9))
    return grown(mask, grow) if random.random() < .6 else box(mask, grow)


def _rectangles(scene, random):
    mask = np.zeros((SIZE, SIZE), bool)
    for _ in range(int(random.integers(1, 4))):
        height, width = random.integers(16, 88, 2)
        top, left = random.integers(0, SIZE - height), random.integers(0, SIZE - width)
        mask[top:top + height, left:left + width] = True
    return mask


def _blob(scene, random):
    """A few strokes of a round brush that wander about."""
    ys, xs = np.mgrid[:SIZE, :SIZE]
    mask = np.zeros((SIZE, SIZE), bool)
    for _ in range(int(random.integers(1, 4))):
        x, y, angle, radius = *random.uniform(12, SIZE - 12, 2), random.uniform(0, 2 * np.pi), random.uniform(7, 19)
        for _ in range(int(random.integers(2, 11))):
            mask |= (xs - x) ** 2 + (ys - y) ** 2 < radius ** 2
            angle += random.normal(0, .7)
            x, y = np.clip(x + radius * np.cos(angle), 0, SIZE), np.clip(y + radius * np.sin(angle), 0, SIZE)
    return mask


def _border(scene, random):
    """What an extension to one side, or to several, has to fill."""
    mask = np.zeros((SIZE, SIZE), bool)
    for side in random.permutation(["left", "right", "top", "bottom"])[:choose(random, (1, 1, 1, 2, 4))]:
        mask |= strip(str(side), int(random.integers(12, 65)))
    return mask


def _half(scene, random):
    return strip(choose(random, ("left", "right", "top", "bottom")), SIZE // 2 + int(random.integers(-8, 9)))


def _whole(scene, random):
    return np.ones((SIZE, SIZE), bool)


KINDS = {"object": (_object, 5), "rectangles": (_rectangles, 4), "blob": (_blob, 4), "border": (_border, 4), "half": (_half, 2), "whole": (_whole, 1)}


def random_mask(scene, random):
    return choose(random, [make for make, share in KINDS.values() for _ in range(share)])(scene, random)
