"""Reads and writes 8-bit PNG files with numpy alone."""
import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}     # by colour type; palettes are not read


def write(path, pixels):
    """pixels: uint8 (height, width, 3)."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1).tobytes()

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def read(path):
    """uint8 (height, width, 3); an alpha channel is dropped, grey is repeated."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(SIGNATURE):
        raise ValueError(f"[png] {path}: not a PNG file")
    place, packed, header = len(SIGNATURE), b"", None
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        body = data[place + 8:place + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        place += 12 + length
    width, height, depth, colour_type, _, _, interlaced = header
    if depth != 8 or colour_type not in CHANNELS or interlaced:
        raise ValueError(f"[png] {path}: expected 8 bits a channel, no palette, not interlaced; found depth {depth}, colour type {colour_type}")
    channels = CHANNELS[colour_type]
    pixels = _unfiltered(zlib.decompress(packed), height, width * channels, channels).reshape(height, width, channels)
    return np.repeat(pixels[..., :1], 3, 2) if channels < 3 else pixels[..., :3]


def _unfiltered(raw, height, row_bytes, step):
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + row_bytes)
    result, above = np.zeros((height, row_bytes), np.uint8), np.zeros(row_bytes, np.uint8)
    for y, (kind, line) in enumerate(zip(lines[:, 0], lines[:, 1:])):
        if kind == 0:
            above = line
        elif kind == 2:
            above = line + above
        elif kind == 1:
            above = np.add.accumulate(line.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
        else:
            above = _left_dependent(kind, line.tolist(), above.tolist(), step)
        result[y] = above
    return result


def _left_dependent(kind, line, above, step):
    """The two filters that need the pixel to the left as it comes out: 3 (average) and 4 (Paeth)."""
    out = [0] * len(line)
    for i, value in enumerate(line):
        left, up, corner = (out[i - step], above[i], above[i - step]) if i >= step else (0, above[i], 0)
        if kind == 3:
            guess = (left + up) // 2
        else:
            guess = min((left, up, corner), key=lambda candidate: abs(left + up - corner - candidate))
        out[i] = (value + guess) & 255
    return np.array(out, np.uint8)
