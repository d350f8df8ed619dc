"""Are the things a prompt names in the picture? Measured, not eyeballed.

python -m training.judge captions             writes the fixed list of captions (judge_captions.json), from a seed
python -m training.judge score DIRECTORY      scores pictures DIRECTORY/0.png, 1.png, ... made for that list, whoever made them
python -m training.judge real                 scores the renderer's own pictures of the same scenes: the judge's ceiling
python -m training.judge vae MODEL            the same pictures through the model's autoencoder: the model's ceiling

A line counts the captions that name the attribute. Colours and shapes of several objects may come in any order, since captions give none.

Edited pictures (TASK edit) and filled ones (TASK inpaint) have fixed lists of their own, edit_cases.json and inpaint_cases.json:

python -m training.judge list-TASK                writes the list, from a seed
python -m training.judge inputs-TASK DIRECTORY    writes what to start from: 0.png, 0.mask.png (white: to be filled), ..., and texts.json
python -m training.judge score-TASK DIRECTORY     scores pictures made from these, beside the renderer's own (ceiling) and the inputs (floor); if only
                                                  the first of them are there, those
python -m training.judge real-TASK                the ceiling and the floor alone
"""
import argparse
import collections
import dataclasses
import json
import pathlib

import numpy as np

from . import judge_edit, judge_inpaint, png
from .detect import detect
from .papercut import captions, draw, scenes
from .papercut.labels import labels

CAPTIONS = pathlib.Path(__file__).with_name("judge_captions.json")
SEEN, UNSEEN, SEED = 120, 80, 4242
ABSENT = ("none", 0)
# The same attribute's accuracy in the study before: (seen, unseen).
STUDY = {
    "time": (.98, .93), "ground": (1.00, 1.00), "weather": (.97, .97), "body": (.62, .63), "stars": (.24, .18), "clouds": (.51, .36),
    "mountain number": (.68, .60), "mountain colour": (.70, .32), "snow caps": (.64, .52), "object ground": (.69, .65), "object colour": (.88, .85),
    "object number": (.78, .60), "object shape": (.38, .25), "tree kind": (.26, .19), "tree number": (.32, .16), "tree colour": (.21, .16),
    "wall colour": (.08, .14), "roof colour": (.05, .11), "sail colour": (.26, .14),
}
NOTHING_ADDED, BODY_NUMBER = "nothing added", "body number"      # the study did not ask whether there is one sun or two


def make_captions():
    """Scenes with their captions: SEEN without and UNSEEN with a pair that training never showed."""
    random, chosen = np.random.default_rng(SEED), {False: [], True: []}
    while len(chosen[False]) < SEEN or len(chosen[True]) < UNSEEN:
        scene = scenes.any_scene(random)
        kind = chosen[scenes.is_held_out(scene)]
        if len(kind) < (UNSEEN if kind is chosen[True] else SEEN):
            kind.append(dict(caption=captions.caption(scene, random), unseen=scenes.is_held_out(scene), scene=scene))
    return [dict(entry, seed=1000 + number) for number, entry in enumerate(chosen[False] + chosen[True])]


def verdicts(picture, scene):
    """{attribute: right or not} for every attribute that the scene's caption names, and whether anything else was added."""
    wanted, found = labels(scene), detect(picture, scene["kind"])
    if scene["kind"] == "objects":
        return _object_verdicts(scene, wanted, found)
    right = {name: found[name] == value for name, value in wanted.items() if value not in ABSENT}
    right[NOTHING_ADDED] = all(found[name] == value for name, value in wanted.items() if value in ABSENT)
    return right


def _object_verdicts(scene, wanted, found):
    colours, shapes = ([entry[i] for entry in found["objects"]] for i in (0, 1))
    asked_colours, asked_shapes = ([item[key] for item in scene["items"]] for key in ("colour", "shape"))
    return {"object ground": found["object ground"] == wanted["object ground"], "object number": found["object number"] == wanted["object number"],
            "object colour": _same(colours, asked_colours), "object shape": _same(shapes, asked_shapes)}


def _same(found, asked):
    """One kind asked for: most of what is there is of it. Two things asked for: just these are there."""
    if len(asked) == 1:
        return collections.Counter(found).most_common(1)[0][0] == asked[0] if found else False
    return sorted(found) == sorted(asked)


def score(pictures, entries):
    """{(attribute, unseen): list of right or not}"""
    results = collections.defaultdict(list)
    for picture, entry in zip(pictures, entries):
        for name, right in verdicts(picture, entry["scene"]).items():
            results[name, entry["unseen"]].append(bool(right))
    return results


