#!/usr/bin/env python3
"""clang-tidy on what build/lint compiles of src/, a file a core at a time. A file that was clean is not looked at again until what the
compiler sees of it, or .clang-tidy, changes: the whole tree takes an hour or so of processor time, and may be interrupted.

    clang_tidy.py            every file
    clang_tidy.py FILE ...   these, as src/...
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

BUILD = pathlib.Path("build/lint")
CLEAN = BUILD / "clean"  # an empty file for each that was clean, named by its hash


def fingerprint(command, folder, settings):
    """What clang-tidy's verdict depends on: the preprocessed source, and the settings."""
    words = shlex.split(command)
    words = words[next(i for i, word in enumerate(words) if re.search(r"\+\+(-\d+)?$", word)):]  # what is before is a compiler's launcher
    out = words.index("-o")
    del words[out:out + 2]
    seen = subprocess.run([*words, "-E", "-P", "-o", "-"], cwd=folder, capture_output=True, check=True).stdout
    return hashlib.sha256(settings + seen).hexdigest()


def examine(entry, settings):
    """The complaints about a file; None if it was known to be clean."""
    stamp = CLEAN / fingerprint(entry["command"], entry["directory"], settings)
    if stamp.exists():
        return None
    # The flags are g++'s, of which clang need not know every warning.
    found = subprocess.run(
        ["clang-tidy", "-quiet", "-extra-arg=-Wno-unknown-warning-option", "-p", str(BUILD), entry["file"]],
        capture_output=True, text=True)
    if found.returncode == 0:
        stamp.touch()
        return ""
    return found.stdout + found.stderr


def main():
    root = pathlib.Path.cwd()
    wanted = {str(root / name) for name in sys.argv[1:]}
    entries = [e for e in json.loads((BUILD / "compile_commands.json").read_text())
               if e["file"].startswith(f"{root}/src/") and (not wanted or e["file"] in wanted)]
    if not entries or len(entries) < len(wanted):
        sys.exit("clang_tidy.py: expected files of src/ that build/lint compiles")
    CLEAN.mkdir(exist_ok=True)
    settings = pathlib.Path(".clang-tidy").read_bytes() + subprocess.run(["clang-tidy", "--version"], capture_output=True).stdout
    counts = {"clean": 0, "known to be clean": 0, "with complaints": 0}
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    try:
        for entry, complaints in zip(entries, pool.map(lambda e: examine(e, settings), entries)):
            kind = "known to be clean" if complaints is None else "with complaints" if complaints else "clean"
            counts[kind] += 1
            if complaints:
                print(complaints, flush=True)
            elif complaints == "":
                print(f"{sum(counts.values())} of {len(entries)}: {pathlib.Path(entry['file']).relative_to(root)}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)  # those that have begun are waited for
    print(", ".join(f"{count} {kind}" for kind, count in counts.items() if count))
    sys.exit(1 if counts["with complaints"] else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
