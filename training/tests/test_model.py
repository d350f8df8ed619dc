"""Networks, export and training: skipped where PyTorch is missing."""
import json
import pathlib
import tempfile
import unittest

import numpy as np

try:
    import torch
except ImportError:
    torch = None

if torch:
    from training import checkpoint, diffusion, export, model, muon, parallel, stages, tokens, train_unet, train_vae
    from training.model.vae import EPSILON, unfold_trunk
    from training.train_text import insert_unknown

SHIPPED = pathlib.Path(__file__).parents[2] / "models" / "papercut.safetensors"


def resnet(prefix, first, second, inputs, outputs):
    """Shapes of a residual block whose norms and convolutions are called as in `first` and `second`."""
    shapes = {f"{prefix}.{first[0]}": (inputs,), f"{prefix}.{first[1]}": (outputs, inputs, 3, 3), f"{prefix}.{second[0]}": (outputs,),
              f"{prefix}.{second[1]}": (outputs, outputs, 3, 3)}
    return shapes


def expected_weights():
    """Names and shapes of the weights that tell a Stable Diffusion 1.x checkpoint of these widths, written down by hand."""
    shapes = {
        "model.diffusion_model.time_embed.0": (256, 64), "model.diffusion_model.time_embed.2": (256, 256),
        "model.diffusion_model.input_blocks.0.0": (64, 4, 3, 3), "model.diffusion_model.input_blocks.3.0.op": (64, 64, 3, 3),
        "model.diffusion_model.input_blocks.4.0.skip_connection": (96, 64, 1, 1), "model.diffusion_model.input_blocks.6.0.op": (96, 96, 3, 3),
        "model.diffusion_model.input_blocks.5.1.proj_in": (96, 96, 1, 1),
        "model.diffusion_model.input_blocks.5.1.transformer_blocks.0.attn2.to_k": (96, 64),
        "model.diffusion_model.input_blocks.5.1.transformer_blocks.0.ff.net.0.proj": (768, 96),
        "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_out.0": (128, 128),
        "model.diffusion_model.middle_block.2.emb_layers.1": (128, 256),
        "model.diffusion_model.output_blocks.2.1.conv": (128, 128, 3, 3), "model.diffusion_model.output_blocks.5.2.conv": (96, 96, 3, 3),
        "model.diffusion_model.output_blocks.8.0.skip_connection": (64, 128, 1, 1), "model.diffusion_model.out.2": (4, 64, 3, 3),
        "cond_stage_model.transformer.text_model.embeddings.token_embedding": (49408, 64),
        "cond_stage_model.transformer.text_model.embeddings.position_embedding": (77, 64),
        "cond_stage_model.transformer.text_model.encoder.layers.2.mlp.fc1": (256, 64),
        "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.out_proj": (64, 64),
        "cond_stage_model.transformer.text_model.final_layer_norm": (64,),
        "first_stage_model.encoder.conv_in": (32, 3, 3, 3), "first_stage_model.encoder.down.2.block.0.nin_shortcut": (64, 32, 1, 1),
        "first_stage_model.encoder.down.0.downsample.conv": (32, 32, 3, 3), "first_stage_model.encoder.mid.attn_1.proj_out": (64, 64, 1, 1),
        "first_stage_model.encoder.conv_out": (8, 64, 3, 3), "first_stage_model.decoder.conv_in": (64, 4, 3, 3),
        "first_stage_model.decoder.up.3.upsample.conv": (64, 64, 3, 3), "first_stage_model.decoder.norm_out": (64,),
        "first_stage_model.decoder.conv_out": (3, 64, 3, 3), "first_stage_model.quant_conv": (8, 8, 1, 1), "first_stage_model.post_quant_conv": (4, 4, 1, 1),
    }
    shapes.update(resnet("model.diffusion_model.output_blocks.3.0", ("in_layers.0", "in_layers.2"), ("out_layers.0", "out_layers.3"), 224, 96))
    shapes.update(resnet("first_stage_model.decoder.up.0.block.2", ("norm1", "conv1"), ("norm2", "conv2"), 64, 64))
    return {name + ".weight": shape for name, shape in shapes.items()}


