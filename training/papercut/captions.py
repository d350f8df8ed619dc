"""What a scene is called. The wording varies with the random stream; every attribute drawn is named, save positions and the day now and then."""
import copy

from . import palette as p
from .scenes import NO_MOUNTAINS, NO_TREES, choose

NUMBER_WORDS = {1: "one", 2: "two", 3: "three"}


def a(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def plural(word, number):
    return word if number == 1 else word + "s"


class Writer:
    """Writes one caption or instruction with one stream of random choices.

    vague: how often an instruction to add something leaves its looks open."""

    def __init__(self, random, vague=0.0):
        self.random, self.vague = random, vague

    def pick(self, *options):
        return choose(self.random, options)

    def chance(self, probability):
        return self.random.random() < probability

    def objects(self, scene, name_background=True):
        text = self.pick(" and ", " next to ", " beside ").join(self._item(item, scene["size"]) for item in scene["items"])
        if not name_background:
            return text
        text += self.pick(" on ", " on ", " over ", " against ") + a(scene["background"])
        text += self.pick(" background", " background", " background", " paper")
        return self.pick("", "", "", "paper cut of ", "papercut, ") + text

    def _item(self, item, size):
        if item["number"] > 1:
            return f"{NUMBER_WORDS[item['number']]} {item['colour']} {plural(item['shape'], 2)}"
        word = {"big": self.pick("big ", "large "), "small": self.pick("small ", "little "), None: ""}[size]
        return a(f"{word}{item['colour']} {item['shape']}")

    def landscape(self, scene):
        things = [words for words in (self.house(scene), self.boat(scene), self.trees(scene), self.mountains(scene)) if words]
        self.random.shuffle(things)
        return self._arrange(self._with_ground(things, scene), self._sky(scene), self._time(scene))

    def house(self, scene, placed=False):
        """placed: say where it is, always and not now and then."""
        house = scene["house"]
        if not house:
            return None
        kind = self.pick("house", "house", "house", "house", "cottage", "cabin")
        wall, roof = a(house["wall"]), house["roof"]
        words = self.pick(f"{wall} {kind} with {a(roof)} roof", f"{wall} {kind} with {a(roof)} roof", f"{wall} {kind}, {roof} roof")
        return words + (self.place(house["position"]) if placed or self.chance(.5) else "")

    def boat(self, scene, placed=False):
        boat = scene["boat"]
        if not boat:
            return None
        kind = self.pick("boat", "sailboat", "boat", "sailing boat")
        words = f"a {kind} with " + self.pick(*[f"{a(boat['sail'])} sail"] * 3, f"{boat['sail']} sails")
        return words + (self.place(boat["position"]) if placed or self.chance(.5) else "")

    def place(self, position):
        return {"left": self.pick(" on the left", " at the left"), "middle": " in the middle", "right": self.pick(" on the right", " at the right")}[position]

    def trees(self, scene):
        trees = scene["trees"]
        if not trees["number"]:
            return None
        looks = "pine" if trees["kind"] == "pine" else self.pick(trees["colour"], trees["colour"], f"round {trees['colour']}")
        if trees["number"] == p.FOREST:
            return self.pick(f"a forest of {looks} trees", f"many {looks} trees", f"{a(looks)} forest")
        return f"{a(looks)} tree" if trees["number"] == 1 else f"{NUMBER_WORDS[trees['number']]} {looks} trees"

    def mountains(self, scene):
        number, colour, snow = (scene["mountains"][key] for key in ("number", "colour", "snow"))
        if not number:
            return None
        if snow and self.chance(.5):
            colour, snow = f"snow-capped {colour}", False
        words = a(f"{colour} mountain") if number == 1 else f"{NUMBER_WORDS[number]} {colour} mountains"
        if snow:
            words += self.pick(" with snowy peaks", " with snow caps") if number > 1 else self.pick(" with a snowy peak", " with a snow cap")
        return words

    def _with_ground(self, things, scene):
        land = self.pick("snowy hills", "white hills") if scene["weather"] == "snow" else f"{scene['ground_colour']} hills"
        if scene["ground"] == "hills":
            ground, joints = land, (" on ", " over ", ", ")
        elif scene["ground"] == "sea":
            shore = (scene["house"] or scene["trees"]["number"]) and scene["weather"] != "snow"
            ground = self.pick("the sea", "the sea", "the ocean") + (f" and {a(scene['ground_colour'])} shore" if shore else "")
            joints = (" by ", " and ", ", ")
        else:
            ground, joints = "a lake" + (f" in {land}" if self.chance(.8) else ""), (" by ", " and ", ", ")
        if not things:
            return [ground]
        if things[0].startswith(("a boat", "a sail")):
            joints = (" on ", " on ", ", ")
        return [things[0] + self.pick(*joints) + ground, *things[1:]]

    def _sky(self, scene):
        words = []
        if scene["body"]:
            words.append(self.body(scene) + (self.place_above(scene["body_position"]) if self.chance(.65) else ""))
        if scene["stars"]:
            words.append(self.pick("stars", "stars", "bright stars"))
        if scene["clouds"]:
            words.append({1: self.pick("a cloud", "one cloud"), 2: "two clouds", 3: self.pick("three clouds", "clouds")}[scene["clouds"]])
        if scene["weather"] == "snow":
            words.append(self.pick("falling snow", "snow", "it is snowing"))
        elif scene["weather"] == "rain":
            words.append(self.pick("rain", "falling rain", "it is raining"))
        return words

    def body(self, scene):
        if scene["body"] == "sun":
            return {"day": self.pick("the sun", "a yellow sun", "a sun"), "dawn": self.pick("the rising sun", "the sun", "a sun"),
                    "sunset": self.pick("the setting sun", "the sun", "a sun")}.get(scene["time"], "a sun")
        name = scene["body"] if scene["body"] == "crescent moon" else self.pick("full moon", "full moon", "moon")
        return self.pick("a ", "a ", "the ") + name

    def place_above(self, position):
        return {"left": self.pick(" on the left", " in the upper left", " at the left"), "middle": self.pick(" in the middle", " in the centre"),
                "right": self.pick(" on the right", " in the upper right", " at the right")}[position]

    def _time(self, scene):
        words = {"day": self.pick("", "", "by day", "in the day", "under a blue sky"),
                 "night": self.pick("at night", "at night", "night", "in the night"),
                 "sunset": self.pick("at sunset", "at sunset", "sunset", "in the evening", "at dusk"),
                 "dawn": self.pick("at dawn", "at dawn", "dawn", "in the early morning", "at sunrise")}[scene["time"]]
        return "" if scene["weather"] and words == "under a blue sky" else words

    def _arrange(self, parts, sky, time):
        """Things, sky and time in one of three orders, sometimes saying that it is a paper cut."""
        bare = time in ("night", "dawn", "sunset")
        ending = "" if not time else ", " + time if bare else " " + time
        order = self.pick("time last", "sky last", "time first")
        if order == "time last":
            text = ", ".join(parts + sky) + ending
        elif order == "sky last":
            text = ", ".join(parts) + ending + (self.pick(" with ", ", ") + " and ".join(sky) if sky else "")
        else:
            text = ", ".join(([time] if time else []) + sky + parts)
        before = self.pick("", "", "", "", "paper cut of ", "papercut landscape, ", "a paper cut picture of ")
        if before.endswith("of ") and text.startswith(("at ", "by ", "in ", "under ", "it ", "night", "dawn", "sunset")):
            before = "papercut, "
        after = self.pick("", "", "", "", "", ", paper cut style", ", papercut")
        return before + text + ("" if before else after)


def caption(scene, random):
    writer = Writer(random)
    return writer.objects(scene) if scene["kind"] == "objects" else writer.landscape(scene)


def short_caption(scene, random):
    """Names only some of the parts, as people do."""
    if scene["kind"] == "objects":
        return Writer(random).objects(scene, name_background=random.random() < .4)
    part = copy.deepcopy(scene)
    for key, nothing in (("body", None), ("stars", False), ("clouds", 0), ("mountains", NO_MOUNTAINS), ("trees", NO_TREES)):
        if random.random() < .55:
            part[key] = nothing
    return caption(part, random)
