import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from unmask.v1 import frame_pb2 as _frame_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Prediction(_message.Message):
    __slots__ = ("revision", "draft", "candidates", "cached", "compute_time", "mean_entropy")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    MEAN_ENTROPY_FIELD_NUMBER: _ClassVar[int]
    revision: int
    draft: _frame_pb2.Draft
    candidates: _containers.RepeatedCompositeFieldContainer[PositionCandidates]
    cached: bool
    compute_time: _duration_pb2.Duration
    mean_entropy: float
    def __init__(self, revision: _Optional[int] = ..., draft: _Optional[_Union[_frame_pb2.Draft, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[PositionCandidates, _Mapping]]] = ..., cached: _Optional[bool] = ..., compute_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mean_entropy: _Optional[float] = ...) -> None: ...

class PositionCandidates(_message.Message):
    __slots__ = ("position", "candidates", "other_p_base", "other_p_final", "kept_count", "entropy", "margin", "chosen", "valid_count")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    OTHER_P_BASE_FIELD_NUMBER: _ClassVar[int]
    OTHER_P_FINAL_FIELD_NUMBER: _ClassVar[int]
    KEPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTROPY_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    VALID_COUNT_FIELD_NUMBER: _ClassVar[int]
    position: int
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    other_p_base: float
    other_p_final: float
    kept_count: int
    entropy: float
    margin: float
    chosen: int
    valid_count: int
    def __init__(self, position: _Optional[int] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., other_p_base: _Optional[float] = ..., other_p_final: _Optional[float] = ..., kept_count: _Optional[int] = ..., entropy: _Optional[float] = ..., margin: _Optional[float] = ..., chosen: _Optional[int] = ..., valid_count: _Optional[int] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("token", "p_base", "p_final", "kept", "logit", "invalid")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    P_BASE_FIELD_NUMBER: _ClassVar[int]
    P_FINAL_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    LOGIT_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    token: int
    p_base: float
    p_final: float
    kept: bool
    logit: float
    invalid: bool
    def __init__(self, token: _Optional[int] = ..., p_base: _Optional[float] = ..., p_final: _Optional[float] = ..., kept: _Optional[bool] = ..., logit: _Optional[float] = ..., invalid: _Optional[bool] = ...) -> None: ...

class ProposedCommit(_message.Message):
    __slots__ = ("position", "token", "probability", "score")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    position: int
    token: int
    probability: float
    score: float
    def __init__(self, position: _Optional[int] = ..., token: _Optional[int] = ..., probability: _Optional[float] = ..., score: _Optional[float] = ...) -> None: ...

class ProposedReopen(_message.Message):
    __slots__ = ("position", "score")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    position: int
    score: float
    def __init__(self, position: _Optional[int] = ..., score: _Optional[float] = ...) -> None: ...
