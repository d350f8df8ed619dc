"""Training in stages, each of which leaves one file: what is there is not done again, and what breaks off goes on from a snapshot."""
import json
import time

import numpy as np
import torch

from . import checkpoint, tokens


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


class Stages:
    """STAGES, in order: each is a method that makes one file of the same name in the directory of a run."""

    STAGES = ()

    def __init__(self, options, directory, start):
        """start: a model's tensors as they are stored, or None."""
        self.options, self.directory = options, directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.start = start and {name: value.astype(np.float32) for name, value in start.items()}

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

    def load_vocabulary(self):
        return tokens.CompactVocabulary(np.load(self.path("vocabulary.npy")))

    def started(self, prefix):
        """One network of the model started from."""
        return {name: torch.from_numpy(value) for name, value in checkpoint.part(self.start, prefix).items()}
