"""What a picture loses, and a step gains, by doing less per step: --cache and --guidance-interval against neither.

    cmake --build build/release --target safelight
    python3 bench/reuse.py [--rounds 1] [--prompts 12] [--against OTHER_PROGRAM] [--model FILE --prompt TEXT --size 256 ...]

Needs nothing but Python and the program. Every setting runs once per prompt and round, between two full runs, so that
other work on the machine meets both alike; the table has

    step    the setting's mean step time over that of the full runs beside it, median over prompts and rounds; and its
            best mean step over the best full one, which says more on a busy machine
    PSNR    of the picture against the full run's, values clamped to [-1, 1], in dB: median and worst over the prompts
            (runs of their own, as --dump takes time)

--against adds a row for another build of the program, run in full: what a change made of the step time.
"""

import argparse
import array
import itertools
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FULL = ()
SETTINGS = (
    ("--cache", "2"), ("--cache", "3"), ("--cache", "5"),
    ("--guidance-interval", "0.2,1"), ("--guidance-interval", "0.4,1"), ("--guidance-interval", "0,0.8"),
    ("--guidance-interval", "0.2,0.8"),
    ("--cache", "2", "--guidance-interval", "0.2,1"), ("--cache", "3", "--guidance-interval", "0.2,1"),
)


def demo_prompts(path):
    """(seed, cfg, prompt) of each line of models/demo.txt."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [tuple(line.split("|", 2)) for line in lines if line and not line.startswith("#")]


def picture(path):
    """The values of the only tensor of a file, F32, clamped."""
    with open(path, "rb") as file:
        header = int.from_bytes(file.read(8), "little")
        file.seek(8 + header)
        values = array.array("f", file.read())
    if sys.byteorder == "big":
        values.byteswap()
    return [min(1.0, max(-1.0, value)) for value in values]


def psnr(a, b):
    error = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / len(a)
    return math.inf if error == 0 else 10 * math.log10(4 / error)


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, pathlib.Path(folder)

    def run(self, program, prompt, setting, *more):
        """The JSON summary of one picture."""
        a, (seed, cfg, text) = self.arguments, prompt
        size = ["-W", str(a.size), "-H", str(a.size)] if a.size else []
        threads = ["--threads", str(a.threads)] if a.threads else []
        command = [program, "generate", "-m", a.model, "-p", text, "--seed", seed, "--cfg", cfg, "--steps", str(a.steps),
                   "-o", self.folder / "picture.png", "--json", *size, *threads, *setting, *more]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def step_ratios(self, prompts):
        """Of every setting, and under "against" of the other program: median and best ratio."""
        a, ratios, steps, fulls = self.arguments, {}, {}, []
        timed = [(setting, a.program, setting) for setting in a.settings]
        if a.against:
            timed.append(("against", a.against, FULL))
        for prompt in itertools.chain.from_iterable([prompts] * a.rounds):
            before = self.run(a.program, prompt, FULL)["mean_step_ms"]
            for name, program, setting in timed:
                step = self.run(program, prompt, setting)["mean_step_ms"]
                after = self.run(a.program, prompt, FULL)["mean_step_ms"]
                ratios.setdefault(name, []).append(2 * step / (before + after))
                print(f"{' '.join(setting) or 'against'}: {step:.1f} ms, full {before:.1f} and {after:.1f}", file=sys.stderr)
                steps.setdefault(name, []).append(step)
                fulls += [before, after]
                before = after
        return {name: (statistics.median(ratios[name]), min(steps[name]) / min(fulls)) for name in ratios}

    def picture_of(self, prompt, setting):
        self.run(self.arguments.program, prompt, setting, "--dump", self.folder)
        return picture(self.folder / "picture.safetensors")

    def decibels(self, prompts):
        """Of every setting: one PSNR per prompt."""
        decibels = {}
        for prompt in prompts:
            full = self.picture_of(prompt, FULL)
            for setting in self.arguments.settings:
                decibels.setdefault(setting, []).append(psnr(self.picture_of(prompt, setting), full))
        return decibels


def table(ratios, decibels):
    print("| setting | step: median | best | PSNR: median | worst |\n| --- | --- | --- | --- | --- |")
    for setting in ratios or decibels:
        step = "{:.3f} | {:.3f}".format(*ratios[setting]) if ratios else " | "
        quality = decibels.get(setting)
        shown = f"{statistics.median(quality):.1f} dB | {min(quality):.1f} dB" if quality else " | "
        print(f"| {setting if setting == 'against' else ' '.join(setting)} | {step} | {shown} |")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build/release/safelight")
    parser.add_argument("--against", help="another build, to compare full steps with")
    parser.add_argument("--model", default=ROOT / "models/papercut.safetensors")
    parser.add_argument("--prompt", help="instead of those of models/demo.txt; seed 1, guidance 7")
    parser.add_argument("--prompts", type=int, help="how many of models/demo.txt: all")
    parser.add_argument("--settings", type=lambda text: [tuple(s.split()) for s in text.split(";") if s], default=SETTINGS,
                        help='as options, e.g. "--cache 2; --cache 4"')
    parser.add_argument("--size", type=int, help="sides of the picture: the model's own")
    parser.add_argument("--threads", type=int, help="all cores; 1 is steadier on a busy machine")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=1, help="of timed runs; 0 for none")
    parser.add_argument("--no-pictures", action="store_true", help="no PSNR")
    return parser.parse_args()


def main():
    arguments = parse()
    prompts = [("1", "7", arguments.prompt)] if arguments.prompt else demo_prompts(ROOT / "models/demo.txt")
    prompts = prompts[: arguments.prompts]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        ratios = bench.step_ratios(prompts)
        table(ratios, {} if arguments.no_pictures else bench.decibels(prompts))


if __name__ == "__main__":
    main()
