import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from unmask.v1 import frame_pb2 as _frame_pb2
from unmask.v1 import model_service_pb2 as _model_service_pb2
from unmask.v1 import prediction_pb2 as _prediction_pb2
from unmask.v1 import session_pb2 as _session_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Recording(_message.Message):
    __slots__ = ("format", "version", "create_time", "model", "checkpoint", "versions", "session", "frames", "bases", "branch_names", "tokens", "predictions")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BranchNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    BASES_FIELD_NUMBER: _ClassVar[int]
    BRANCH_NAMES_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    format: str
    version: int
    create_time: _timestamp_pb2.Timestamp
    model: _model_service_pb2.Model
    checkpoint: str
    versions: _containers.ScalarMap[str, str]
    session: _session_pb2.Session
    frames: _containers.RepeatedCompositeFieldContainer[_frame_pb2.Frame]
    bases: _containers.RepeatedCompositeFieldContainer[_session_pb2.Session]
    branch_names: _containers.ScalarMap[str, int]
    tokens: _containers.RepeatedCompositeFieldContainer[_model_service_pb2.Token]
    predictions: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.Prediction]
    def __init__(self, format: _Optional[str] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., model: _Optional[_Union[_model_service_pb2.Model, _Mapping]] = ..., checkpoint: _Optional[str] = ..., versions: _Optional[_Mapping[str, str]] = ..., session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ..., frames: _Optional[_Iterable[_Union[_frame_pb2.Frame, _Mapping]]] = ..., bases: _Optional[_Iterable[_Union[_session_pb2.Session, _Mapping]]] = ..., branch_names: _Optional[_Mapping[str, int]] = ..., tokens: _Optional[_Iterable[_Union[_model_service_pb2.Token, _Mapping]]] = ..., predictions: _Optional[_Iterable[_Union[_prediction_pb2.Prediction, _Mapping]]] = ...) -> None: ...
