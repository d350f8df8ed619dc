"""Trains the UNet and the text encoder together on cached latents."""
import torch

from . import diffusion, model, parallel, tokens
from .train_text import insert_unknown

EMPTY_SHARE, UNKNOWN_SHARE = .10, .05     # captions left out (for guidance), captions with a word nobody taught
FULL_BATCH_FROM = .75                     # progress from which the batch is doubled: many steps first, then steady ones


def loss_weight(share):
    """Weight of the squared error of the noise: less where little noise is left, more where only the prompt can tell what comes."""
    snr = share / (1 - share)
    return torch.clamp(5 / snr, max=1) * torch.clamp(1 + .15 / snr, max=5) / 1.5


def spread_times(count, generator):
    """Random times, one from each of `count` equal parts of the schedule, in random order."""
    times = ((torch.arange(count) + torch.rand(count, generator=generator)) * (diffusion.STEPS / count)).long()
    return times.clamp(max=diffusion.STEPS - 1)[torch.randperm(count, generator=generator)]


def noise_loss(unet, shares, clean, states, generator, condition=None, where=None):
    """Weighted squared error of the noise that the UNet guesses in noisy latents, and what to log of it.
    condition: further input channels; where: weights of the latents' pixels, (N, 1, 16, 16)."""
    times = spread_times(len(clean), generator)
    share, noise = shares[times][:, None, None, None], torch.randn(clean.shape, generator=generator)
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    guess = unet(noisy if condition is None else torch.cat([noisy, condition], 1), times, states)
    squares = (guess - noise).square()
    errors = squares.mean((1, 2, 3))
    seen = errors.detach()
    if where is not None:
        errors = (squares * (where / where.mean((1, 2, 3), keepdim=True))).mean((1, 2, 3))
    values = dict(error=float(seen.mean()), early=float(seen[times >= 700].mean()), late=float(seen[times < 300].mean()))
    return (errors * loss_weight(shares[times])).mean(), values


def train(latents, captions, emphases, vocabulary, unet, text, seconds, rate=1e-3, batch=24, log=None, save=None, save_every=240.0, processes=2,
          warm_up=100, start=0.0):
    """latents: float16 (N, 4, 16, 16); captions: rows of the compact vocabulary, (N, captions, 77); emphases: how often each is
    shown, relative to others, (N). batch is per process."""
    shares, emphases = diffusion.signal_shares(), torch.from_numpy(emphases)
    empty = torch.from_numpy(vocabulary.rows(tokens.Tokenizer().padded(""))).long()

    def loss_of(progress, generator):
        count = batch if progress > FULL_BATCH_FROM else batch // 2
        which = torch.multinomial(emphases, count, replacement=True, generator=generator)
        wordings = torch.randint(captions.shape[1], (count,), generator=generator)
        clean = torch.from_numpy(latents[which.numpy()]).float()
        ids = torch.from_numpy(captions[which.numpy(), wordings.numpy()]).long()
        ids = insert_unknown(ids, UNKNOWN_SHARE, generator)
        ids[torch.rand(count, generator=generator) < EMPTY_SHARE] = empty
        return noise_loss(unet, shares, clean, text(ids), generator)

    return parallel.train(dict(unet=unet, text=text), loss_of, seconds, rate, processes=processes, average=.999, warm_up=warm_up, seed=3 + int(start),
                          log=log, every=25, save=save, save_every=save_every, start=start)


def new_networks(vocabulary):
    return model.UNet(**model.UNET), model.TextEncoder(**model.TEXT, vocabulary=len(vocabulary))
