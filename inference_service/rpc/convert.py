"""Plain records to protos and back."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from inference_service.caches.policy import Policy
from inference_service.caches.registry import fitting
from inference_service.models.attention import Attention
from inference_service.models.denoiser import ModelInfo
from inference_service.models.text import TokenPiece
from inference_service.sampling.fields import ParameterDescription, fields_of
from inference_service.sampling.registry import describe
from inference_service.sampling.sampler import AnySampler, Commit, Reopen
from inference_service.sessions.frame import (
    CacheChoice,
    Cause,
    Change,
    Constraint,
    ConstraintProgress,
    Draft,
    Frame,
    Settings,
    Splice,
    StopReason,
    Summary,
)
from inference_service.sessions.state import Origin, State
from unmask.canvas import canvas_of
from unmask.enums import enum_number
from unmask.v1 import constraint_pb2, frame_pb2, model_service_pb2, prediction_pb2, session_pb2, settings_pb2

PositionState = session_pb2.Canvas.PositionState
KINDS = settings_pb2.ParameterDescription.Kind


def timestamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(round(seconds * 1e9))  # cut off, it would lose a bit each time that it is read and written
    return stamp


def duration(seconds: float) -> Duration:
    span = Duration()
    span.FromNanoseconds(round(seconds * 1e9))
    return span


# ---- settings ----

def settings_to_proto(settings: Settings) -> settings_pb2.Settings:
    message = settings_pb2.Settings(sampler=settings.sampler, seed=settings.seed,
                                    constraint=constraint_to_proto(settings.constraint))
    message.parameters.update(settings.parameters)
    if settings.cache:
        message.cache.name = settings.cache.name
        message.cache.parameters.update(settings.cache.parameters)
    return message


def constraint_to_proto(constraint: Constraint | None) -> constraint_pb2.Constraint | None:
    if constraint is None:
        return None
    value: Any = constraint.value  # texts of a choice, of any other kind one text
    if constraint.kind == "choice":
        return constraint_pb2.Constraint(choice=constraint_pb2.Choice(options=value))
    return constraint_pb2.Constraint(**{constraint.kind: value})


def constraint_from_proto(message: constraint_pb2.Constraint) -> Constraint | None:
    """None for one without a kind."""
    kind = message.WhichOneof("kind")
    if kind is None:
        return None
    return Constraint(kind, tuple(message.choice.options) if kind == "choice" else getattr(message, kind))


def parameters_from_proto(message: settings_pb2.Settings | settings_pb2.CacheSettings) -> dict:
    """The named values, NaN too, at which MessageToDict would raise: the samplers' records say what they take."""
    return {name: _content(value) for name, value in message.parameters.fields.items()}


def _content(value):
    """A Value as Python has it. Records stay messages: no parameter takes one."""
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "list_value":
        return [_content(item) for item in value.list_value.values]
    content = getattr(value, kind)
    return int(content) if kind == "number_value" and content.is_integer() else content


def settings_from_proto(message: settings_pb2.Settings) -> Settings:
    """Settings that were complete when they were written."""
    return Settings(message.sampler, parameters_from_proto(message), message.seed,
                    constraint_from_proto(message.constraint), cache_from_proto(message))


def cache_from_proto(message: settings_pb2.Settings) -> CacheChoice | None:
    """None where none is named."""
    return CacheChoice(message.cache.name, parameters_from_proto(message.cache)) if message.HasField("cache") else None


def sampler_to_proto(sampler: AnySampler, own: Mapping[str, object]) -> settings_pb2.SamplerDescription:
    """own: parameters by name that have other defaults on a model."""
    message = settings_pb2.SamplerDescription(name=sampler.name, summary=sampler.summary, source=sampler.source,
                                              revises=sampler.revises)
    message.parameters.extend(_parameters(describe(sampler), own))
    return message


def cache_to_proto(policy: Policy, samplers: Iterable[AnySampler]) -> settings_pb2.CacheDescription:
    """samplers: the model's."""
    return settings_pb2.CacheDescription(
        name=policy.name, summary=policy.summary, source=policy.source, costs=policy.costs, exact=policy.exact,
        parameters=_parameters(fields_of(policy.parameters), {}),
        samplers=[sampler.name for sampler in samplers if policy.suits(sampler)])


def _parameters(fields: Iterable[ParameterDescription],
                own: Mapping[str, object]) -> Iterator[settings_pb2.ParameterDescription]:
    for described in fields:
        parameter = settings_pb2.ParameterDescription(
            name=described.name, kind=enum_number(KINDS.Value(f"KIND_{described.kind.upper()}")),
            minimum=described.minimum, maximum=described.maximum, choices=described.choices, summary=described.summary)
        _set_value(parameter.default, own.get(described.name, described.default))
        yield parameter


