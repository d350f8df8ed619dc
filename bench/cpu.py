"""Speed of making pictures, beside others, in one run.

    ./run bench cpu [--small] [--rounds N] [--only PART ...] [--peers KIND ...] [--sides PIXELS ...]
                    [--model FILE] [--sdxl FILE] [--json FILE] [--chart FILE] [--patience SECONDS] [--ours]

Parts: kernels (ours and oneDNN's, shape by shape, and how exact ours are), steps (`safelight generate` by size, batch and
number of steps), peers (one UNet step and one decode, ours, OpenVINO's and PyTorch's on the same weights; those that
the Python named by PYTHON has, with torch, diffusers and safetensors) and programs (whole pictures, ours and those of
stable-diffusion.cpp, if that Python has stable-diffusion-cpp-python). Sides take turns in every round, on two cores; a
time is the median of the rounds, a ratio the median of the rounds' ratios. GFLOP count convolutions as direct ones. The
FMA peak is measured in every round, too: it tells how busy the machine is.
"""
import argparse
import importlib.util
import json
import mmap
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import chart
from programs import Programs, programs_table
from tables import median_ratio, table, verdict
from worker import Worker, machine

GIGA = 1e9
ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of a shape's kind and name: the peer that the goal names, the goal, and which shapes it is for.
GOALS = {"linear": ("oneDNN, packed F32", 0.9, lambda name: True),
         "3x3": ("oneDNN direct", 2.2, lambda name: int(name.split(" x ")[1]) >= 16 and thinnest(name) >= 32),
         "attention": ("oneDNN, product softmax product", 1.5, lambda name: "4096" in name)}
PEERS = ["openvino", "openvino-default", "pytorch", "pytorch-compiled"]  # the last takes minutes to compile
PEER_GOAL = 1.5
# How far a result may be from ours, in norm, of another program that computes in 32 bits, and of one that, left to
# itself, chooses fewer: random weights amplify what it rounds.
SAME_NETWORK, SAME_NETWORK_ROUNDED = 1e-3, 0.3
COLD_START_GOAL, SHIPPED_GOAL = 0.5, 2.0  # seconds


def thinnest(name):
    """The fewer of a convolution's channels, of "2 x 64 x 64 x 4 -> 320"."""
    before, after = name.split(" -> ")
    return min(int(before.split(" x ")[-1]), int(after))


def instruction_set(program):
    """That ours will use."""
    plan = [program, "generate", "-p", "x", "--plan", "--json"]
    return json.loads(subprocess.run(plan, check=True, stdout=subprocess.PIPE, text=True).stdout)["instruction_set"]


