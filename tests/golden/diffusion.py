"""Goldens of tests/diffusion: random numbers of torch, noise levels and samplers of diffusers.

Made with torch 2.15.0, diffusers 0.42.1, safetensors 0.8.0, on any machine:

    python tests/golden/diffusion.py tests/data/diffusion

writes random.safetensors, schedule.safetensors, samplers.safetensors and predictions.safetensors there. The reference
configuration of every sampler is in `reference_scheduler`, which golden scripts of whole pipelines may import.
"""

import pathlib
import sys

import diffusers
import torch
from safetensors.torch import save_file

# The noise schedule in the scheduler_config.json of SD 1.5.
TRAINED = dict(
    num_train_timesteps=1000, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012
)
SAMPLERS = {
    "euler": ("normal", "karras"),
    "euler_a": ("normal", "karras"),
    "ddim": ("normal",),
    "dpmpp_2m": ("normal", "karras"),
}
STEPS = (1, 2, 3, 10, 25)
TRACED_STEPS = 10  # for this number, the latents after every step are kept
# How networks that predict v were trained, besides TRAINED.
PREDICTIONS = {
    "v": dict(prediction_type="v_prediction"),
    "v, zero terminal SNR": dict(prediction_type="v_prediction", rescale_betas_zero_snr=True),
}

SEEDS = {"0": 0, "1": 1, "42": 42, "2^32+5": 2**32 + 5, "2^63": 2**63, "2^64-1": 2**64 - 1}
SIZES = (1, 3, 15, 16, 17, 100)
LATENT_SIZE = 4 * 64 * 64


def euler_scheduler(spacing, steps, **training):
    """Levels are diffusers' own, except for a single step, which diffusers starts at training step 0, that is, at
    almost no noise; k-diffusion starts it at the last training step, and so do we."""
    scheduler = diffusers.EulerDiscreteScheduler(
        **TRAINED, timestep_spacing="linspace", use_karras_sigmas=spacing == "karras", **training
    )
    if steps == 1:
        sigma_max = float(((1 - scheduler.alphas_cumprod[-1]) / scheduler.alphas_cumprod[-1]) ** 0.5)
        scheduler.set_timesteps(sigmas=[sigma_max, 0.0])
    else:
        scheduler.set_timesteps(steps)
    return scheduler


def reference_scheduler(sampler, spacing, steps, **training):
    """The diffusers scheduler that a sampler must agree with, its timesteps set, and the factor of its start noise.
    `training`: what differs from TRAINED."""
    euler = euler_scheduler(spacing, steps, **training)
    sigma_max = euler.sigmas[0]
    if sampler == "euler":
        return euler, sigma_max
    if sampler == "euler_a":
        scheduler = diffusers.EulerAncestralDiscreteScheduler(**TRAINED, timestep_spacing="linspace", **training)
        scheduler.set_timesteps(steps)
        # Equal already in normal spacing; it has no Karras spacing.
        scheduler.sigmas, scheduler.timesteps = euler.sigmas, euler.timesteps
        return scheduler, sigma_max
    if sampler == "dpmpp_2m":
        scheduler = diffusers.DPMSolverMultistepScheduler(
            **TRAINED, algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint",
            final_sigmas_type="zero", lower_order_final=True, **training,
        )
        scheduler.set_timesteps(steps)
        # k-diffusion's levels: diffusers' own are rounded to whole training steps, and in normal spacing they are
        # those of steps + 1 less the last.
        scheduler.sigmas, scheduler.timesteps = euler.sigmas, euler.timesteps
        return scheduler, sigma_max / (sigma_max**2 + 1) ** 0.5
    if sampler == "ddim":
        scheduler = diffusers.DDIMScheduler(
            **TRAINED, timestep_spacing="leading", steps_offset=1, set_alpha_to_one=False, clip_sample=False, **training
        )
        scheduler.set_timesteps(steps)
        return scheduler, 1.0
    raise ValueError(sampler)


def toy_model(x, t):
    """Stands for the network: smooth, bounded, and different at every place and time."""
    return torch.tanh(0.7 * x + torch.sin(torch.as_tensor(t, dtype=torch.float32) / 100))


class GivenNoise:
    """Makes a scheduler's randn_tensor return the given tensors in turn."""

    def __init__(self, noises):
        self.noises = iter(noises)

    def __call__(self, *args, **kwargs):
        return next(self.noises)


