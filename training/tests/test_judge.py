"""The judge on the renderer's own pictures, and the PNG files it reads: numpy only."""
import collections
import pathlib
import struct
import tempfile
import unittest
import zlib

import numpy as np

from training import judge, png
from training.detect.pixels import box_mean, eroded, regions
from training.papercut import draw, scenes

PICTURES = 150


class RealPictures(unittest.TestCase):
    def test_reads_nearly_every_attribute(self):
        random, right = np.random.default_rng(20), collections.defaultdict(list)
        for _ in range(PICTURES):
            scene = scenes.any_scene(random)
            for name, verdict in judge.verdicts(draw.render_bytes(scene), scene).items():
                right[name].append(verdict)
        self.assertEqual(set(right), {*judge.STUDY, judge.BODY_NUMBER, judge.NOTHING_ADDED})
        for name, verdicts in right.items():
            # At least 97 %; where an attribute is too rare in so few pictures for that, one error.
            self.assertLessEqual(verdicts.count(False), max(1, .03 * len(verdicts)), f"{name}: {verdicts.count(False)} of {len(verdicts)} wrong")

    def test_sees_what_is_wrong(self):
        random = np.random.default_rng(21)
        scene = next(s for s in iter(lambda: scenes.any_scene(random, 1.0), None) if len(s["items"]) == 1 and s["items"][0]["number"] == 2)
        item = scene["items"][0]
        asked = dict(scene, items=[dict(item, number=3, shape="circle" if item["shape"] != "circle" else "star")])
        verdicts = judge.verdicts(draw.render_bytes(scene), asked)
        self.assertEqual(verdicts, {"object ground": True, "object number": False, "object colour": True, "object shape": False})

    def test_sees_what_was_added(self):
        random = np.random.default_rng(22)
        scene = next(s for s in iter(lambda: scenes.any_scene(random, 0.0), None) if s["body"] and not s["weather"] and not s["clouds"])
        self.assertFalse(judge.verdicts(draw.render_bytes(scene), dict(scene, body=None))[judge.NOTHING_ADDED])

    def test_grey_noise_is_not_a_picture(self):
        noise = np.random.default_rng(23).integers(0, 256, (128, 128, 3)).astype(np.uint8)
        scene = next(s for s in iter(lambda: scenes.any_scene(np.random.default_rng(24), 1.0), None))
        self.assertFalse(judge.verdicts(noise, scene)["object number"])


class CaptionList(unittest.TestCase):
    def test_list_is_what_the_script_makes(self):
        import json
        made = json.loads(json.dumps(judge.make_captions()))
        self.assertEqual(made, json.loads(judge.CAPTIONS.read_text()))
        self.assertEqual((len(made), sum(entry["unseen"] for entry in made)), (judge.SEEN + judge.UNSEEN, judge.UNSEEN))


class Pixels(unittest.TestCase):
    def test_regions(self):
        mask = np.zeros((8, 9), bool)
        mask[1:4, 1:4] = mask[5, 5:8] = True
        mask[3, 4] = mask[4, 4] = True
        self.assertEqual([region.area for region in regions(mask)], [11, 3])
        ring = np.ones((5, 5), bool)
        ring[1:4, 1:4] = False
        self.assertEqual([region.area for region in regions(ring)], [16])

    def test_erosion_and_mean(self):
        mask = np.zeros((7, 7), bool)
        mask[1:6, 1:6] = True
        self.assertEqual(int(eroded(mask).sum()), 9)
        values = np.random.default_rng(0).random((12, 10))
        self.assertAlmostEqual(box_mean(values, 2)[5, 5], values[3:8, 3:8].mean())


class PngFiles(unittest.TestCase):
    def test_round_trip(self):
        picture = np.random.default_rng(1).integers(0, 256, (9, 7, 3)).astype(np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.png"
            png.write(path, picture)
            np.testing.assert_array_equal(png.read(path), picture)

    def test_every_filter(self):
        picture = np.random.default_rng(2).integers(0, 256, (5, 6, 3)).astype(np.int64)
        rows, above = b"", np.zeros(18, np.int64)
        for kind, line in enumerate(picture.reshape(5, 18)):
            left, corner = (np.concatenate([np.zeros(3, np.int64), row[:-3]]) for row in (line, above))
            guesses = (0 * line, left, above, (left + above) // 2, _paeth(left, above, corner))
            rows += bytes([kind]) + ((line - guesses[kind]) % 256).astype(np.uint8).tobytes()
            above = line
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "b.png"
            path.write_bytes(png.SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", 6, 5, 8, 2, 0, 0, 0)) + _chunk(b"IDAT", zlib.compress(rows)))
            np.testing.assert_array_equal(png.read(path), picture)

    def test_refuses_other_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "c.png"
            path.write_bytes(b"not a picture")
            with self.assertRaises(ValueError):
                png.read(path)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _paeth(left, above, corner):
    guess = left + above - corner
    to_left, to_above, to_corner = (np.abs(guess - value) for value in (left, above, corner))
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, np.where(to_above <= to_corner, above, corner))


if __name__ == "__main__":
    unittest.main()
