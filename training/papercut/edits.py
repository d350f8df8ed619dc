"""Editing pairs: a scene, an instruction in words, and the scene after it. Only what the instruction names changes."""
import copy

from . import palette as p
from .captions import Writer, a, plural
from .scenes import NO_MOUNTAINS, choose


def random_edit(scene, random):
    """(instruction, edited scene), chosen among the edits that apply."""
    editor = _Editor(scene, random)
    instruction = choose(random, editor.object_edits() if scene["kind"] == "objects" else editor.landscape_edits())()
    return instruction, editor.after


class _Editor:
    """Each edit method changes `after` and returns the instruction that asks for it."""

    def __init__(self, scene, random):
        self.before, self.after, self.random = scene, copy.deepcopy(scene), random
        self.pick = Writer(random).pick

    def other(self, options, *excluded):
        return choose(self.random, [option for option in options if option not in excluded])

    # ---- objects

    def object_edits(self):
        return [self.object_colour, self.background] + ([self.object_shape] if len(self.before["items"]) == 1 else [])

    def object_colour(self):
        item = self.after["items"][0]
        item["colour"] = self.other(p.OBJECT_COLOURS, self.before["background"], *(i["colour"] for i in self.before["items"]))
        name, colour = plural(item["shape"], item["number"]), item["colour"]
        return self.pick(f"make the {name} {colour}", f"turn the {name} {colour}", f"change the {name} to {colour}")

    def background(self):
        colour = self.other(p.OBJECT_COLOURS, self.before["background"], *(item["colour"] for item in self.before["items"]))
        self.after["background"] = colour
        return self.pick(f"make the background {colour}", f"change the background to {colour}", f"turn the background {colour}")

    def object_shape(self):
        item = self.after["items"][0]
        old = plural(item["shape"], item["number"])
        item["shape"] = self.other(p.SHAPES, item["shape"])
        new = a(item["shape"]) if item["number"] == 1 else plural(item["shape"], 2)
        return self.pick(f"turn the {old} into {new}", f"replace the {old} with {new}")

    # ---- landscapes

    def landscape_edits(self):
        scene, options = self.before, [self.time, self.time, self.weather, self.weather]
        options.append(self.remove_body if scene["body"] else self.add_body)
        options.append(self.remove_clouds if scene["clouds"] else self.add_clouds)
        if scene["time"] == "night" and not scene["weather"]:
            options.append(self.stars)
        if scene["house"]:
            options += [self.wall, self.wall, self.roof, self.remove_house]
        if scene["boat"]:
            options += [self.sail, self.remove_boat, self.remove_boat]
        if scene["mountains"]["number"]:
            options += [self.mountain_colour, self.remove_mountains, self.snow_caps]
        return options

    def time(self):
        time = self.after["time"] = self.other(p.TIMES, self.before["time"])
        self.after["stars"] = time == "night" and not self.before["weather"]
        if self.before["body"]:
            moon = self.before["body"] if self.before["body"] != "sun" else "full moon"
            self.after["body"] = moon if time == "night" else "sun"
        return {"day": self.pick("make it day", "make it daytime", "turn it into day"),
                "night": self.pick("make it night", "turn it into night", "change it to night"),
                "sunset": self.pick("make it sunset", "turn it into a sunset", "change it to sunset"),
                "dawn": self.pick("make it dawn", "change it to dawn")}[time]

    def weather(self):
        weather = self.after["weather"] = self.other((*p.WEATHERS, None), self.before["weather"])
        if not weather:
            return self.pick(f"stop the {self.before['weather']}", f"remove the {self.before['weather']}")
        self.after["stars"] = False
        return self.pick(f"make it {weather}", f"let it {weather}", f"add {weather}")

    def remove_body(self):
        self.after["body"] = None
        return self.pick("remove the ", "take away the ") + ("sun" if self.before["body"] == "sun" else "moon")

    def add_body(self):
        body = self.after["body"] = self.pick("full moon", "crescent moon") if self.before["time"] == "night" else "sun"
        return "add " + a(self.pick("moon", "full moon") if body == "full moon" else body)

    def stars(self):
        self.after["stars"] = not self.before["stars"]
        return "add stars" if self.after["stars"] else "remove the stars"

    def remove_clouds(self):
        self.after["clouds"] = 0
        return self.pick("remove the clouds", "clear the clouds")

    def add_clouds(self):
        self.after["clouds"] = 2 if self.before["body"] else 3
        return "add clouds"

    def wall(self):
        colour = self.after["house"]["wall"] = self.other(p.WALL_COLOURS, *self._house_colours())
        return self.pick("make the house ", "turn the house ", "paint the house ") + colour

    def roof(self):
        colour = self.after["house"]["roof"] = self.other(p.ROOF_COLOURS, *self._house_colours())
        return self.pick("make the roof ", "paint the roof ") + colour

    def _house_colours(self):
        return self.before["house"]["wall"], self.before["house"]["roof"]

    def remove_house(self):
        self.after["house"] = None
        return self.pick("remove the house", "take away the house")

    def sail(self):
        colour = self.after["boat"]["sail"] = self.other(p.SAIL_COLOURS, self.before["boat"]["sail"])
        return self.pick("make the sail ", "turn the sail ", "paint the sail ") + colour

    def remove_boat(self):
        self.after["boat"] = None
        return self.pick("remove the boat", "take away the boat")

    def mountain_colour(self):
        colour = self.after["mountains"]["colour"] = self.other(p.MOUNTAIN_COLOURS, self.before["mountains"]["colour"])
        return self.pick("make the mountains ", "turn the mountains ") + colour

    def remove_mountains(self):
        self.after["mountains"] = dict(NO_MOUNTAINS)
        return self.pick("remove the mountains", "take away the mountains")

    def snow_caps(self):
        snow = self.after["mountains"]["snow"] = not self.before["mountains"]["snow"]
        return self.pick("add snow caps", "put snow on the mountains") if snow else self.pick("remove the snow caps", "melt the snow on the mountains")
