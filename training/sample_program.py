"""Pictures of the judge's fixed lists by the program, as its users get them:

python -m training.sample_program PROGRAM edit OUT_DIRECTORY [OPTION ...]       safelight edit
python -m training.sample_program PROGRAM inpaint OUT_DIRECTORY [OPTION ...]    safelight inpaint

Further options go to the program, such as -m MODEL or --image-cfg 2. Inputs are written to OUT_DIRECTORY/inputs, picture number n to OUT_DIRECTORY/n.png.
"""
import json
import pathlib
import subprocess
import sys

from . import judge


def arguments(task, inputs, number, text):
    words = ["-i", inputs / f"{number}.png"]
    return [*words, "--instruct", text] if task == "edit" else [*words, "--mask", inputs / f"{number}.mask.png", "-p", text]


def main(program, task, out, *options):
    out = pathlib.Path(out)
    inputs = out / "inputs"
    judge.write_inputs(task, inputs)
    for number, case in enumerate(json.loads((inputs / "texts.json").read_text())):
        subprocess.run([program, task, *arguments(task, inputs, number, case["text"]), "--seed", str(case["seed"]), "--quiet", "--json",
                        "-o", out / f"{number}.png", *options], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] not in judge.TASKS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
