"""An oracle for edits: a plain list of cells that remember where they come from, and random edits to try on it."""

from dataclasses import dataclass

from hypothesis import strategies as st

from inference_service.errors import FailedPrecondition
from inference_service.sessions import edit_kinds as core
from unmask.frames import carried

CONTEXT, EOS, EOT = 14, 90, 91
ENDS = (EOS, EOT)
TOKENS = st.integers(0, 5) | st.sampled_from(ENDS)


def read(state):
    """A state as a test writes it: tokens, then given, protected, by hand and the prompt's length."""
    return list(state.tokens), sorted(state.given), sorted(state.protected), sorted(state.by_hand), state.start


@dataclass
class Spot:
    """The oracle's position. source: the parent's; None: put in since. stood: what an earlier revision had here."""

    token: int | None
    source: int | None
    prompt: bool
    given: bool = False
    hand: bool = False
    kept: bool = False


class Refused(Exception):
    """field: behind the edit's name."""


class Row:
    """Edits as the protos tell them, on a list."""

    def __init__(self, state, draft, stood):
        self.draft, self.stood = draft, stood
        self.spots = [Spot(token, position, position < state.start, position in state.given,
                           position in state.by_hand, position in state.protected)
                      for position, token in enumerate(state.tokens)]

    def do(self, edit):
        getattr(self, type(edit).__name__.lower())(edit)
        if not self.spots or len(self.spots) > CONTEXT:
            raise Refused("")

    def named(self, positions):
        if not positions or not all(0 <= position < len(self.spots) for position in positions):
            raise Refused(".positions")
        return [self.spots[position] for position in sorted(set(positions))]

    def span(self, position, count):
        if position < 0 or position + count > len(self.spots):
            raise Refused(".position")
        return self.spots[position:position + count]

    @staticmethod
    def tell(spot, token):
        spot.token = token
        spot.hand = not spot.given

    @staticmethod
    def open(spot):
        if spot.token is not None:
            spot.token, spot.given, spot.hand, spot.kept = None, False, False, False

    def mask(self, edit):
        for spot in self.named(edit.positions):
            self.open(spot)

    def unmask(self, edit):
        spots = self.named(edit.positions)
        stood = {id(spot): self.stood.get(spot.source) for spot in spots}
        for spot in spots:
            if spot.token is not None or (stood[id(spot)] is None if edit.earlier else spot.source not in self.draft):
                raise Refused(".positions")
        for spot in spots:
            if edit.earlier:
                token, spot.given = stood[id(spot)]
                self.tell(spot, token)
            else:
                self.tell(spot, self.draft[spot.source][0])

    def force(self, edit):
        for spot, token in zip(self.span(edit.position, len(edit.tokens)), edit.tokens, strict=True):
            self.tell(spot, token)

    def replace(self, edit):
        span, tokens = self.span(edit.position, edit.count), list(edit.tokens)
        if (edit.keep_length and len(tokens) > edit.count) or not (edit.count or tokens):
            raise Refused("")
        end = edit.position + edit.count
        behind = self.spots[end].prompt if end < len(self.spots) else False
        prompt = span[-1].prompt if span else behind
        given_ = all(spot.given for spot in span) if span else prompt
        if edit.keep_length:
            tokens += [None] * (edit.count - len(tokens))
        new = [Spot(None, None, prompt) for _ in tokens[len(span):]]
        row = span[:len(tokens)] + new
        if new and span and prompt and not behind:  # the prompt's last position stays its last
            row = [*span[:-1], *new, span[-1]]
        for spot, token in zip(row, tokens, strict=True):
            if token is None:
                self.open(spot)
            elif given_:
                spot.token, spot.given, spot.hand, spot.kept = token, True, False, False
            else:
                self.tell(spot, token)
        self.spots[edit.position:end] = row

    def protect(self, edit):
        spots = self.named(edit.positions)
        if any(spot.token is None for spot in spots):
            raise Refused(".positions")
        for spot in spots:
            spot.kept = spot.kept or not spot.given

    def unprotect(self, edit):
        spots = self.named(edit.positions)
        if any(spot.given for spot in spots):
            raise Refused(".positions")
        for spot in spots:
            spot.kept = spot.hand = False

    def insert(self, edit):
        if not 0 <= edit.position <= len(self.spots):
            raise Refused(".position")
        if not 1 <= edit.count <= CONTEXT - len(self.spots):
            raise Refused(".count")
        within = edit.position < sum(spot.prompt for spot in self.spots)
        self.spots[edit.position:edit.position] = [Spot(None, None, within) for _ in range(edit.count)]

    def delete(self, edit):
        self.span(edit.position, edit.count)
        if edit.count < 1:
            raise Refused(".count")
        del self.spots[edit.position:edit.position + edit.count]

    def deletelast(self, edit):
        decided = [spot for spot in self.spots if spot.token is not None and not spot.prompt]
        if not 1 <= edit.count <= len(decided):
            raise Refused(".count")
        gone = {id(spot) for spot in decided[-edit.count:]}
        self.spots = [spot for spot in self.spots if id(spot) not in gone]

    def append(self, edit):
        answer = [position for position, spot in enumerate(self.spots) if not spot.prompt]
        end = next((position for position in answer if self.spots[position].token in ENDS), len(self.spots))
        turn = list(edit.turn)
        if end < len(self.spots) and turn and self.spots[end].token == turn[0]:
            turn, end = turn[1:], end + 1
        del self.spots[end:]
        if any(spot.token is None for spot in self.spots):
            raise FailedPrecondition("open")
        left = CONTEXT - len(self.spots) - len(turn)
        length = max(1, min(edit.length, left)) if edit.capped else edit.length
        if not 1 <= length <= left:
            raise Refused(".length")
        for spot in self.spots:
            spot.prompt, spot.given, spot.hand, spot.kept = True, True, False, False
        self.spots += [Spot(token, None, True, token is not None) for token in turn]
        self.spots += [Spot(None, None, False) for _ in range(length)]

    def read(self):
        def where(flag):
            return [position for position, spot in enumerate(self.spots) if getattr(spot, flag)]

        return ([spot.token for spot in self.spots], where("given"), where("kept"), where("hand"),
                sum(spot.prompt for spot in self.spots))