def print_table(results):
    print("| attribute | seen pairs | unseen pairs | before: seen, unseen |\n| --- | --- | --- | --- |")
    for name in [*STUDY, BODY_NUMBER, NOTHING_ADDED]:
        cells = [f"{np.mean(results[name, unseen]):.2f} ({len(results[name, unseen])})" if results[name, unseen] else "-" for unseen in (False, True)]
        before = "{:.2f}, {:.2f}".format(*STUDY[name]) if name in STUDY else "-"
        print(f"| {name} | {cells[0]} | {cells[1]} | {before} |")


def real_pictures(entries):
    return [draw.render_bytes(entry["scene"]) for entry in entries]


def through_vae(pictures, model_path):
    import torch

    from . import sample
    from .train_vae import to_signed
    vae = sample.load(model_path)[2]
    with torch.no_grad():
        for picture in pictures:
            made = vae.decode(vae.encode(to_signed(picture.transpose(2, 0, 1)[None]))[0])[0]
            yield ((made.clamp(-1, 1) + 1) * 127.5 + .5).clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)


TASKS = {"edit": judge_edit, "inpaint": judge_inpaint}


def write_list(task):
    entries = [json.dumps(dataclasses.asdict(case)) for case in TASKS[task].make_cases()]
    TASKS[task].CASES.write_text("[\n" + ",\n".join(entries) + "\n]\n")


def write_inputs(task, folder):
    folder.mkdir(parents=True, exist_ok=True)
    cases = TASKS[task].cases()
    for number, case in enumerate(cases):
        TASKS[task].write_input(case, folder, number)
    (folder / "texts.json").write_text(json.dumps([dict(text=case.text, seed=case.seed) for case in cases], indent=0))


def task_table(task, columns):
    """columns: {title: pictures of the fixed list's cases}. Lines of the mean of every measure: seen cases, unseen cases."""
    cases, judged = TASKS[task].cases(), {}
    for title, pictures in columns.items():
        for case, picture in zip(cases, pictures):
            for name, value in TASKS[task].measures(case, picture).items():
                judged.setdefault((title, name, case.unseen), []).append(value)
    yield "| measure | " + " | ".join(f"{title}: seen, unseen" for title in columns) + " |"
    yield "| --- |" + " --- |" * len(columns)
    for name in TASKS[task].MEASURES:
        cells = [", ".join(_cell(judged.get((title, name, unseen), [])) for unseen in (False, True)) for title in columns]
        yield f"| {name} | " + " | ".join(cells) + " |"


def _cell(values):
    return f"{np.mean(values):.2f} ({len(values)})" if values else "-"


def judge_task(what, task, path):
    if what == "list":
        write_list(task)
    elif what == "inputs":
        write_inputs(task, path)
    else:
        cases, columns = TASKS[task].cases(), {}
        if what == "score":
            columns["pictures"] = list(first_pictures(path, len(cases)))
            cases = cases[:len(columns["pictures"])]
        columns.update({"real": (case.answer() for case in cases), "identity": (case.picture() for case in cases)})
        print("\n".join(task_table(task, columns)))


def first_pictures(folder, most):
    """Pictures 0, 1, ... as far as there are: a first look need not be at all of them."""
    for number in range(most):
        path = folder / f"{number}.png"
        if not path.exists():
            if not number:
                raise SystemExit(f"[judge] expected {path}")
            return
        yield png.read(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    of_tasks = (f"{what}-{task}" for task in TASKS for what in ("list", "inputs", "score", "real"))
    parser.add_argument("what", choices=("captions", "score", "real", "vae", *of_tasks))
    parser.add_argument("path", nargs="?", type=pathlib.Path)
    options = parser.parse_args()
    if not options.path and options.what.split("-")[0] in ("score", "vae", "inputs"):
        parser.error(f"{options.what} needs a path")
    if "-" in options.what:
        judge_task(*options.what.split("-"), options.path)
        return
    if options.what == "captions":
        CAPTIONS.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in make_captions()) + "\n]\n")
        return
    entries = json.loads(CAPTIONS.read_text())
    if options.what == "score":
        pictures = [png.read(options.path / f"{number}.png") for number in range(len(entries))]
    else:
        pictures = real_pictures(entries)
    print_table(score(through_vae(pictures, options.path) if options.what == "vae" else pictures, entries))


if __name__ == "__main__":
    main()
