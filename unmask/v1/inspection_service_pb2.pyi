import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from unmask.v1 import prompt_pb2 as _prompt_pb2
from unmask.v1 import settings_pb2 as _settings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttributeRequest(_message.Message):
    __slots__ = ("session_id", "revision", "position", "token", "contrast", "method", "sources", "spans", "window", "steps")
    class Method(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        METHOD_UNSPECIFIED: _ClassVar[AttributeRequest.Method]
        METHOD_ABLATION: _ClassVar[AttributeRequest.Method]
        METHOD_OCCLUSION: _ClassVar[AttributeRequest.Method]
        METHOD_ATTENTION: _ClassVar[AttributeRequest.Method]
        METHOD_SALIENCY: _ClassVar[AttributeRequest.Method]
        METHOD_INPUT_X_GRADIENT: _ClassVar[AttributeRequest.Method]
        METHOD_INTEGRATED_GRADIENTS: _ClassVar[AttributeRequest.Method]
    METHOD_UNSPECIFIED: AttributeRequest.Method
    METHOD_ABLATION: AttributeRequest.Method
    METHOD_OCCLUSION: AttributeRequest.Method
    METHOD_ATTENTION: AttributeRequest.Method
    METHOD_SALIENCY: AttributeRequest.Method
    METHOD_INPUT_X_GRADIENT: AttributeRequest.Method
    METHOD_INTEGRATED_GRADIENTS: AttributeRequest.Method
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    position: int
    token: int
    contrast: int
    method: AttributeRequest.Method
    sources: _containers.RepeatedScalarFieldContainer[int]
    spans: _containers.RepeatedCompositeFieldContainer[PositionSpan]
    window: int
    steps: int
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., position: _Optional[int] = ..., token: _Optional[int] = ..., contrast: _Optional[int] = ..., method: _Optional[_Union[AttributeRequest.Method, str]] = ..., sources: _Optional[_Iterable[int]] = ..., spans: _Optional[_Iterable[_Union[PositionSpan, _Mapping]]] = ..., window: _Optional[int] = ..., steps: _Optional[int] = ...) -> None: ...

