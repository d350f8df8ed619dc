"""Goldens of whole pipelines of the families beyond Stable Diffusion 1, by diffusers' pipelines on the random weights of
their small layouts (make_checkpoint.py).

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy
    python tests/golden/families.py [OUT]           OUT: tests/data/tasks unless given

Writes families.safetensors: for each of RUNS, "RUN latents" F32 [4, 1, 4, 8, 12], after every step; for those of SDXL and
its refiner "RUN text_vector" F32 [2, width], the prompt's first; "sdxl token_ids" and "sdxl token_ids_2" I64 [2, 77], in the
same order; "sdxl picture" F32 [1, 3, 64, 96] in [-1, 1], not clamped; and "start_noise", drawn by torch's CPU generator
with SEED. Four steps of Euler: whole training steps, so that no interpolation between them differs.
tests/tasks/families_test.cpp compares generate() with them.
"""

import pathlib
import sys
import tempfile

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from safetensors.torch import save_file

import diffusers_models
import diffusion
import make_checkpoint
import models
import tokenizer
from pipeline import CFG, HEIGHT, NEGATIVE, PROMPT, SEED, WIDTH

STEPS = 4
V, ZERO_SNR = diffusion.PREDICTIONS.values()
# Layout, what was different in training, and what the pipeline is told.
RUNS = {
    "sd21-v": ("tiny-sd21", V, dict(negative_prompt=NEGATIVE)),
    "sd21-v-zero-snr": ("tiny-sd21", ZERO_SNR, dict(negative_prompt=NEGATIVE)),
    "sdxl": ("tiny-sdxl", {}, dict(negative_prompt=NEGATIVE, original_size=(700, 500), target_size=(1024, 900),
                                   crops_coords_top_left=(16, 8))),
    "sdxl-empty-negative": ("tiny-sdxl", {}, dict(negative_prompt=None)),
    "refiner": ("tiny-refiner", {}, dict(negative_prompt=None)),
}


def padded(with_token):
    made = tokenizer.published_tokenizer(tokenizer.VOCABULARY)
    made.pad_token = with_token
    return made


def parts(name, folder, training):
    """What the pipelines of a layout's family are made of."""
    path = folder / f"{name}.safetensors"
    if not path.exists():
        make_checkpoint.write(name, path)
    layout = make_checkpoint.LAYOUTS[name]
    text, vae = diffusers_models.text_encoders(layout, path), diffusers_models.vae(layout, path)
    vae.register_to_config(scaling_factor=0.13025 if layout.label else 0.18215)
    found = dict(vae=vae, unet=diffusers_models.unet(layout, path),
                 scheduler=diffusion.euler_scheduler("normal", STEPS, **training))
    openclip = padded("!")  # token 0
    if not layout.label:
        return found | dict(text_encoder=text[0], tokenizer=openclip, safety_checker=None, feature_extractor=None,
                            requires_safety_checker=False)
    found |= dict(text_encoder_2=text[-1], tokenizer_2=openclip, add_watermarker=False)
    if layout.text:
        return found | dict(text_encoder=text[0], tokenizer=padded("<|endoftext|>"))
    # As in the model_index.json of its publisher.
    return found | dict(text_encoder=None, tokenizer=None, requires_aesthetics_score=True,
                        force_zeros_for_empty_prompt=False)


def pipeline(name, folder, training):
    layout = make_checkpoint.LAYOUTS[name]
    kind = StableDiffusionPipeline if not layout.label else StableDiffusionXLPipeline
    if layout.label and not layout.text:
        kind = StableDiffusionXLImg2ImgPipeline
    return kind(**parts(name, folder, training))


def run(name, layout, training, told, folder):
    pipe = pipeline(layout, folder, training)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(SEED)
    start = torch.randn(1, 4, HEIGHT // 8, WIDTH // 8, generator=generator)
    trace, vectors = [], []

    def on_step(pipe, index, timestep, tensors):
        trace.append(tensors["latents"])
        return tensors

    if hasattr(pipe.unet, "add_embedding"):
        pipe.unet.add_embedding.register_forward_pre_hook(lambda module, inputs: vectors.append(inputs[0]))
    if isinstance(pipe, StableDiffusionXLImg2ImgPipeline):  # all of the noise over an empty picture
        how = dict(image=torch.zeros_like(start), strength=1.0, generator=torch.Generator().manual_seed(SEED))
    else:
        how = dict(latents=start, height=HEIGHT, width=WIDTH)
    final = pipe(PROMPT, num_inference_steps=STEPS, guidance_scale=CFG, output_type="latent",
                 callback_on_step_end=on_step, **how, **told).images
    assert len(trace) == STEPS and torch.equal(final, trace[-1])
    out = {"start_noise": start, f"{name} latents": torch.stack(trace)}
    if vectors:
        out[f"{name} text_vector"] = vectors[0].flip(0)  # the pipeline has the negative prompt first
    if name == "sdxl":
        for key, tokenize in (("token_ids", pipe.tokenizer), ("token_ids_2", pipe.tokenizer_2)):
            out[f"{name} {key}"] = tokenize([PROMPT, NEGATIVE], padding="max_length", max_length=77, truncation=True,
                                            return_tensors="pt").input_ids
        out[f"{name} picture"] = diffusers_models.decode(pipe.vae, final / pipe.vae.config.scaling_factor)
    return out


def main(out):
    models.check_versions()
    torch.manual_seed(0)
    tensors = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (layout, training, told) in RUNS.items():
            tensors |= run(name, layout, training, told, pathlib.Path(folder))
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(tensors, out / "families.safetensors", metadata=models.VERSIONS)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "data/tasks"))
