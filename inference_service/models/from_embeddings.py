"""Passes that begin at the embeddings instead of at ids: what gradients, and taking a token away, need.

`Denoiser.logits` answers callers; these functions look inside. They run where the engine runs them, under whatever
gradient mode their caller has set, and on one row of the body's output.
"""

import inspect
from collections.abc import Sequence
from typing import cast

import torch

from inference_service.models.cached import Cached
from inference_service.models.denoiser import Denoiser

SLICE = 8192  # ids


@torch.no_grad()
def embeddings_of(denoiser: Denoiser, ids: Sequence[int]) -> torch.Tensor:
    """The embeddings of some ids, [L, D], in the weights' own number format."""
    return denoiser.body.get_input_embeddings()(torch.tensor(ids, device=denoiser.device))


@torch.no_grad()
def mean_embedding(denoiser: Denoiser) -> torch.Tensor:
    """The mean of the whole vocabulary's embeddings, [D], in float32."""
    count = denoiser.info.vocabulary_size
    # A slice at a time: all of them in float32 could be more than the model itself.
    return sum((embeddings_of(denoiser, range(first, min(first + SLICE, count))).float().sum(0)
               for first in range(0, count, SLICE)), torch.zeros(())) / count


def row_logits(denoiser: Denoiser, embeddings: torch.Tensor, row: int,
               visible: torch.Tensor | None = None, start: int = 0) -> torch.Tensor:
    """Logits [B, V], float32, of one row of the body's output.

    embeddings: [B, L, D]. row: 0 to L - 1, as the body counts, not undone where the family shifts.
    visible: bool [B, L]; what is False is hidden from attention, and the others keep their places. None hides nothing.
    Only where no other mask is needed. start: where the generated part starts.
    """
    mask = (_mask(denoiser, embeddings.shape[0], embeddings.shape[1], start) if visible is None
            else visible.to(embeddings.device, torch.long))
    return _row(denoiser, row, inputs_embeds=embeddings, attention_mask=mask)[0]


def row_attention(denoiser: Denoiser, ids: Sequence[int], row: int,
                  start: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """What one row attends to, [L], the mean over layers and heads, and its logits [V]; both float32.

    The fused attention does not tell its weights, so the model attends step by step for this pass, and as before
    afterwards, also when the pass fails.
    """
    body, mask = denoiser.body, _mask(denoiser, 1, len(ids), start)
    if mask is not None:  # which is added to what is looked at there
        kind = next(body.parameters()).dtype
        mask = torch.zeros_like(mask, dtype=kind).masked_fill(~mask, torch.finfo(kind).min)
    before = body.config._attn_implementation
    body.set_attn_implementation("eager")
    try:
        with torch.inference_mode():
            logits, out = _row(denoiser, row, input_ids=torch.tensor([ids], device=denoiser.device),
                               attention_mask=mask, output_attentions=True)
            layers = [weights[0, :, row].float().mean(0).cpu() for weights in out.attentions]
            return torch.stack(layers).mean(0), logits[0]
    finally:
        body.set_attn_implementation(before)


def _mask(denoiser: Denoiser, batch: int, length: int, start: int) -> torch.Tensor | None:
    """The attention mask of canvases of one length."""
    return denoiser.info.attention.mask([length] * batch, [start] * batch, denoiser.device)


def _row(denoiser: Denoiser, row: int, **inputs):
    """Logits [B, V], float32, of one row, and the rest of the output."""
    if not denoiser.info.attention.append_only:
        out = denoiser.body(**inputs, use_cache=False)
        return denoiser.head(out.last_hidden_state[:, row]).float(), out
    # Through the whole model: its head may scale or cap the logits.
    model = cast(Cached, denoiser).model
    if "logits_to_keep" not in inspect.signature(model.forward).parameters:
        out = model(**inputs, use_cache=False)
        return out.logits[:, row].float(), out
    out = model(**inputs, use_cache=False, logits_to_keep=torch.tensor([row], device=denoiser.device))
    return out.logits[:, 0].float(), out
