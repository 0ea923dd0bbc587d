import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from unmask.v1 import settings_pb2 as _settings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAUSE_UNSPECIFIED: _ClassVar[Cause]
    CAUSE_CREATE: _ClassVar[Cause]
    CAUSE_STEP: _ClassVar[Cause]
    CAUSE_SELECT: _ClassVar[Cause]
    CAUSE_REWIND: _ClassVar[Cause]
    CAUSE_EDIT: _ClassVar[Cause]

class StopReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP_REASON_UNSPECIFIED: _ClassVar[StopReason]
    STOP_REASON_END: _ClassVar[StopReason]
    STOP_REASON_STOP_SEQUENCE: _ClassVar[StopReason]
    STOP_REASON_MAX_TOKENS: _ClassVar[StopReason]
    STOP_REASON_CONTEXT: _ClassVar[StopReason]
    STOP_REASON_CONSTRAINT: _ClassVar[StopReason]

class ConstraintProgress(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSTRAINT_PROGRESS_UNSPECIFIED: _ClassVar[ConstraintProgress]
    CONSTRAINT_PROGRESS_INCOMPLETE: _ClassVar[ConstraintProgress]
    CONSTRAINT_PROGRESS_MATCHED: _ClassVar[ConstraintProgress]
    CONSTRAINT_PROGRESS_COMPLETE: _ClassVar[ConstraintProgress]
    CONSTRAINT_PROGRESS_VIOLATED: _ClassVar[ConstraintProgress]
CAUSE_UNSPECIFIED: Cause
CAUSE_CREATE: Cause
CAUSE_STEP: Cause
CAUSE_SELECT: Cause
CAUSE_REWIND: Cause
CAUSE_EDIT: Cause
STOP_REASON_UNSPECIFIED: StopReason
STOP_REASON_END: StopReason
STOP_REASON_STOP_SEQUENCE: StopReason
STOP_REASON_MAX_TOKENS: StopReason
STOP_REASON_CONTEXT: StopReason
STOP_REASON_CONSTRAINT: StopReason
CONSTRAINT_PROGRESS_UNSPECIFIED: ConstraintProgress
CONSTRAINT_PROGRESS_INCOMPLETE: ConstraintProgress
CONSTRAINT_PROGRESS_MATCHED: ConstraintProgress
CONSTRAINT_PROGRESS_COMPLETE: ConstraintProgress
CONSTRAINT_PROGRESS_VIOLATED: ConstraintProgress

class Frame(_message.Message):
    __slots__ = ("revision", "parent_revision", "cause", "changes", "settings", "summary", "draft", "create_time", "sampler_state", "substep", "splices", "prompt_length", "protected", "unprotected", "read_only", "cache_revision")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PARENT_REVISION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_STATE_FIELD_NUMBER: _ClassVar[int]
    SUBSTEP_FIELD_NUMBER: _ClassVar[int]
    SPLICES_FIELD_NUMBER: _ClassVar[int]
    PROMPT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    PROTECTED_FIELD_NUMBER: _ClassVar[int]
    UNPROTECTED_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    CACHE_REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    parent_revision: int
    cause: Cause
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    settings: _settings_pb2.Settings
    summary: Summary
    draft: Draft
    create_time: _timestamp_pb2.Timestamp
    sampler_state: str
    substep: str
    splices: _containers.RepeatedCompositeFieldContainer[Splice]
    prompt_length: int
    protected: _containers.RepeatedScalarFieldContainer[int]
    unprotected: _containers.RepeatedScalarFieldContainer[int]
    read_only: bool
    cache_revision: int
    def __init__(self, revision: _Optional[int] = ..., parent_revision: _Optional[int] = ..., cause: _Optional[_Union[Cause, str]] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., summary: _Optional[_Union[Summary, _Mapping]] = ..., draft: _Optional[_Union[Draft, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sampler_state: _Optional[str] = ..., substep: _Optional[str] = ..., splices: _Optional[_Iterable[_Union[Splice, _Mapping]]] = ..., prompt_length: _Optional[int] = ..., protected: _Optional[_Iterable[int]] = ..., unprotected: _Optional[_Iterable[int]] = ..., read_only: _Optional[bool] = ..., cache_revision: _Optional[int] = ...) -> None: ...

class Splice(_message.Message):
    __slots__ = ("position", "removed", "inserted")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    position: int
    removed: int
    inserted: int
    def __init__(self, position: _Optional[int] = ..., removed: _Optional[int] = ..., inserted: _Optional[int] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("position", "token", "probability", "given")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    position: int
    token: int
    probability: float
    given: bool
    def __init__(self, position: _Optional[int] = ..., token: _Optional[int] = ..., probability: _Optional[float] = ..., given: _Optional[bool] = ...) -> None: ...

class Summary(_message.Message):
    __slots__ = ("open_count", "forward_count", "total_forward_count", "mean_probability", "min_probability", "mean_entropy", "compute_time", "approximations", "wall_time", "total_wall_time", "pending", "tokens_before_end", "stop_reason", "constraint", "reused_forward_count")
    OPEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    FORWARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FORWARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MEAN_ENTROPY_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    APPROXIMATIONS_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_WALL_TIME_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    TOKENS_BEFORE_END_FIELD_NUMBER: _ClassVar[int]
    STOP_REASON_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINT_FIELD_NUMBER: _ClassVar[int]
    REUSED_FORWARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    open_count: int
    forward_count: int
    total_forward_count: int
    mean_probability: float
    min_probability: float
    mean_entropy: float
    compute_time: _duration_pb2.Duration
    approximations: _containers.RepeatedScalarFieldContainer[str]
    wall_time: _duration_pb2.Duration
    total_wall_time: _duration_pb2.Duration
    pending: bool
    tokens_before_end: int
    stop_reason: StopReason
    constraint: ConstraintProgress
    reused_forward_count: int
    def __init__(self, open_count: _Optional[int] = ..., forward_count: _Optional[int] = ..., total_forward_count: _Optional[int] = ..., mean_probability: _Optional[float] = ..., min_probability: _Optional[float] = ..., mean_entropy: _Optional[float] = ..., compute_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., approximations: _Optional[_Iterable[str]] = ..., wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., total_wall_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., pending: _Optional[bool] = ..., tokens_before_end: _Optional[int] = ..., stop_reason: _Optional[_Union[StopReason, str]] = ..., constraint: _Optional[_Union[ConstraintProgress, str]] = ..., reused_forward_count: _Optional[int] = ...) -> None: ...

class Draft(_message.Message):
    __slots__ = ("positions", "tokens", "probabilities", "entropies", "predicted_at")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    ENTROPIES_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_AT_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    probabilities: bytes
    entropies: bytes
    predicted_at: int
    def __init__(self, positions: _Optional[_Iterable[int]] = ..., tokens: _Optional[_Iterable[int]] = ..., probabilities: _Optional[bytes] = ..., entropies: _Optional[bytes] = ..., predicted_at: _Optional[int] = ...) -> None: ...
