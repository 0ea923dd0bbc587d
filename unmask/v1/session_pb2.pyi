import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from unmask.v1 import frame_pb2 as _frame_pb2
from unmask.v1 import settings_pb2 as _settings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Session(_message.Message):
    __slots__ = ("id", "model", "revision", "head_revision", "state", "canvas", "prompt_length", "settings", "create_time", "update_time", "expire_time", "first_revision", "summary", "read_only", "undo_revision", "redo_revision", "sampler_state", "mask_token", "looking_forward_count", "weights", "cache_revision")
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
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    UNDO_REVISION_FIELD_NUMBER: _ClassVar[int]
    REDO_REVISION_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_STATE_FIELD_NUMBER: _ClassVar[int]
    MASK_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOOKING_FORWARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    CACHE_REVISION_FIELD_NUMBER: _ClassVar[int]
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
    first_revision: int
    summary: _frame_pb2.Summary
    read_only: bool
    undo_revision: int
    redo_revision: int
    sampler_state: str
    mask_token: int
    looking_forward_count: int
    weights: str
    cache_revision: int
    def __init__(self, id: _Optional[str] = ..., model: _Optional[str] = ..., revision: _Optional[int] = ..., head_revision: _Optional[int] = ..., state: _Optional[_Union[Session.State, str]] = ..., canvas: _Optional[_Union[Canvas, _Mapping]] = ..., prompt_length: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., first_revision: _Optional[int] = ..., summary: _Optional[_Union[_frame_pb2.Summary, _Mapping]] = ..., read_only: _Optional[bool] = ..., undo_revision: _Optional[int] = ..., redo_revision: _Optional[int] = ..., sampler_state: _Optional[str] = ..., mask_token: _Optional[int] = ..., looking_forward_count: _Optional[int] = ..., weights: _Optional[str] = ..., cache_revision: _Optional[int] = ...) -> None: ...

class Canvas(_message.Message):
    __slots__ = ("tokens", "states", "by_hand", "protected")
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
    BY_HAND_FIELD_NUMBER: _ClassVar[int]
    PROTECTED_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[int]
    states: _containers.RepeatedScalarFieldContainer[Canvas.PositionState]
    by_hand: _containers.RepeatedScalarFieldContainer[int]
    protected: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tokens: _Optional[_Iterable[int]] = ..., states: _Optional[_Iterable[_Union[Canvas.PositionState, str]]] = ..., by_hand: _Optional[_Iterable[int]] = ..., protected: _Optional[_Iterable[int]] = ...) -> None: ...

class Branch(_message.Message):
    __slots__ = ("leaf_revision", "fork_revision", "name", "named_revision", "length", "update_time", "summary", "settings", "current", "other_names")
    LEAF_REVISION_FIELD_NUMBER: _ClassVar[int]
    FORK_REVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAMED_REVISION_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    OTHER_NAMES_FIELD_NUMBER: _ClassVar[int]
    leaf_revision: int
    fork_revision: int
    name: str
    named_revision: int
    length: int
    update_time: _timestamp_pb2.Timestamp
    summary: _frame_pb2.Summary
    settings: _settings_pb2.Settings
    current: bool
    other_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, leaf_revision: _Optional[int] = ..., fork_revision: _Optional[int] = ..., name: _Optional[str] = ..., named_revision: _Optional[int] = ..., length: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., summary: _Optional[_Union[_frame_pb2.Summary, _Mapping]] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., current: _Optional[bool] = ..., other_names: _Optional[_Iterable[str]] = ...) -> None: ...

class DiffSpan(_message.Message):
    __slots__ = ("equal", "position", "count", "other_position", "other_count")
    EQUAL_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    OTHER_POSITION_FIELD_NUMBER: _ClassVar[int]
    OTHER_COUNT_FIELD_NUMBER: _ClassVar[int]
    equal: bool
    position: int
    count: int
    other_position: int
    other_count: int
    def __init__(self, equal: _Optional[bool] = ..., position: _Optional[int] = ..., count: _Optional[int] = ..., other_position: _Optional[int] = ..., other_count: _Optional[int] = ...) -> None: ...
