"""Prepares the text encoder before it meets pictures: it learns to let every attribute of a scene be read off the states after the caption.

Padding states are most of what the UNet attends to, so they have to carry the scene; minutes of this save hours of finding it out from noise.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import parallel, tokens
from .papercut import captions, labels, scenes

BATCH = 32                # captions a process a step
SPREAD = 10               # how far into the padding the attributes must be readable


class AttributeHeads(nn.Module):
    """One linear classifier for each attribute; class 0 means that it does not apply."""

    def __init__(self, width, attributes=None):
        super().__init__()
        self.heads = nn.ModuleList([nn.Linear(width, 1 + len(values)) for values in (attributes or labels.VALUES).values()])

    def forward(self, states):
        return [head(states) for head in self.heads]


def label_numbers(scene):
    found = labels.labels(scene)
    return [1 + values.index(found[name]) if name in found else 0 for name, values in labels.VALUES.items()]


def insert_unknown(ids, share, generator):
    """Put one unknown word somewhere into a share of the captions, as people's words will be."""
    count, length = ids.shape
    place = torch.where(torch.rand((count, 1), generator=generator) < share, torch.randint(1, 30, (count, 1), generator=generator), length)
    position = torch.arange(length)
    word = torch.where(ids == ids[:, -1:], ids[:, -1:], tokens.UNKNOWN)     # after the end everything stays the end
    return torch.where(position < place, ids, torch.where(position == place, word, ids.roll(1, 1)))


def reading_loss(states, heads, ids, wanted, end, generator):
    """How badly the heads read the attributes off states near the start of the padding, and what to log of it: the share of attributes read
    right and of texts read right in all of them."""
    first, rows = (ids == end).long().argmax(1), torch.arange(len(ids))
    loss, right = 0.0, []
    for place in (first + 2, first + 2 + torch.randint(0, SPREAD, first.shape, generator=generator)):
        for logits, answers in zip(heads(states[rows, place.clamp(max=ids.shape[1] - 1)]), wanted.T):
            loss = loss + F.cross_entropy(logits, answers) / len(wanted.T)
            right.append(logits.argmax(1) == answers)
    right = torch.stack(right).view(2, -1, len(ids)).float()
    return loss, dict(right=float(right.mean()), whole=float(right.amin(1).mean()))


def pretrain(encoder, vocabulary, width, seconds, rate=3e-3, log=None, processes=2):
    heads, tokenizer = AttributeHeads(width), tokens.Tokenizer()
    end, streams = int(vocabulary.rows(tokens.END)), {}

    def loss_of(progress, generator):
        random = streams.setdefault("random", np.random.default_rng(generator.initial_seed()))
        drawn = [scenes.training_scene(random) for _ in range(BATCH)]
        ids = np.stack([vocabulary.rows(tokenizer.padded(captions.caption(scene, random))) for scene in drawn])
        ids = insert_unknown(torch.from_numpy(ids).long(), .10, generator)
        wanted = torch.tensor([label_numbers(scene) for scene in drawn])
        return reading_loss(encoder(ids), heads, ids, wanted, end, generator)

    return parallel.train(dict(text=encoder, heads=heads), loss_of, seconds, rate, processes=processes, average=.99, log=log)
