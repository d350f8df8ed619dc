"""The renderer, the captions and the edits: numpy only."""
import unittest

import numpy as np

from training.papercut import captions, draw, edits, labels, palette, scenes


def some_scenes(count, seed, make=scenes.training_scene):
    random = np.random.default_rng(seed)
    return [make(random) for _ in range(count)]


class Renderer(unittest.TestCase):
    def test_same_scene_same_picture(self):
        for scene in some_scenes(10, 1):
            np.testing.assert_array_equal(draw.render(scene), draw.render(scene))

    def test_seed_moves_parts(self):
        scene = some_scenes(1, 2)[0]
        other = dict(scene, seed=scene["seed"] + 1)
        self.assertFalse(np.array_equal(draw.render(scene), draw.render(other)))

    def test_any_size(self):
        for scene in some_scenes(4, 3):
            large, small = draw.render(scene, 192), draw.render(scene, 64)
            self.assertEqual((large.shape, small.shape), ((192, 192, 3), (64, 64, 3)))
            averaged = large.reshape(64, 3, 64, 3, 3).mean((1, 3))
            self.assertLess(np.abs(averaged - small).mean(), .02)

    def test_values_are_colours(self):
        for scene in some_scenes(10, 4):
            picture = draw.render_bytes(scene)
            self.assertEqual((picture.dtype, picture.shape), (np.uint8, (128, 128, 3)))


class Scenes(unittest.TestCase):
    def test_training_never_draws_held_out_pairs(self):
        for scene in some_scenes(4000, 5):
            self.assertTrue(scenes.HELD_OUT.isdisjoint(scenes.pairs(scene)))

    def test_held_out_pairs_can_be_drawn_for_the_judge(self):
        drawn = set().union(*(scenes.pairs(scene) for scene in some_scenes(20000, 6, scenes.any_scene)))
        self.assertEqual(scenes.HELD_OUT - drawn, set())

    def test_house_boat_and_trees_have_room(self):
        for scene in some_scenes(2000, 7):
            if scene["kind"] == "landscape" and 0 < scene["trees"]["number"] < palette.FOREST:
                self.assertLessEqual(scene["trees"]["number"], len(draw.tree_slots(scene)))

    def test_labels_use_the_listed_values(self):
        for scene in some_scenes(500, 8):
            for name, value in labels.labels(scene).items():
                self.assertIn(value, labels.VALUES[name])


class Captions(unittest.TestCase):
    def test_names_every_colour_of_an_object_scene(self):
        random = np.random.default_rng(9)
        for scene in some_scenes(300, 9):
            if scene["kind"] != "objects":
                continue
            words = captions.caption(scene, random).replace(",", "").split()
            for item in scene["items"]:
                self.assertIn(item["colour"], words)
                self.assertIn(captions.plural(item["shape"], item["number"]), words)
            self.assertIn(scene["background"], words)

    def test_names_every_part_of_a_landscape(self):
        random = np.random.default_rng(10)
        for scene in some_scenes(500, 10):
            if scene["kind"] != "landscape":
                continue
            words = captions.caption(scene, random)
            if scene["house"]:
                self.assertIn(scene["house"]["roof"], words)
            if scene["boat"]:
                self.assertIn(scene["boat"]["sail"], words)
            if scene["mountains"]["number"]:
                self.assertIn(scene["mountains"]["colour"], words)
            if scene["weather"]:
                self.assertIn("snow" if scene["weather"] == "snow" else "rain", words)
            self.assertEqual("star" in words, scene["stars"])

    def test_wording_is_a_function_of_the_stream(self):
        for scene in some_scenes(20, 11):
            self.assertEqual(captions.caption(scene, np.random.default_rng(1)), captions.caption(scene, np.random.default_rng(1)))


class Edits(unittest.TestCase):
    def test_every_edit_changes_the_scene_and_keeps_the_seed(self):
        random = np.random.default_rng(12)
        for scene in some_scenes(300, 12):
            before = repr(scene)
            _, edited = edits.random_edit(scene, random)
            self.assertNotEqual(repr(edited), before)
            self.assertEqual(repr(scene), before)
            self.assertEqual(edited["seed"], scene["seed"])

    def test_a_roof_is_painted_and_nothing_else(self):
        scene = next(s for s in some_scenes(500, 13) if s["kind"] == "landscape" and s["house"] and not s["weather"])
        edited = dict(scene, house=dict(scene["house"], roof="black" if scene["house"]["roof"] != "black" else "blue"))
        changed = (draw.render_bytes(scene) != draw.render_bytes(edited)).any(-1)
        ys, xs = np.nonzero(changed)
        half, height, gable = draw.HOUSE
        self.assertTrue(changed.any())
        self.assertLessEqual(np.ptp(xs), 2 * half + 14)
        self.assertLessEqual(np.ptp(ys), gable + 4)

    def test_removing_mountains_leaves_the_ground(self):
        scene = next(s for s in some_scenes(500, 14) if s["kind"] == "landscape" and s["mountains"]["number"] and s["ground"] == "sea")
        edited = dict(scene, mountains=dict(scenes.NO_MOUNTAINS))
        changed = (draw.render_bytes(scene) != draw.render_bytes(edited)).any(-1)
        self.assertTrue(changed[40:78].any())
        self.assertFalse(changed[88:].any())


if __name__ == "__main__":
    unittest.main()