def _set_value(value, content) -> None:
    if content is None:
        value.null_value = 0
    elif isinstance(content, bool):
        value.bool_value = content
    elif isinstance(content, str):
        value.string_value = content
    elif isinstance(content, list):
        value.list_value.SetInParent()  # an empty one is a list too
        value.list_value.extend(content)
    else:
        value.number_value = content


# ---- frames ----

def frame_to_proto(frame: Frame) -> frame_pb2.Frame:
    return frame_pb2.Frame(
        revision=frame.revision,
        parent_revision=frame.parent,
        cause=enum_number(frame.cause),
        changes=changes_to_proto(frame.changes),
        settings=settings_to_proto(frame.settings) if frame.settings else None,
        summary=summary_to_proto(frame.summary),
        draft=draft_to_proto(frame.draft) if frame.draft else None,
        create_time=timestamp(frame.create_time),
        sampler_state=_state_text(frame.sampler_state),
        substep=frame.substep,
        splices=[frame_pb2.Splice(position=splice.position, removed=splice.removed, inserted=splice.inserted)
                 for splice in frame.splices],
        prompt_length=frame.start,
        protected=frame.protected,
        unprotected=frame.unprotected,
        read_only=frame.read_only,
        cache_revision=frame.cache_revision,
    )


def changes_to_proto(changes) -> list[frame_pb2.Change]:
    return [frame_pb2.Change(position=change.position, token=change.token, probability=change.probability,
                             given=change.given) for change in changes]


def summary_to_proto(summary: Summary) -> frame_pb2.Summary:
    return frame_pb2.Summary(
        open_count=summary.open_count, forward_count=summary.forward_count,
        total_forward_count=summary.total_forward_count, mean_probability=summary.mean_probability,
        min_probability=summary.min_probability, mean_entropy=summary.mean_entropy,
        compute_time=duration(summary.compute_seconds) if summary.compute_seconds else None,
        approximations=summary.approximations,
        wall_time=duration(summary.wall_seconds) if summary.wall_seconds else None,
        total_wall_time=duration(summary.total_wall_seconds) if summary.total_wall_seconds else None,
        pending=summary.pending, tokens_before_end=summary.tokens_before_end,
        stop_reason=enum_number(summary.stop_reason), constraint=enum_number(summary.constraint),
        reused_forward_count=summary.reused_forward_count)


def _state_text(sampler_state) -> str:
    return json.dumps(sampler_state, separators=(",", ":")) if sampler_state else ""


def sent(frame: Frame) -> frame_pb2.Frame:
    """A frame for a client: without what only the sampler reads, which would be most of its bytes."""
    message = frame_to_proto(frame)
    message.ClearField("sampler_state")
    return message


def sent_from_bytes(body: bytes) -> frame_pb2.Frame:
    """A kept frame for a client, at a tenth of the cost of making it anew."""
    message = frame_pb2.Frame.FromString(body)
    message.ClearField("sampler_state")
    return message


def frame_from_proto(message: frame_pb2.Frame) -> Frame:
    return Frame(
        revision=message.revision,
        parent=message.parent_revision,
        cause=Cause(message.cause),
        create_time=message.create_time.ToNanoseconds() / 1e9,
        summary=_summary_from_proto(message.summary),
        changes=tuple(Change(change.position, _optional(change, "token"), _optional(change, "probability"),
                             change.given) for change in message.changes),
        settings=settings_from_proto(message.settings) if message.HasField("settings") else None,
        draft=_draft_from_proto(message.draft) if message.HasField("draft") else None,
        sampler_state=json.loads(message.sampler_state) if message.sampler_state else {},
        substep=message.substep,
        splices=tuple(Splice(splice.position, splice.removed, splice.inserted) for splice in message.splices),
        start=_optional(message, "prompt_length"),
        protected=tuple(message.protected),
        unprotected=tuple(message.unprotected),
        read_only=message.read_only,
        cache_revision=_optional(message, "cache_revision"),
    )


def _summary_from_proto(summary: frame_pb2.Summary) -> Summary:
    return Summary(
        summary.open_count, summary.forward_count, summary.total_forward_count,
        _optional(summary, "mean_probability"), _optional(summary, "min_probability"),
        _optional(summary, "mean_entropy"), summary.compute_time.ToNanoseconds() / 1e9,
        tuple(summary.approximations), summary.wall_time.ToNanoseconds() / 1e9,
        summary.total_wall_time.ToNanoseconds() / 1e9, summary.pending, _optional(summary, "tokens_before_end"),
        StopReason(summary.stop_reason), ConstraintProgress(summary.constraint), summary.reused_forward_count)


def draft_to_proto(draft: Draft) -> frame_pb2.Draft:
    return frame_pb2.Draft(positions=draft.positions, tokens=draft.tokens, probabilities=draft.probabilities,
                           entropies=draft.entropies, predicted_at=draft.predicted_at)


