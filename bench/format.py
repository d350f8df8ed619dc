"""Speed and memory of the tensor part, line by line beside the public `safetensors` package, in one run.

    ./run bench format [--small] [--ours] [--rounds N] [--only LINE ...] [--json FILE]

Needs safetensors and numpy in the Python that PYTHON names, or else in python3 (--ours does without). Both sides take
turns, on two cores, with the files in the page cache; a time is the median of the rounds. Peak memory is what the kernel
counts for a process of its own: the largest resident size, pages of mapped files included.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from worker import Worker, machine

MB = 1_000_000
GB = 1000 * MB
MIB = 1 << 20


@dataclasses.dataclass
class Sizes:
    tensors: int = 20_000
    many_tensors: int = 500_000
    file: int = 2 * GB // MIB * MIB
    slice_rows: int = 62_500  # of 4,096 floats: 1.02 GB
    values: int = GB // MIB * MIB
    set: int = 4 * GB // MIB * MIB


SMALL = Sizes(tensors=500, many_tensors=2000, file=16 * MIB, slice_rows=512, values=8 * MIB, set=16 * MIB)


class Wheel:
    """The public package. Each function returns seconds."""

    def __init__(self):
        try:
            import numpy
            import safetensors
            import safetensors.numpy
        except ImportError as missing:
            raise SystemExit(f"bench: {sys.executable} has no {missing.name}; install it (pip install safetensors "
                             "numpy), name another Python with PYTHON=..., or measure ours alone with --ours")
        self.numpy, self.safetensors, self.files = numpy, safetensors, safetensors.numpy
        self.held = {}

    def open(self, path):
        begin = time.perf_counter()
        with self.safetensors.safe_open(path, "np") as file:
            len(file.keys())
        return time.perf_counter() - begin

    def read(self, path):
        begin = time.perf_counter()
        tensors = self.files.load_file(path)
        seconds = time.perf_counter() - begin
        del tensors
        return seconds

    def hold(self, size):
        step = 64 * MIB
        self.held = {f"t{i}": self.numpy.full(min(step, size - i) // 4, i, self.numpy.float32)
                     for i in range(0, size, step)}

    def save(self, path, durable):
        begin = time.perf_counter()
        self.files.save_file(self.held, path)
        if durable:
            for place in path, os.path.dirname(path):
                descriptor = os.open(place, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
        return time.perf_counter() - begin

    def slice(self, path, name, rows, columns):
        """Every so-manieth row and column, as the package can: it ignores steps, so all is read and NumPy slices."""
        begin = time.perf_counter()
        with self.safetensors.safe_open(path, "np") as file:
            part = self.numpy.ascontiguousarray(file.get_tensor(name)[::rows, ::columns])
        return time.perf_counter() - begin, float(part.sum(dtype=self.numpy.float64))


class Bench:
    def __init__(self, options, folder):
        self.sizes = SMALL if options.small else Sizes()
        self.rounds = options.rounds or (2 if options.small else 5)
        self.options, self.folder = options, folder
        self.wheel = None if options.ours else Wheel()
        self.worker = Worker([options.worker])
        self.lines = []

    def path(self, name):
        return str(self.folder / name)

    def medians(self, **sides):
        """The median of each side's times; they take turns, after one turn that does not count."""
        times = {name: [] for name in sides}
        for turn in range(self.rounds + 1):
            for name, side in sides.items():
                seconds = side()
                if turn > 0:
                    times[name].append(seconds)
        return {name: statistics.median(values) for name, values in times.items()}

    def sides(self, ours, theirs):
        return {"ours": ours} if self.wheel is None else {"ours": ours, "wheel": theirs}

    def line(self, what, ours, other=None, goal=None, met=None, **more):
        self.lines.append({"line": what, "ours": ours, "other": other, "goal": goal, "met": met, **more})

    def compare(self, what, times, goal, unit="ms", size=None, **more):
        """A line of ours against the wheel, whose goal is to be so many times as fast."""
        shown = {name: amount(seconds, unit, size) for name, seconds in times.items()}
        ratio = times["wheel"] / times["ours"] if "wheel" in times else None
        self.line(what, shown["ours"], shown.get("wheel") and f"wheel {shown['wheel']}", f">= {goal}x the wheel",
                  ratio and ratio >= goal, ratio=ratio, seconds=times, **more)

    # --- the lines ---------------------------------------------------------------------------------------------------

    def open(self):
        path, many = self.path("few.safetensors"), self.path("many.safetensors")
        self.worker.ask("make", path, self.sizes.tensors, 2, 4)
        times = self.medians(**self.sides(lambda: self.worker.seconds("open", path), lambda: self.wheel.open(path)))
        self.compare(f"open {self.sizes.tensors:,} tensors", times, 5)
        self.worker.ask("make", many, self.sizes.many_tensors, 2, 4)
        seconds = self.medians(ours=lambda: self.worker.seconds("open", many))["ours"]
        wheel = self.wheel and self.wheel.open(many)
        self.line(f"open {self.sizes.many_tensors:,} tensors", f"{seconds:.3f} s", wheel and f"wheel {wheel:.3f} s",
                  "< 1 s", seconds < 1, seconds={"ours": seconds, "wheel": wheel})
        peak = self.peak([self.options.worker], f"open\t{many}\n")
        self.line("  its peak memory", f"{peak['resident']:.0f} MB", None, "< 300 MB", peak["resident"] < 300, peak=peak)

    def read(self):
        path = self.path("read.safetensors")
        self.worker.ask("make", path, self.sizes.file // (16 * MIB), 4096, 1024)
        answers = []
        copies = []

        def ours():
            answers.append(self.worker.ask("read", path))
            return answers[-1]["seconds"]

        def memcpy():
            copies.append(self.worker.ask("copy", path))
            return copies[-1]["seconds"]

        times = self.medians(**self.sides(ours, lambda: self.wheel.read(path)), memcpy=memcpy)
        size = self.sizes.file
        self.compare(f"read {size / GB:.2f} GB into fresh memory", times, 2, "GB/s", size,
                     strategy=answers[-1]["strategy"], reason=answers[-1]["reason"])
        share = times["memcpy"] / times["ours"]
        self.line("  against 2-thread memcpy", f"{share:.0%}", f"memcpy {amount(times['memcpy'], 'GB/s', size)}",
                  ">= 85%", share >= 0.85, share=share)
        warm = statistics.median(c["warm_seconds"] for c in copies)
        self.line("  memcpy to memory that is there", amount(warm, "GB/s", size), seconds=warm)

    def save(self):
        ours, theirs = self.path("ours.safetensors"), self.path("theirs.safetensors")
        self.worker.ask("hold", self.sizes.file)
        if self.wheel:
            self.wheel.hold(self.sizes.file)

        def after_sync(work, path):
            pathlib.Path(path).unlink(missing_ok=True)
            os.sync()
            return work()

        for durable in 0, 1:
            times = self.medians(**self.sides(
                lambda d=durable: after_sync(lambda: self.worker.seconds("save", ours, d), ours),
                lambda d=durable: after_sync(lambda: self.wheel.save(theirs, d), theirs)))
            self.compare(f"save {self.sizes.file / GB:.2f} GB, {'with' if durable else 'without'} fsync", times, 2,
                         "GB/s", self.sizes.file)
        self.worker.ask("hold", 0)
        if self.wheel:
            self.wheel.hold(0)

    def slice(self):
        path, name = self.path("slice.safetensors"), "model.layers.0.mlp.experts.0.down_proj.weight"
        self.worker.ask("make", path, 1, self.sizes.slice_rows, 4096)
        for rows, columns in (16, 1), (1, 64):
            text = f"::{rows}, ::{columns}"
            sums = {}

            def ours():
                answer = self.worker.ask("slice", path, name, text)
                sums["ours"] = answer["sum"]
                return answer["seconds"]

            def theirs():
                seconds, sums["wheel"] = self.wheel.slice(path, name, rows, columns)
                return seconds

            times = self.medians(**self.sides(ours, theirs))
            if "wheel" in sums and abs(sums["ours"] - sums["wheel"]) > 1e-6 * max(1, abs(sums["wheel"])):
                raise SystemExit(f"bench: slice [{text}]: sums differ: {sums}")
            evict(path)
            answer = self.worker.ask("slice", path, name, text)
            size = self.sizes.slice_rows * 4096 * 4
            self.compare(f"slice [{text}] of {size / GB:.2f} GB", times, 1, report=answer)
            self.line("  bytes read", f"{answer['bytes_read'] / MB:.1f} MB", self.wheel and f"wheel {size / MB:.1f} MB",
                      report=answer)
            if answer["from_disk"] >= 0:
                self.line("  from the disk, cold cache", f"{answer['from_disk'] / MB:.1f} MB",
                          f"{answer['seconds'] * 1e3:.0f} ms")

    def numbers(self):
        self.worker.ask("hold", self.sizes.values)
        times = self.medians(**{name: lambda name=name: self.worker.seconds(name) for name in ("cast", "stat", "memory")})
        for name, what in ("cast", "cast F32 to F16"), ("stat", "statistics"):
            share = times["memory"] / times[name]
            self.line(f"{what} of {self.sizes.values / GB:.2f} GB", amount(times[name], "GB/s", self.sizes.values),
                      f"reading alone {amount(times['memory'], 'GB/s', self.sizes.values)}", "memory bandwidth",
                      None, share=share, shown=f"{share:.0%}")
        self.worker.ask("hold", 0)

    def memory(self):
        one, two, out = self.path("one.safetensors"), self.path("two.safetensors"), self.path("out.safetensors")
        shards, count = self.folder / "shards", self.sizes.set // (16 * MIB) or 1
        for path in one, two:
            self.worker.ask("make", path, count, 4096, 1024)
        program = self.options.program
        for name, command in {
                "cast": ["cast", one, "-o", out, "--to", "F16"],
                "merge": ["merge", "-o", out, "--sum", f"{one}=0.3", f"{two}=0.7"],
                "split": ["split", one, "--max-size", str(self.sizes.set // 4), "-o", f"{shards}/"],
                "join": ["join", f"{shards}/", "-o", out]}.items():
            shards.mkdir(exist_ok=True)
            peak = self.peak([program, *command])
            self.line(f"{name} on {self.sizes.set / GB:.2f} GB: peak memory", f"{peak['resident']:.0f} MB",
                      f"{peak['anonymous']:.0f} MB without mapped files; {peak['seconds']:.1f} s", "< 300 MB",
                      peak["resident"] < 300, peak=peak)
            pathlib.Path(out).unlink(missing_ok=True)
        shutil.rmtree(shards)

    @staticmethod
    def peak(command, text=""):
        """Runs a process to its end; its largest resident size, and of that what is not pages of files, in MB."""
        launcher = [sys.executable, "-S", str(pathlib.Path(__file__).with_name("peak_memory.py"))]
        run = subprocess.run([*launcher, *command], input=text, capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"bench: {' '.join(map(str, command))}: {run.stderr}")
        return json.loads(run.stdout)

    LINES = {"open": open, "read": read, "save": save, "slice": slice, "numbers": numbers, "memory": memory}

    def run(self):
        for name in self.options.only or self.LINES:
            print(f"bench: {name}", file=sys.stderr)
            self.LINES[name](self)
            for file in self.folder.iterdir():
                file.unlink()
        self.worker.close()


def amount(seconds, unit, size):
    return f"{size / seconds / GB:.2f} GB/s" if unit == "GB/s" else f"{seconds * 1e3:.2f} ms"


def evict(path):
    """Out of the page cache, as far as the system does that."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def table(facts, lines):
    rows = [("", "ours", "", "ratio", "goal", "")]
    for line in lines:
        ratio = f"{line['ratio']:.1f}x" if line.get("ratio") else line.get("shown", "")
        met = {True: "met", False: "NOT MET", None: ""}[line["met"]]
        rows.append((line["line"], line["ours"], line["other"] or "", ratio, line["goal"] or "", met))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in facts.items())
    return "\n".join([text, ""] + ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows])


def main():
    parser = argparse.ArgumentParser(prog="./run bench format", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a trial of a few seconds, whose figures mean nothing")
    parser.add_argument("--ours", action="store_true", help="without the public package")
    parser.add_argument("--rounds", type=int, help="how often each time is taken (5)")
    parser.add_argument("--only", nargs="+", choices=list(Bench.LINES), help="these lines alone")
    parser.add_argument("--json", metavar="FILE", help="write everything measured there, too; - for only that, here")
    parser.add_argument("--folder", default=".", help="where temporary files go: 14 GB, on the disk to be measured")
    parser.add_argument("--worker", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        bench = Bench(options, pathlib.Path(folder))
        facts = machine()
        if bench.wheel:
            facts |= {"safetensors": bench.wheel.safetensors.__version__, "numpy": bench.wheel.numpy.__version__}
        try:
            bench.run()
        except Worker.Failure as failure:
            raise SystemExit(f"bench: {failure}")
    if options.json:
        result = json.dumps({"machine": facts, "lines": bench.lines}, indent=1)
        if options.json == "-":
            print(result)
            return
        pathlib.Path(options.json).write_text(result + "\n")
    print(table(facts, bench.lines))


if __name__ == "__main__":
    main()
