"""Our checkpoints as diffusers' and transformers' modules, in float32: the public reference that goldens come from.

The ldm names are mapped here, by hand, so that sizes that no released model has can be compared too.
"""

import re

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.autoencoders.vae import Decoder, Encoder
from safetensors.torch import load_file
from transformers import CLIPTextConfig, CLIPTextModel


def load(layout, path):
    """-> text encoder, UNet, VAE of a checkpoint written by make_checkpoint.write()."""
    weights = load_file(path)
    return _text_encoder(layout, weights), _unet(layout, weights), _vae(layout, weights)


def _take(weights, prefix):
    names = [name for name in weights if name.startswith(prefix)]
    return {name[len(prefix) :]: weights.pop(name).float() for name in names}


def _fill(module, state):
    own = module.state_dict()
    for name, value in state.items():
        state[name] = value.reshape(own[name].shape)  # 1x1 convolutions and linear layers
    module.load_state_dict(state, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def _text_encoder(layout, weights):
    config = CLIPTextConfig(
        vocab_size=layout.vocabulary,
        hidden_size=layout.text,
        intermediate_size=4 * layout.text,
        num_hidden_layers=layout.text_layers,
        num_attention_heads=max(1, layout.text // 64),
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        layer_norm_eps=1e-5,
        attn_implementation="eager",
    )
    # transformers 5.6 and later: no text_model level
    return _fill(CLIPTextModel(config), _take(weights, "cond_stage_model.transformer." + layout.text_model))


def _unet(layout, weights):
    with_attention = [blocks > 0 for blocks in layout.attention]
    module = UNet2DConditionModel(
        in_channels=4,
        out_channels=4,
        block_out_channels=layout.unet,
        layers_per_block=2,
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in with_attention],
        up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(with_attention)],
        transformer_layers_per_block=[max(1, blocks) for blocks in layout.attention],
        cross_attention_dim=layout.text,
        attention_head_dim=8,  # means the number of heads
        norm_num_groups=32,
        use_linear_projection=layout.linear,
    )
    return _fill(module, {_unet_name(k): v for k, v in _take(weights, "model.diffusion_model.").items()})


RES = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}


def _unet_name(name):
    layer, kind = name.rsplit(".", 1)
    if layer in UNET_ENDS:
        return f"{UNET_ENDS[layer]}.{kind}"
    if match := re.fullmatch(r"middle_block\.(\d)\.(.+)", layer):
        part, rest = int(match[1]), match[2]
        return f"mid_block.attentions.0.{rest}.{kind}" if part == 1 else f"mid_block.resnets.{part // 2}.{RES[rest]}.{kind}"
    match = re.fullmatch(r"(input|output)_blocks\.(\d+)\.(\d)\.(.+)", layer)
    way, block, part, rest = match[1], int(match[2]), int(match[3]), match[4]
    level, step = divmod(block - 1 if way == "input" else block, 3)
    place = f"{'down' if way == 'input' else 'up'}_blocks.{level}"
    if rest == "op":
        return f"{place}.downsamplers.0.conv.{kind}"
    if rest == "conv":
        return f"{place}.upsamplers.0.conv.{kind}"
    return f"{place}.resnets.{step}.{RES[rest]}.{kind}" if part == 0 else f"{place}.attentions.{step}.{rest}.{kind}"


def _vae(layout, weights):
    levels = len(layout.encoder)
    module = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=layout.encoder,
        layers_per_block=2,
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        norm_num_groups=32,
    )
    # AutoencoderKL has one list of widths for both halves.
    module.encoder = Encoder(3, 4, ["DownEncoderBlock2D"] * levels, layout.encoder, layers_per_block=2)
    module.decoder = Decoder(4, 3, ["UpDecoderBlock2D"] * levels, layout.decoder, layers_per_block=2)
    return _fill(module, {_vae_name(k, levels): v for k, v in _take(weights, "first_stage_model.").items()})


MID = {"block_1": "resnets.0", "attn_1": "attentions.0", "block_2": "resnets.1"}
VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def _vae_name(name, levels):
    name = name.replace("nin_shortcut", "conv_shortcut").replace("norm_out", "conv_norm_out")
    if match := re.fullmatch(r"(.+)\.mid\.(\w+)\.(\w+)(?:\.(\w+))?", name):
        half, part, layer, kind = match.groups()
        layer = VAE_ATTENTION[layer] if part == "attn_1" else layer
        return f"{half}.mid_block.{MID[part]}.{layer}.{kind}"
    if match := re.fullmatch(r"(.+)\.(down|up)\.(\d+)\.(.+)", name):
        half, way, level, rest = match[1], match[2], int(match[3]), match[4]
        level = level if way == "down" else levels - 1 - level
        rest = rest.replace("block.", "resnets.", 1)
        rest = rest.replace("downsample.conv", "downsamplers.0.conv").replace("upsample.conv", "upsamplers.0.conv")
        return f"{half}.{way}_blocks.{level}.{rest}"
    return name


@torch.no_grad()
def encode_text(text, ids):
    return text(input_ids=ids).last_hidden_state


@torch.no_grad()
def predict_noise(unet, latents, timesteps, context):
    return unet(latents, timesteps, encoder_hidden_states=context).sample


@torch.no_grad()
def decode(vae, latents):
    return vae.decode(latents).sample


@torch.no_grad()
def encode(vae, picture):
    posterior = vae.encode(picture).latent_dist
    return posterior.mean, posterior.logvar
