"""Whole pictures by ours and by stable-diffusion.cpp, in turns, each in a process of its own: a part of `./run bench cpu`.

Both get the same checkpoint, words, seed, sampler and number of steps, and draw the same noise, so that the pictures can be
compared. A step is the mean of all; the whole is from opening the file to the finished picture.
"""
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys

from tables import median_ratio, table, verdict
from worker import Worker

PEER = pathlib.Path(__file__).resolve().parent / "sd_cpp.py"
NEEDED = ["stable_diffusion_cpp", "numpy", "PIL"]
PROMPT, NEGATIVE, SEED, CFG, STEPS = "a red house by a lake", "blurry", 1, 7, 3
GOAL = 10  # times as fast, the whole picture
# What both programs report, under the same names.
SECONDS = {"step": "mean_step_ms", "decode": "decode_ms", "whole": "total_ms"}
FULL, BF16, OTHER = "full", "bf16", "peer"  # our precisions, and the other program


def made(command, patience):
    """What the program reports of the picture that it made."""
    command = list(map(str, command))
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Worker.Failure(f"{command[1]}: no picture after {patience:.0f} s") from None
    if run.returncode != 0:
        raise Worker.Failure(f"{command[1]}: {(run.stderr.strip() or 'failed').splitlines()[-1]}")
    return json.loads(run.stdout.splitlines()[-1])


def psnr(one, other):
    """Of pixels from 0 to 255; None where they are equal."""
    import numpy
    from PIL import Image
    one, other = (numpy.asarray(Image.open(path).convert("RGB"), float) for path in (one, other))
    error = numpy.mean((one - other) ** 2)
    return None if error == 0 else float(10 * numpy.log10(255**2 / error))


class Programs:
    def __init__(self, program, model, patience, folder):
        missing = [name for name in NEEDED if not importlib.util.find_spec(name)]
        if missing:
            raise Worker.Failure(f"{sys.executable} has no {', '.join(missing)}")
        self.program, self.model, self.patience = program, model, patience
        self.pictures = {name: folder / f"{name}.png" for name in (FULL, BF16, OTHER)}

    def ours(self, precision, side, steps=STEPS):
        command = [self.program, "generate", "-m", self.model, "-p", PROMPT, "-n", NEGATIVE, "--seed", SEED, "--cfg", CFG,
                   "--steps", steps, "--sampler", "euler", "-W", side, "-H", side, "--precision", precision, "--json",
                   "-o", self.pictures[precision]]
        return made(command, self.patience)

    def other(self, side):
        command = [sys.executable, PEER, "--model", self.model, "--prompt", PROMPT, "--negative", NEGATIVE, "--seed", SEED,
                   "--cfg", CFG, "--steps", STEPS, "--side", side, "--picture", self.pictures[OTHER]]
        return made(command, self.patience)

    def compare(self, sides, rounds):
        """Of each side of the picture and each of our precisions: seconds, memory, ratios, how alike the pictures are."""
        # The first run keeps the file's hash. Where the processor gains nothing by bf16 it reports full precision.
        precisions = [p for p in (FULL, BF16) if self.ours(p, sides[0], 1)["precision"] == p]
        for side in sides:
            reports = {name: [] for name in [*precisions, OTHER]}
            for turn in range(rounds):
                for name in list(reports)[:: 1 if turn % 2 == 0 else -1]:
                    reports[name].append(self.other(side) if name == OTHER else self.ours(name, side))
                print(f"bench: programs at {side} x {side}, round {turn + 1} of {rounds}", file=sys.stderr)
            for name in precisions:
                yield summary(side, name, reports[name], reports[OTHER]) | {
                    "psnr": psnr(self.pictures[name], self.pictures[OTHER])}


def summary(side, precision, ours, other):
    def medians(reports):
        return {what: statistics.median(report[key] for report in reports) / 1e3 for what, key in SECONDS.items()}

    def most(reports):
        return max(report["peak_memory_bytes"] for report in reports)

    ratios = {what: median_ratio([report[key] for report in other], [report[key] for report in ours])
              for what, key in SECONDS.items()}
    return {"side": side, "steps": STEPS, "ours": precision, "name": other[0]["name"], "ratios": ratios,
            "seconds": {"ours": medians(ours), "peer": medians(other)}, "met": ratios["whole"] >= GOAL,
            "memory": {"ours": most(ours), "peer": most(other)}}


def rows(lines):
    yield "", "ours", "peer", "ratio", "goal", ""
    for line in lines:
        head = f"{line['side']} x {line['side']}"
        if line["ours"] != FULL:
            head += f", ours in {line['ours']}"
        names = {"step": "guided step", "decode": "decode", "whole": f"the whole picture, {line['steps']} steps"}
        for what in SECONDS:
            seconds = [f"{line['seconds'][who][what]:.2f} s" for who in ("ours", "peer")]
            goal = (f">= {GOAL}", verdict(line["met"])) if what == "whole" else ("", "")
            yield f"{head}: {names[what]}", *seconds, f"{line['ratios'][what]:.1f}x", *goal
        ours, peer = line["memory"]["ours"], line["memory"]["peer"]
        alike = "equal" if line["psnr"] is None else f"{line['psnr']:.1f} dB apart"
        yield (f"{head}: peak memory; pictures {alike}", f"{ours / 1e6:.0f} MB", f"{peer / 1e6:.0f} MB",
               f"{peer / ours:.1f}x", "", "")


def programs_table(part):
    text = [table(list(rows(part["lines"])))] if part["lines"] else []
    return "\n".join(text + ([f"programs: {part['failed']}"] if "failed" in part else []))
