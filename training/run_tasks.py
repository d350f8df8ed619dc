"""The stages of the edit and the inpaint model, each made of a finished text-to-picture model."""
import shutil

import numpy as np
import torch

from . import checkpoint, export, model, pairs, tokens, train_instructions, train_tasks
from .model.vae import EPSILON
from .stages import Snapshot, Stages, replace

EDIT_SET, INPAINT_SET = 2, 3
# The edit model has to learn another trade, the inpaint model the same with a little more to look at.
EDIT_RATE, INPAINT_RATE = 1e-3, 6e-4


class TaskRun(Stages):
    """What both have in common. The whole tensors of the model started from are kept, to be shipped again as they are."""

    TASK = ""

    def __init__(self, options, directory, start):
        directory.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(options, directory, start)
        self.stored = start

    def make_set(self, name, chunk_of, set_seed, count):
        vae = model.Autoencoder(**model.VAE, epsilon=EPSILON)
        vae.load_state_dict(self.started(checkpoint.VAE))
        chunks, path = self.path("chunks"), self.path(name)
        arrays = pairs.make_set(chunk_of, set_seed, -(-count // pairs.CHUNK), vae.eval(), self.options.processes, chunks)
        part = path.with_suffix(".part.npz")
        np.savez(part, **arrays)
        part.rename(path)
        shutil.rmtree(chunks)
        return {key: list(value.shape) for key, value in arrays.items()}

    def load_set(self, name):
        return dict(np.load(self.path(name)))

    def text_encoder(self, state):
        text = model.TextEncoder(**model.TEXT, vocabulary=len(self.load_vocabulary()))
        text.load_state_dict(state)
        return text

    def train_unet(self, sampler, arrays, text, seconds, rate):
        channels = model.CHANNELS[self.TASK]
        unet = model.UNet(**model.UNET, channels=channels)
        unet.load_state_dict(model.widened(self.started(checkpoint.UNET), channels))
        words = train_tasks.Words(arrays["ids"], self.load_vocabulary(), text.requires_grad_(False))
        with Snapshot(self.path("unet_snapshot.pt"), unet=unet) as snapshot:
            summary = train_tasks.train(sampler(arrays, words), unet, seconds, rate, log=self.path("unet.jsonl"), save=snapshot.save,
                                        processes=self.options.processes, start=snapshot.seconds)
            replace(self.path("unet.pt"), unet.state_dict())
        return summary


class EditRun(TaskRun):
    TASK, STAGES = "edit", ("pairs.npz", "vocabulary.npy", "text.pt", "unet.pt")

    def pairs(self):
        return self.make_set("pairs.npz", pairs.edit_chunk, EDIT_SET, self.options.edit_scenes)

    def vocabulary(self):
        np.save(self.path("vocabulary.npy"), np.array(sorted({*self.known(), *train_instructions.words_used()}), np.int32))

    def text(self):
        vocabulary = self.load_vocabulary()
        state = tokens.compacted(self.started(checkpoint.TEXT), vocabulary)
        train_instructions.start_new_words(state[tokens.TABLE], vocabulary, {*vocabulary.ids.tolist()} - {*self.known()})
        text = self.text_encoder(state)
        summary = train_instructions.prepare(text, vocabulary, self.options.instruction_seconds, log=self.path("text.jsonl"), processes=self.options.processes)
        replace(self.path("text.pt"), text.state_dict())
        return summary

    def unet(self):
        text = self.text_encoder(torch.load(self.path("text.pt")))
        return self.train_unet(train_tasks.edit_sampler, self.load_set("pairs.npz"), text, self.options.edit_seconds, EDIT_RATE)

    def known(self):
        return tokens.known_words(self.started(checkpoint.TEXT)[tokens.TABLE].numpy())

    def write(self, path):
        unet, text = torch.load(self.path("unet.pt")), torch.load(self.path("text.pt"))
        export.write(path, export.pack_task(self.stored, "edit", unet, text, self.load_vocabulary()), "edit")


class InpaintRun(TaskRun):
    TASK, STAGES = "inpaint", ("holes.npz", "vocabulary.npy", "unet.pt")

    def holes(self):
        return self.make_set("holes.npz", pairs.inpaint_chunk, INPAINT_SET, self.options.inpaint_scenes)

    def vocabulary(self):
        np.save(self.path("vocabulary.npy"), np.array(tokens.known_words(self.started(checkpoint.TEXT)[tokens.TABLE].numpy()), np.int32))

    def unet(self):
        text = self.text_encoder(tokens.compacted(self.started(checkpoint.TEXT), self.load_vocabulary()))
        return self.train_unet(train_tasks.inpaint_sampler, self.load_set("holes.npz"), text, self.options.inpaint_seconds, INPAINT_RATE)

    def write(self, path):
        export.write(path, export.pack_task(self.stored, "inpaint", torch.load(self.path("unet.pt"))), "inpaint")
