"""The judges of edited and of filled pictures: numpy only."""
import dataclasses
import json
import pathlib
import tempfile
import unittest

import numpy as np

from training import judge, judge_edit, judge_inpaint, png
from training.papercut import masks, scenes


def as_json(cases):
    return json.loads(json.dumps([dataclasses.asdict(case) for case in cases]))


class Lists(unittest.TestCase):
    def test_lists_are_what_the_scripts_make(self):
        for task in (judge_edit, judge_inpaint):
            made = task.make_cases()
            self.assertEqual(as_json(made), json.loads(task.CASES.read_text()))
            self.assertEqual((len(made), sum(case.unseen for case in made)), (task.SEEN + task.UNSEEN, task.UNSEEN))

    def test_unseen_cases_end_in_a_held_out_pair_and_no_other_does(self):
        for task in (judge_edit, judge_inpaint):
            for case in task.cases():
                self.assertEqual(scenes.is_held_out(case.after), case.unseen)
        self.assertFalse(any(scenes.is_held_out(case.before) for case in judge_edit.cases()))

    def test_every_kind_is_asked_for(self):
        kinds = {case.kind for case in judge_edit.cases()}
        self.assertEqual(kinds, set(judge_edit.GROUPS))
        self.assertEqual({case.kind for case in judge_inpaint.cases()}, set(judge_inpaint.KINDS))

    def test_inputs_are_written_for_any_program(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            case = judge_inpaint.cases()[2]
            judge_inpaint.write_input(case, folder, 2)
            np.testing.assert_array_equal(png.read(folder / "2.png"), case.picture())
            np.testing.assert_array_equal(png.read(folder / "2.mask.png")[..., 0] == 255, case.hole())


class Pictures(unittest.TestCase):
    def test_the_first_few_can_be_scored_and_none_cannot(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            with self.assertRaises(SystemExit):
                list(judge.first_pictures(folder, 200))
            for number in (0, 1, 3):
                png.write(folder / f"{number}.png", np.full((2, 2, 3), number, np.uint8))
            self.assertEqual([picture[0, 0, 0] for picture in judge.first_pictures(folder, 200)], [0, 1])
            self.assertEqual(len(list(judge.first_pictures(folder, 1))), 1)


def mean(task, picture_of, count):
    columns = {"pictures": [picture_of(case) for case in task.cases()[:count]]}
    lines = [line.split("|")[1:3] for line in judge.task_table({judge_edit: "edit", judge_inpaint: "inpaint"}[task], columns)]
    return {name.strip(): float(cell.split()[0]) for name, cell in lines[2:] if cell.split()[0] not in ("-", "-,")}


class Edit(unittest.TestCase):
    def test_ceiling_and_floor(self):
        real, identity = mean(judge_edit, judge_edit.Case.answer, 16), mean(judge_edit, judge_edit.Case.picture, 16)
        self.assertGreater(real["instruction followed"], .9)
        self.assertGreater(real["attributes kept"], .97)
        self.assertEqual((real["L1 where it changes"], real["L1 where it stays"]), (0, 0))
        self.assertEqual(identity["instruction followed"], 0)
        self.assertEqual(identity["L1 where it stays"], 0)
        self.assertGreater(identity["L1 where it changes"], 20)

    def test_sees_damage_beside_the_edit(self):
        case = next(case for case in judge_edit.cases() if case.kind == "roof")
        damaged = case.answer()
        damaged[:30] = 0
        found, clean = (judge_edit.measures(case, picture) for picture in (damaged, case.answer()))
        self.assertLess(found["attributes kept"], clean["attributes kept"])
        self.assertLess(found["dB where it stays"], clean["dB where it stays"] - 20)
        self.assertTrue(clean["instruction followed"])


class Inpaint(unittest.TestCase):
    def test_ceiling_and_floor(self):
        real, identity = mean(judge_inpaint, judge_inpaint.Case.answer, 12), mean(judge_inpaint, judge_inpaint.Case.picture, 12)
        self.assertGreater(real["filled as asked"], .9)
        self.assertLess(identity["filled as asked"], .3)
        self.assertEqual((real["its error"], real["pixels touched outside"], identity["pixels touched outside"]), (0, 0, 0))
        self.assertGreater(identity["gradient across the seam"], 3 * real["gradient across the seam"])

    def test_every_hole_holds_what_changes_and_leaves_something(self):
        for case in judge_inpaint.cases()[::10]:
            hole = case.hole()
            self.assertFalse((masks.changed(case.picture(), case.answer()) & ~hole).any())
            self.assertTrue(hole.any() and not hole.all())

    def test_seam_is_between_inside_and_outside(self):
        picture, hole = np.zeros((128, 128, 3), np.uint8), masks.strip("left", 40)
        picture[:, 40:] = 90
        self.assertEqual(np.unique(judge_inpaint.seam(picture, hole)).tolist(), [90])
        self.assertEqual(len(judge_inpaint.seam(picture, hole)), 128)


if __name__ == "__main__":
    unittest.main()
