"""Prepares the text encoder for instructions: it learns to let what is asked for be read off the states after the words, as `train_text` does for
captions, and goes on saying about captions what it said before: the UNet knows "a red house" from there."""
import copy

import numpy as np
import torch
import torch.nn.functional as F

from . import model, parallel, tokens
from .papercut import captions, edits, labels, palette as p, scenes
from .train_text import AttributeHeads, insert_unknown, reading_loss

BATCH, CAPTIONS = 32, 16       # instructions and captions a process a step
KEEP = 10.0                    # weight of the mean squared difference from what captions meant
VALUES = {"action": edits.ACTIONS, "ground colour": p.GROUND_COLOURS, "position": edits.PLACES, "size": edits.SIZES, **labels.VALUES}


def draw_instruction(random):
    """(meaning, instruction) of a random edit."""
    while True:
        found = edits.random_edits(scenes.training_scene(random, .3), random, 1)
        told = found and found[0].told(random, .1)
        if told:
            return told


def words_used(samples=6000):
    """The ids of every word that instructions use."""
    random, tokenizer, used = np.random.default_rng(98), tokens.Tokenizer(), set()
    for _ in range(samples):
        used.update(tokenizer.padded(draw_instruction(random)[1]).tolist())
    return used


def start_new_words(table, vocabulary, new):
    """Moves the rows of new words apart: until now all were the unknown word's."""
    rows = torch.from_numpy(vocabulary.rows(np.array(sorted(new), np.int64))).long()
    table[rows] += .1 * torch.randn((len(rows), table.shape[1]), generator=torch.Generator().manual_seed(17))


def prepare(encoder, vocabulary, seconds, rate=3e-3, log=None, processes=2):
    heads, tokenizer = AttributeHeads(model.TEXT["width"], VALUES), tokens.Tokenizer()
    original, end, streams = copy.deepcopy(encoder).requires_grad_(False), int(vocabulary.rows(tokens.END)), {}

    def rows(texts):
        return torch.from_numpy(np.stack([vocabulary.rows(tokenizer.padded(text)) for text in texts])).long()

    def loss_of(progress, generator):
        random = streams.setdefault("random", np.random.default_rng(generator.initial_seed()))
        meanings, instructions = zip(*(draw_instruction(random) for _ in range(BATCH)))
        ids = insert_unknown(rows(instructions), .05, generator)
        wanted = torch.tensor([[1 + values.index(meaning[name]) if name in meaning else 0 for name, values in VALUES.items()] for meaning in meanings])
        loss, values = reading_loss(encoder(ids), heads, ids, wanted, end, generator)
        told = rows([captions.caption(scenes.training_scene(random), random) for _ in range(CAPTIONS)])
        moved = F.mse_loss(encoder(told), original(told))
        return loss + KEEP * moved, dict(values, moved=float(moved.detach()))

    return parallel.train(dict(text=encoder, heads=heads), loss_of, seconds, rate, processes=processes, average=.99, log=log)
