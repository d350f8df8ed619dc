"""Asks the public safetensors package for its verdict on every file of the corpus and compares it with compat mode's.

    pip install safetensors==0.8.0 numpy
    build/release/write_corpus FOLDER
    python tests/format/cross_check.py FOLDER [build/release/safelight]

Accepting or rejecting must agree for every file, and so must the class of the error: REFERENCE_ERRORS says which
message of the reference each of our rules belongs to. With the program as second argument, its verdicts are compared
too, those of strict mode with the index.
"""
import json
import pathlib
import subprocess
import sys

from safetensors import SafetensorError, safe_open

JSON = "invalid JSON in header"
REFERENCE_ERRORS = {
    "header-too-small": "header too small",
    "header-too-large": "header too large",
    "header-length": "invalid header length",
    "header-utf8": "invalid UTF-8 in header",
    "header-start": JSON,
    "json-syntax": JSON,
    "json-depth": JSON,
    "duplicate-key": JSON,
    "metadata-type": JSON,
    "entry-type": JSON,
    "entry-fields": JSON,
    "dtype": JSON,
    "shape": JSON,
    "data-offsets": JSON,
    "layout": "invalid offset for tensor",
    "size-overflow": "overflow computing buffer size",
    "packing": "slicing for subbytes dtypes",
    "size-mismatch": "invalid shape, data type, or offset for tensor",
    "file-coverage": "incomplete metadata",
}


def reference_error(path):
    """The reference's message, or None if it opens the file."""
    try:
        with safe_open(path, "numpy") as file:
            file.keys()
        return None
    except SafetensorError as error:
        return str(error)
    except OSError as error:  # an empty file cannot be mapped
        return str(error)


def agrees(rule, message):
    if rule == "ok" or message is None:
        return rule == "ok" and message is None
    return REFERENCE_ERRORS[rule].lower() in message.lower()


def program_rules(program, folder, cases, flags):
    files = [str(folder / case["file"]) for case in cases]
    lines = subprocess.run([program, "check", "--json", *flags, *files], capture_output=True, text=True).stdout
    return [json.loads(line)["rule"] for line in lines.splitlines()]


def main(folder, program=None):
    folder = pathlib.Path(folder)
    cases = json.loads((folder / "index.json").read_text())
    wrong = 0
    for case in cases:
        message = reference_error(folder / case["file"])
        if not agrees(case["compat"], message):
            wrong += 1
            print(f"{case['file']} {case['name']!r}: we say {case['compat']}, the reference {message!r:.200}")
    if program:
        for mode, flags in (("compat", ["--compat"]), ("strict", [])):
            for case, rule in zip(cases, program_rules(program, folder, cases, flags), strict=True):
                if rule != case[mode]:
                    wrong += 1
                    print(f"{case['file']} {case['name']!r}: {mode} {rule}, expected {case[mode]}")
    print(f"{len(cases)} files, {wrong} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
