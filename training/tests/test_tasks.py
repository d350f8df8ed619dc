"""The edit and the inpaint model: skipped where PyTorch or CLIP's vocabulary is missing."""
import pathlib
import tempfile
import unittest

import numpy as np

try:
    import torch
except ImportError:
    torch = None

from training import tokens
from training.papercut import masks, scenes

if torch:
    from training import checkpoint, diffusion, export, model, pairs, sample, sample_tasks, train_instructions, train_tasks, train_unet

SHIPPED = pathlib.Path(__file__).parents[2] / "models" / "papercut.safetensors"


def random_unet(channels=4, seed=0):
    torch.manual_seed(seed)
    unet = model.UNet(**model.UNET, channels=channels)
    for parameter in unet.parameters():                    # nothing silenced: every branch is heard
        torch.nn.init.normal_(parameter, std=.05)
    return unet


def latents(count, seed, channels=4):
    return torch.randn((count, channels, 16, 16), generator=torch.Generator().manual_seed(seed))


@unittest.skipUnless(torch, "PyTorch is not installed")
class Unets(unittest.TestCase):
    def test_widened_unet_says_what_it_said(self):
        unet, x, times, states = random_unet(), latents(2, 1), torch.tensor([10, 900]), torch.randn(2, 77, 64)
        for task, channels in model.CHANNELS.items():
            wide = model.UNet(**model.UNET, channels=channels)
            wide.load_state_dict(model.widened(unet.state_dict(), channels))
            with torch.no_grad():
                more = torch.cat([x, latents(2, 2, channels - 4)], 1) if channels > 4 else x
                torch.testing.assert_close(wide(more, times, states), unet(x, times, states), rtol=0, atol=0, msg=task)

    def test_edit_model_is_exported_for_unscaled_latents(self):
        trained = random_unet(8)
        start = {checkpoint.UNET + name: value.numpy().astype(np.float16) for name, value in random_unet().state_dict().items()}
        start["first_stage_model.some.weight"] = np.full(3, 1e-5, np.float32)
        packed = export.pack_task(start, "edit", trained.state_dict())
        self.assertEqual(list(packed), list(start))
        self.assertEqual(packed[export.FIRST_LAYER].shape, (64, 8, 3, 3))
        self.assertIs(packed["first_stage_model.some.weight"], start["first_stage_model.some.weight"])
        shipped = model.UNet(**model.UNET, channels=8)
        shipped.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in checkpoint.part(packed, checkpoint.UNET).items()})
        x, picture, times, states = latents(1, 3), latents(1, 4), torch.tensor([500]), torch.randn(1, 77, 64)
        with torch.no_grad():
            made = shipped(torch.cat([x, picture / model.LATENT_SCALE], 1), times, states)
            wanted = trained(torch.cat([x, picture], 1), times, states)
            self.assertLess(float((made - wanted).abs().max() / wanted.abs().max()), .01)      # halves

    def test_text_encoder_is_exported_with_its_new_words(self):
        vocabulary = tokens.CompactVocabulary([320, 7, tokens.START, tokens.END])
        text = model.TextEncoder(**model.TEXT, vocabulary=len(vocabulary)).state_dict()
        start = {checkpoint.TEXT + name: value.numpy() for name, value in text.items()}
        packed = export.pack_task(start, "edit", {"input_blocks.0.0.weight": torch.ones(2, 8, 3, 3)}, text, vocabulary)
        rows = text[tokens.TABLE].numpy().astype(np.float16)
        np.testing.assert_array_equal(packed[checkpoint.TOKEN_TABLE][[7, 320, 5]], export.rounded(rows)[[1, 2, 0]])

    def test_halves_are_rounded_to_the_nearest_short_one(self):
        values = np.array([1, 1 + 1 / 128, 1 + 1.375 / 128, 1 + 1.5 / 128, 1 + 2.5 / 128, -.3, 0], np.float16)
        kept = export.rounded(values)
        np.testing.assert_array_equal(kept[:5], np.array([1, 1 + 1 / 128, 1 + 1 / 128, 1 + 2 / 128, 1 + 2 / 128], np.float16))
        self.assertLess(abs(float(kept[5]) + .3), .3 / 256)
        self.assertEqual(kept[6], 0)
        wide = np.ones(2, np.float32)
        self.assertIs(export.rounded(wide), wide)

    def test_description_names_the_task(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "edit.safetensors"
            checkpoint.write(path, {"a": np.ones(2, np.float16)}, "edit")
            self.assertEqual(checkpoint.read_header(path)[0]["modelspec.title"], "Papercut Edit")
            stored = checkpoint.read_stored(path)["a"]
            self.assertEqual((stored.dtype, stored.tolist()), (np.float16, [1, 1]))


@unittest.skipUnless(torch, "PyTorch is not installed")
class Guidance(unittest.TestCase):
    def test_edit_guidance_weighs_text_and_picture(self):
        def unet(inputs, times, contexts):
            """1 for the picture, 10 for the text on top of it."""
            has_picture = (inputs[:, 4:] != 0).flatten(1).any(1).float()
            return (has_picture + 10 * contexts[:, 0, 0])[:, None, None, None] + 0 * inputs[:, :4]
        context, empty = torch.ones(2, 77, 64), torch.zeros(2, 77, 64)
        noise_of = diffusion.edit_guidance(unet, context, empty, latents(2, 5), 4.0, 1.5)
        torch.testing.assert_close(noise_of(latents(2, 6), 700), torch.full((2, 4, 16, 16), 4.0 * 10 + 1.5))

    def test_condition_goes_in_behind_the_latents(self):
        seen = []

        def unet(inputs, times, contexts):
            seen.append(inputs)
            return inputs[:, :4]
        x, condition = latents(1, 7), latents(1, 8, 5)
        diffusion.text_guidance(unet, torch.ones(1, 77, 64), torch.zeros(1, 77, 64), 3.0, condition)(x, 20)
        torch.testing.assert_close(seen[0], torch.cat([torch.cat([x, condition], 1)] * 2))

    def test_blending_ends_at_the_picture_outside_the_hole_and_at_the_answer_inside(self):
        picture, answer, shares = latents(1, 9), latents(1, 10), diffusion.signal_shares()
        mask = torch.zeros(1, 1, 16, 16)
        mask[..., 5:] = 1

        def noise_of(x, time):
            return (x - shares[time].sqrt() * answer) / (1 - shares[time]).sqrt()
        for name, sampler in diffusion.SAMPLERS.items():
            made = sampler(diffusion.blended(noise_of, picture, mask), latents(1, 11), 10)
            torch.testing.assert_close(made, torch.where(mask > 0, answer, picture), rtol=0, atol=2e-3, msg=name)


@unittest.skipUnless(torch and tokens.vocabulary_path(), "PyTorch or CLIP's vocabulary is not installed")
class Sets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pairs.CHUNK, cls.chunk = 3, pairs.CHUNK
        flat = lambda pictures: torch.nn.functional.avg_pool2d(pictures, 8)[:, [0, 1, 2, 0]].numpy().astype(np.float16)
        cls.edit = [pairs.edit_chunk(1, number, flat) for number in (0, 1)]
        cls.inpaint = pairs.inpaint_chunk(1, 0, flat)
        cls.vocabulary = tokens.CompactVocabulary(np.unique(np.concatenate([part["ids"].ravel() for part in (*cls.edit, cls.inpaint)])))
        cls.text = model.TextEncoder(**model.TEXT, vocabulary=len(cls.vocabulary))

    @classmethod
    def tearDownClass(cls):
        pairs.CHUNK = cls.chunk

    def words(self, arrays):
        return train_tasks.Words(arrays["ids"], self.vocabulary, self.text)

    def test_pairs_point_into_one_group(self):
        whole = pairs.joined(self.edit)
        self.assertEqual(len(whole["latents"]), 2 * 3 * (1 + pairs.EDITS))
        self.assertEqual(len(whole["pairs"]), len(whole["ids"]))
        before, after = whole["pairs"].T
        np.testing.assert_array_equal(before // (1 + pairs.EDITS), after // (1 + pairs.EDITS))
        self.assertTrue((np.minimum(before, after) % (1 + pairs.EDITS) == 0).all())
        self.assertGreater((before > after).sum(), 0)

    def test_edit_samples_leave_out_text_and_picture(self):
        whole = pairs.joined(self.edit)
        after, states, before, weights = train_tasks.edit_sampler(whole, self.words(whole))(2000, torch.Generator().manual_seed(0))
        no_picture = (before == 0).flatten(1).all(1)
        no_text = (states - self.words(whole).text(self.words(whole).empty[None]).detach()).abs().amax((1, 2)) == 0
        for share in (no_picture.float().mean(), no_text.float().mean()):
            self.assertAlmostEqual(float(share), .10, delta=.025)
        self.assertAlmostEqual(float((no_picture & no_text).float().mean()), .05, delta=.02)
        self.assertEqual(set(weights.unique().tolist()), {1, train_tasks.CHANGED})
        self.assertEqual(after.shape, before.shape)

    def test_inpaint_samples_have_holes_where_the_mask_says(self):
        clean, _, condition, weights = train_tasks.inpaint_sampler(self.inpaint, self.words(self.inpaint))(64, torch.Generator().manual_seed(0))
        mask, around = condition[:, :1], condition[:, 1:]
        self.assertEqual(condition.shape, (64, 5, 16, 16))
        torch.testing.assert_close(weights, 1 + (train_tasks.HOLE - 1) * mask)
        self.assertLess(float(((clean - around).abs().amax(1, keepdim=True) > .02)[mask == 0].float().mean()), .25)      # latents that a hole's edge crosses
        self.assertGreater(float((clean - around).abs().mean(1, keepdim=True)[mask == 1].mean()), .1)

    def test_new_words_start_apart(self):
        table = torch.zeros(len(self.vocabulary), 4)
        new = self.vocabulary.ids[:3].tolist()
        train_instructions.start_new_words(table, self.vocabulary, new)
        self.assertEqual(int((table != 0).any(1).sum()), 3)
        whole = np.zeros((50, 4))
        whole[[4, 9]] = 1
        self.assertEqual(tokens.known_words(whole), [4, 9])

    def test_a_unet_learns_from_samples(self):
        unet = random_unet(9)
        summary = train_tasks.train(train_tasks.inpaint_sampler(self.inpaint, self.words(self.inpaint)), unet, 1.0, 1e-3, batch=4, processes=1)
        self.assertGreater(summary["steps"], 0)


@unittest.skipUnless(torch and tokens.vocabulary_path() and SHIPPED.exists(), "PyTorch, CLIP's vocabulary or the model is missing")
class Sampling(unittest.TestCase):
    def test_blending_fills_the_hole_and_nothing_else(self):
        scene = scenes.training_scene(np.random.default_rng(3))
        picture, hole = masks.draw.render_bytes(scene), masks.strip("left", 40)
        made = sample_tasks.inpainted(sample.load(SHIPPED), [picture], [hole], ["a red circle on a blue background"], [1], blend=True, steps=2)[0]
        np.testing.assert_array_equal(made[~hole], picture[~hole])
        self.assertTrue((made[hole] != picture[hole]).any())


if __name__ == "__main__":
    unittest.main()
