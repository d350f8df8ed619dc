"""Asks the public safetensors package for its verdict on every file of the corpus and compares it with the manifest's
column "compat".

    pip install safetensors==0.8.0 numpy
    build/release/write_corpus FOLDER
    python tests/conformance/cross_check.py FOLDER

Accepting or rejecting must agree for every file, and so must the class of the error (see reference.py).
"""
import json
import pathlib
import sys

from reference import agrees, open_error, version


def main(folder):
    folder = pathlib.Path(folder)
    cases = json.loads((folder / "manifest.json").read_text())
    wrong = 0
    for case in cases:
        message = open_error(folder / case["file"])
        if not agrees(case["compat"], message):
            wrong += 1
            print(f"{case['file']}: the manifest says {case['compat']}, safetensors {version()} {message!r:.200}")
    print(f"{len(cases)} files, {wrong} disagreements with safetensors {version()}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