def held_in_page_cache(path):
    """Until it is closed, all pages of the file are mapped here, so that the system does not drop them between runs."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.rounds = options.rounds or (2 if options.small else 5)
        self.sides = options.sides or ([64, 128] if options.small else [256, 512])
        self.results = {}

    # --- kernels -----------------------------------------------------------------------------------------------------

    def kernels(self):
        """OpenMP's threads are pinned as ours are, and stop spinning before the other side's turn."""
        environment = os.environ | {"OMP_NUM_THREADS": "2", "OMP_PROC_BIND": "true", "OMP_PLACES": "threads",
                                    "GOMP_SPINCOUNT": "10000"}
        cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        command = [self.options.kernels, "--rounds", str(self.rounds), "--cores", cores]
        command += ["--small"] * self.options.small
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        shapes = []
        for line in run.stdout:
            answer = json.loads(line)
            if "peer" in answer:
                self.results["library"] = answer["peer"]
                continue
            shapes.append(summary_of(answer))
            print(f"bench: {answer['kind']} {answer['name']}", file=sys.stderr)
        if run.wait() != 0:
            raise SystemExit("bench: the kernels' bench failed")
        return shapes

    # --- steps -------------------------------------------------------------------------------------------------------

    def generate(self, model, side, cfg, steps):
        """One run of the program, as a user would. (SDXL does not compute an empty negative prompt.)"""
        dump = self.folder / "dump"
        command = [self.options.program, "generate", "-p", "a red house by a lake", "-n", "blurry", "--seed", "1", "--json",
                   "-m", model, "-W", str(side), "-H", str(side), "--steps", str(steps), "--cfg", str(cfg),
                   "--dump", str(dump), "-o", str(self.folder / "picture.png")]
        before, begin = time.time(), time.perf_counter()
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        report["wall"] = time.perf_counter() - begin
        # Written when all is ready for the first step.
        report["to_first_step"] = max(0.0, (dump / "start_noise.safetensors").stat().st_mtime - before)
        return report

    def steps(self):
        model, sides = self.model(), self.sides
        settings = [(side, cfg, 2) for side in sides for cfg in (1, 7)]
        settings += [(sides[0], 7, steps) for steps in (1, 4, 8)]
        with held_in_page_cache(model):
            lines = self.pictures(model, settings)
        sdxl = []
        if self.options.sdxl:
            with held_in_page_cache(self.options.sdxl):
                sdxl = self.pictures(self.options.sdxl, [(1024, cfg, 2) for cfg in (1, 7)])
        shipped = [self.generate(str(ROOT / "models/papercut.safetensors"), 128, 7, 25)["wall"]
                   for _ in range(self.rounds)]
        return {"model": pathlib.Path(model).name, "lines": lines, "sdxl": sdxl,
                "shipped_seconds": statistics.median(shipped)}

    def pictures(self, model, settings):
        """Of each side, guidance and number of steps."""
        worker = Worker([self.options.networks])
        worker.ask("open", model)
        self.generate(model, 64, 1, 1)  # reads the file, and keeps its hash
        runs = {setting: [] for setting in settings}
        for turn in range(self.rounds):
            for setting in settings if turn % 2 == 0 else reversed(settings):
                peak = worker.ask("peak")["gflops"]
                runs[setting].append(self.generate(model, *setting) | {"peak": peak})
            print(f"bench: steps of {pathlib.Path(model).name}, round {turn + 1} of {self.rounds}", file=sys.stderr)
        lines = []
        for (side, cfg, steps), reports in runs.items():
            batch = 1 if cfg == 1 else 2
            flop = worker.ask("flop", batch, side // 8, side // 8)
            lines.append(summary_of_runs(side, batch, steps, flop, reports))
        worker.close()
        return lines

    def model(self):
        """A checkpoint of SD 1.5's sizes with random weights, made once."""
        if self.options.model:
            return self.options.model
        if self.options.small:
            return str(ROOT / "models/papercut.safetensors")
        return self.random_model("sd15")

    def random_model(self, layout):
        path = ROOT / "build" / f"bench-{layout}.safetensors"
        if not path.exists():
            print(f"bench: making {path} (2.1 GB for sd15)", file=sys.stderr)
            part = path.with_suffix(".part")
            make = [sys.executable, ROOT / "tests/golden/make_checkpoint.py", layout, part]
            if subprocess.run(make).returncode != 0:
                raise SystemExit("bench: a checkpoint is made with NumPy; or name one with --model")
            part.rename(path)
        return str(path)

    # --- peers -------------------------------------------------------------------------------------------------------

    def peers(self):
        layout = "tiny" if self.options.small else "sd15"
        model = self.options.model or self.random_model(layout)
        sides = self.sides[:1] if self.options.small else self.sides
        cases = [(2, side // 8) for side in sides]  # guided; latent pixels
        ours = Worker([self.options.networks])
        ours.ask("open", model)
        lines, default_precision = [], None
        for kind in self.options.peers or PEERS[: -1 if self.options.small else None]:
            if kind == "openvino-default" and default_precision in (None, "f32"):
                continue  # it is what was measured already, or there is none
            try:
                needed = ["torch", "diffusers", "transformers", "safetensors"] + ["openvino"] * kind.startswith("openvino")
                missing = [name for name in needed if not importlib.util.find_spec(name)]
                if missing:
                    raise Worker.Failure(f"{sys.executable} has no {', '.join(missing)}")
                for line in self.peer(kind, layout, model, cases, ours):
                    lines.append(line)
                    default_precision = line.get("default_precision", default_precision)
            except Worker.Failure as failure:  # not installed, too slow, or another result
                lines.append({"kind": kind, "failed": str(failure)})
                print(f"bench: {failure}", file=sys.stderr)
        ours.close()
        return lines

    def peer(self, kind, layout, model, cases, ours):
        peer = Worker([sys.executable, str(ROOT / "bench/peers.py"), kind, layout, model],
                      quiet=True, patience=self.options.patience)
        try:
            peer.ask("open")
            for images, side in cases:
                path, result = self.folder / "case.safetensors", self.folder / "result.safetensors"
                ours.ask("case", images, side, side, path)
                about = peer.ask("case", path)
                flop = ours.ask("flop", images, side, side)
                precise = about["precision"] == "f32"
                for precision in ["full"] if precise else self.precisions(ours):
                    for what in "step", "decode":
                        yield about | {"kind": kind, "what": what, "images": images if what == "step" else 1,
                                       "side": 8 * side, "ours": precision} | self.compare(
                                           what, precision, ours, peer, flop, result,
                                           SAME_NETWORK if precise else SAME_NETWORK_ROUNDED)
        finally:
            peer.close()

    @staticmethod
    def precisions(ours):
        """Ours, to compare with what a peer chooses."""
        return ["full", "bf16"] if ours.ask("precision", "bf16")["gains"] else ["full"]

    def compare(self, what, precision, ours, peer, flop, result, bound):
        ours.ask("precision", "full")
        ours.ask(what)
        own_difference = 0
        if precision != "full":
            ours.ask("remember")
            ours.ask("precision", precision)
            ours.ask(what)
            own_difference = ours.ask("difference")["difference"]
        peer.ask(what)
        ours.ask("save", result)
        difference = peer.ask("compare", result)["difference"]
        if not difference <= bound:
            raise Worker.Failure(f"{what}: its result differs from ours by {difference:.1e}, more than {bound}")
        times, peaks = {"ours": [], "peer": []}, []
        for turn in range(self.rounds):
            peaks.append(ours.ask("peak")["gflops"])
            order = [("ours", ours), ("peer", peer)]
            for name, side in order if turn % 2 else reversed(order):
                times[name].append(side.ask(what)["seconds"])
                time.sleep(0.05)  # its threads stop spinning
        gflop = flop["unet" if what == "step" else "decode"] / GIGA
        return {"own_difference": own_difference,
                "seconds": {name: statistics.median(values) for name, values in times.items()}, "times": times,
                "ratio": median_ratio(times["peer"], times["ours"]), "difference": difference, "gflop": gflop,
                "share_of_peak": statistics.median(gflop / t / p for t, p in zip(times["ours"], peaks)),
                "peak": statistics.median(peaks)}

    # --- programs ----------------------------------------------------------------------------------------------------

    def programs(self):
        part = {"lines": []}
        try:
            if self.options.small and not self.options.model:
                raise Worker.Failure("the other program knows no model smaller than SD 1.5; name one with --model")
            model = self.model()
            with held_in_page_cache(model):
                both = Programs(self.options.program, model, self.options.patience, self.folder)
                for line in both.compare(self.sides, self.rounds):
                    part["lines"].append(line)
        except Worker.Failure as failure:  # not installed, too slow
            part["failed"] = str(failure)
            print(f"bench: {failure}", file=sys.stderr)
        return part

    PARTS = {"kernels": kernels, "steps": steps, "peers": peers, "programs": programs}

    def run(self):
        for name in self.options.only or self.PARTS:
            if name in ("peers", "programs") and self.options.ours:
                continue
            print(f"bench: {name}", file=sys.stderr)
            self.results[name] = self.PARTS[name](self)


def summary_of(answer):
    """A shape's medians, and the goal if it has one."""
    ours, peaks = answer["seconds"]["ours"], answer["peak"]
    ratios = {name: median_ratio(seconds, ours) for name, seconds in answer["seconds"].items() if name != "ours"}
    peer, goal, concerned = GOALS[answer["kind"]]
    peer = peer if peer in ratios else None
    goal = goal if peer and concerned(answer["name"]) else None
    gflop = answer["flop"] / GIGA
    return answer | {"median": statistics.median(ours), "gflops": gflop / statistics.median(ours), "ratios": ratios,
                     "peer": peer,
                     "share_of_peak": statistics.median(gflop / t / p for t, p in zip(ours, peaks)),
                     "goal": goal, "met": None if goal is None else ratios[peer] >= goal}


def summary_of_runs(side, batch, steps, flop, reports):
    def median(pick):
        return statistics.median(pick(report) for report in reports)

    unet, decode = flop["unet"] / GIGA, flop["decode"] / GIGA
    return {"side": side, "batch": batch, "steps": steps,
            "step_seconds": median(lambda r: r["mean_step_ms"] / 1e3), "gflop": unet,
            "gflops": median(lambda r: unet / r["mean_step_ms"] * 1e3),
            "share_of_peak": median(lambda r: unet / r["mean_step_ms"] * 1e3 / r["peak"]),
            "decode_seconds": median(lambda r: r["decode_ms"] / 1e3),
            "decode_gflops": median(lambda r: decode / r["decode_ms"] * 1e3),
            "total_seconds": median(lambda r: r["total_ms"] / 1e3),
            "to_first_step": median(lambda r: r["to_first_step"]),
            "peak_memory": max(r["peak_memory_bytes"] for r in reports), "peak": median(lambda r: r["peak"])}


# --- tables ----------------------------------------------------------------------------------------------------------


def bf16_cells(bf16):
    if bf16 is None:  # the processor multiplies none
        return "", "", ""
    error = bf16["error"]
    return f"{statistics.median(bf16['seconds']) * 1e3:.2f}", f"{error['norm']:.1e}", f"{error['max']:.1e}"


def kernels_table(shapes):
    rows = [("kernel", "ours ms", "GFLOP/s", "of peak", "times as fast as", "goal", "", "error, norm", "largest",
             "in bf16 ms", "error, norm", "largest")]
    for s in shapes:
        others = "  ".join(f"{name} {ratio:.2f}" for name, ratio in s["ratios"].items())
        rows.append((f"{s['kind']} {s['name']}", f"{s['median'] * 1e3:.2f}", f"{s['gflops']:.0f}",
                     f"{s['share_of_peak']:.0%}", others, f">= {s['goal']}" if s["goal"] else "", verdict(s["met"]),
                     f"{s['error']['norm']:.1e}", f"{s['error']['max']:.1e}", *bf16_cells(s["bf16"])))
    return table(rows)


def steps_table(steps):
    rows = [("picture", "batch", "steps", "step s", "GFLOP/s", "of peak", "decode s", "GFLOP/s", "all s", "to first step",
             "memory")]
    for family, s in [("", s) for s in steps["lines"]] + [("SDXL ", s) for s in steps["sdxl"]]:
        rows.append((f"{family}{s['side']} x {s['side']}", str(s["batch"]), str(s["steps"]), f"{s['step_seconds']:.3f}",
                     f"{s['gflops']:.0f}", f"{s['share_of_peak']:.0%}", f"{s['decode_seconds']:.2f}",
                     f"{s['decode_gflops']:.0f}", f"{s['total_seconds']:.2f}", f"{s['to_first_step']:.2f} s",
                     f"{s['peak_memory'] / 1e6:.0f} MB"))
    starts = ""
    for family, lines in ("", steps["lines"]), (" of SDXL", steps["sdxl"]):
        if lines:
            slowest = max(s["to_first_step"] for s in lines)
            starts += (f"from process start to first step{family} {slowest:.2f} s at most, goal < {COLD_START_GOAL} s: "
                       f"{verdict(slowest < COLD_START_GOAL)}\n")
    return (f"{table(rows)}\n\n{starts}shipped model, 25 steps, the whole command: "
            f"{steps['shipped_seconds']:.2f} s, goal < {SHIPPED_GOAL} s: {verdict(steps['shipped_seconds'] < SHIPPED_GOAL)}")


def peers_table(lines):
    rows = [("", "ours s", "GFLOP/s", "of peak", "peer s", "ratio", "goal", "", "difference")]
    for p in (p for p in lines if "failed" not in p):
        precise = p["precision"] == "f32"  # the goal is for equal accuracy
        name = p["name"] if precise else f"{p['name']}, {p['precision']} by default"
        if p["ours"] != "full":
            name += f"; ours in {p['ours']}, {p['own_difference']:.1e} from full"
        rows.append((f"{p['what']} {p['side']}^2, batch {p['images']}: {name}", f"{p['seconds']['ours']:.2f}",
                     f"{p['gflop'] / p['seconds']['ours']:.0f}", f"{p['share_of_peak']:.0%}",
                     f"{p['seconds']['peer']:.2f}", f"{p['ratio']:.2f}x", f">= {PEER_GOAL}" if precise else "",
                     verdict(p["ratio"] >= PEER_GOAL if precise else None), f"{p['difference']:.1e}"))
    failures = [f"{p['kind']}: {p['failed'].splitlines()[0]}" for p in lines if "failed" in p]
    return "\n".join([table(rows), *failures])


TABLES = {"kernels": kernels_table, "steps": steps_table, "peers": peers_table, "programs": programs_table}


def main():
    parser = argparse.ArgumentParser(prog="./run bench cpu", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a trial of seconds, whose figures mean nothing")
    parser.add_argument("--ours", action="store_true", help="without the peers, and kernels without oneDNN")
    parser.add_argument("--rounds", type=int, help="how often each time is taken (5)")
    parser.add_argument("--only", nargs="+", choices=list(Bench.PARTS), help="these parts alone")
    parser.add_argument("--peers", nargs="+", choices=PEERS, help="these alone")
    parser.add_argument("--sides", nargs="+", type=int, metavar="PIXELS", help="of the pictures (256 512)")
    parser.add_argument("--model", metavar="FILE", help="a Stable Diffusion 1.5 checkpoint, instead of random weights "
                        "that are made in build/ (2.1 GB)")
    parser.add_argument("--sdxl", metavar="FILE", help="an SDXL checkpoint, whose steps at 1024x1024 are timed, too")
    parser.add_argument("--patience", type=float, default=600, metavar="SECONDS",
                        help="a peer that needs longer for an answer, say to compile, is given up (600)")
    parser.add_argument("--json", metavar="FILE", help="write everything measured there, too")
    parser.add_argument("--chart", metavar="FILE", help="draw it there, a PNG; needs matplotlib")
    parser.add_argument("--kernels", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--networks", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name, file in ("--model", options.model), ("--sdxl", options.sdxl):
        if file and not pathlib.Path(file).is_file():
            parser.error(f"{name}: no such file: {file}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    facts = machine() | {"instruction_set": instruction_set(options.program)}
    with tempfile.TemporaryDirectory(prefix="safelight-bench-") as folder:
        bench = Bench(options, pathlib.Path(folder))
        try:
            bench.run()
        except Worker.Failure as failure:
            raise SystemExit(f"bench: {failure}")
    facts["load_after"] = os.getloadavg()[0]
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"machine": facts} | bench.results, indent=1) + "\n")
    if options.chart:
        chart.draw(bench.results, options.chart)
    print(", ".join(f"{key.replace('_', ' ')} {value}" for key, value in facts.items()))
    for name, layout in TABLES.items():
        if name in bench.results:
            print("\n" + layout(bench.results[name]))


if __name__ == "__main__":
    main()
