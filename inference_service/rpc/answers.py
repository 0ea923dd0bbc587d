"""What goes out: predictions and sessions as messages."""

from contextlib import suppress

import torch

from inference_service.engine.jobs import Predicted, draft_of, mean_entropy
from inference_service.engine.plan import Plan
from inference_service.errors import DataLoss
from inference_service.rpc import convert
from inference_service.sampling import distribution
from inference_service.sessions.compare import Comparison
from inference_service.sessions.live import LiveSession
from inference_service.sessions.session import Session
from inference_service.sessions.tree import Line
from unmask.enums import enum_number
from unmask.v1 import prediction_pb2 as pb
from unmask.v1 import session_pb2

STATE = session_pb2.Session
MOST_CANDIDATES = 100  # for a position


def session(live: LiveSession, revision: int | None = None, with_canvas: bool = True) -> session_pb2.Session:
    """A session at a revision, the newest if None. Raises OutOfRange."""
    made = live.session
    revision = made.check_revision(revision)
    try:
        newest = made.state()
        more = newest.open or newest.pending
    except DataLoss:  # an earlier one can be looked at all the same
        if revision == made.head:
            raise
        more = True
    doing = STATE.STATE_RUNNING if live.busy else STATE.STATE_IDLE if more else STATE.STATE_COMPLETE
    message = convert.session_to_proto(
        made.origin, made.state(revision), revision, with_canvas, head_revision=made.head, state=doing,
        first_revision=made.first, update_time=convert.timestamp(live.row.update_time),
        expire_time=convert.timestamp(live.row.expire_time), undo_revision=_kept(made, made.tree.undo()),
        redo_revision=_kept(made, made.tree.redo()), looking_forward_count=made.looking_forwards)
    if with_canvas:
        told = made.frame(revision).summary
        message.summary.stop_reason = enum_number(told.stop_reason)
        message.summary.constraint = enum_number(told.constraint)
    return message


def _kept(session: Session, revision: int | None) -> int | None:
    """The revision, or None if it is not kept any more."""
    return revision if revision is not None and revision >= session.first else None


def base(live: LiveSession, revision: int) -> session_pb2.Session:
    """A session at a revision that frames are made from, kept or not."""
    return convert.session_to_proto(live.session.origin, live.session.state(revision), revision,
                                    head_revision=live.session.head, first_revision=live.session.first)


def branch(live: LiveSession, line: Line, names: dict[str, int]) -> session_pb2.Branch:
    """A branch with its names. Where its newest place is not kept any more, the session stands at it.

    Of one that is damaged, what the tree knows: no settings, and no summary if its newest frame is the damaged one.
    """
    made = live.session
    revision = line.leaf if line.leaf >= made.first else made.head
    frame = state = None
    with suppress(DataLoss):
        frame = made.frame(revision)
        state = made.state(revision)
    by_place = {at: name for name, at in names.items()}
    named = [at for at in line.own if at in by_place]
    return session_pb2.Branch(
        leaf_revision=line.leaf, fork_revision=line.fork, name=by_place[named[0]] if named else "",
        named_revision=named[0] if named else None, other_names=[by_place[at] for at in named[1:]],
        length=len(line.own), update_time=convert.timestamp(frame.create_time) if frame else None,
        summary=convert.summary_to_proto(frame.summary) if frame else None,
        settings=convert.settings_to_proto(state.settings) if state else None,
        current=line == made.tree.current())


def comparison(found: Comparison) -> list[session_pb2.DiffSpan]:
    return [session_pb2.DiffSpan(equal=span.equal, position=span.position, count=span.count,
                                 other_position=span.other_position, other_count=span.other_count)
            for span in found.spans]


def prediction(plan: Plan, predicted: Predicted, positions: list[int], count: int) -> pb.Prediction:
    """A prediction with its draft, and candidates of some positions."""
    return pb.Prediction(
        revision=predicted.revision,
        draft=convert.draft_to_proto(draft_of(predicted, plan.open, plan.context)),
        candidates=candidates(plan, predicted, positions, count),
        cached=predicted.cached,
        compute_time=convert.duration(predicted.seconds),
        mean_entropy=mean_entropy(predicted.prediction),
    )


