"""The one question a model answers: what could stand at these positions?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

from inference_service.errors import InvalidField
from inference_service.models.attention import Attention, Full
from inference_service.models.key_values import KeyValues, Read, Windows, taken, window_mask
from inference_service.models.shelf import Shelf
from inference_service.models.standing import Files
from inference_service.models.text import Text

CACHE_BYTES = 1 << 30


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a loaded model.

    name: what callers call it.
    family: the adapter that loaded it, such as "llada".
    parameter_count: number of weights, tied ones counted once.
    dtype, device: of the weights in memory, such as "float32" and "cpu".
    context_length: positions a canvas may have.
    vocabulary_size: width of the logits; ids run from 0 to one less.
    mask_token, eos_token, eot_token, pad_token: ids, None where the model has none.
    defaults: parameters of default_sampler, by name, that are the family's own where nothing is said.
    more_ends: the ids that end a text or a turn beside eos_token and eot_token.
    forbidden_tokens: ids that are never generated; the mask id is among them.
    unnamed_tokens: those of them that the tokenizer has no token for, which a session's settings may ask for.
    checkpoint_hash: hex; the same for the same checkpoint on every server.
    shifted: whether the model's own row i - 1 predicts position i. `Denoiser.logits` has undone it.
    attention: what a position sees of the others.
    default_sampler: the sampler that the family's own code decodes with.
    prefix_tokens, suffix_tokens: what the checkpoint's tokenizer puts before and behind raw text by itself.
    cache_note: why nothing is kept between passes, or not always; "" where it is, and where nothing could be.
    weights: which weights, in which type, such as "float32-0123456789abcdef": the same for the same numbers on every
        server, others for any other.
    weights_note: which files are read where a folder holds weights twice, "" where it does not.
    revision: the hub's commit that it is of, "" for a folder.
    load_number: counts the loads of this process, so that nothing kept of one model is taken for another's.
    """

    name: str
    family: str
    parameter_count: int
    dtype: str
    device: str
    context_length: int
    vocabulary_size: int
    mask_token: int | None
    eos_token: int | None
    eot_token: int | None
    pad_token: int | None
    forbidden_tokens: tuple[int, ...]
    checkpoint_hash: str
    shifted: bool = False
    attention: Attention = Full()
    default_sampler: str = "llada"
    cache_note: str = ""
    weights: str = ""
    weights_note: str = ""
    revision: str = ""
    load_number: int = 0
    prefix_tokens: tuple[int, ...] = ()
    suffix_tokens: tuple[int, ...] = ()
    more_ends: tuple[int, ...] = ()
    unnamed_tokens: tuple[int, ...] = ()
    defaults: tuple[tuple[str, float | str], ...] = ()

    @property
    def end_tokens(self) -> tuple[int, ...]:
        """Every id that ends a text or a turn, each once, eos_token first."""
        ends = (self.eos_token, self.eot_token, *self.more_ends)
        return tuple(dict.fromkeys(token for token in ends if token is not None))

    @property
    def barred_tokens(self) -> tuple[int, ...]:
        """Ids that are not even committed by hand."""
        return tuple(id for id in self.forbidden_tokens if id not in self.unnamed_tokens)

    def defaults_of(self, sampler: str) -> dict[str, float | str]:
        """The parameters of a sampler that have other defaults on this model than the sampler's own."""
        return dict(self.defaults) if sampler == self.default_sampler else {}


