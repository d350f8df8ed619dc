"""How long the models folder takes to list: 2,000 models with the tensors' names of real ones, in ComfyUI's folders.

    python3 bench/library.py build/release/safelight [--files N] [--folder DIR] [--rounds N]

Needs numpy, for tests/golden/make_checkpoint.py, which has the names. The files have their headers and real sizes, but no
values: they are sparse, and take some hundred MB of disk. Each round runs `safelight models DIR --json` as a process of its
own; the first of all finds the headers in no cache of ours (there is none) and in the system's only if they were just
written. Prints the median and the extremes, and the processor time, which other
work on the machine changes less.
"""
import argparse
import json
import math
import os
import pathlib
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
import make_checkpoint  # noqa: E402

UNET, VAE = "model.diffusion_model.", "first_stage_model."
# The levels of SD XL, with the width of its text. Its text encoders have other names, but as many.
XL = make_checkpoint.Layout((320, 640, 1280), (0, 2, 10), 2048, 44, (128, 256, 512, 512), (128, 256, 512, 512))


def shapes(layout):
    t = make_checkpoint.Tensors(layout)
    make_checkpoint.add_text_encoder(t)
    make_checkpoint.add_unet(t)
    make_checkpoint.add_vae(t)
    return {e.name: e.shape for e in t.entries}


def lora(checkpoint, rank=16):
    result = {}
    for name, shape in checkpoint.items():
        if ".transformer_blocks." not in name or not name.endswith(".weight") or len(shape) != 2:
            continue
        layer = "lora_unet_" + name.removeprefix(UNET).removesuffix(".weight").replace(".", "_")
        result |= {layer + ".alpha": (), layer + ".lora_down.weight": (rank, shape[1]),
                   layer + ".lora_up.weight": (shape[0], rank)}
    return result


def header(tensors):
    entries, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in sorted(tensors.items()):  # as the reference writes tensors of one type
        begin, end = end, end + 2 * math.prod(shape)
        entries[name] = {"dtype": "F16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, end


def kinds():
    """folder, share of all files, tensors"""
    sd1, xl = shapes(make_checkpoint.LAYOUTS["sd15"]), shapes(XL)
    xl[UNET + "label_emb.0.0.weight"] = (1280, 2816)
    vae = {name.removeprefix(VAE): shape for name, shape in sd1.items() if name.startswith(VAE)}
    return [
        ("checkpoints/sd1", 0.15, sd1), ("checkpoints/xl", 0.15, xl), ("loras/sd1", 0.25, lora(sd1)),
        ("loras/xl", 0.25, lora(xl)), ("vae", 0.05, vae), ("embeddings", 0.15, {"emb_params": (8, 768)}),
    ]


def make(folder, files):
    for name, share, tensors in kinds():
        place = folder / name
        place.mkdir(parents=True)
        text, data = header(tensors)
        for i in range(round(files * share)):
            with open(place / f"{i:04}.safetensors", "wb") as file:
                file.write(text)
                file.truncate(len(text) + data)
        print(f"{name}: {round(files * share)} files of {len(tensors)} tensors, header {len(text)} bytes")


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--folder", help="where to make them; a temporary folder without it")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="safelight-library-", dir=arguments.folder))
    try:
        make(folder, arguments.files)
        command = [arguments.program, "models", str(folder), "--json"]
        seconds, processor = [], []
        for _ in range(arguments.rounds + 1):
            begin, used = time.perf_counter(), processor_seconds()
            lines = subprocess.run(command, check=True, capture_output=True).stdout.count(b"\n")
            seconds.append(time.perf_counter() - begin)
            processor.append(processor_seconds() - used)
            assert lines == arguments.files, lines
        first, *rest = seconds
        print(f"{arguments.files} models: first {first:.2f} s, then {statistics.median(rest):.2f} s "
              f"({min(rest):.2f} to {max(rest):.2f}), of which {statistics.median(processor):.2f} s of processor time "
              f"over all threads; load {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
