"""The noise schedule of Stable Diffusion 1.x and the two samplers used here; nothing but tensors in and out."""
import torch

STEPS = 1000


def signal_shares():
    """How much of the picture's variance is left at each of the 1000 times ("alphas_cumprod")."""
    betas = torch.linspace(.00085 ** .5, .0120 ** .5, STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def sampling_times(steps):
    """From 999 down, evenly; the last step ends at a clean picture."""
    return torch.linspace(STEPS - 1, 0, steps + 1).round().long()[:-1].tolist()


def guided(unet, latents, time, context, empty_context, guidance):
    """The noise, pushed away from what the UNet says without a prompt."""
    times = torch.full((2 * len(latents),), time)
    with_text, without = unet(torch.cat([latents, latents]), times, torch.cat([context, empty_context])).chunk(2)
    return without + guidance * (with_text - without)


@torch.no_grad()
def ddim(unet, latents, context, empty_context, steps=25, guidance=4.0):
    shares, times = signal_shares(), sampling_times(steps)
    for time, later in zip(times, [*times[1:], None]):
        noise = guided(unet, latents, time, context, empty_context, guidance)
        here, there = shares[time], shares[later] if later is not None else torch.tensor(1.0)
        clean = (latents - (1 - here).sqrt() * noise) / here.sqrt()
        latents = there.sqrt() * clean + (1 - there).sqrt() * noise
    return latents


@torch.no_grad()
def dpm_solver_2m(unet, latents, context, empty_context, steps=25, guidance=4.0):
    """DPM-Solver++ (2M): the second-order multistep method in the logarithm of the signal-to-noise ratio."""
    shares, times, before, last_step = signal_shares(), sampling_times(steps), None, None
    half_log_snr = .5 * torch.log(shares / (1 - shares))
    for time, later in zip(times, [*times[1:], None]):
        noise = guided(unet, latents, time, context, empty_context, guidance)
        clean = (latents - (1 - shares[time]).sqrt() * noise) / shares[time].sqrt()
        if later is None:
            return clean
        step = half_log_snr[later] - half_log_snr[time]
        ahead = clean if before is None else clean + (clean - before) * step / (2 * last_step)
        latents = (1 - shares[later]).sqrt() / (1 - shares[time]).sqrt() * latents - shares[later].sqrt() * torch.expm1(-step) * ahead
        before, last_step = clean, step
    return latents


SAMPLERS = {"ddim": ddim, "dpmpp_2m": dpm_solver_2m}
