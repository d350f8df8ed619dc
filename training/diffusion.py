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


def text_guidance(unet, context, empty_context, guidance, condition=None):
    """latents, time -> the noise, pushed away from what the UNet says without a prompt. condition: further channels, as of an inpaint model."""
    def noise_of(latents, time):
        inputs = latents if condition is None else torch.cat([latents, condition], 1)
        with_text, without = unet(torch.cat([inputs, inputs]), times_of(2 * len(latents), time), torch.cat([context, empty_context])).chunk(2)
        return without + guidance * (with_text - without)
    return noise_of


def edit_guidance(unet, context, empty_context, picture, guidance, picture_guidance):
    """The same for an edit model, away from what it says of the picture alone, and that away from what it says of nothing. picture: unscaled latents."""
    def noise_of(latents, time):
        inputs = torch.cat([torch.cat([latents, part], 1) for part in (picture, picture, torch.zeros_like(picture))])
        contexts = torch.cat([context, empty_context, empty_context])
        with_both, with_picture, without = unet(inputs, times_of(3 * len(latents), time), contexts).chunk(3)
        return without + guidance * (with_both - with_picture) + picture_guidance * (with_picture - without)
    return noise_of


def times_of(count, time):
    return torch.full((count,), time)


def blended(noise_of, latents_of_picture, mask):
    """The noise whose clean latents are those of the picture wherever mask is 0: inpainting with a model that was not made for it."""
    shares = signal_shares()

    def noise(latents, time):
        signal, spread = shares[time].sqrt(), (1 - shares[time]).sqrt()
        clean = (latents - spread * noise_of(latents, time)) / signal
        return (latents - signal * (mask * clean + (1 - mask) * latents_of_picture)) / spread
    return noise


@torch.no_grad()
def ddim(noise_of, latents, steps=25):
    shares, times = signal_shares(), sampling_times(steps)
    for time, later in zip(times, [*times[1:], None]):
        noise = noise_of(latents, time)
        here, there = shares[time], shares[later] if later is not None else torch.tensor(1.0)
        clean = (latents - (1 - here).sqrt() * noise) / here.sqrt()
        latents = there.sqrt() * clean + (1 - there).sqrt() * noise
    return latents


@torch.no_grad()
def dpm_solver_2m(noise_of, latents, steps=25):
    """DPM-Solver++ (2M): the second-order multistep method in the logarithm of the signal-to-noise ratio."""
    shares, times, before, last_step = signal_shares(), sampling_times(steps), None, None
    half_log_snr = .5 * torch.log(shares / (1 - shares))
    for time, later in zip(times, [*times[1:], None]):
        noise = noise_of(latents, time)
        clean = (latents - (1 - shares[time]).sqrt() * noise) / shares[time].sqrt()
        if later is None:
            return clean
        step = half_log_snr[later] - half_log_snr[time]
        ahead = clean if before is None else clean + (clean - before) * step / (2 * last_step)
        latents = (1 - shares[later]).sqrt() / (1 - shares[time]).sqrt() * latents - shares[later].sqrt() * torch.expm1(-step) * ahead
        before, last_step = clean, step
    return latents


SAMPLERS = {"ddim": ddim, "dpmpp_2m": dpm_solver_2m}
