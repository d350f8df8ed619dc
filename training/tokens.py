"""CLIP's byte-pair tokens, and the compact table of the words our captions use.

The vocabulary is the file bpe_simple_vocab_16e6.txt.gz of the open_clip_torch package; SAFELIGHT_CLIP_VOCABULARY may name it elsewhere.
"""
import gzip
import importlib.util
import os
import pathlib
import re

import numpy as np

START, END, LENGTH, WORDS = 49406, 49407, 77, 49408
MERGES = 49152 - 256 - 2
UNKNOWN = 0    # the row of the compact table for every word that captions never use
TABLE = "embeddings.token_embedding.weight"
_PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\w\s]|_)+")


def vocabulary_path():
    """Where CLIP's vocabulary is, or None."""
    named = os.environ.get("SAFELIGHT_CLIP_VOCABULARY")
    if named:
        return pathlib.Path(named)
    package = importlib.util.find_spec("open_clip")
    path = pathlib.Path(package.origin).parent / "bpe_simple_vocab_16e6.txt.gz" if package else None
    return path if path and path.exists() else None


def _byte_letters():
    """CLIP's one printable letter for each byte, in the order of the vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


class Tokenizer:
    def __init__(self, path=None):
        path = path or vocabulary_path()
        if path is None:
            raise FileNotFoundError("[tokens] no CLIP vocabulary: install open_clip_torch or set SAFELIGHT_CLIP_VOCABULARY")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            merges = [tuple(line.split()) for line in file.read().split("\n")[1:MERGES + 1]]
        self.letters = _byte_letters()
        letters = list(self.letters.values())
        pieces = letters + [letter + "</w>" for letter in letters] + [first + second for first, second in merges]
        self.ids = {piece: number for number, piece in enumerate(pieces)}
        self.ranks = {merge: rank for rank, merge in enumerate(merges)}
        self.known = {}

    def word(self, word):
        if word not in self.known:
            parts = [self.letters[byte] for byte in word.encode()]
            parts[-1] += "</w>"
            self.known[word] = [self.ids[part] for part in self._merged(parts)]
        return self.known[word]

    def _merged(self, parts):
        while len(parts) > 1:
            pair = min(zip(parts, parts[1:]), key=lambda candidate: self.ranks.get(candidate, len(self.ranks)))
            if pair not in self.ranks:
                break
            merged, i = [], 0
            while i < len(parts):
                found = tuple(parts[i:i + 2]) == pair
                merged.append("".join(pair) if found else parts[i])
                i += 2 if found else 1
            parts = merged
        return parts

    def encode(self, text):
        """Ids without start, end or padding."""
        return [number for word in _PIECES.findall(" ".join(text.lower().split())) for number in self.word(word)]

    def padded(self, text):
        """77 ids: start, the text, and ends up to the end, as Stable Diffusion 1.x pads."""
        ids = self.encode(text)[:LENGTH - 2]
        return np.array([START, *ids, *[END] * (LENGTH - 1 - len(ids))], np.int32)


class CompactVocabulary:
    """Rows of a small embedding table for the ids in use; row 0 stands for every other word."""

    def __init__(self, ids):
        self.ids = np.asarray(sorted(ids), np.int32)
        self._rows = np.zeros(WORDS, np.int16)
        self._rows[self.ids] = np.arange(1, len(self.ids) + 1)

    def __len__(self):
        return len(self.ids) + 1

    def rows(self, ids):
        return self._rows[ids]


def compacted(text, vocabulary):
    """The weights of a text encoder with its table cut down to a vocabulary: rows of the whole table that no one taught are the unknown word's."""
    table = text[TABLE]
    unused = np.setdiff1d(np.arange(WORDS), vocabulary.ids)[-1]
    return {**text, TABLE: table[[int(unused), *vocabulary.ids.tolist()]]}


def known_words(table):
    """The ids whose rows somebody taught; most rows of a whole table are the unknown word's."""
    return np.flatnonzero((table != np.median(table, 0)).any(1)).tolist()
