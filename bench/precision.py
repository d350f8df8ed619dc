"""What --precision int8 and bf16 cost and gain: pictures from the same seeds in full precision and in another, by turns.

    python3 bench/precision.py --program build/release/safelight [--precision NAME] [--model FILE] [--steps N] [--size N]
                               [--pictures N]

Prints, for every prompt of models/demo.txt, the PSNR of the picture against the full one (of values in [-1, 1]), how far the latents were apart after the first step and after the last (their difference's norm over the norm), and the
milliseconds of a step in each; then the medians. Needs nothing but Python.
"""
import argparse
import array
import json
import math
import pathlib
import statistics
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def values(path):
    """The one F32 tensor of a SafeTensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    (tensor,) = header.values()
    begin, end = tensor["data_offsets"]
    return array.array("f", data[8 + length + begin:8 + length + end])


def squares(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b))


def psnr(a, b):
    error = squares(a, b) / len(a)
    return 10 * math.log10(4 / error) if error else math.inf


def apart(a, b):
    return math.sqrt(squares(a, b) / sum(x * x for x in a))


def generate(options, line, precision, folder):
    """Milliseconds of a step; what happened inside lies in the folder."""
    seed, cfg, prompt = line.split("|", 2)
    command = [options.program, "generate", "-p", prompt, "--seed", seed, "--cfg", cfg, "--steps", str(options.steps),
               "--precision", precision, "--dump", folder, "-o", folder / "picture.png", "--json"]
    if options.model:
        command += ["-m", options.model]
    if options.size:
        command += ["-W", str(options.size), "-H", str(options.size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["mean_step_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=ROOT / "build/release/safelight")
    parser.add_argument("--precision", choices=["int8", "bf16"], default="int8")
    parser.add_argument("--model", help="checkpoint; without it, the one that is shipped")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--size", type=int, help="width and height; without it, the model's own")
    parser.add_argument("--pictures", type=int, default=6, help="how many of the prompts")
    options = parser.parse_args()
    lines = [line for line in (ROOT / "models/demo.txt").read_text().splitlines() if line and not line.startswith("#")]
    last = f"latents_{options.steps:03}"
    results = []
    print(f"  PSNR   first step  last step   full ms   {options.precision} ms  prompt")
    for line in lines[:options.pictures]:
        with tempfile.TemporaryDirectory() as name:
            folders = {precision: pathlib.Path(name) / precision for precision in ("full", options.precision)}
            times = {}
            for precision, folder in folders.items():
                folder.mkdir()
                times[precision] = generate(options, line, precision, folder)
            pair = lambda tensor: [values(folder / f"{tensor}.safetensors") for folder in folders.values()]
            result = (psnr(*pair("picture")), apart(*pair("latents_001")), apart(*pair(last)), *times.values())
        results.append(result)
        print("{:6.1f} {:11.5f} {:10.5f} {:9.1f} {:9.1f}".format(*result), "", line.split("|", 2)[2], flush=True)
    print("{:6.1f} {:11.5f} {:10.5f} {:9.1f} {:9.1f}".format(*map(statistics.median, zip(*results))), " median")
    ratio = statistics.median(full / other for *_, full, other in results)
    print(f"lowest PSNR {min(result[0] for result in results):.1f} dB; full / {options.precision} in time: {ratio:.2f} (median)")


main()
