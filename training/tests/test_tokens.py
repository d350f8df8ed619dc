"""CLIP's tokens and the compact vocabulary: numpy, and CLIP's vocabulary file where it is installed."""
import unittest

import numpy as np

from training import tokens
from training.papercut import captions, edits, scenes


class Compact(unittest.TestCase):
    def test_rows(self):
        vocabulary = tokens.CompactVocabulary([tokens.END, 320, tokens.START])
        self.assertEqual(len(vocabulary), 4)
        self.assertEqual(vocabulary.rows(np.array([320, tokens.START, tokens.END, 500])).tolist(), [1, 2, 3, tokens.UNKNOWN])


@unittest.skipUnless(tokens.vocabulary_path(), "CLIP's vocabulary is not installed")
class Clip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = tokens.Tokenizer()

    def test_known_ids(self):
        self.assertEqual(self.tokenizer.encode("a photograph of an astronaut riding a horse"), [320, 8853, 539, 550, 18376, 6765, 320, 4558])
        self.assertEqual(self.tokenizer.encode("  A  Photograph "), [320, 8853])

    def test_padding(self):
        ids = self.tokenizer.padded("a boat")
        self.assertEqual((ids[0], ids[3], ids[-1], len(ids)), (tokens.START, tokens.END, tokens.END, tokens.LENGTH))
        self.assertEqual(len(self.tokenizer.padded("boat " * 200)), tokens.LENGTH)

    def test_captions_fit(self):
        random = np.random.default_rng(3)
        for _ in range(1500):
            scene = scenes.training_scene(random)
            for text in (captions.caption(scene, random), captions.short_caption(scene, random), edits.random_edit(scene, random)[0]):
                self.assertLessEqual(len(self.tokenizer.encode(text)), tokens.LENGTH - 2, text)


if __name__ == "__main__":
    unittest.main()
