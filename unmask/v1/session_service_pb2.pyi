import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from unmask.v1 import frame_pb2 as _frame_pb2
from unmask.v1 import prediction_pb2 as _prediction_pb2
from unmask.v1 import settings_pb2 as _settings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Session(_message.Message):
    __slots__ = ("id", "model", "revision", "head_revision", "state", "canvas", "prompt_length", "settings", "create_time", "update_time", "expire_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Session.State]
        STATE_IDLE: _ClassVar[Session.State]
        STATE_RUNNING: _ClassVar[Session.State]
        STATE_COMPLETE: _ClassVar[Session.State]
    STATE_UNSPECIFIED: Session.State
    STATE_IDLE: Session.State
    STATE_RUNNING: Session.State
    STATE_COMPLETE: Session.State
    ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HEAD_REVISION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CANVAS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    model: str
    revision: int
    head_revision: int
    state: Session.State
    canvas: Canvas
    prompt_length: int
    settings: _settings_pb2.Settings
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., model: _Optional[str] = ..., revision: _Optional[int] = ..., head_revision: _Optional[int] = ..., state: _Optional[_Union[Session.State, str]] = ..., canvas: _Optional[_Union[Canvas, _Mapping]] = ..., prompt_length: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Canvas(_message.Message):
    __slots__ = ("tokens", "states")
    class PositionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        POSITION_STATE_UNSPECIFIED: _ClassVar[Canvas.PositionState]
        POSITION_STATE_OPEN: _ClassVar[Canvas.PositionState]
        POSITION_STATE_COMMITTED: _ClassVar[Canvas.PositionState]
        POSITION_STATE_GIVEN: _ClassVar[Canvas.PositionState]
    POSITION_STATE_UNSPECIFIED: Canvas.PositionState
    POSITION_STATE_OPEN: Canvas.PositionState
    POSITION_STATE_COMMITTED: Canvas.PositionState
    POSITION_STATE_GIVEN: Canvas.PositionState
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    states: _containers.RepeatedScalarFieldContainer[Canvas.PositionState]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., states: _Optional[_Iterable[_Union[Canvas.PositionState, str]]] = ...) -> None: ...

class Prompt(_message.Message):
    __slots__ = ("chat", "text", "tokens")
    CHAT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    chat: Chat
    text: str
    tokens: TokenList
    def __init__(self, chat: _Optional[_Union[Chat, _Mapping]] = ..., text: _Optional[str] = ..., tokens: _Optional[_Union[TokenList, _Mapping]] = ...) -> None: ...

