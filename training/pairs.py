"""The sets that the edit and the inpaint model learn from: latents of exact pairs, made once, in chunks that are each a function of (set, chunk).

Rendering and encoding cost about as much as the training steps they serve, so every picture serves several times: a scene with its EDITS gives
pairs in both directions, and a picture has HOLES holes.
"""
import multiprocessing

import numpy as np
import torch

from . import tokens
from .papercut import captions, draw, edits, masks, scenes

EDITS, EDIT_WORDINGS, EDIT_OBJECT_SHARE = 3, 4, .3
VAGUE = .15                    # how often an instruction to add something leaves its looks open
HOLES, CAPTIONS, SHORT_CAPTIONS = 4, 4, 1
CHUNK = 40                     # scenes
BATCH = 8                      # pictures encoded at once


def edit_groups(set_seed, chunk):
    """Lists of EDITS edits of one scene, each of another kind."""
    random, groups = np.random.default_rng([set_seed, chunk]), []
    while len(groups) < CHUNK:
        group = edits.random_edits(scenes.training_scene(random, EDIT_OBJECT_SHARE), random, EDITS)
        if len(group) == EDITS:
            groups.append(group)
    return groups


def told_pairs(group, random):
    """(number before, number after, instructions) of the pairs within a group's 1 + EDITS pictures, in every direction that words can ask for."""
    for number, edit in enumerate(group, 1):
        for pair, way in (((0, number), edit), ((number, 0), edit.reversed())):
            if way.is_exact() and way.told(random):
                yield *pair, [way.told(random, VAGUE)[1] for _ in range(EDIT_WORDINGS)]


def edit_chunk(set_seed, chunk, encode):
    """latents (pictures, 4, 16, 16) float16; pairs (pairs, 2): numbers of latents; ids (pairs, EDIT_WORDINGS, 77)."""
    groups, tokenizer, random = edit_groups(set_seed, chunk), tokens.Tokenizer(), np.random.default_rng([set_seed, chunk, 1])
    pictures = [draw.render_bytes(scene) for group in groups for scene in (group[0].before, *(edit.after for edit in group))]
    pairs, ids = [], []
    for number, group in enumerate(groups):
        for before, after, instructions in told_pairs(group, random):
            pairs.append(np.array([before, after]) + number * (1 + EDITS))
            ids.append([tokenizer.padded(text) for text in instructions])
    return dict(latents=encode(to_signed(pictures)), pairs=np.array(pairs, np.int32), ids=np.array(ids, np.uint16))


def inpaint_chunk(set_seed, chunk, encode):
    """latents (scenes, 4, 16, 16) float16; masked (scenes, HOLES, 4, 16, 16): of the pictures with holes; masks (scenes, HOLES, 16, 16) bool;
    ids (scenes, CAPTIONS + SHORT_CAPTIONS, 77)."""
    random, tokenizer = np.random.default_rng([set_seed, chunk]), tokens.Tokenizer()
    drawn = [scenes.training_scene(random) for _ in range(CHUNK)]
    holes = np.array([[masks.random_mask(scene, random) for _ in range(HOLES)] for scene in drawn])
    pictures = to_signed([draw.render_bytes(scene) for scene in drawn])
    masked = pictures[:, None] * ~torch.from_numpy(holes)[:, :, None]
    writers = [captions.caption] * CAPTIONS + [captions.short_caption] * SHORT_CAPTIONS
    return dict(latents=encode(pictures), masked=encode(masked.flatten(0, 1)).reshape(CHUNK, HOLES, 4, 16, 16),
                masks=np.array([[masks.latent_mask(hole) for hole in row] for row in holes]),
                ids=np.array([[tokenizer.padded(write(scene, random)) for write in writers] for scene in drawn], np.uint16))


def to_signed(pictures):
    """uint8 pictures (128, 128, 3) as one float tensor (N, 3, 128, 128) in -1..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def encode(vae, pictures):
    """The modes of the latents, in units of the UNet, float16."""
    return torch.cat([vae.encode(part)[0] for part in pictures.split(BATCH)]).numpy().astype(np.float16)


def make_set(chunk_of, set_seed, chunks, vae, processes, folder):
    """The arrays of all chunks, joined; numbers of latents count through. Chunks already in the folder are taken from there."""
    folder.mkdir(exist_ok=True)

    def work(rank):
        torch.set_num_threads(1)
        for chunk in range(rank, chunks, processes):
            path, part = folder / f"{chunk}.npz", folder / f"{chunk}.part.npz"
            if not path.exists():
                np.savez(part, **chunk_of(set_seed, chunk, lambda pictures: encode(vae, pictures)))
                part.rename(path)

    helpers = [multiprocessing.get_context("fork").Process(target=work, args=(rank,)) for rank in range(processes)]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join()
    return joined([dict(np.load(folder / f"{chunk}.npz")) for chunk in range(chunks)])


def joined(parts):
    if "pairs" in parts[0]:
        starts = np.cumsum([0, *(len(part["latents"]) for part in parts)])
        parts = [dict(part, pairs=part["pairs"] + start) for part, start in zip(parts, starts)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