def _draft_from_proto(message: frame_pb2.Draft) -> Draft:
    return Draft(tuple(message.positions), tuple(message.tokens), message.probabilities, message.entropies,
                 message.predicted_at)


def _optional(message, field: str):
    return getattr(message, field) if message.HasField(field) else None


# ---- sessions ----

def session_to_proto(origin: Origin, at: State, revision: int, with_canvas: bool = True,
                     **more) -> session_pb2.Session:
    """A session at a revision. more: the fields that are not the state's."""
    return session_pb2.Session(
        id=origin.session_id, model=origin.model, revision=revision,
        canvas=_canvas(origin, at) if with_canvas else None, prompt_length=at.start,
        settings=settings_to_proto(at.settings), create_time=timestamp(origin.create_time),
        summary=summary_to_proto(Summary(
            at.tokens.count(None), total_forward_count=at.total_forward_count,
            total_wall_seconds=at.total_wall_seconds, pending=at.pending)),
        read_only=at.read_only, mask_token=origin.mask_token, weights=origin.weights, **more)


def _canvas(origin: Origin, state: State) -> session_pb2.Canvas:
    shown = origin.mask_token or 0  # a model that reads from left to right has none
    tokens = [shown if token is None else token for token in state.tokens]
    states = [PositionState.POSITION_STATE_OPEN if token is None
              else PositionState.POSITION_STATE_GIVEN if position in state.given
              else PositionState.POSITION_STATE_COMMITTED for position, token in enumerate(state.tokens)]
    return session_pb2.Canvas(tokens=tokens, states=states, by_hand=sorted(state.by_hand),
                              protected=sorted(state.protected))


def base_to_proto(origin: Origin, state: State, revision: int) -> session_pb2.Session:
    """A state with all that is needed to go on from it."""
    return session_to_proto(origin, state, revision, sampler_state=_state_text(state.sampler_state),
                            cache_revision=state.cache_revision)


def state_from_proto(message: session_pb2.Session) -> State:
    """The state that a Session message is, with the sampler's where it has it."""
    summary = message.summary
    return State(canvas_of(message), settings_from_proto(message.settings),
                 json.loads(message.sampler_state) if message.sampler_state else {}, summary.total_forward_count,
                 summary.total_wall_time.ToNanoseconds() / 1e9, summary.pending, message.read_only,
                 _optional(message, "cache_revision"))


# ---- models and predictions ----

def attention_to_proto(kind: Attention) -> model_service_pb2.Attention:
    return model_service_pb2.Attention(name=kind.name, summary=kind.summary, append_only=kind.append_only,
                                       block_size=kind.block_size, blocks_from_start=kind.blocks_from_start,
                                       settles=kind.settles)


def model_to_proto(name: str, info: ModelInfo | None, state: int, is_default: bool, has_tokenizer: bool = False,
                   has_chat_template: bool = False, samplers=(), changed: bool = False) -> model_service_pb2.Model:
    described = [sampler_to_proto(sampler, info.defaults_of(sampler.name) if info else {}) for sampler in samplers]
    caches = [cache_to_proto(policy, samplers) for policy in fitting(info)] if info and samplers else []
    message = model_service_pb2.Model(name=name, state=enum_number(state), is_default=is_default,
                                      has_tokenizer=has_tokenizer, has_chat_template=has_chat_template,
                                      samplers=described, caches=caches, changed=changed)
    if info:
        message.MergeFrom(model_service_pb2.Model(
            family=info.family, parameter_count=info.parameter_count, dtype=info.dtype, device=info.device,
            context_length=info.context_length, vocabulary_size=info.vocabulary_size, mask_token=info.mask_token,
            eos_token=info.eos_token, eot_token=info.eot_token, shifted=info.shifted,
            bidirectional=info.attention.bidirectional, attention=attention_to_proto(info.attention),
            cache_note=info.cache_note, prefix_tokens=info.prefix_tokens, suffix_tokens=info.suffix_tokens,
            end_tokens=info.end_tokens, weights=info.weights,
            weights_note=info.weights_note, revision=info.revision))
    return message


def token_to_proto(piece: TokenPiece) -> model_service_pb2.Token:
    return model_service_pb2.Token(id=piece.id, text=piece.text, bytes=piece.bytes, special=piece.special,
                                  lead=piece.lead, trail=piece.trail)


def commit_to_proto(commit: Commit) -> prediction_pb2.ProposedCommit:
    return prediction_pb2.ProposedCommit(position=commit.position, token=commit.token, probability=commit.probability,
                                         score=commit.score)


def reopen_to_proto(reopen: Reopen) -> prediction_pb2.ProposedReopen:
    return prediction_pb2.ProposedReopen(position=reopen.position, score=reopen.score)
