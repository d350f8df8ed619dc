"""The training set: pictures and captions made in chunks, each a pure function of (set, chunk number), so that any part can be made anywhere."""
import multiprocessing

import numpy as np

from . import tokens
from .papercut import captions, draw, edits, palette, scenes

CHUNK = 250
FULL_CAPTIONS, SHORT_CAPTIONS = 6, 1       # for each picture


def chunk_scenes(set_seed, chunk, count=CHUNK):
    random = np.random.default_rng([set_seed, chunk])
    return [scenes.training_scene(random) for _ in range(count)]


def chunk_pictures(set_seed, chunk):
    """uint8 (CHUNK, 3, 128, 128)."""
    return np.stack([draw.render_bytes(scene).transpose(2, 0, 1) for scene in chunk_scenes(set_seed, chunk)])


def chunk_captions(set_seed, chunk):
    """Padded CLIP ids, uint16 (CHUNK, captions, 77); the last SHORT_CAPTIONS of each picture leave parts out."""
    random, tokenizer = np.random.default_rng([set_seed, chunk, 1]), tokens.Tokenizer()
    writers = [captions.caption] * FULL_CAPTIONS + [captions.short_caption] * SHORT_CAPTIONS
    return np.array([[tokenizer.padded(write(scene, random)) for write in writers] for scene in chunk_scenes(set_seed, chunk)], np.uint16)


def caption_emphasis(scene):
    """How often the UNet is shown a picture, relative to others: more where the judge finds most mistakes."""
    if scene["kind"] == "objects":
        return .6
    weight = {"crescent moon": 3.0, "full moon": 1.5}.get(scene["body"], 1.0)
    weight *= 1.5 if scene["trees"]["number"] else 1.0
    return weight * (1.5 if scene["ground"] == "sea" and scene["weather"] else 1.0)


def detail_emphasis(scene):
    """How often the decoder is shown a picture, relative to others: more where it holds marks finer than a latent pixel."""
    return 4.0 if scene["kind"] != "objects" and scene["weather"] else 1.0


def emphases(emphasis, set_seed, count):
    """float32 (count): an emphasis of each of the first scenes of a set."""
    scenes_of = (chunk_scenes(set_seed, chunk) for chunk in range(-(-count // CHUNK)))
    return np.array([emphasis(scene) for chunk in scenes_of for scene in chunk], np.float32)[:count]


def _fill(path, set_seed, chunk):
    pictures = np.load(path, mmap_mode="r+")
    pictures[chunk * CHUNK:(chunk + 1) * CHUNK] = chunk_pictures(set_seed, chunk)


def render_set(path, set_seed, chunks, processes):
    """Write chunks * CHUNK pictures to a .npy file."""
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(chunks * CHUNK, 3, 128, 128)).flush()
    with multiprocessing.Pool(processes) as pool:
        pool.starmap(_fill, [(path, set_seed, chunk) for chunk in range(chunks)], 1)


def caption_set(path, set_seed, chunks, processes):
    """Write the captions' ids of the same pictures to a .npy file."""
    with multiprocessing.Pool(processes) as pool:
        np.save(path, np.concatenate(pool.starmap(chunk_captions, [(set_seed, chunk) for chunk in range(chunks)], 1)))


def vocabulary(samples=4000):
    """The ids of every word that captions and editing instructions use, sorted."""
    random, tokenizer, ids = np.random.default_rng(99), tokens.Tokenizer(), set()
    for _ in range(samples):
        scene = scenes.training_scene(random)
        for text in (captions.caption(scene, random), edits.random_edit(scene, random)[0]):
            ids.update(tokenizer.padded(text).tolist())
    for word in (*palette.COLOURS, *palette.TIMES, *palette.SHAPES, *(captions.plural(shape, 2) for shape in palette.SHAPES)):
        ids.update(tokenizer.encode(word))
    return sorted(ids)
