"""A canvas filled in any order under a grammar: sound, by a complete text kept at hand.

A witness is a full canvas that matches and agrees with every decided position. A token may be committed when the
witness has it there, or when a search finds another witness that has. So there is always a way on, the old witness's
own token; but the search is bounded, and a token with a completion that it does not find is refused.

The search goes from the left with a beam: at a decided position its token; at an open one the tokens that the model
likes best, one for each way in which the grammar can go on, and those of the shortest completion, which is looked for
byte by byte (`completion`) and always kept. Of texts between which the grammar makes no difference, the likeliest goes
on. A text that matches is filled up with ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from llguidance import LLMatcher

from inference_service.sampling.constraints import completion, effort
from inference_service.sampling.constraints.spec import ConstraintError, Progress
from inference_service.sampling.constraints.vocabulary import Vocabulary

BEAM = 8  # texts kept at each position
BUDGET = 12_000  # tokens tried in one search; then the shortest completion alone goes on
LIKELY = 4  # tokens that the model likes best, tried at an open position
LOOKED = 64  # of the model's best, how many are looked at to find those
WAYS = 10  # ways to go on that are tried there, the rarest first
COMPLETIONS = 4  # looked for in one search
REMEMBERED = 256  # completions and ways to go on

Witness = tuple[int, ...]


@dataclass
class _Text:
    """One text of the beam. place: behind its last byte. rest: what completes it in the fewest tokens, if known."""

    place: completion.Place
    tokens: Witness
    score: float
    rest: Witness | None = None


class Witnesses:
    """A constraint on canvases of any length. Safe to share between threads: what it keeps only helps the next search.

    Raises ConstraintError, from any method, where llguidance meets a limit of its own.
    """

    exact = False

    def __init__(self, make: Callable[[], LLMatcher], make_bytes: Callable[[], LLMatcher], vocabulary: Vocabulary):
        """make: gives a matcher before the first token. make_bytes: one over the vocabulary completion.BYTES."""
        self._make, self._make_bytes = make, make_bytes
        self._first, self._first_place = make(), completion.place(make_bytes())
        self._vocabulary = vocabulary
        self._completions: dict[bytes, Witness | None] = {}
        self._ways: dict[object, list[int]] = {}

    def search(self, tokens: Sequence[int | None], logits: Mapping[int, torch.Tensor] | None = None,
               beam: int = BEAM, budget: int = BUDGET) -> Witness | None:
        """A complete canvas that matches and agrees with what is decided, None where none is found.

        tokens: the generated part, None where open. logits: of open positions, by their index, each [V]; where there
        are none the model is not asked. beam: texts kept at each position. budget: tokens tried in all.
        """
        try:
            found = self._search([None if token is None else int(token) for token in tokens], logits, beam, budget)
            return found if found and self.matches(found) else None
        except ConstraintError:
            # Copies of a matcher share what a limit has broken.
            self._first, self._first_place = self._make(), completion.place(self._make_bytes())
            raise

    def _search(self, tokens, logits, beam, budget):
        rows = {} if logits is None else {place: _row(logits[place]) for place in logits if tokens[place] is None}
        fill, fill_scores = self._fill(tokens, rows)
        texts = [_Text(self._first_place, (), 0.0)]
        found: tuple[float, Witness] | None = None
        completions = COMPLETIONS
        for position in range(len(tokens) + 1):
            for text in texts:
                score, filling = text.score + fill_scores[position], fill[position]
                if text.place.accepts and filling is not None and (found is None or score > found[0]):
                    found = score, text.tokens + filling
            if position == len(tokens):
                break
            token, row = tokens[position], rows.get(position)
            if token is None and completions and all(text.rest is None for text in texts):
                texts[0].rest, completions = self._completion(texts[0]), completions - 1
            if budget <= 0:
                texts = [text for text in texts if text.rest is not None][:1]
            best = () if row is None or token is not None else _best(row, LOOKED)
            tried = []
            for text in texts:
                for one, score in self._next(text, token, row, best, budget > 0):
                    budget -= 1
                    tried.append((text.score + score, one, text))
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
            effort.check()
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
        ends, scores = self._vocabulary.ends, [0.0]
        out: list[tuple[int, ...] | None] = [()]
        for position in range(len(tokens) - 1, -1, -1):
            token, score = tokens[position], 0.0
            if token is None and ends:
                row = rows.get(position)
                token = ends[0] if row is None else max(ends, key=row.__getitem__)
                score = -1.0 if row is None else float(row[token])
            elif token is not None and not self._vocabulary.is_special(token):
                token = None
            after = out[-1]
            out.append(None if after is None or token is None else (token, *after))
            scores.append(scores[-1] + score)
        return out[::-1], scores[::-1]

    def _next(self, text, decided, row, best, all_ways):
        """Tokens to try after a text, with what each adds to its score. best: the model's, likeliest first."""
        pieces = self._vocabulary.pieces
        if decided is not None:
            if self._vocabulary.is_special(decided):
                return [] if decided in self._vocabulary.ends else [(decided, 0.0)]
            return [(decided, 0.0)] if text.place.follows(pieces[decided]) else []
        chosen = dict.fromkeys(text.rest[:1] if text.rest else ())
        if all_ways:
            starts = [self._vocabulary.by_first_byte[byte] for byte in text.place.allowed]
            if row is not None and sum(map(len, starts)) <= 2000:  # few tokens can come at all: of those the best
                options = np.concatenate(starts) if starts else np.zeros(0, np.int64)
                best = options[np.argsort(-row[options], kind="stable")[:LOOKED]].tolist()
            likely = 0
            for token in best:
                if pieces[token] and text.place.follows(pieces[token]):
                    chosen[token] = None
                    if (likely := likely + 1) == LIKELY:
                        break
            chosen |= dict.fromkeys(self._ways_on(text.place))
        return [(token, float(row[token]) if row is not None else -1.0) for token in chosen]

    def _ways_on(self, place):
        """Short tokens, one for each way in which the grammar can go on; what was found at a place alike is used."""
        known = self._ways.get(place.key)
        if known is None:
            single = self._vocabulary.single
            known = [int(single[byte]) for byte, _, _ in place.groups(single >= 0)][:WAYS]
            for byte in place.allowed:
                if len(known) == WAYS:
                    break
                if single[byte] < 0:  # the vocabulary has it at the beginning of longer tokens alone
                    known += [int(token) for token in self._vocabulary.by_first_byte[byte][:1]]
            # A token of several bytes that ends something and goes on: no other is as short where there is little room.
            for token in list(known):
                longer = self._vocabulary.by_first_byte[self._vocabulary.pieces[token][0]]
                if len(longer) > 1 and len(known) < 2 * WAYS:
                    fits = [int(one) for one in longer[1:33] if place.follows(self._vocabulary.pieces[one])]
                    known += fits[:1] + fits[-1:]
            self._ways[place.key] = known = list(dict.fromkeys(known))
            if len(self._ways) > REMEMBERED:
                self._ways = {}
        return [token for token in known if place.follows(self._vocabulary.pieces[token])]

    def _completion(self, text):
        """The tokens, as few as can be, of the shortest text that completes one; None where none is found."""
        before = b"".join(self._vocabulary.pieces[token] for token in text.tokens)
        if (known := self._completions.get(before, ...)) is not ...:
            return known
        short = completion.shortest(text.place, self._vocabulary.single >= 0)
        self._completions[before] = found = None if short is None else self._vocabulary.fewest(short)
        if len(self._completions) > REMEMBERED:
            self._completions = {}
        return found

    def _kept(self, tried, beam):
        """The next texts: the shortest completion, half for the likeliest, half for different ways to go on."""
        tried.sort(key=lambda one: (-one[0], one[1]))
        completing = [one for one in tried if one[2].rest and one[2].rest[0] == one[1]]
        likely, others, seen, tokens = [], [], set(), set()
        for score, token, before in completing + tried:
            if (key := (token, id(before))) in tokens:
                continue
            tokens.add(key)
            piece = self._vocabulary.pieces[token]
            there = before.place.after(piece) if piece else before.place
            if there is None:
                continue
            new = there.key not in seen
            seen.add(there.key)
            rest = before.rest if not piece else (
                before.rest[1:] if before.rest and before.rest[0] == token else None)
            text = _Text(there, (*before.tokens, token), score, rest)
            if rest is not None or len(likely) < beam // 2:
                likely.append(text)
            elif new:
                others.append(text)
        others.sort(key=lambda text: (not text.place.accepts, len(text.place.allowed)))
        room = max(beam - len(likely), 1)
        if len(others) > room:  # what ends soonest, and what can still become anything
            others = others[: room - room // 2] + others[len(others) - room // 2 :]
        return likely + others


def _best(row, count):
    best = np.argpartition(-row, min(len(row) - 1, count))[:count]
    return best[np.argsort(-row[best])].tolist()


def _row(logits):
    """Log-probabilities of a position, float32 [V]."""
    return torch.log_softmax(logits.float(), -1).cpu().numpy()
