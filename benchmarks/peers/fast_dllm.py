"""Fast-dLLM's decoding of LLaDA, without a cache and with its prefix and dual caches.

Source: Wu et al., "Fast-dLLM", arXiv 2505.22618, sections 3.2 and 3.3, and Nie et al., arXiv 2502.09992, for the model
and its schedule. As published: keys are kept before they are turned by their place, the head runs on every row of a
pass, and confidences are float64 shares of the whole vocabulary.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Decoded:
    """tokens: of the whole canvas. forwards: passes that it took."""

    tokens: list[int]
    forwards: int


class Network:
    """A Llama in which every position sees every other, from the weights of a stock model (a LlamaForCausalLM)."""

    def __init__(self, model):
        config = model.config
        self.heads, self.groups = config.num_attention_heads, config.num_key_value_heads
        self.width = config.hidden_size // self.heads
        self.epsilon = config.rms_norm_eps
        self.weights = dict(model.named_parameters())
        self.layers = config.num_hidden_layers
        self.head = self.weights.get("lm_head.weight", self.weights["model.embed_tokens.weight"])
        base = config.rope_parameters["rope_theta"]
        self.frequencies = base ** -(torch.arange(0, self.width, 2) / self.width)

    def __call__(self, ids, past=None, window=None):
        """Logits [L, V] of the rows that pass, and the keys and values [H, L, D] of every layer.

        ids: [L]. past: those of an earlier pass, read where `window` (first, end), whose rows `ids` are, does not write
        over them.
        """
        first, end = window or (0, len(ids))
        states, kept = F.embedding(ids, self.weights["model.embed_tokens.weight"]), []
        for number in range(self.layers):
            at = f"model.layers.{number}."
            normed = self._norm(states, at + "input_layernorm.weight")
            queries, keys, values = (
                self._linear(normed, f"{at}self_attn.{name}_proj").view(len(ids), count, self.width).transpose(0, 1)
                for name, count in (("q", self.heads), ("k", self.groups), ("v", self.groups)))
            if past is not None:
                keys, values = (torch.cat([before[:, :first], now, before[:, end:]], 1)
                                for before, now in zip(past[number], (keys, values), strict=True))
            kept.append((keys, values))
            turned = self._turn(keys, 0)
            repeats = self.heads // self.groups
            seen = F.scaled_dot_product_attention(
                self._turn(queries, first)[None], turned.repeat_interleave(repeats, 0)[None],
                values.repeat_interleave(repeats, 0)[None])[0]
            states = states + self._linear(seen.transpose(0, 1).reshape(len(ids), -1), at + "self_attn.o_proj")
            normed = self._norm(states, at + "post_attention_layernorm.weight")
            gated = F.silu(self._linear(normed, at + "mlp.gate_proj")) * self._linear(normed, at + "mlp.up_proj")
            states = states + self._linear(gated, at + "mlp.down_proj")
        return F.linear(self._norm(states, "model.norm.weight"), self.head), kept

    def _linear(self, states, name):
        return F.linear(states, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def _norm(self, states, name):
        return states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weights[name]

    def _turn(self, states, first):
        angles = (first + torch.arange(states.shape[1]))[:, None] * self.frequencies
        cosine, sine = (torch.cat([part, part], -1) for part in (angles.cos(), angles.sin()))
        half = self.width // 2
        return states * cosine + torch.cat([-states[..., half:], states[..., :half]], -1) * sine


@torch.inference_mode()
def decode(network: Network, prompt: list[int], length: int, block: int, mask: int, cache: str | None = None,
           steps: int | None = None, threshold: float | None = None) -> Decoded:
    """Temperature 0. steps: of all blocks together, where there is no threshold. cache: None, "prefix" or "dual"."""
    canvas = torch.tensor([*prompt, *[mask] * length])
    size, forwards = len(canvas), 0
    for begin in range(len(prompt), size, block):
        end, past, window, step = begin + block, None, None, 0
        left = int((canvas[:end] == mask).sum())
        quota = [left // (steps * block // length) + (number < left % (steps * block // length))
                 for number in range(steps * block // length)] if threshold is None else []
        while bool((canvas[:end] == mask).any()):
            first, last = window or (0, size)
            logits, kept = network(canvas[first:last], past, window)
            forwards += 1
            if cache and window is None:
                past, window = kept, (begin, end if cache == "dual" else size)
            elif cache == "dual":
                past = kept
            open_ = (canvas[first:last] == mask) & (torch.arange(first, last) < end)
            best = logits.argmax(-1)
            sure = F.softmax(logits.to(torch.float64), -1).gather(-1, best[:, None])[:, 0]
            sure = sure.where(open_, -torch.inf)
            chosen = sure >= threshold if threshold is not None else torch.zeros_like(open_)
            chosen[sure.topk(quota[step] if threshold is None else 1).indices] = True
            canvas[first:last] = best.where(chosen & open_, canvas[first:last])
            step += 1
    return Decoded(canvas.tolist(), forwards)