@unittest.skipUnless(torch, "PyTorch is not installed")
class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(0)
        cls.vocabulary = tokens.CompactVocabulary([320, tokens.START, tokens.END])
        unet, text = train_unet.new_networks(cls.vocabulary)
        cls.text, cls.vae = text.state_dict(), train_vae.new_autoencoder()
        cls.packed = export.pack(unet.state_dict(), cls.text, cls.vae.state_dict(), cls.vocabulary)

    def test_names_and_shapes(self):
        for name, shape in expected_weights().items():
            self.assertEqual(self.packed[name].shape, shape, name)
        self.assertEqual(len(self.packed), 660)

    def test_token_table(self):
        table = self.packed[checkpoint.TOKEN_TABLE]
        rows = self.text["embeddings.token_embedding.weight"].numpy().astype(np.float16)
        np.testing.assert_array_equal(table[320], rows[1])
        np.testing.assert_array_equal(table[7], rows[tokens.UNKNOWN])

    def test_file_round_trip(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.safetensors"
            checkpoint.write(path, self.packed)
            about, header, start = checkpoint.read_header(path)
            self.assertEqual((about["modelspec.architecture"], start % 8), ("stable-diffusion-v1", 0))
            self.assertLess(path.stat().st_size, 25e6)
            read = checkpoint.read(path)
            for name, value in self.packed.items():
                np.testing.assert_array_equal(read[name], value.astype(np.float32))
            self.assertEqual(list(header), list(self.packed))

    def test_folding_changes_nothing(self):
        state = self.vae.state_dict()
        standard = model.Autoencoder(**model.VAE, epsilon=EPSILON)
        standard.load_state_dict(model.fold_trunk(state))
        picture = torch.rand(1, 3, 64, 64) * 2 - 1
        with torch.no_grad():
            torch.testing.assert_close(standard.encode(picture)[0], self.vae.encode(picture)[0], rtol=0, atol=1e-6)
            latent = self.vae.encode(picture)[0]
            torch.testing.assert_close(standard.decode(latent), self.vae.decode(latent), rtol=0, atol=1e-6)
        for name, value in unfold_trunk(model.fold_trunk(state)).items():
            self.assertTrue(torch.equal(value, state[name]), name)

    def test_halves_keep_tiny_weights_wide(self):
        self.assertEqual(checkpoint.stored(np.full(8, 1e-5)).dtype, np.float32)
        self.assertEqual(checkpoint.stored(np.zeros(8)).dtype, np.float16)
        self.assertEqual(checkpoint.stored(np.full(8, .1)).dtype, np.float16)

    @unittest.skipUnless(SHIPPED.exists(), "the model is not here")
    def test_shipped_model_has_these_names(self):
        _, header, _ = checkpoint.read_header(SHIPPED)
        self.assertEqual({name: tuple(entry["shape"]) for name, entry in header.items()}, {name: value.shape for name, value in self.packed.items()})


@unittest.skipUnless(torch, "PyTorch is not installed")
class Training(unittest.TestCase):
    def test_orthogonalised_matrix_has_even_singular_values(self):
        torch.manual_seed(1)
        for shape in ((24, 70), (70, 24)):
            values = torch.linalg.svdvals(muon.orthogonalise(torch.randn(shape)))
            self.assertGreater(float(values.min()), .5)
            self.assertLess(float(values.max()), 1.3)

    def test_two_processes_learn_a_line(self):
        torch.manual_seed(2)
        line = torch.nn.Linear(4, 1)
        truth = torch.tensor([[1.0, -2.0, 3.0, .5]])

        def loss_of(progress, generator):
            x = torch.randn(16, 4, generator=generator)
            error = (line(x) - x @ truth.T).square().mean()
            return error, dict(error=float(error.detach()))
        summary = parallel.train(dict(line=line), loss_of, 4.0, .05, processes=2, average=.9, every=10 ** 9)
        self.assertGreater(summary["steps"], 50)
        self.assertLess(float((line.weight.detach() - truth).abs().max()), .1)

    def test_a_snapshot_is_gone_on_from_until_the_stage_is_done(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "snapshot.pt"
            broken, again = torch.nn.Linear(4, 1), torch.nn.Linear(4, 1)
            with self.assertRaises(KeyboardInterrupt):
                with stages.Snapshot(path, line=broken) as snapshot:
                    self.assertEqual(snapshot.seconds, 0)
                    weights = parallel.SharedWeights(dict(line=broken), 1)
                    snapshot.save(weights, 12.5)
                    raise KeyboardInterrupt
            with stages.Snapshot(path, line=again) as snapshot:
                self.assertEqual(snapshot.seconds, 12.5)
                self.assertTrue(torch.equal(again.weight, broken.weight))
                self.assertTrue(path.exists())
            self.assertFalse(path.exists())

    def test_whitening_keeps_pictures_and_evens_latents(self):
        torch.manual_seed(3)
        vae = train_vae.new_autoencoder()
        pictures = np.random.default_rng(0).integers(0, 256, (8, 3, 64, 64)).astype(np.uint8)
        with torch.no_grad():
            before = vae.decode(vae.encode(train_vae.to_signed(pictures))[0])
            train_vae.whiten(vae, pictures)
            latents = vae.encode(train_vae.to_signed(pictures))[0]
            torch.testing.assert_close(vae.decode(latents), before, rtol=0, atol=1e-4)
        rows = latents.transpose(0, 1).flatten(1)
        torch.testing.assert_close(torch.cov(rows), torch.eye(4), rtol=0, atol=.01)
        self.assertLess(float(rows.mean(1).abs().max()), .01)

    def test_unknown_words_are_inserted_once(self):
        ids = torch.tensor([[9, 5, 6, 7] + [8] * 40])
        changed = insert_unknown(ids, 1.0, torch.Generator().manual_seed(0))
        self.assertEqual(changed.shape, ids.shape)
        kept = [i for i in changed[0].tolist() if i not in (tokens.UNKNOWN, 8)]
        self.assertEqual(kept, [9, 5, 6, 7])
        self.assertTrue(torch.equal(insert_unknown(ids, 0.0, torch.Generator().manual_seed(0)), ids))


@unittest.skipUnless(torch, "PyTorch is not installed")
class Samplers(unittest.TestCase):
    def test_a_perfect_model_of_one_picture_finds_it(self):
        target, shares = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(5)), diffusion.signal_shares()

        def noise_of(latents, time):
            return (latents - shares[time].sqrt() * target) / (1 - shares[time]).sqrt()
        noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(6))
        for name, sampler in diffusion.SAMPLERS.items():
            made = sampler(noise_of, noise, steps=10)
            torch.testing.assert_close(made, target, rtol=0, atol=2e-3, msg=name)


if __name__ == "__main__":
    unittest.main()
