"""Edits and masks: numpy only."""
import unittest

import numpy as np

from training.papercut import draw, edits, masks, palette as p, scenes


def some_edits(scene_count, seed, count=3):
    random = np.random.default_rng(seed)
    for _ in range(scene_count):
        yield from edits.random_edits(scenes.training_scene(random, .3), random, count)


def scene_with(seed, wanted, make=scenes.training_scene):
    random = np.random.default_rng(seed)
    return next(scene for scene in iter(lambda: make(random), None) if wanted(scene))


class Edits(unittest.TestCase):
    def test_every_kind_and_action_occurs(self):
        random, kinds, actions = np.random.default_rng(30), set(), set()
        for edit in some_edits(1000, 30):
            kinds.add(edit.kind)
            for way in (edit, edit.reversed()):
                told = way.is_exact() and way.told(random)
                if told:
                    actions.add(told[0]["action"])
        self.assertEqual(kinds, {name for table in edits.KINDS.values() for name in table})
        self.assertEqual(actions, set(edits.ACTIONS))

    def test_training_never_sees_held_out_pairs(self):
        for edit in some_edits(300, 31):
            self.assertFalse(scenes.is_held_out(edit.after))

    def test_the_judge_may_ask_for_held_out_pairs_alone(self):
        random = np.random.default_rng(32)
        held_out = [edit for _ in range(100) for edit in edits.random_edits(scenes.training_scene(random), random, 8, scenes.is_held_out)]
        self.assertGreater(len(held_out), 10)
        self.assertTrue(all(scenes.is_held_out(edit.after) for edit in held_out))

    def test_instructions_name_what_they_mean(self):
        random = np.random.default_rng(33)
        for edit in some_edits(500, 33):
            told = edit.told(random)
            if told:
                meaning, words = told
                for name, value in meaning.items():
                    if name.endswith("colour") or name in ("object ground", "time"):
                        named = {"day": ("day",), "dawn": ("dawn", "morning"), "sunset": ("sunset", "evening")}.get(value, (value,))
                        leaves = name == "tree colour" and meaning.get("tree kind") == "pine"      # all needles are green
                        self.assertTrue(leaves or any(word in words for word in named), (words, meaning))

    def test_a_day_made_of_a_starless_night_is_not_the_way_back(self):
        night = dict(scene_with(34, lambda s: s["kind"] == "landscape" and s["time"] == "night" and not s["weather"]), stars=False, body="crescent moon")
        edit = edits.Edit("time", night, dict(night, time="day", body="sun"))
        self.assertTrue(edit.is_exact())
        self.assertFalse(edit.reversed().is_exact())

    def test_vague_words_leave_looks_open(self):
        plain = scene_with(35, lambda s: s["kind"] == "landscape" and not s["house"] and not s["boat"] and not s["trees"]["number"])
        after = dict(plain, house=dict(wall="red", roof="blue", position="left"))
        meaning, words = edits.Edit("house", plain, after).told(np.random.default_rng(0), vague=1.0)
        self.assertEqual(meaning, {"action": "add house"})
        self.assertTrue(words.endswith("a house"), words)

    def test_a_changed_part_leaves_every_other_pixel(self):
        """What `cover` says of a part before and after, and its shadow, hold all that an edit of the part changes."""
        parts = {"house": "house", "wall": "house", "roof": "house", "house place": "house", "boat": "boat", "sail": "boat", "boat place": "boat",
                 "mountains": "mountains", "mountain colour": "mountains", "mountain number": "mountains", "snow caps": "mountains", "clouds": "clouds",
                 "tree colour": "trees"}
        checked = 0
        for edit in some_edits(50, 36):
            if edit.kind not in parts or edit.before["ground"] == "sea" and edit.kind == "house":
                continue
            part = parts[edit.kind]
            covers = [masks.cover(scene, part) for scene in (edit.before, edit.after) if part in masks.parts(scene)]
            changed = masks.changed(draw.render_bytes(edit.before), draw.render_bytes(edit.after))
            self.assertFalse((changed & ~np.any(covers, 0)).any(), edit)
            checked += 1
        self.assertGreater(checked, 12)

    def test_clouds_that_would_make_room_are_seen(self):
        sunny = scene_with(37, lambda s: s["kind"] == "landscape" and s["body"] == "sun" and s["clouds"] == 2)
        moved = [edits.Edit("body place", dict(sunny, body_position=one), dict(sunny, body_position=other)).is_exact()
                 for one in p.POSITIONS for other in p.POSITIONS if one != other]
        self.assertFalse(any(moved))
        clear = dict(sunny, clouds=0)
        self.assertTrue(edits.Edit("body", clear, dict(clear, body=None)).is_exact())


class Masks(unittest.TestCase):
    def test_every_kind_is_a_hole_of_the_picture(self):
        random = np.random.default_rng(40)
        for name, (make, _) in masks.KINDS.items():
            for _ in range(12):
                mask = make(scenes.training_scene(random), random)
                self.assertEqual((mask.shape, mask.dtype), ((128, 128), bool), name)
                self.assertTrue(mask.any(), name)
                self.assertEqual(name == "whole", bool(mask.all()), name)

    def test_cover_of_a_roofed_house_is_where_it_stands(self):
        scene = scene_with(41, lambda s: s["kind"] == "landscape" and s["house"] and s["house"]["position"] == "left" and s["ground"] == "hills")
        xs = np.nonzero(masks.cover(scene, "house"))[1]
        self.assertLess(abs(xs.mean() - draw.SLOT["left"]), 6)

    def test_covers_of_objects_do_not_meet(self):
        scene = scene_with(42, lambda s: s["kind"] == "objects" and s["items"][0]["number"] == 3)
        covers = [masks.cover(scene, part) for part in masks.parts(scene)]
        self.assertEqual(len(covers), 3)
        self.assertEqual(int(np.sum(covers, 0).max()), 1)

    def test_small_tools(self):
        mask = np.zeros((128, 128), bool)
        mask[8:10, 16] = True
        self.assertEqual(int(masks.latent_mask(mask).sum()), 1)
        self.assertEqual(int(masks.grown(mask, 1).sum()), 8)
        self.assertEqual(int(masks.box(mask, 2).sum()), 6 * 5)
        self.assertEqual([int(masks.strip(side, 8).sum()) for side in ("left", "right", "top", "bottom")], [8 * 128] * 4)
        self.assertTrue(masks.strip("bottom", 8)[-1].all())
        picture = np.full((128, 128, 3), 7, np.uint8)
        self.assertEqual(np.unique(masks.blanked(picture, mask)).tolist(), [7, 128])


if __name__ == "__main__":
    unittest.main()