def edits_for(size):
    """One edit, more often right than not, on a canvas of a size."""
    position = st.integers(0, size + (size <= 3))
    positions = st.lists(position, min_size=0, max_size=3)
    count = st.integers(0, 3)
    tokens = st.lists(TOKENS, min_size=1, max_size=3)
    return st.one_of(
        st.builds(core.Mask, positions), st.builds(core.Unmask, positions, st.booleans()),
        st.builds(core.Force, position, tokens),
        st.builds(core.Replace, position, count, st.lists(st.none() | TOKENS, max_size=3), st.booleans()),
        st.builds(core.Protect, positions), st.builds(core.Unprotect, positions),
        st.builds(core.Insert, position, st.integers(0, 2)), st.builds(core.Delete, position, count),
        st.builds(core.DeleteLast, st.integers(0, 2)),
        st.builds(core.Append, st.lists(st.none() | TOKENS, max_size=3).map(tuple), st.integers(0, 3), st.booleans()))


def stood_at(session, base):
    """What last stood at each position on the way to a revision, from the states alone: no frame's opening is read."""
    way = list(session.tree.way(base))[::-1]
    stood = [None] * session.state(way[0]).size
    stood = _seen(stood, session.state(way[0]))
    for revision in way[1:]:
        stood = carried(stood, session.frame(revision).splices)
        stood = _seen(stood, session.state(revision))
    return dict(enumerate(stood))


def _seen(stood, state):
    return [(token, position in state.given) if token is not None else before
            for position, (token, before) in enumerate(zip(state.tokens, stood, strict=True))]
