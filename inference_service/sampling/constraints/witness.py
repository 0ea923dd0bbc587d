"""A canvas filled in any order under a grammar: sound, by a complete text kept at hand.

A witness is a full canvas that matches and agrees with every decided position. A token may be committed when the
witness has it there, or when a search finds another witness that has. So there is always a way on, the old witness's
own token; but the search is bounded, and a token with a completion that it does not find is refused.

The search goes from the left with a beam: at a decided position its token, at an open one the tokens that the model
likes best and the shortest ones, all of them let through by llguidance. Of texts between which the grammar makes no
difference at the next token, the likeliest goes on. A text that matches is filled up with ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from llguidance import LLMatcher

from inference_service.sampling.constraints.prefix import mask
from inference_service.sampling.constraints.spec import ConstraintError, Progress
from inference_service.sampling.constraints.vocabulary import Vocabulary

BEAM = 8  # texts kept at each position
BUDGET = 4000  # tokens tried in one search
LIKELY = 4  # tokens that the model likes best, tried at an open position
SHORT = 6  # shortest tokens tried there, no two with the same first and last byte

Witness = tuple[int, ...]


@dataclass
class _Text:
    """One text of the beam. mask: what may come next, bool [V]. accepts: whether it is a match."""

    matcher: LLMatcher
    tokens: Witness
    score: float
    mask: np.ndarray
    accepts: bool


class Witnesses:
    """A constraint on canvases of any length. Safe to share between threads: it keeps nothing.

    Raises ConstraintError, from any method, where llguidance meets a limit of its own.
    """

    exact = False

    def __init__(self, make: Callable[[], LLMatcher], vocabulary: Vocabulary):
        """make: gives a matcher before the first token."""
        self._make = make
        self._first = make()
        self._vocabulary = vocabulary

    def search(self, tokens: Sequence[int | None], logits: Mapping[int, torch.Tensor] | None = None,
               beam: int = BEAM, budget: int = BUDGET) -> Witness | None:
        """A complete canvas that matches and agrees with what is decided, None where none is found.

        tokens: the generated part, None where open. logits: of open positions, by their index, each [V]; where there
        are none the shortest tokens are tried alone. beam: texts kept at each position. budget: tokens tried in all.
        """
        try:
            return self._search([None if token is None else int(token) for token in tokens], logits, beam, budget)
        except ConstraintError:
            self._first = self._make()  # copies of a matcher share what a limit has broken
            raise

    def _search(self, tokens, logits, beam, budget):
        rows = {} if logits is None else {place: _row(logits[place]) for place in logits if tokens[place] is None}
        fill, fill_scores = self._fill(tokens, rows)
        first = self._first.deep_copy()
        texts = [_Text(first, (), 0.0, mask(first, self._vocabulary), first.is_accepting())]
        found: tuple[float, Witness] | None = None
        for position in range(len(tokens) + 1):
            for text in texts:
                score = text.score + fill_scores[position]
                if text.accepts and fill[position] is not None and (found is None or score > found[0]):
                    found = score, text.tokens + fill[position]
            if position == len(tokens) or budget <= 0:
                break
            tried = []
            for text in texts:
                for token, score in self._next(text, tokens[position], rows.get(position)):
                    budget -= 1
                    tried.append((text.score + score, token, text))
            texts = self._kept(tried, beam)
            if not texts:
                break
            if found and all(text.score <= found[0] for text in texts):
                break  # scores only fall: nothing better can come
        return found[1] if found else None

    def admit(self, tokens: Sequence[int | None], position: int, token: int, witness: Witness,
              logits: Mapping[int, torch.Tensor] | None = None) -> Witness | None:
        """A witness of the canvas with one more token; None where the token is refused.

        tokens: the canvas so far, of which `witness` is one. Never None where the witness has the token there.
        """
        if witness[position] == token:
            return witness
        if self._vocabulary.is_special(token) and token not in self._vocabulary.ends:
            return None
        decided = list(tokens)
        decided[position] = int(token)
        exchanged = (*witness[:position], int(token), *witness[position + 1 :])
        if self.matches(exchanged):
            return exchanged
        return self.search(decided, logits)

    def matches(self, tokens: Sequence[int]) -> bool:
        """Whether a full canvas is a match and then ends."""
        matcher, ended = self._first.deep_copy(), False
        for token in tokens:
            if token in self._vocabulary.ends:
                ended = True
            elif not self._vocabulary.is_special(token) and (ended or not matcher.try_consume_tokens([token])):
                return False
        return matcher.is_accepting() and not matcher.is_error()

    def feasible(self, tokens: Sequence[int | None], logits: Mapping[int, torch.Tensor] | None = None) -> bool:
        """Whether a witness is found; False says only that none was."""
        return self.search(tokens, logits) is not None

    def progress(self, tokens: Sequence[int | None]) -> Progress:
        """Where the canvas stands, without a search: violated only where what is decided at the beginning shows it."""
        matcher, decided = self._first.deep_copy(), 0
        for decided, token in enumerate([*tokens, None]):
            if token is None:
                break
            if token in self._vocabulary.ends:
                after = all(one is None or self._vocabulary.is_special(one) for one in tokens[decided:])
                return Progress.COMPLETE if after and matcher.is_accepting() else Progress.VIOLATED
            if not self._vocabulary.is_special(token) and not matcher.try_consume_tokens([token]):
                return Progress.VIOLATED
        if decided == len(tokens):
            return Progress.COMPLETE if matcher.is_accepting() else Progress.VIOLATED
        alone = all(token is None for token in tokens[decided:])
        return Progress.MATCHED if alone and matcher.is_accepting() else Progress.INCOMPLETE

    def _fill(self, tokens, rows):
        """For each position, what fills the canvas from there when the text ends before it, None where it cannot.

        And what that adds to a text's score.
        """
        ends, out, scores = self._vocabulary.ends, [()], [0.0]
        for position in range(len(tokens) - 1, -1, -1):
            token, score = tokens[position], 0.0
            if token is None and ends:
                row = rows.get(position)
                token = ends[0] if row is None else max(ends, key=row.__getitem__)
                score = -1.0 if row is None else float(row[token])
            elif token is not None and not self._vocabulary.is_special(token):
                token = None
            out.append(None if out[-1] is None or token is None else (token, *out[-1]))
            scores.append(scores[-1] + score)
        return out[::-1], scores[::-1]

    def _next(self, text, decided, row):
        """Tokens to try after a text, with what each adds to its score."""
        if decided is not None:
            if self._vocabulary.is_special(decided):
                return [] if decided in self._vocabulary.ends else [(decided, 0.0)]
            return [(decided, 0.0)] if text.mask[decided] else []
        options = np.flatnonzero(text.mask & self._vocabulary.ordinary)
        if not len(options):
            return []
        rank = self._vocabulary.shortest_first[options]
        near = options[np.argpartition(rank, min(len(rank) - 1, 8 * SHORT))[: 8 * SHORT + 1]]
        near = near[np.argsort(self._vocabulary.shortest_first[near])]
        chosen: dict[int, float] = {}
        if row is not None:
            best = options[np.argpartition(-row[options], min(len(options) - 1, LIKELY))[:LIKELY]]
            chosen = {int(token): float(row[token]) for token in best}
        edges = set()
        for token in near.tolist():
            piece = self._vocabulary.pieces[token]
            if (piece[0], piece[-1]) not in edges and len(edges) < SHORT:
                edges.add((piece[0], piece[-1]))
                chosen.setdefault(token, float(row[token]) if row is not None else -1.0)
        return list(chosen.items())

    def _kept(self, tried, beam):
        """The next texts: half for the likeliest, half for those to which the grammar leaves the least choice."""
        tried.sort(key=lambda one: (-one[0], one[1]))
        if len(tried) > 2 * beam:
            rest = tried[beam:]
            tried = tried[:beam] + [rest[number * len(rest) // beam] for number in range(beam)]
        seen, made = set(), []
        for score, token, before in tried:
            matcher = before.matcher.deep_copy()
            if not self._vocabulary.is_special(token) and not matcher.try_consume_tokens([token]):
                continue
            allowed = mask(matcher, self._vocabulary)
            key = allowed.tobytes()
            if key in seen and len(made) >= beam // 2:
                continue
            seen.add(key)
            made.append(_Text(matcher, (*before.tokens, token), score, allowed, matcher.is_accepting()))
        likely, others = made[: beam // 2], made[beam // 2 :]
        others.sort(key=lambda text: (not text.accepts, int(text.mask.sum())))
        return likely + others[: beam - len(likely)]


def _row(logits):
    """Log-probabilities of a position, float32 [V]."""
    return torch.log_softmax(logits.float(), -1).cpu().numpy()
