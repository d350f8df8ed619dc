"""The variational autoencoder: 3 x 128 x 128 pictures in -1..1 to 4 x 16 x 16 latents and back (first_stage_model.*).

GroupNorm with 32 groups leaves two channels a group at width 64: of a flat area it keeps only the sign of their difference, and pictures made
of flat paper come out grey. The norms that read the residual trunk are therefore trained with an epsilon so large that it, and not the variance,
sets the scale. `fold_trunk` turns that into the standard epsilon exactly: it makes the trunk smaller by 2^-10, a power of two.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

GROUPS, EPSILON, LATENT_CHANNELS, LATENT_SCALE = 32, 1e-6, 4, 0.18215
TRUNK_SHRINK = 2.0 ** -10
TRUNK_EPSILON = EPSILON / TRUNK_SHRINK ** 2


def fold_trunk(state):
    """The weights of a VAE trained with TRUNK_EPSILON, rewritten for EPSILON: every layer that writes to the trunk writes 2^-10 of it."""
    writers, resamplers = ("conv2", "proj_out", "conv_in"), ("conv", "nin_shortcut")
    folded = {}
    for name, value in state.items():
        *path, layer, kind = name.split(".")
        in_trunk = path and path[0] in ("encoder", "decoder")
        shrinks = layer in writers or (layer in resamplers and kind == "bias")
        folded[name] = value * TRUNK_SHRINK if in_trunk and shrinks else value
    return folded


def unfold_trunk(state):
    """The inverse of fold_trunk."""
    folded = fold_trunk(state)
    return {name: value / TRUNK_SHRINK if folded[name] is not value else value for name, value in state.items()}


class ResnetBlock(nn.Module):
    def __init__(self, inputs, outputs, epsilon):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs, eps=epsilon)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, outputs, eps=EPSILON)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x):
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (x if self.nin_shortcut is None else self.nin_shortcut(x))


class AttentionBlock(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, eps=epsilon)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x):
        normed = self.norm(x)
        q, k, v = (layer(normed).flatten(2).transpose(1, 2) for layer in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return x + self.proj_out(y.transpose(1, 2).reshape(x.shape))


class Middle(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = ResnetBlock(width, width, epsilon), AttentionBlock(width, epsilon), ResnetBlock(width, width, epsilon)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Downsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Level(nn.Module):
    """The blocks of one resolution and the resampling that leaves it, named as in the checkpoint."""

    def __init__(self, blocks, downsample=None, upsample=None):
        super().__init__()
        self.block = nn.ModuleList(blocks)
        if downsample:
            self.downsample = downsample
        if upsample:
            self.upsample = upsample

    def forward(self, x):
        for module in (*self.block, *(getattr(self, name) for name in ("downsample", "upsample") if hasattr(self, name))):
            x = module(x)
        return x


class Encoder(nn.Module):
    def __init__(self, widths, epsilon):
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        inputs, levels = widths[0], []
        for index, width in enumerate(widths):
            blocks = [ResnetBlock(inputs, width, epsilon), ResnetBlock(width, width, epsilon)]
            levels.append(Level(blocks, downsample=Downsample(width) if index + 1 < len(widths) else None))
            inputs = width
        self.down = nn.ModuleList(levels)
        self.mid = Middle(inputs, epsilon)
        self.norm_out = nn.GroupNorm(GROUPS, inputs, eps=epsilon)
        self.conv_out = nn.Conv2d(inputs, 2 * LATENT_CHANNELS, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    def __init__(self, widths, epsilon):
        super().__init__()
        inputs = widths[-1]
        self.conv_in = nn.Conv2d(LATENT_CHANNELS, inputs, 3, padding=1)
        self.mid = Middle(inputs, epsilon)
        levels = [None] * len(widths)
        for index in reversed(range(len(widths))):
            width = widths[index]
            blocks = [ResnetBlock(inputs, width, epsilon), ResnetBlock(width, width, epsilon), ResnetBlock(width, width, epsilon)]
            levels[index] = Level(blocks, upsample=Upsample(width) if index else None)
            inputs = width
        self.up = nn.ModuleList(levels)
        self.norm_out = nn.GroupNorm(GROUPS, inputs, eps=epsilon)
        self.conv_out = nn.Conv2d(inputs, 3, 3, padding=1)

    def forward(self, z):
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class Autoencoder(nn.Module):
    """epsilon: TRUNK_EPSILON to train, EPSILON to run folded weights as every other program does."""

    def __init__(self, encoder, decoder, epsilon=TRUNK_EPSILON):
        super().__init__()
        self.encoder, self.decoder = Encoder(encoder, epsilon), Decoder(decoder, epsilon)
        self.quant_conv = nn.Conv2d(2 * LATENT_CHANNELS, 2 * LATENT_CHANNELS, 1)
        self.post_quant_conv = nn.Conv2d(LATENT_CHANNELS, LATENT_CHANNELS, 1)

    def encode(self, pictures):
        """Mean and log-variance of the latents, in units of the UNet (times LATENT_SCALE)."""
        mean, log_variance = self.quant_conv(self.encoder(pictures)).chunk(2, 1)
        return mean * LATENT_SCALE, log_variance.clamp(-30, 20) + 2 * torch.log(torch.tensor(LATENT_SCALE))

    def decode(self, latents):
        return self.decoder(self.post_quant_conv(latents / LATENT_SCALE))


@torch.no_grad()
def start_linear(vae):
    """A first guess from which training starts quickly: resampling at identity, small residual branches, a trunk of size one."""
    for name, module in vae.named_modules():
        layer = name.split(".")[-1]
        if layer == "conv2" or name.endswith("attn_1.proj_out"):
            module.weight.mul_(.1)
            module.bias.zero_()
        elif name.endswith("sample.conv"):
            nn.init.dirac_(module.weight)
            module.weight.add_(torch.randn_like(module.weight) * .004)
            module.bias.zero_()
        elif layer in ("conv_in", "nin_shortcut") and isinstance(module, nn.Conv2d):
            module.weight.mul_(2.0 if layer == "conv_in" else 1.7)
            module.bias.zero_()
    vae.encoder.conv_out.weight[LATENT_CHANNELS:] *= .1
    vae.encoder.conv_out.weight[:LATENT_CHANNELS] *= 2
    nn.init.dirac_(vae.quant_conv.weight)
    nn.init.dirac_(vae.post_quant_conv.weight)
    vae.quant_conv.weight[:LATENT_CHANNELS] /= LATENT_SCALE
    vae.post_quant_conv.weight.mul_(LATENT_SCALE)
    vae.quant_conv.bias.zero_()
    vae.quant_conv.bias[LATENT_CHANNELS:] = -4 - 2 * float(torch.log(torch.tensor(LATENT_SCALE)))
    vae.post_quant_conv.bias.zero_()
