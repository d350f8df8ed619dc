"""The CLIP text encoder as Stable Diffusion 1.x uses it: 77 token ids to 77 states (cond_stage_model.transformer.text_model.*)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

POSITIONS, VOCABULARY, HEAD_WIDTH = 77, 49408, 64


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.heads = max(1, width // HEAD_WIDTH)
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (layer(x).view(batch, length, self.heads, -1).transpose(1, 2) for layer in (self.q_proj, self.k_proj, self.v_proj))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(y.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn, self.mlp = Attention(width), FeedForward(width)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Embeddings(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(vocabulary, width), nn.Embedding(POSITIONS, width)
        nn.init.normal_(self.token_embedding.weight, std=.1)
        nn.init.normal_(self.position_embedding.weight, std=.02)

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding.weight[:ids.shape[1]]


class Layers(nn.Module):
    def __init__(self, width, count):
        super().__init__()
        self.layers = nn.ModuleList([Layer(width) for _ in range(count)])


class TextEncoder(nn.Module):
    """vocabulary may be smaller while training: only words that occur in captions need a row (see tokens.CompactVocabulary)."""

    def __init__(self, width, layers, vocabulary=VOCABULARY):
        super().__init__()
        self.embeddings, self.encoder = Embeddings(vocabulary, width), Layers(width, layers)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x)
