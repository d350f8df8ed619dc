"""Runs a reader on every file of the corpus and compares what it accepts with the manifest.

    build/release/write_corpus FOLDER
    python3 tests/conformance/judge_reader.py FOLDER strict|compat COMMAND [ARGUMENT...]

COMMAND gets the path of a file as its last argument and accepts the file by exiting with 0. More than a minute, or
death by a signal, is a disagreement whatever the verdict. Needs nothing but Python's standard library. Example:

    python3 tests/conformance/judge_reader.py FOLDER strict build/release/safelight check
"""
import json
import pathlib
import subprocess
import sys

SECONDS = 60


def answer(command, path):
    try:
        status = subprocess.run([*command, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                timeout=SECONDS).returncode
    except subprocess.TimeoutExpired:
        return f"takes more than {SECONDS} s"
    if status < 0:
        return f"dies of signal {-status}"
    return "rejects" if status else "accepts"


def main(folder, mode, *command):
    folder = pathlib.Path(folder)
    cases = json.loads((folder / "manifest.json").read_text())
    wrong = 0
    for case in cases:
        expected = "accepts" if case[mode] == "ok" else "rejects"
        found = answer(command, folder / case["file"])
        if found != expected:
            wrong += 1
            print(f"{case['file']}: the reader {found} it; expected: {expected} ({case['why']})")
    print(f"{len(cases)} files, {wrong} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] not in ("strict", "compat"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
