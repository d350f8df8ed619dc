"""Stable Diffusion 1.x's three networks, narrow. Module names equal the ldm tensor names, so that a state_dict is the checkpoint."""
from .text import TextEncoder
from .unet import UNet, widened
from .vae import Autoencoder, LATENT_SCALE, fold_trunk

TEXT = dict(width=64, layers=3)
UNET = dict(widths=(64, 96, 128), transformers=(0, 1, 0), context=64, heads=8)
VAE = dict(encoder=(32, 32, 64, 64), decoder=(64, 64, 64, 64))
CHANNELS = dict(generate=4, edit=8, inpaint=9)     # what the UNet takes for each task
