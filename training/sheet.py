"""A contact sheet of pictures with their captions: python -m training.sheet OUT.png DIRECTORY PROMPTS.json [--columns 4]

Captions are set in Pillow's own small font; without Pillow the sheet has pictures only.
"""
import argparse
import json
import pathlib
import textwrap

import numpy as np

from . import png

try:
    from PIL import Image, ImageDraw
except ImportError:
    Image = None

MARGIN, LINE, CAPTION_LINES, LETTER = 8, 11, 4, 6


def sheet(pictures, captions, columns):
    """uint8 (height, width, 3) with one cell for each picture."""
    size = pictures[0].shape[0]
    cell_height = size + MARGIN + (LINE * CAPTION_LINES if Image else 0)
    rows = -(-len(pictures) // columns)
    paper = np.full((rows * cell_height + MARGIN, columns * (size + MARGIN) + MARGIN, 3), 255, np.uint8)
    places = [(MARGIN + (i % columns) * (size + MARGIN), MARGIN + (i // columns) * cell_height) for i in range(len(pictures))]
    for picture, (x, y) in zip(pictures, places):
        paper[y:y + size, x:x + size] = picture
    if not Image:
        return paper
    image = Image.fromarray(paper)
    pen = ImageDraw.Draw(image)
    for caption, (x, y) in zip(captions, places):
        lines = textwrap.wrap(caption, size // LETTER)[:CAPTION_LINES]
        pen.multiline_text((x, y + size + 2), "\n".join(lines), fill=(0, 0, 0), spacing=0, font_size=10)
    return np.asarray(image)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("directory")
    parser.add_argument("prompts")
    parser.add_argument("--columns", type=int, default=6)
    options = parser.parse_args()
    prompts = json.loads(pathlib.Path(options.prompts).read_text())
    captions = [entry["caption"] if isinstance(entry, dict) else entry for entry in prompts]
    pictures = [png.read(pathlib.Path(options.directory) / f"{number}.png") for number in range(len(captions))]
    png.write(options.out, sheet(pictures, captions, options.columns))


if __name__ == "__main__":
    main()
