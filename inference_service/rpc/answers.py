"""What goes out: predictions and sessions as messages."""

from inference_service.engine.jobs import Predicted, draft_of, mean_entropy
from inference_service.engine.plan import Plan
from inference_service.rpc import convert
from inference_service.sampling import distribution
from inference_service.sessions.collection import Live
from unmask.v1 import prediction_pb2 as pb
from unmask.v1 import session_service_pb2

STATE = session_service_pb2.Session


def session(live: Live, revision: int | None = None, with_canvas: bool = True) -> session_service_pb2.Session:
    """A session at a revision, the newest if None. Raises OutOfRange."""
    revision = live.session.check_revision(revision)
    newest = live.session.state()
    doing = STATE.STATE_RUNNING if live.busy else STATE.STATE_IDLE if newest.open else STATE.STATE_COMPLETE
    return convert.session_to_proto(live.session.origin, live.session.state(revision), revision, live.session.head,
                                    doing, live.row.update_time, live.row.expire_time, with_canvas)


def prediction(plan: Plan, predicted: Predicted, positions: list[int], count: int) -> pb.Prediction:
    """A prediction with its draft, and candidates of some positions."""
    return pb.Prediction(
        revision=predicted.revision,
        draft=convert.draft_to_proto(draft_of(predicted, predicted.prediction.positions, plan.forbidden)),
        candidates=candidates(plan, predicted, positions, count),
        cached=predicted.cached,
        compute_time=convert.duration(predicted.seconds),
        mean_entropy=mean_entropy(predicted.prediction),
    )


def candidates(plan: Plan, predicted: Predicted, positions: list[int], count: int) -> list[pb.PositionCandidates]:
    """The likeliest tokens at some positions, by p_base."""
    if not positions:
        return []
    logits = predicted.prediction.rows(positions)
    p_base = distribution.p_base(logits)
    allowed = distribution.forbid(logits, plan.forbidden)
    p_final = distribution.p_final(allowed, plan.temperature)
    drawable = distribution.drawable(allowed, plan.temperature)
    entropies = distribution.entropy(p_base).tolist()
    shown = p_base.topk(min(count, p_base.shape[-1]), dim=-1)
    answers = []
    for row, position in enumerate(positions):
        tokens = shown.indices[row]
        base, final = shown.values[row], p_final[row][tokens]
        listed = zip(tokens.tolist(), base.tolist(), final.tolist(), drawable[row][tokens].tolist(),
                     logits[row][tokens].tolist(), strict=True)
        answers.append(pb.PositionCandidates(
            position=position,
            candidates=[pb.Candidate(token=token, p_base=b, p_final=f, kept=kept, logit=logit)
                        for token, b, f, kept, logit in listed],
            other_p_base=max(0.0, 1 - base.sum().item()),
            other_p_final=max(0.0, 1 - final.sum().item()),
            kept_count=int(drawable[row].sum()),
            entropy=entropies[row],
        ))
    return answers
