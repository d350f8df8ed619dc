"""Compares compat mode with the public safetensors package on random files: sound, odd and broken in all ways at once.

    pip install safetensors==0.8.0
    cmake --build build/release --target random_files
    python tests/conformance/differential.py build/release/random_files [SECONDS [SEED]]

random_files makes the files and tells our verdict on each; here the package judges the same bytes, in this process.
Accepting or rejecting must agree, and so must the class of the error (see reference.py). Prints the count, every
disagreement, and keeps the files of the first of them in the current folder. Exits with 1 if there are any.
"""
import collections
import pathlib
import struct
import subprocess
import sys
import time

from reference import REFERENCE_ERRORS, agrees, deserialize_error, version

RECORD = struct.Struct("<IB")
BATCH = 1000  # files between two looks at the clock
TRIES = 50
KEPT = 20


def agrees_at_last(rule, data):
    """The reference walks tensors that share an offset in the random order of its hash table, so that a file with two
    faults there has two messages."""
    return any(agrees(rule, deserialize_error(data)) for _ in range(TRIES))


def records(stream):
    while head := stream.read(RECORD.size):
        size, rule = RECORD.unpack(head)
        yield stream.read(rule).decode(), stream.read(size)


def compare(stream, seconds):
    start = shown = time.monotonic()
    rules, wrong = collections.Counter(), 0
    for count, (rule, data) in enumerate(records(stream), 1):
        rules[rule] += 1
        message = deserialize_error(data)
        if not agrees(rule, message) and not agrees_at_last(rule, data):
            wrong += 1
            print(f"file {count}: we say {rule}, the reference {message!r:.300}")
            if wrong <= KEPT:
                kept = pathlib.Path(f"disagreement-{wrong}.safetensors")
                kept.write_bytes(data)
                print(f"  kept as {kept}")
        if count % BATCH == 0:
            now = time.monotonic()
            if now - shown >= 30:
                print(f"{count:,} files, {wrong} disagreements, {seconds - (now - start):.0f} s left", flush=True)
                shown = now
            if now - start >= seconds:
                break
    return rules, wrong


def main(program, seconds="60", seed=None):
    seed = seed or str(time.time_ns())
    print(f"random files against safetensors {version()}, {seconds} s, seed {seed}", flush=True)
    with subprocess.Popen([program, seed], stdout=subprocess.PIPE, bufsize=1 << 20) as generator:
        rules, wrong = compare(generator.stdout, float(seconds))
        generator.kill()
    print(f"{rules.total():,} files, {wrong} disagreements")
    print("our verdicts:", ", ".join(f"{rule} {count:,}" for rule, count in rules.most_common()))
    unreached = sorted(set(REFERENCE_ERRORS) - set(rules) - {"header-start"})
    if unreached:
        print("rules not reached:", ", ".join(unreached))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
