"""What a landscape shows: its sky, its ground, and the parts that stand on it."""
from .ground import detect_ground
from .mountains import detect_mountains
from .parts import detect_parts
from .sky import detect_sky


def detect_landscape(pixels):
    found = detect_sky(pixels)
    found["ground"] = detect_ground(pixels, found["time"], found["weather"])
    found.update(detect_mountains(pixels, found["time"], found["weather"]))
    found.update(detect_parts(pixels, found["time"], found["ground"]))
    return found
