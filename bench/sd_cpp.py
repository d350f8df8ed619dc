"""One picture by stable-diffusion.cpp in a process of its own, reported as `safelight generate --json` reports one.

    python bench/sd_cpp.py --model FILE --side PIXELS --steps N --cfg X --seed N --prompt TEXT --negative TEXT --picture FILE
                           [--set NAME ...]

Needs the package stable-diffusion-cpp-python, which compiles the program for this processor when it is installed. Two
threads, Euler's sampler, and the program's other defaults; --set switches on options of the package, say vae_conv_direct.
Prints one line of JSON: milliseconds of opening, a step, the decode and everything, and the peak of the process's memory.
"""
import argparse
import importlib.metadata
import json
import time

from stable_diffusion_cpp import StableDiffusion

THREADS = 2
PACKAGE = "stable-diffusion-cpp-python"


def milliseconds(begin, end):
    return 1e3 * (end - begin)


def peak_memory():
    """Bytes. (Linux counts what the process that started this one had into ru_maxrss.)"""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, kind in {"model": str, "side": int, "steps": int, "cfg": float, "seed": int, "prompt": str, "negative": str,
                       "picture": str}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()

    begin = time.perf_counter()
    model = StableDiffusion(model_path=options.model, n_threads=THREADS, verbose=False, **dict.fromkeys(options.set, True))
    opened = time.perf_counter()
    steps = []  # when each was over, and the seconds that the program says it took

    def progress(step, of, seconds):
        if of == options.steps and step > 0:
            steps.append((time.perf_counter(), seconds))

    (picture,) = model.generate_image(
        prompt=options.prompt, negative_prompt=options.negative, width=options.side, height=options.side,
        sample_steps=options.steps, cfg_scale=options.cfg, sample_method="euler", scheduler="discrete", seed=options.seed,
        progress_callback=progress)
    decoded = time.perf_counter()
    picture.save(options.picture)
    print(json.dumps({
        "name": f"stable-diffusion.cpp ({PACKAGE} {importlib.metadata.version(PACKAGE)})",
        "open_ms": milliseconds(begin, opened), "mean_step_ms": 1e3 * sum(s for _, s in steps) / len(steps),
        "decode_ms": milliseconds(steps[-1][0], decoded), "total_ms": milliseconds(begin, time.perf_counter()),
        "peak_memory_bytes": peak_memory()}))


main()
