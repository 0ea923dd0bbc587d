"""A text that was corrupted, restored by a sampler, and how much of it came back."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from inference_service.engine.decoding import decode
from inference_service.engine.jobs import Forward, Passed
from inference_service.models.denoiser import Denoiser
from inference_service.sessions.frame import Settings


@dataclass(frozen=True)
class Recovered:
    """original, restored: the text's tokens. masked: positions counted from its start, ascending.

    mean_probability: mean p_base of what the model committed, edits included; None where no sampler tells it.
    forward_count: passes taken.
    """

    original: list[int]
    restored: list[int]
    masked: list[int]
    mean_probability: float | None
    forward_count: int

    @property
    def right(self) -> int:
        """Of the masked positions those whose token came back."""
        return sum(self.original[position] == self.restored[position] for position in self.masked)

    @property
    def accuracy(self) -> float:
        return self.right / len(self.masked)


def recover_job(denoiser: Denoiser, prompt: Sequence[int], text: Sequence[int], masked: Sequence[int],
                settings: Settings) -> Generator[Forward, Passed, Recovered]:
    """Restores a text, decoded as a session decodes a prompt with holes.

    prompt: stands before the text and is never masked. masked: positions of the text, at least one.
    Raises InvalidField for settings that do not fit the model.
    """
    holes = set(masked)
    canvas = [*prompt, *(None if position in holes else token for position, token in enumerate(text))]
    decoded = yield from decode(denoiser, canvas, 0, settings)
    told = [commit.probability for proposal in decoded.proposals for commit in (*proposal.commits, *proposal.edits)
            if commit.probability is not None]
    return Recovered(list(text), decoded.tokens[len(prompt):], sorted(holes), math.fsum(told) / len(told) if told
                     else None, decoded.forwards)
