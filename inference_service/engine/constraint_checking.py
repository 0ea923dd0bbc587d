"""The tokens of a step, each checked in its turn, and the best others for those that cannot stand."""

from dataclasses import replace

import torch

from inference_service.engine.constraint_rules import TRIED, Other, Rule
from inference_service.errors import FailedPrecondition
from inference_service.sampling import distribution
from inference_service.sampling.sampler import Commit, Prediction, Proposal, SamplingContext

WITNESS = "witness"  # in a sampler's state: a complete text that the canvas can still become


def checked(rule: Rule, start: int, known: object, proposal: Proposal, prediction: Prediction,
            context: SamplingContext) -> Proposal:
    """The proposal with every token that cannot stand, after those before it, replaced by the best that can.

    start: of the part of the canvas that the rule is on. known: the witness that came with the revision, if it is one.
    """
    tokens = list(context.region.tokens)
    for reopen in proposal.reopens:
        tokens[reopen.position] = None
    rows = {position: row for row, position in enumerate(prediction.positions)}
    logits = {position - start: prediction.logits[row] for position, row in rows.items()
              if position >= start} if rule.keeps_witness else {}
    witness = rule.witness(tokens[start:], known, logits)
    made: list[list[Commit]] = []
    for commits in (proposal.commits, proposal.edits):
        kept = []
        for commit in commits:
            tokens[commit.position] = None
            if commit.position >= start:
                other = ranked_others(commit.position, rows, prediction, context)
                token, witness = rule.admit(tokens[start:], commit.position - start, commit.token, other,
                                             witness)
                if token is None:
                    raise FailedPrecondition("no token of the model can go on with the constraint here",
                                             reason="CONSTRAINT_STUCK")
                if token != commit.token:
                    commit = replace(commit, token=token, probability=_p_base(token, commit, rows, prediction))
            tokens[commit.position] = commit.token
            kept.append(commit)
        made.append(kept)
    state = proposal.state if witness is None else {**proposal.state, WITNESS: list(witness)}
    return replace(proposal, commits=made[0], edits=made[1], state=state)


def ranked_others(position: int, rows: dict[int, int], prediction: Prediction, context: SamplingContext) -> Other:
    """Tokens for a position as its own draw would have them, best first."""
    def ranked(allowed: torch.Tensor | None) -> list[int]:
        if position not in rows:
            return allowed.nonzero().flatten().tolist() if allowed is not None else []
        raw = prediction.logits[rows[position]][None]
        shaped = distribution.shape(raw, context.parameters, context.region.context, context.forbidden,
                                    None if allowed is None else allowed[None])[0]
        if context.parameters.temperature:
            shaped = shaped.double() + context.noise.gumbel([position], shaped.shape[-1])[0].to(shaped.device)
        best = shaped.topk(min(TRIED, len(shaped)))
        return [token for token, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
                if score > -torch.inf]
    return ranked


def _p_base(token: int, commit: Commit, rows: dict[int, int], prediction: Prediction) -> float | None:
    if commit.position not in rows:
        return None
    return float(distribution.p_base(prediction.logits[rows[commit.position]])[token])