def run(sampler, spacing, steps, start, noises, **training):
    """The latents after every step, as the scheduler holds them; DPM++ 2M's brought to x0 + sigma * n."""
    scheduler, start_scale = reference_scheduler(sampler, spacing, steps, **training)
    module = sys.modules[type(scheduler).__module__]
    module.randn_tensor = GivenNoise(noises)
    x, trace = start * start_scale, []
    for i, t in enumerate(scheduler.timesteps):
        noise = toy_model(scheduler.scale_model_input(x, t), t)
        x = scheduler.step(noise, t, x).prev_sample
        exploding = (scheduler.sigmas[i + 1] ** 2 + 1) ** 0.5 if sampler == "dpmpp_2m" else 1.0
        trace.append(x * exploding)
    return torch.stack(trace)


def random_goldens():
    tensors = {}
    for name, seed in SEEDS.items():
        for size in SIZES:
            tensors[f"seed {name}, {size}"] = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    tensors[f"seed 42, {LATENT_SIZE}"] = torch.randn(LATENT_SIZE, generator=torch.Generator().manual_seed(42))
    # A negative seed is torch's 2^64 - |seed|, or near it: kept to show what it is.
    tensors["seed -1, 16"] = torch.randn(16, generator=torch.Generator().manual_seed(-1))
    # Calls in a row on one generator: short ones share pairs, long ones do not.
    generator = torch.Generator().manual_seed(7)
    for call, size in enumerate((3, 3, 16, 5, 17, 2)):
        tensors[f"seed 7, call {call}, {size}"] = torch.randn(size, generator=generator)
    # Start noise and one step's noise of a batch of two, an image at a time, channels first.
    generators = [torch.Generator().manual_seed(seed) for seed in (10, 11)]
    for call in range(2):
        tensors[f"batch, call {call}"] = torch.stack([torch.randn(4, 3, 5, generator=g) for g in generators])
    return tensors


def schedule_goldens():
    tensors = {"alphas_cumprod": diffusers.EulerDiscreteScheduler(**TRAINED).alphas_cumprod}
    for spacing in ("normal", "karras"):
        for steps in (*STEPS, 50):
            scheduler = euler_scheduler(spacing, steps)
            tensors[f"{spacing} {steps} sigmas"] = scheduler.sigmas
            tensors[f"{spacing} {steps} timesteps"] = torch.as_tensor(scheduler.timesteps, dtype=torch.float32)
    for steps in (1, 2, 3, 7, 10, 25, 30, 600, 999):
        scheduler, _ = reference_scheduler("ddim", "normal", steps)
        tensors[f"ddim {steps} timesteps"] = scheduler.timesteps.float()
    return tensors


def sampler_goldens():
    generator = torch.Generator().manual_seed(2)
    start = torch.randn(1, 4, 8, 8, generator=generator)
    noises = torch.randn(max(STEPS), 1, 4, 8, 8, generator=generator)
    tensors = {"start": start, "noises": noises}
    for sampler, spacings in SAMPLERS.items():
        for spacing in spacings:
            for steps in STEPS:
                trace = run(sampler, spacing, steps, start, noises)
                tensors[f"{sampler} {spacing} {steps}"] = trace if steps == TRACED_STEPS else trace[-1:]
    return tensors


def prediction_goldens():
    """Of toy_model taken for a v: the alphas, and the latents at the end of 4 steps."""
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(1, 4, 8, 8, generator=generator)
    noises = torch.randn(4, 1, 4, 8, 8, generator=generator)
    tensors = {"start": start, "noises": noises}
    for name, training in PREDICTIONS.items():
        tensors[f"{name}, alphas_cumprod"] = diffusers.EulerDiscreteScheduler(**TRAINED, **training).alphas_cumprod
        for sampler, spacings in SAMPLERS.items():
            for spacing in spacings:
                tensors[f"{name}, {sampler} {spacing}"] = run(sampler, spacing, 4, start, noises, **training)[-1:]
    return tensors


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in (("random", random_goldens), ("schedule", schedule_goldens), ("samplers", sampler_goldens),
                       ("predictions", prediction_goldens)):
        tensors = {key: value.contiguous().clone() for key, value in make().items()}
        save_file(tensors, folder / f"{name}.safetensors")


if __name__ == "__main__":
    main()