class Denoiser:
    """A loaded model: stock transformers weights and the tokenizer beside them.

    info: a ModelInfo.
    text: a Text, or None when the checkpoint has no tokenizer.
    body, head: the stock model without its head, and the head. device: where ids go.
    shelf: where it keeps what it computed, by default one of its own.
    files: those that it was read from, None where it was made otherwise.
    """

    files: Files | None = None

    def __init__(self, info: ModelInfo, model: PreTrainedModel, text: Text | None = None,
                 shelf: Shelf | None = None):
        self.info = info
        self.shelf = shelf or Shelf(CACHE_BYTES)
        self.text = text
        self.body: Any = model.base_model  # a PreTrainedModel, which transformers declares a plain Module
        self.head: Any = model.get_output_embeddings()
        self.device = model.device

    @torch.inference_mode()
    def logits(
        self, canvases: Sequence[Sequence[int]], positions: Sequence[Sequence[int]],
        keys: Sequence[str] = (), starts: Sequence[int] = (), reads: Sequence[Read | None] = (),
    ) -> list[torch.Tensor]:
        """Logits of the wanted positions only.

        canvases: token ids; they may differ in length and go through the body together.
        positions: for each canvas the positions wanted, in any order.
        keys: names under which to keep what was computed, "" for not at all.
        starts: where each canvas's generated part starts, 0 if left out; matters where blocks are counted from there.
        reads: for each canvas the keys and values of another, or the same, that its pass reads; None for none. They
            are computed first where they are not kept under the canvas's key.
        Returns one float32 tensor [len(positions[i]), vocabulary] for each canvas, on
        the device of the head: row by row what could stand at these positions, also where
        the model's own rows are shifted. The head runs on the wanted rows only. They are
        inference tensors: clone before changing one in place.
        Raises InvalidField for an id, a position or a length the model does not have.
        """
        self._check(canvases, positions)
        if not any(map(len, positions)):
            return [torch.empty(0, self.info.vocabulary_size) for _ in canvases]
        starts = starts or [0] * len(canvases)
        asked = [Asked(*one) for one in zip(range(len(canvases)), canvases, positions, starts,
                                             keys or [""] * len(canvases), reads or [None] * len(canvases),
                                             strict=True)]
        plain = [one for one in asked if one.read is None]
        found = dict(zip([one.index for one in plain], self._whole(plain), strict=True)) if plain else {}
        found |= self._beside([one for one in asked if one.read is not None])
        return [found[index] for index in range(len(canvases))]

    def _whole(self, asked: "Sequence[Asked]", cache: DynamicCache | None = None) -> list[torch.Tensor]:
        """Passes over whole canvases, as far as the wanted positions see. cache: where to leave keys and values."""
        attention = self.info.attention
        cut = [one.canvas[:attention.reach(max(one.wanted, default=0), len(one.canvas), one.start)] for one in asked]
        mask = attention.mask([len(canvas) for canvas in cut], [one.start for one in asked], self.device)
        more = {"past_key_values": cache} if cache is not None else {}  # not every class has such an argument
        return self._pass(padded(cut, self.device), [self._rows(one.wanted) for one in asked], attention_mask=mask,
                          use_cache=cache is not None, **more)

    def _beside(self, asked: "Sequence[Asked]") -> dict[int, torch.Tensor]:
        """Passes over windows, and first those over whole canvases that they need."""
        kept = {one.index: self.kept(one.key, one.read) for one in asked if one.read}
        found: dict[int, torch.Tensor] = {}
        anew = [one if one.is_base else one.base for one in asked if one.is_base or kept[one.index] is None]
        if anew:
            cache = DynamicCache()
            rows = self._whole(anew, cache)
            for one, logits, made in zip(anew, rows, taken(cache, [one.canvas for one in anew]), strict=True):
                found[one.index], kept[one.index] = logits, made
                self.shelf.put(self.info.load_number, one.key, made)
        windows = [one for one in asked if not one.is_base]
        return found | dict(zip([one.index for one in windows], self.windows(windows, kept), strict=True))

    def windows(self, asked: "Sequence[Asked]", kept: "dict[int, KeyValues | None]") -> list[torch.Tensor]:
        """One pass over the windows of some canvases. kept: of each, by its index, the keys and values beside it."""
        if not asked:
            return []
        windows = [one.read.window for one in asked if one.read]
        beside = [have for one in asked if (have := kept[one.index])]
        ids = padded([one.canvas[first:end] for one, (first, end) in zip(asked, windows, strict=True)], self.device)
        longest = ids.shape[1]
        places = torch.tensor([first for first, _ in windows], device=self.device)[:, None] + torch.arange(
            longest, device=self.device)
        rows = [[row - first for row in self._rows(one.wanted)] for one, (first, _) in zip(asked, windows, strict=True)]
        # What stands in the padding has a place too, one that the model has.
        return self._pass(ids, rows, position_ids=places.clamp(max=self.info.context_length - 1),
                          attention_mask=window_mask([len(one.canvas) for one in asked], longest, self.device),
                          past_key_values=Windows(beside, windows), use_cache=False)

    def kept(self, key: str, read: Read) -> KeyValues | None:
        """What a pass would read, if it is at hand."""
        kept = self.shelf.get(self.info.load_number, key)
        return kept if kept is not None and kept.tokens == read.base else None

    def _rows(self, wanted: Sequence[int]) -> list[int]:
        """The rows of the body's output that predict some positions."""
        return [self.info.attention.row(position, self.info.shifted) for position in wanted]

    def _pass(self, ids: torch.Tensor, rows: Sequence[Sequence[int]], **more) -> list[torch.Tensor]:
        """Logits float32 [len(rows[i]), V] of some rows of each canvas. ids: [B, L]."""
        hidden = self.body(input_ids=ids, **more).last_hidden_state
        places = [(index, row) for index, each in enumerate(rows) for row in each]
        which, columns = torch.tensor(places, dtype=torch.long, device=hidden.device).reshape(-1, 2).unbind(1)
        return list(self.head(hidden[which, columns]).float().split([len(each) for each in rows]))

    def drop_caches(self) -> int:
        """Frees what can be computed again, on the thread that owns the device; returns bytes."""
        return self.shelf.drop(self.info.load_number)

    def _check(self, canvases, positions):
        if len(canvases) != len(positions):
            raise InvalidField("positions", f"must name positions for each of the {len(canvases)} canvases")
        context, vocabulary = self.info.context_length, self.info.vocabulary_size
        for canvas, wanted in zip(canvases, positions, strict=True):
            if not 1 <= len(canvas) <= context:
                raise InvalidField("canvas", f"must have 1 to {context} positions, has {len(canvas)}")
            if min(canvas) < 0 or max(canvas) >= vocabulary:
                raise InvalidField("canvas", f"holds a token id outside 0 to {vocabulary - 1}")
            if len(wanted) and (min(wanted) < 0 or max(wanted) >= len(canvas)):
                raise InvalidField("positions", f"must be within 0 to {len(canvas) - 1}")


@dataclass(frozen=True)
class Asked:
    """One canvas of a call to `logits`. index: its place there."""

    index: int
    canvas: Sequence[int]
    wanted: Sequence[int]
    start: int
    key: str = ""
    read: Read | None = None

    @property
    def is_base(self) -> bool:
        """Whether it is itself the canvas whose keys and values are read."""
        return self.read is not None and self.read.base == tuple(self.canvas)

    @property
    def base(self) -> "Asked":
        """The pass over the canvas whose keys and values are read."""
        assert self.read is not None
        return replace(self, canvas=self.read.base, wanted=())


def padded(canvases, device):
    """Ids [batch, longest] padded on the right. What stands in the padding does not matter, as nobody attends to it."""
    longest = max(map(len, canvases))
    return torch.tensor([[*canvas, *[0] * (longest - len(canvas))] for canvas in canvases], device=device)