def likeliest(plan: Plan, predicted: Predicted) -> dict[int, tuple[int, float]]:
    """The draft with its p_base, by position."""
    draft = draft_of(predicted, plan.open, plan.context)
    p = distribution.p_base(predicted.prediction.rows(plan.open))
    told = distribution.probability_of(p, torch.tensor(draft.tokens, device=p.device))
    return {position: (token, probability)
            for position, token, probability in zip(draft.positions, draft.tokens, told.tolist(), strict=True)}


def candidates(plan: Plan, predicted: Predicted, positions: list[int], count: int) -> list[pb.PositionCandidates]:
    """The likeliest tokens at some positions, by p_base."""
    if not positions:
        return []
    logits = predicted.prediction.rows(positions)
    p_base = distribution.p_base(logits)
    shaped = plan.context.shape(logits, positions)
    allowed = plan.context.allowed(positions) if plan.context.allowed else None
    p_final = distribution.p_final(shaped, plan.parameters.temperature)
    kept = distribution.drawable(shaped, plan.parameters.temperature)
    entropies, margins = distribution.entropy(p_base).tolist(), distribution.margin(p_base).tolist()
    shown, lengths = _shown(p_base, allowed, count)
    invalid = torch.zeros_like(kept) if allowed is None else ~allowed.to(kept.device)
    listed = [[row[:length] for row, length in zip(column.tolist(), lengths, strict=True)] for column in (
        shown, *(whole.gather(-1, shown) for whole in (p_base, p_final, kept, logits, invalid)))]
    valid = [None] * len(positions) if allowed is None else allowed.sum(-1).tolist()
    rows = zip(positions, *listed, kept.sum(-1).tolist(), entropies, margins, valid,
               strict=True)
    return [
        pb.PositionCandidates(
            position=position,
            candidates=[pb.Candidate(token=token, p_base=b, p_final=f, kept=k, logit=logit, invalid=bad)
                        for token, b, f, k, logit, bad in zip(tokens, base, final, keep, raw, barred, strict=True)],
            other_p_base=max(0.0, 1 - sum(base)),
            other_p_final=max(0.0, 1 - sum(final)),
            kept_count=kept_count,
            entropy=entropy,
            margin=margin,
            valid_count=valid_count,
        )
        for position, tokens, base, final, keep, raw, barred, kept_count, entropy, margin, valid_count in rows
    ]


def _shown(p_base: torch.Tensor, allowed: torch.Tensor | None, count: int) -> tuple[torch.Tensor, list[int]]:
    """Which tokens are listed, int64 [N, K], and how many of each row count.

    The likeliest; where a constraint bars some, also the likeliest that it lets stand, as many as were asked for.
    """
    count = min(count, p_base.shape[-1])
    likeliest = p_base.topk(count, dim=-1).indices
    if allowed is None:
        return likeliest, [count] * len(p_base)
    valid = p_base.masked_fill(~allowed.to(p_base.device), -1.0).topk(count, dim=-1)
    rows = [[*some, *(token for token, p in zip(others, values, strict=True) if p >= 0 and token not in some)]
            for some, others, values in zip(likeliest.tolist(), valid.indices.tolist(), valid.values.tolist(),
                                            strict=True)]
    lengths = [len(row) for row in rows]
    padded = [[*row, *[row[0]] * (max(lengths) - len(row))] for row in rows]
    return torch.tensor(padded, device=p_base.device), lengths


def reprocessed(plan: Plan, predicted: Predicted, positions: list[int], count: int,
                gumbel: float) -> list[pb.PositionCandidates]:
    """What the plan's settings make of some positions, with the choice by Gumbel noise of a scale, 0 for none."""
    if plan.parameters.top_k > count:
        count = min(MOST_CANDIDATES, plan.parameters.top_k)
    answers = candidates(plan, predicted, positions, count)
    shaped = plan.context.shape(predicted.prediction.rows(positions), positions)
    ln_p = distribution.p_final(shaped, plan.parameters.temperature).log()
    chosen = distribution.gumbel_max(ln_p, gumbel, plan.context.noise, positions) if gumbel else ln_p.argmax(-1)
    for answer, token in zip(answers, chosen.tolist(), strict=True):
        answer.chosen = token
    return answers
