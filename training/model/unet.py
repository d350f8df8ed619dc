"""The UNet of Stable Diffusion 1.x: predicts the noise in a latent from its time step and the text (model.diffusion_model.*)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

GROUPS, RESNETS_DOWN, RESNETS_UP = 32, 2, 3


def silenced(layer):
    """A layer that starts as zero: its branch joins in as training asks for it."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class ResBlock(nn.Module):
    def __init__(self, inputs, outputs, embedding):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(GROUPS, inputs, eps=1e-5), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, outputs))
        self.out_layers = nn.Sequential(nn.GroupNorm(GROUPS, outputs, eps=1e-5), nn.SiLU(), nn.Identity(),
                                        silenced(nn.Conv2d(outputs, outputs, 3, padding=1)))
        self.skip_connection = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, embedding, context):
        y = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(y)


class CrossAttention(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = nn.Linear(width, width, bias=False), nn.Linear(context, width, bias=False), nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x, context):
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (self.to_q(x), self.to_k(context), self.to_v(context)))
        return self.to_out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class GatedGelu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(GatedGelu(width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x):
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.attn1, self.attn2, self.ff = CrossAttention(width, width, heads), CrossAttention(width, context, heads), FeedForward(width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x, context):
        normed = self.norm1(x)
        x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in, self.proj_out = nn.Conv2d(width, width, 1), silenced(nn.Conv2d(width, width, 1))
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, context, heads)])

    def forward(self, x, embedding, context):
        y = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        y = self.transformer_blocks[0](y, context)
        return x + self.proj_out(y.transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x, embedding, context):
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x, embedding, context):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Input(nn.Conv2d):
    """The first convolution, called like every other block."""

    def forward(self, x, embedding, context):
        return super().forward(x)


class UNet(nn.Module):
    """widths: channels of each level; transformers: 1 for the levels that attend to the text. The middle block always does."""

    def __init__(self, widths, transformers, context, heads, channels=4):
        super().__init__()
        self.width, embedding = widths[0], 4 * widths[0]
        self.time_embed = nn.Sequential(nn.Linear(widths[0], embedding), nn.SiLU(), nn.Linear(embedding, embedding))

        def blocks(inputs, level, *more):
            attention = [SpatialTransformer(widths[level], context, heads)] if transformers[level] else []
            return nn.ModuleList([ResBlock(inputs, widths[level], embedding), *attention, *more])

        self.input_blocks = nn.ModuleList([nn.ModuleList([Input(channels, widths[0], 3, padding=1)])])
        skips = [widths[0]]
        for level, width in enumerate(widths):
            for _ in range(RESNETS_DOWN):
                self.input_blocks.append(blocks(skips[-1], level))
                skips.append(width)
            if level + 1 < len(widths):
                self.input_blocks.append(nn.ModuleList([Downsample(width)]))
                skips.append(width)
        deepest = widths[-1]
        self.middle_block = nn.ModuleList([ResBlock(deepest, deepest, embedding), SpatialTransformer(deepest, context, heads),
                                           ResBlock(deepest, deepest, embedding)])
        self.output_blocks, inputs = nn.ModuleList(), deepest
        for level in reversed(range(len(widths))):
            for index in range(RESNETS_UP):
                rises = level and index + 1 == RESNETS_UP
                self.output_blocks.append(blocks(inputs + skips.pop(), level, *([Upsample(widths[level])] if rises else [])))
                inputs = widths[level]
        self.out = nn.Sequential(nn.GroupNorm(GROUPS, inputs, eps=1e-5), nn.SiLU(), silenced(nn.Conv2d(inputs, 4, 3, padding=1)))

    def forward(self, x, time, context):
        half = self.width // 2
        angles = time.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half, device=x.device) / half)
        embedding = self.time_embed(torch.cat([torch.cos(angles), torch.sin(angles)], 1))
        skips = []
        for block in self.input_blocks:
            for layer in block:
                x = layer(x, embedding, context)
            skips.append(x)
        for layer in self.middle_block:
            x = layer(x, embedding, context)
        for block in self.output_blocks:
            x = torch.cat([x, skips.pop()], 1)
            for layer in block:
                x = layer(x, embedding, context)
        return self.out(x)


def widened(state, channels):
    """The weights of a UNet that takes so many channels, the further ones at zero: it says what it said whatever they hold."""
    name = "input_blocks.0.0.weight"
    outputs, inputs, *window = state[name].shape
    return {**state, name: torch.cat([state[name], torch.zeros(outputs, channels - inputs, *window)], 1)}
