"""The colours and the closed word lists of the paper-cut world."""
import numpy as np


def _paper(red, green, blue):
    return np.array((red, green, blue), np.float32) / 255


COLOURS = {
    "red": _paper(214, 48, 48), "orange": _paper(242, 138, 40), "yellow": _paper(250, 212, 58), "green": _paper(62, 160, 78),
    "blue": _paper(48, 108, 210), "purple": _paper(132, 66, 178), "pink": _paper(244, 142, 184), "white": _paper(248, 246, 240),
    "black": _paper(36, 34, 42), "brown": _paper(134, 86, 54), "grey": _paper(138, 142, 152), "golden": _paper(222, 178, 76),
}

TIMES = ("day", "dawn", "sunset", "night")
GROUNDS = ("hills", "sea", "lake")
WEATHERS = ("snow", "rain")
BODIES = ("sun", "full moon", "crescent moon")
POSITIONS = ("left", "middle", "right")
SHAPES = ("circle", "square", "triangle", "star", "heart", "diamond")
OBJECT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
MOUNTAIN_COLOURS = ("blue", "purple", "grey", "green", "brown", "red")
GROUND_COLOURS = ("green", "golden", "pink", "purple")
TREE_KINDS = ("pine", "round")
TREE_COLOURS = ("green", "orange", "pink", "red")
WALL_COLOURS = ("red", "blue", "yellow", "white", "green", "pink", "orange", "purple")
ROOF_COLOURS = ("red", "blue", "brown", "green", "purple", "orange", "black")
SAIL_COLOURS = ("white", "red", "yellow", "orange", "blue", "green", "pink", "purple")

FOREST = 4  # the number of trees that stands for "many"

# Sky colours at the top of the picture and at the horizon.
SKY = {
    "day": (_paper(96, 176, 232), _paper(206, 234, 246)), "dawn": (_paper(150, 164, 222), _paper(252, 208, 202)),
    "sunset": (_paper(222, 92, 84), _paper(254, 198, 104)), "night": (_paper(18, 24, 64), _paper(58, 72, 128)),
}
# What the light of each time of day multiplies paper colours by, where it falls with full strength.
LIGHT = {
    "day": np.array((1, 1, 1), np.float32), "dawn": np.array((.95, .88, .98), np.float32),
    "sunset": np.array((1.0, .80, .72), np.float32), "night": np.array((.42, .48, .70), np.float32),
}


def lit(colour, time, strength=1.0):
    """A paper colour in the light of `time`; strength 0 leaves it as by day."""
    return np.asarray(colour, np.float32) * (1 - strength + strength * LIGHT[time])
