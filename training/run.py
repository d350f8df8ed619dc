"""The whole training, one command: python -m training.run

Every stage leaves its result in training/runs/ and is skipped when that is there; the two long ones, of the autoencoder and the UNet, leave a
snapshot every four minutes until they are done. So a broken run goes on where it stopped; delete a file to repeat its stage and those after
it. Times are wall clock for the machine to itself; the defaults start from nothing.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch

from . import checkpoint, dataset, export, model, tokens, train_text, train_unet, train_vae
from .model.vae import unfold_trunk

TRAINING_SET = 1
WHITENING_PICTURES, TEST_PICTURES = 160, 64


def replace(path, value):
    """torch.save that never leaves half a file."""
    part = path.with_name(path.name + ".part")
    torch.save(value, part)
    part.replace(path)


class Snapshot:
    """The averaged weights of a stage's networks, now and then, until the stage has left its result: on entering, the networks take what an
    earlier run left, and `seconds` is how long that had trained."""

    def __init__(self, path, **networks):
        self.path, self.networks, self.seconds = path, networks, 0.0

    def __enter__(self):
        if self.path.exists():
            saved = torch.load(self.path)
            self.seconds = saved["seconds"]
            for name, network in self.networks.items():
                network.load_state_dict(saved[name])
        return self

    def save(self, weights, seconds):
        replace(self.path, dict({name: weights.averaged(name) for name in self.networks}, seconds=seconds))

    def __exit__(self, failed, *_):
        if not failed:
            self.path.unlink(missing_ok=True)


class Run:
    """The stages, in order. Each is a method that makes one file of the same name in the run's directory."""

    STAGES = ("pictures.npy", "vocabulary.npy", "captions.npy", "vae_joint.pt", "vae_white.pt", "latents.npy", "text.pt", "unet.pt", "vae.pt")

    def __init__(self, options):
        self.options = options
        self.directory = pathlib.Path(options.runs)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.start = checkpoint.read(options.start) if options.start else None

    def path(self, name):
        return self.directory / name

    def all(self):
        for name in self.STAGES:
            if self.path(name).exists():
                continue
            began = time.monotonic()
            summary = getattr(self, name.split(".")[0])() or {}
            line = dict(stage=name, wall=round(time.monotonic() - began, 1), **summary)
            print(line, flush=True)
            with open(self.path("stages.jsonl"), "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def pictures(self):
        dataset.render_set(self.path("pictures.part.npy"), TRAINING_SET, self.chunks(), self.options.processes)
        self.path("pictures.part.npy").rename(self.path("pictures.npy"))

    def vocabulary(self):
        np.save(self.path("vocabulary.npy"), np.array(dataset.vocabulary(), np.int32))

    def captions(self):
        dataset.caption_set(self.path("captions.npy"), TRAINING_SET, self.chunks(), self.options.processes)

    def vae_joint(self):
        pictures, vae = self.load_pictures(), train_vae.new_autoencoder()
        if self.start:
            vae.load_state_dict(unfold_trunk(self.started(checkpoint.VAE)))
            if not self.options.vae_seconds:
                replace(self.path("vae_joint.pt"), vae.state_dict())
                return None
        with Snapshot(self.path("vae_snapshot.pt"), vae=vae) as snapshot:
            summary = train_vae.joint(pictures[:-TEST_PICTURES], vae, self.options.vae_seconds, log=self.path("vae.jsonl"), save=snapshot.save,
                                      processes=self.options.processes, start=snapshot.seconds)
            replace(self.path("vae_joint.pt"), vae.state_dict())
        return dict(summary, psnr=train_vae.mean_psnr(vae, pictures[-TEST_PICTURES:]))

    def vae_white(self):
        vae = train_vae.new_autoencoder(self.path("vae_joint.pt"))
        summary = train_vae.whiten(vae, self.load_pictures()[:WHITENING_PICTURES])
        replace(self.path("vae_white.pt"), vae.state_dict())
        return summary

    def latents(self):
        vae = train_vae.new_autoencoder(self.path("vae_white.pt"))
        np.save(self.path("latents.npy"), train_vae.encode(self.load_pictures()[:self.options.latents], vae, self.options.processes))

    def text(self):
        vocabulary = self.load_vocabulary()
        text = train_unet.new_networks(vocabulary)[1]
        if self.start:
            text.load_state_dict(self.started_text(vocabulary))
            summary = {}
        else:
            summary = train_text.pretrain(text, vocabulary, model.TEXT["width"], self.options.text_seconds, log=self.path("text.jsonl"),
                                          processes=self.options.processes)
        replace(self.path("text.pt"), text.state_dict())
        return summary

    def unet(self):
        vocabulary = self.load_vocabulary()
        unet, text = train_unet.new_networks(vocabulary)
        text.load_state_dict(torch.load(self.path("text.pt")))
        if self.start:
            unet.load_state_dict(self.started(checkpoint.UNET))
        latents = np.load(self.path("latents.npy"))
        captions = vocabulary.rows(np.load(self.path("captions.npy"))[:len(latents)].astype(np.int64))
        with Snapshot(self.path("unet_snapshot.pt"), unet=unet, text=text) as snapshot:
            summary = train_unet.train(latents, captions, dataset.emphases(dataset.caption_emphasis, TRAINING_SET, len(latents)), vocabulary, unet, text,
                                       self.options.unet_seconds, log=self.path("unet.jsonl"), save=snapshot.save, processes=self.options.processes,
                                       start=snapshot.seconds)
            replace(self.path("unet.pt"), dict(unet=unet.state_dict(), text=text.state_dict()))
        return summary

    def vae(self):
        pictures, latents = self.load_pictures(), np.load(self.path("latents.npy"))
        vae = train_vae.new_autoencoder(self.path("vae_white.pt"))
        emphases = dataset.emphases(dataset.detail_emphasis, TRAINING_SET, len(latents))
        summary = train_vae.finish(pictures[:len(latents)], latents, emphases, vae, self.options.finish_seconds, log=self.path("finish.jsonl"),
                                   processes=self.options.processes)
        replace(self.path("vae.pt"), vae.state_dict())
        return dict(summary, psnr=train_vae.mean_psnr(vae, pictures[-TEST_PICTURES:]))

    def chunks(self):
        return -(-self.options.pictures // dataset.CHUNK)

    def load_pictures(self):
        return np.load(self.path("pictures.npy"), mmap_mode="r")

    def load_vocabulary(self):
        return tokens.CompactVocabulary(np.load(self.path("vocabulary.npy")))

    def started(self, prefix):
        return {name: torch.from_numpy(value) for name, value in checkpoint.part(self.start, prefix).items()}

    def started_text(self, vocabulary):
        """The text encoder of the model started from, its table cut down to our words. Most of its rows are the unknown word's."""
        text = self.started(checkpoint.TEXT)
        table = text["embeddings.token_embedding.weight"]
        unused = np.setdiff1d(np.arange(tokens.WORDS), vocabulary.ids)[-1]
        text["embeddings.token_embedding.weight"] = torch.cat([table[unused][None], table[torch.from_numpy(vocabulary.ids).long()]])
        return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="training/runs")
    parser.add_argument("--out", default="models/papercut.safetensors")
    parser.add_argument("--start", help="a model of the same layout to go on from, instead of from nothing")
    parser.add_argument("--processes", type=int, default=2, help="one for each processor core")
    parser.add_argument("--pictures", type=int, default=20000)
    parser.add_argument("--latents", type=int, default=12000, help="how many of the pictures the UNet sees")
    parser.add_argument("--vae-seconds", type=float, default=3600, help="0 keeps the autoencoder of --start")
    parser.add_argument("--text-seconds", type=float, default=60)
    parser.add_argument("--unet-seconds", type=float, default=7200)
    parser.add_argument("--finish-seconds", type=float, default=600)
    options = parser.parse_args()
    if not options.vae_seconds and not options.start:
        parser.error("--vae-seconds 0 keeps the autoencoder of --start, and there is none")
    run = Run(options)
    run.all()
    trained = torch.load(run.path("unet.pt"))
    tensors = export.pack(trained["unet"], trained["text"], torch.load(run.path("vae.pt")), run.load_vocabulary())
    checkpoint.write(options.out, tensors)
    print(f"written: {options.out}; judge it as training/README.md says")


if __name__ == "__main__":
    main()
