"""Trains the autoencoder: `joint` both halves together, `whiten` its latents, `encode` a picture set, then `finish` the decoder on noisy latents."""
import multiprocessing

import numpy as np
import torch
import torch.nn.functional as F

from . import model, parallel
from .model.vae import LATENT_CHANNELS, start_linear

KL_WEIGHT = 4e-4
WHOLE_FROM = .65          # progress after which whole pictures replace crops: norm statistics differ between the two
CROP, CROPS = 64, 4       # size of a crop, crops a process a step


def new_autoencoder(path=None):
    vae = model.Autoencoder(**model.VAE)
    if path:
        vae.load_state_dict(torch.load(path))
    else:
        start_linear(vae)
    return vae


def to_signed(pictures):
    """uint8 pictures as float in -1..1."""
    return torch.as_tensor(pictures).float() / 127.5 - 1


def reconstruction_loss(made, wanted):
    """L1, plus L1 of neighbour differences (edges), plus L1 of the picture at a quarter of the size (colours). Returns it and the plain L1."""
    error = made - wanted
    plain = error.abs().mean()
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return plain + .5 * edges + .5 * F.avg_pool2d(error, 4).abs().mean(), plain


def random_crops(pictures, count, size, generator):
    which = torch.randint(len(pictures), (count,), generator=generator).tolist()
    corners = torch.randint(pictures.shape[-1] - size + 1, (count, 2), generator=generator).tolist()
    return to_signed(np.stack([pictures[i, :, y:y + size, x:x + size] for i, (y, x) in zip(which, corners)]))


def joint(pictures, vae, seconds, rate=6e-4, log=None, save=None, processes=2, start=0.0):
    def loss_of(progress, generator):
        whole = progress > WHOLE_FROM
        wanted = random_crops(pictures, 1 if whole else CROPS, pictures.shape[-1] if whole else CROP, generator)
        mean, log_variance = vae.encode(wanted)
        # Beyond its own uncertainty every latent gets some more noise: a decoder that shrugs it off also forgives a UNet's small errors.
        extra = .08 * torch.randn((len(mean), 1, 1, 1), generator=generator).abs()
        noise = torch.randn(mean.shape, generator=generator) * torch.exp(.5 * log_variance) + torch.randn(mean.shape, generator=generator) * extra
        loss, plain = reconstruction_loss(vae.decode(mean + noise), wanted)
        divergence = .5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return loss + KL_WEIGHT * divergence, dict(l1=float(plain.detach()), std=float(mean.detach().std()))

    return parallel.train(dict(vae=vae), loss_of, seconds, rate, processes=processes, average=.99, warm_up=30, log=log, save=save,
                          start=start)


@torch.no_grad()
def whiten(vae, pictures):
    """Give latents zero mean and unit covariance, inside the two 1x1 convolutions, turning them as little as possible."""
    latents = torch.cat([vae.encode(to_signed(pictures[i:i + 8]))[0] for i in range(0, len(pictures), 8)])
    rows = latents.transpose(0, 1).flatten(1)
    mean = rows.mean(1)
    values, vectors = torch.linalg.eigh(torch.cov(rows))
    forward, backward = (vectors @ torch.diag(values ** power) @ vectors.T for power in (-.5, .5))
    quant, post, scale = vae.quant_conv, vae.post_quant_conv, model.LATENT_SCALE
    half = LATENT_CHANNELS
    quant.bias[:half] = forward @ (quant.bias[:half] - mean / scale)
    quant.weight[:half, :, 0, 0] = forward @ quant.weight[:half, :, 0, 0]
    quant.bias[half:] += torch.log(forward.square().sum(1))         # the diagonal of the turned variances, nearly
    post.bias += post.weight[:, :, 0, 0] @ (mean / scale)
    post.weight[:, :, 0, 0] = post.weight[:, :, 0, 0] @ backward
    return dict(mean=mean.tolist(), variances=values.tolist())


def encode(pictures, vae, processes=2):
    """Latents (float16) of a picture set."""
    latents = torch.zeros(len(pictures), LATENT_CHANNELS, 16, 16).share_memory_()

    def work(rank):
        torch.set_num_threads(1)
        with torch.no_grad():
            for i in range(8 * rank, len(pictures), 8 * processes):
                latents[i:i + 8] = vae.encode(to_signed(pictures[i:i + 8]))[0]

    helpers = [multiprocessing.get_context("fork").Process(target=work, args=(rank,)) for rank in range(processes)]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join()
    return latents.numpy().astype(np.float16)


def finish(pictures, latents, emphases, vae, seconds, rate=5e-4, strongest_noise=.35, log=None, save=None, processes=2):
    """Train the decoder alone, on cached latents with noise of random strength: it learns to clean what a UNet gets slightly wrong.
    emphases: how often each picture is shown, relative to others, (N)."""
    emphases = torch.from_numpy(emphases)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)

    def loss_of(progress, generator):
        which = torch.multinomial(emphases, 1, generator=generator).numpy()
        clean = torch.as_tensor(latents[which]).float()
        strength = torch.rand((len(which), 1, 1, 1), generator=generator).square() * strongest_noise
        noisy = clean + strength * torch.randn(clean.shape, generator=generator)
        loss, plain = reconstruction_loss(vae.decode(noisy), to_signed(pictures[which]))
        return loss, dict(l1=float(plain.detach()))

    return parallel.train(dict(vae=vae), loss_of, seconds, rate, processes=processes, average=.99, warm_up=30, seed=7, log=log, save=save)


@torch.no_grad()
def mean_psnr(vae, pictures):
    """Peak signal-to-noise ratio of reconstructions, averaged over pictures."""
    wanted = to_signed(pictures)
    made = torch.cat([vae.decode(vae.encode(wanted[i:i + 8])[0]) for i in range(0, len(wanted), 8)]).clamp(-1, 1)
    errors = (made - wanted).square().mean((1, 2, 3)) / 4
    return float((-10 * torch.log10(errors)).mean())
