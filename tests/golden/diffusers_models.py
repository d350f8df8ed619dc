"""Our checkpoints as diffusers' and transformers' modules, in float32: the public reference that goldens come from.

The ldm names are mapped here, by hand, so that sizes that no released model has can be compared too.
"""

import re

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.autoencoders.vae import Decoder, Encoder
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection


def load(layout, path):
    """-> first text encoder, UNet, VAE of a checkpoint written by make_checkpoint.write()."""
    return text_encoders(layout, path)[0], unet(layout, path), vae(layout, path)


def _take(path, prefix):
    with safe_open(path, "pt") as file:
        return {name[len(prefix) :]: file.get_tensor(name).float() for name in file.keys() if name.startswith(prefix)}


def _fill(module, state):
    own = module.state_dict()
    for name, value in state.items():
        state[name] = value.reshape(own[name].shape)  # 1x1 convolutions and linear layers
    module.load_state_dict(state, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def text_encoders(layout, path):
    """As diffusers' pipelines take them. Of Stable Diffusion 2 without the last block, as diffusers publishes it."""
    found = []
    if layout.text:
        config = _clip_config(layout, layout.text, layout.text_layers, "quick_gelu")
        # transformers 5.6 and later: no text_model level
        found.append(_fill(CLIPTextModel(config), _take(path, layout.text_place + layout.text_model)))
    if layout.openclip:
        found.append(_openclip(layout, _take(path, layout.openclip.place)))
    return found


def _clip_config(layout, width, layers, activation, pooled=512):
    return CLIPTextConfig(
        vocab_size=layout.vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        max_position_embeddings=77,
        hidden_act=activation,
        layer_norm_eps=1e-5,
        projection_dim=pooled,
        bos_token_id=layout.vocabulary - 2,
        eos_token_id=layout.vocabulary - 1,
        attn_implementation="eager",
    )


def clip_with_projection(layout, width, layers, pooled, path):
    """An OpenCLIP encoder under transformers' names, alone in a file."""
    return _fill(CLIPTextModelWithProjection(_clip_config(layout, width, layers, "gelu", pooled)), _take(path, ""))


def _openclip(layout, weights):
    clip = layout.openclip
    if layout.label:
        module = CLIPTextModelWithProjection(_clip_config(layout, clip.width, clip.layers, "gelu", clip.pooled))
        level = "text_model."
    else:
        module, level = CLIPTextModel(_clip_config(layout, clip.width, clip.layers - 1, "gelu")), ""
        last = f"transformer.resblocks.{clip.layers - 1}."
        weights = {k: v for k, v in weights.items() if not k.startswith(last) and k != "text_projection"}
    state = {}
    for name, value in weights.items():
        if name == "text_projection":
            state["text_projection.weight"] = value.T.contiguous()
        elif ".attn.in_proj_" in name:
            block, kind = name.split(".attn.in_proj_")
            for part, third in zip("qkv", value.chunk(3)):
                state[f"{level}{_clip_name(block)}.self_attn.{part}_proj.{kind}"] = third.contiguous()
        else:
            state[level + _clip_name(name)] = value
    return _fill(module, state)


CLIP = {
    "transformer.resblocks.": "encoder.layers.",
    "ln_final": "final_layer_norm",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.": "self_attn.",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "token_embedding": "embeddings.token_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
}


def _clip_name(name):
    for ours, theirs in CLIP.items():
        name = name.replace(ours, theirs)
    return name


def unet(layout, path):
    # The middle block's depth is that of the last level, whether or not that level has attention itself.
    depths = [max(1, blocks) for blocks in layout.attention[:-1]] + [layout.attention[-1] or max(1, layout.middle)]
    with_attention = [blocks > 0 for blocks in layout.attention]
    heads = [max(1, width // 64) for width in layout.unet] if layout.linear else 8
    asymmetric = {}
    if layout.attention_up:
        depths = [[d, d] if a else 1 for d, a in zip(depths, with_attention)]
        asymmetric["reverse_transformer_layers_per_block"] = [
            list(up) if a else 1 for up, a in zip(reversed(layout.up), reversed(with_attention))]
    if layout.label:
        asymmetric |= dict(addition_embed_type="text_time", addition_time_embed_dim=NUMBER_WIDTH,
                           projection_class_embeddings_input_dim=layout.label)
    with torch.device("meta"):  # the weights come from the file
        module = UNet2DConditionModel(
            in_channels=layout.channels,
            out_channels=4,
            block_out_channels=layout.unet,
            layers_per_block=2,
            down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in with_attention],
            up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(with_attention)],
            mid_block_type="UNetMidBlock2DCrossAttn" if layout.middle else "UNetMidBlock2D",
            transformer_layers_per_block=depths,
            cross_attention_dim=layout.context,
            attention_head_dim=heads,  # means the number of heads
            norm_num_groups=32,
            use_linear_projection=layout.linear,
            **asymmetric,
        )
    return _fill(module, {_unet_name(k): v for k, v in _take(path, "model.diffusion_model.").items()})


NUMBER_WIDTH = 256  # of the embedding of each number that SDXL's UNets are told

RES = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_ENDS = {
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
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


def vae(layout, path):
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
    return _fill(module, {_vae_name(k, levels): v for k, v in _take(path, "first_stage_model.").items()})


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
def encode_text(text, ids, penultimate=False):
    """-> embeddings, and the pooled features or None; as diffusers' pipelines take them."""
    out = text(input_ids=ids, output_hidden_states=True)
    return out.hidden_states[-2] if penultimate else out.last_hidden_state, getattr(out, "text_embeds", None)


@torch.no_grad()
def predict_noise(unet, latents, timesteps, context, conditions=None):
    return unet(latents, timesteps, encoder_hidden_states=context, added_cond_kwargs=conditions).sample


@torch.no_grad()
def vector(unet, conditions):
    """What the label embedding reads of text_embeds and time_ids."""
    embedded = unet.add_time_proj(conditions["time_ids"].flatten()).reshape(len(conditions["time_ids"]), -1)
    return torch.cat([conditions["text_embeds"], embedded], 1)


@torch.no_grad()
def decode(vae, latents):
    return vae.decode(latents).sample


@torch.no_grad()
def encode(vae, picture):
    posterior = vae.encode(picture).latent_dist
    return posterior.mean, posterior.logvar
