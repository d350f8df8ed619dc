"""Reads a picture back: which attributes does it show? Geometry and colours only, nothing learned, numpy only.

The detectors know the paper-cut world as well as its renderer does (where things stand, which colours there are in which light), but see
nothing of the caption except whether it asked for objects or for a landscape.
"""
from .landscape import detect_landscape
from .objects import detect_objects


def detect(picture, kind):
    """{attribute: value} by the names of papercut.labels, for a uint8 picture of 128 x 128."""
    pixels = picture.astype("float32") / 255
    return detect_objects(pixels) if kind == "objects" else detect_landscape(pixels)