class PositionSpan(_message.Message):
    __slots__ = ("position", "count")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    position: int
    count: int
    def __init__(self, position: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class AttributeResponse(_message.Message):
    __slots__ = ("progress", "attribution")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    progress: InspectionProgress
    attribution: Attribution
    def __init__(self, progress: _Optional[_Union[InspectionProgress, _Mapping]] = ..., attribution: _Optional[_Union[Attribution, _Mapping]] = ...) -> None: ...

class InspectionProgress(_message.Message):
    __slots__ = ("done", "total")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class Attribution(_message.Message):
    __slots__ = ("revision", "position", "token", "contrast", "method", "scores", "target", "baseline", "completeness_gap", "device", "fallback_reason", "notes", "cached", "compute_time")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    COMPLETENESS_GAP_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_REASON_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    revision: int
    position: int
    token: int
    contrast: int
    method: AttributeRequest.Method
    scores: _containers.RepeatedCompositeFieldContainer[SourceScore]
    target: float
    baseline: float
    completeness_gap: float
    device: str
    fallback_reason: str
    notes: _containers.RepeatedScalarFieldContainer[str]
    cached: bool
    compute_time: _duration_pb2.Duration
    def __init__(self, revision: _Optional[int] = ..., position: _Optional[int] = ..., token: _Optional[int] = ..., contrast: _Optional[int] = ..., method: _Optional[_Union[AttributeRequest.Method, str]] = ..., scores: _Optional[_Iterable[_Union[SourceScore, _Mapping]]] = ..., target: _Optional[float] = ..., baseline: _Optional[float] = ..., completeness_gap: _Optional[float] = ..., device: _Optional[str] = ..., fallback_reason: _Optional[str] = ..., notes: _Optional[_Iterable[str]] = ..., cached: _Optional[bool] = ..., compute_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SourceScore(_message.Message):
    __slots__ = ("position", "count", "score")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    position: int
    count: int
    score: float
    def __init__(self, position: _Optional[int] = ..., count: _Optional[int] = ..., score: _Optional[float] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("model", "prompt", "text", "tokens", "samples", "exact", "cfg_scale", "seed", "special_tokens")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    CFG_SCALE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: _prompt_pb2.Prompt
    text: str
    tokens: _prompt_pb2.TokenList
    samples: int
    exact: bool
    cfg_scale: float
    seed: int
    special_tokens: bool
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[_Union[_prompt_pb2.Prompt, _Mapping]] = ..., text: _Optional[str] = ..., tokens: _Optional[_Union[_prompt_pb2.TokenList, _Mapping]] = ..., samples: _Optional[int] = ..., exact: _Optional[bool] = ..., cfg_scale: _Optional[float] = ..., seed: _Optional[int] = ..., special_tokens: _Optional[bool] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("log_likelihood", "standard_error", "done", "total", "exact", "tokens", "token_log_likelihoods", "notes")
    LOG_LIKELIHOOD_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_LOG_LIKELIHOODS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    log_likelihood: float
    standard_error: float
    done: int
    total: int
    exact: bool
    tokens: _containers.RepeatedScalarFieldContainer[int]
    token_log_likelihoods: _containers.RepeatedScalarFieldContainer[float]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, log_likelihood: _Optional[float] = ..., standard_error: _Optional[float] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., exact: _Optional[bool] = ..., tokens: _Optional[_Iterable[int]] = ..., token_log_likelihoods: _Optional[_Iterable[float]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class RecoverRequest(_message.Message):
    __slots__ = ("models", "texts", "prompt", "corruption", "ratio", "rounds", "settings", "special_tokens")
    class Corruption(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CORRUPTION_UNSPECIFIED: _ClassVar[RecoverRequest.Corruption]
        CORRUPTION_RANDOM: _ClassVar[RecoverRequest.Corruption]
        CORRUPTION_STICKY: _ClassVar[RecoverRequest.Corruption]
        CORRUPTION_FRAGMENT: _ClassVar[RecoverRequest.Corruption]
        CORRUPTION_MIXED: _ClassVar[RecoverRequest.Corruption]
    CORRUPTION_UNSPECIFIED: RecoverRequest.Corruption
    CORRUPTION_RANDOM: RecoverRequest.Corruption
    CORRUPTION_STICKY: RecoverRequest.Corruption
    CORRUPTION_FRAGMENT: RecoverRequest.Corruption
    CORRUPTION_MIXED: RecoverRequest.Corruption
    MODELS_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CORRUPTION_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedScalarFieldContainer[str]
    texts: _containers.RepeatedScalarFieldContainer[str]
    prompt: _prompt_pb2.Prompt
    corruption: RecoverRequest.Corruption
    ratio: float
    rounds: int
    settings: _settings_pb2.Settings
    special_tokens: bool
    def __init__(self, models: _Optional[_Iterable[str]] = ..., texts: _Optional[_Iterable[str]] = ..., prompt: _Optional[_Union[_prompt_pb2.Prompt, _Mapping]] = ..., corruption: _Optional[_Union[RecoverRequest.Corruption, str]] = ..., ratio: _Optional[float] = ..., rounds: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., special_tokens: _Optional[bool] = ...) -> None: ...

class RecoverResponse(_message.Message):
    __slots__ = ("progress", "text", "total")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    progress: InspectionProgress
    text: RecoveredText
    total: RecoveredTotal
    def __init__(self, progress: _Optional[_Union[InspectionProgress, _Mapping]] = ..., text: _Optional[_Union[RecoveredText, _Mapping]] = ..., total: _Optional[_Union[RecoveredTotal, _Mapping]] = ...) -> None: ...

class RecoveredText(_message.Message):
    __slots__ = ("model", "index", "original", "restored", "masked", "right", "accuracy", "mean_probability", "forward_count", "corruption")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    MEAN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    FORWARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    CORRUPTION_FIELD_NUMBER: _ClassVar[int]
    model: str
    index: int
    original: _containers.RepeatedScalarFieldContainer[int]
    restored: _containers.RepeatedScalarFieldContainer[int]
    masked: _containers.RepeatedScalarFieldContainer[int]
    right: int
    accuracy: float
    mean_probability: float
    forward_count: int
    corruption: RecoverRequest.Corruption
    def __init__(self, model: _Optional[str] = ..., index: _Optional[int] = ..., original: _Optional[_Iterable[int]] = ..., restored: _Optional[_Iterable[int]] = ..., masked: _Optional[_Iterable[int]] = ..., right: _Optional[int] = ..., accuracy: _Optional[float] = ..., mean_probability: _Optional[float] = ..., forward_count: _Optional[int] = ..., corruption: _Optional[_Union[RecoverRequest.Corruption, str]] = ...) -> None: ...

class RecoveredTotal(_message.Message):
    __slots__ = ("model", "texts", "masked", "right", "accuracy")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    model: str
    texts: int
    masked: int
    right: int
    accuracy: float
    def __init__(self, model: _Optional[str] = ..., texts: _Optional[int] = ..., masked: _Optional[int] = ..., right: _Optional[int] = ..., accuracy: _Optional[float] = ...) -> None: ...