class Chat(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("role", "content")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    role: str
    content: str
    def __init__(self, role: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class TokenList(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ids: _Optional[_Iterable[int]] = ...) -> None: ...

class CreateSessionRequest(_message.Message):
    __slots__ = ("model", "prompt", "length", "settings", "ttl", "request_id", "word_constraints")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORD_CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: Prompt
    length: int
    settings: _settings_pb2.Settings
    ttl: _duration_pb2.Duration
    request_id: str
    word_constraints: _containers.RepeatedCompositeFieldContainer[WordConstraint]
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[_Union[Prompt, _Mapping]] = ..., length: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., word_constraints: _Optional[_Iterable[_Union[WordConstraint, _Mapping]]] = ...) -> None: ...

class WordConstraint(_message.Message):
    __slots__ = ("offset", "text", "tokens")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    offset: int
    text: str
    tokens: TokenList
    def __init__(self, offset: _Optional[int] = ..., text: _Optional[str] = ..., tokens: _Optional[_Union[TokenList, _Mapping]] = ...) -> None: ...

class CreateSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id", "revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DeleteSessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StepRequest(_message.Message):
    __slots__ = ("session_id", "count", "expected_revision", "settings", "draft", "predict", "request_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    count: int
    expected_revision: int
    settings: _settings_pb2.Settings
    draft: bool
    predict: bool
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., count: _Optional[int] = ..., expected_revision: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., draft: _Optional[bool] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class StepResponse(_message.Message):
    __slots__ = ("frame", "prediction")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    frame: _frame_pb2.Frame
    prediction: _prediction_pb2.Prediction
    def __init__(self, frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., prediction: _Optional[_Union[_prediction_pb2.Prediction, _Mapping]] = ...) -> None: ...

class SelectRequest(_message.Message):
    __slots__ = ("session_id", "selections", "expected_revision", "predict", "request_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTIONS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    selections: _containers.RepeatedCompositeFieldContainer[Selection]
    expected_revision: int
    predict: bool
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., selections: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ..., expected_revision: _Optional[int] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class Selection(_message.Message):
    __slots__ = ("position", "token")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    position: int
    token: int
    def __init__(self, position: _Optional[int] = ..., token: _Optional[int] = ...) -> None: ...

class SelectResponse(_message.Message):
    __slots__ = ("frame", "prediction")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    frame: _frame_pb2.Frame
    prediction: _prediction_pb2.Prediction
    def __init__(self, frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., prediction: _Optional[_Union[_prediction_pb2.Prediction, _Mapping]] = ...) -> None: ...

class RewindRequest(_message.Message):
    __slots__ = ("session_id", "revision", "expected_revision", "predict", "request_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    expected_revision: int
    predict: bool
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., expected_revision: _Optional[int] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class RewindResponse(_message.Message):
    __slots__ = ("frame", "prediction")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    frame: _frame_pb2.Frame
    prediction: _prediction_pb2.Prediction
    def __init__(self, frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., prediction: _Optional[_Union[_prediction_pb2.Prediction, _Mapping]] = ...) -> None: ...

class ReprocessRequest(_message.Message):
    __slots__ = ("session_id", "revision", "settings", "candidate_count", "gumbel_noise", "gumbel_temperature", "positions")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    GUMBEL_NOISE_FIELD_NUMBER: _ClassVar[int]
    GUMBEL_TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    settings: _settings_pb2.Settings
    candidate_count: int
    gumbel_noise: bool
    gumbel_temperature: float
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., candidate_count: _Optional[int] = ..., gumbel_noise: _Optional[bool] = ..., gumbel_temperature: _Optional[float] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ReprocessResponse(_message.Message):
    __slots__ = ("revision", "candidates", "recomputed", "settings")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTED_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    candidates: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.PositionCandidates]
    recomputed: bool
    settings: _settings_pb2.Settings
    def __init__(self, revision: _Optional[int] = ..., candidates: _Optional[_Iterable[_Union[_prediction_pb2.PositionCandidates, _Mapping]]] = ..., recomputed: _Optional[bool] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ...) -> None: ...

class PredictRequest(_message.Message):
    __slots__ = ("session_id", "revision", "candidate_positions", "candidate_count")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_POSITIONS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    candidate_positions: _containers.RepeatedScalarFieldContainer[int]
    candidate_count: int
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., candidate_positions: _Optional[_Iterable[int]] = ..., candidate_count: _Optional[int] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("prediction",)
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    prediction: _prediction_pb2.Prediction
    def __init__(self, prediction: _Optional[_Union[_prediction_pb2.Prediction, _Mapping]] = ...) -> None: ...

class GetCandidatesRequest(_message.Message):
    __slots__ = ("session_id", "revision", "positions", "count")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    positions: _containers.RepeatedScalarFieldContainer[int]
    count: int
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., positions: _Optional[_Iterable[int]] = ..., count: _Optional[int] = ...) -> None: ...

class GetCandidatesResponse(_message.Message):
    __slots__ = ("revision", "candidates", "recomputed")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    candidates: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.PositionCandidates]
    recomputed: bool
    def __init__(self, revision: _Optional[int] = ..., candidates: _Optional[_Iterable[_Union[_prediction_pb2.PositionCandidates, _Mapping]]] = ..., recomputed: _Optional[bool] = ...) -> None: ...

class ProposeRequest(_message.Message):
    __slots__ = ("session_id", "settings")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    settings: _settings_pb2.Settings
    def __init__(self, session_id: _Optional[str] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ...) -> None: ...

class ProposeResponse(_message.Message):
    __slots__ = ("revision", "commits", "cached", "reopens", "edits", "substep")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    COMMITS_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    REOPENS_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    SUBSTEP_FIELD_NUMBER: _ClassVar[int]
    revision: int
    commits: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedCommit]
    cached: bool
    reopens: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedReopen]
    edits: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedCommit]
    substep: str
    def __init__(self, revision: _Optional[int] = ..., commits: _Optional[_Iterable[_Union[_prediction_pb2.ProposedCommit, _Mapping]]] = ..., cached: _Optional[bool] = ..., reopens: _Optional[_Iterable[_Union[_prediction_pb2.ProposedReopen, _Mapping]]] = ..., edits: _Optional[_Iterable[_Union[_prediction_pb2.ProposedCommit, _Mapping]]] = ..., substep: _Optional[str] = ...) -> None: ...

class WatchSessionRequest(_message.Message):
    __slots__ = ("session_id", "after_revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    after_revision: int
    def __init__(self, session_id: _Optional[str] = ..., after_revision: _Optional[int] = ...) -> None: ...

class WatchSessionResponse(_message.Message):
    __slots__ = ("session", "frame")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    session: Session
    frame: _frame_pb2.Frame
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ..., frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ...) -> None: ...
