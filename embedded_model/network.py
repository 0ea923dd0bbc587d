"""The network as training sees it: a Llama block stack, without a causal mask or with one.

It computes what transformers' LlamaForCausalLM computes, with
``config.is_causal = False`` for the diffusion model (tests/embedded_model/test_network.py
compares them), but packs the projections that share an input, uses an explicit softmax
attention, whose backward is much faster than the fused one on a CPU at these
lengths, and applies the head to chosen rows only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the model; the defaults are the ones that ship."""

    vocab: int = 768
    width: int = 192
    layers: int = 6
    heads: int = 6
    mlp: int = 512
    context: int = 256
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    causal: bool = False  # every position sees those to its left only


def rotary_tables(shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of the rotary angles, each [context, head width] (arXiv:2104.09864).

    The two halves of a head carry the same frequencies, as in Llama.
    """
    half = shape.width // shape.heads // 2
    frequency = shape.rope_theta ** (-torch.arange(half).float() / half)
    angle = torch.outer(torch.arange(shape.context).float(), frequency)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn queries or keys [batch, heads, length, head width] by their position."""
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], dim=-1) * sin


class Block(nn.Module):
    """Attention over all positions that may be seen, then a gated MLP; both with RMS norm before."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d, self.heads = shape.width, shape.heads
        self.attn_norm = nn.RMSNorm(d, eps=shape.norm_eps)
        self.ff_norm = nn.RMSNorm(d, eps=shape.norm_eps)
        self.q_proj = nn.Linear(d, d, bias=False)
        self.k_proj = nn.Linear(d, d, bias=False)
        self.v_proj = nn.Linear(d, d, bias=False)
        self.attn_out = nn.Linear(d, d, bias=False)
        self.ff_proj = nn.Linear(d, shape.mlp, bias=False)
        self.up_proj = nn.Linear(d, shape.mlp, bias=False)
        self.ff_out = nn.Linear(shape.mlp, d, bias=False)

    def forward(self, x, cos, sin, bias):
        batch, length, d = x.shape
        packed = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        q, k, v = (
            F.linear(self.attn_norm(x), packed)
            .view(batch, length, 3, self.heads, d // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        scores = (q @ k.transpose(-1, -2)) * (d // self.heads) ** -0.5
        if bias is not None:
            scores = scores + bias
        mixed = scores.softmax(dim=-1).to(v.dtype) @ v
        x = x + self.attn_out(mixed.transpose(1, 2).reshape(batch, length, d))
        packed = torch.cat([self.ff_proj.weight, self.up_proj.weight])
        gate, up = F.linear(self.ff_norm(x), packed).chunk(2, dim=-1)
        return x + self.ff_out(F.silu(gate) * up)


class Network(nn.Module):
    """Tokens [batch, length] to logits at the wanted rows [rows, vocab]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.wte = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.ln_f = nn.RMSNorm(shape.width, eps=shape.norm_eps)
        self.ff_out = nn.Linear(shape.width, shape.vocab, bias=False)
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
                # Residual outputs start smaller, so depth does not inflate the stream.
                if name.startswith("blocks") and name.endswith(("attn_out.weight", "ff_out.weight")):
                    parameter.data /= (2 * shape.layers) ** 0.5

    def forward(self, tokens, real=None, wanted=None):
        """tokens and real (True where not padding) are [batch, length];
        wanted, a flat index into batch * length, picks the rows that get logits."""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        bias = None
        if self.shape.causal:  # what is padded stands to the right of all that is real
            bias = torch.full((length, length), -1e9).triu(1)
        elif real is not None:
            bias = torch.zeros(real.shape).masked_fill_(~real, -1e9)[:, None, None, :]
        x = self.wte(tokens)
        for block in self.blocks:
            x = block(x, cos, sin, bias)
        x = x.flatten(0, 1)
        if wanted is not None:
            x = x[wanted]
        return self.ff_out(self.ln_f(x))
