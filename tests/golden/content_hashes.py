"""The hashes that tests/format/content_hash_test.cpp expects, computed from docs/format.md with the public xxhash package.

    pip install xxhash==3.5.0
    python content_hashes.py [FILE]        FILE: ../data/format/written.safetensors unless given

Prints the two metadata values.
"""
import json
import pathlib
import struct
import sys

import xxhash


def main(path=pathlib.Path(__file__).parent / "../data/format/written.safetensors"):
    data = pathlib.Path(path).read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    text, tensors = b"", ""
    for name, entry in sorted(header.items(), key=lambda item: item[0].encode()):
        begin, end = entry["data_offsets"]
        digest = xxhash.xxh3_128_hexdigest(data[8 + n + begin:8 + n + end])
        shape = ",".join(str(size) for size in entry["shape"])
        encoded = name.encode()
        text += f"{digest} {entry['dtype']} [{shape}] {len(encoded)} ".encode() + encoded + b"\n"
        tensors += digest
    print("xxh3-128:" + xxhash.xxh3_128_hexdigest(text))
    print("xxh3-128:" + tensors)


if __name__ == "__main__":
    main(*sys.argv[1:])
