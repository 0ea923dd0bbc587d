from unmask.v1 import settings_pb2 as _settings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Attention(_message.Message):
    __slots__ = ("name", "summary", "append_only", "block_size", "blocks_from_start", "settles")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    APPEND_ONLY_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FROM_START_FIELD_NUMBER: _ClassVar[int]
    SETTLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    summary: str
    append_only: bool
    block_size: int
    blocks_from_start: bool
    settles: bool
    def __init__(self, name: _Optional[str] = ..., summary: _Optional[str] = ..., append_only: _Optional[bool] = ..., block_size: _Optional[int] = ..., blocks_from_start: _Optional[bool] = ..., settles: _Optional[bool] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "state", "family", "parameter_count", "dtype", "device", "context_length", "vocabulary_size", "mask_token", "eos_token", "eot_token", "has_tokenizer", "has_chat_template", "samplers", "caches", "is_default", "shifted", "bidirectional", "attention", "cache_note", "prefix_tokens", "suffix_tokens", "end_tokens", "weights", "weights_note", "revision", "changed")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Model.State]
        STATE_UNLOADED: _ClassVar[Model.State]
        STATE_LOADING: _ClassVar[Model.State]
        STATE_READY: _ClassVar[Model.State]
    STATE_UNSPECIFIED: Model.State
    STATE_UNLOADED: Model.State
    STATE_LOADING: Model.State
    STATE_READY: Model.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_COUNT_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    MASK_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EOS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EOT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HAS_TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    HAS_CHAT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    SAMPLERS_FIELD_NUMBER: _ClassVar[int]
    CACHES_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    SHIFTED_FIELD_NUMBER: _ClassVar[int]
    BIDIRECTIONAL_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    CACHE_NOTE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SUFFIX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    END_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_NOTE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Model.State
    family: str
    parameter_count: int
    dtype: str
    device: str
    context_length: int
    vocabulary_size: int
    mask_token: int
    eos_token: int
    eot_token: int
    has_tokenizer: bool
    has_chat_template: bool
    samplers: _containers.RepeatedCompositeFieldContainer[_settings_pb2.SamplerDescription]
    caches: _containers.RepeatedCompositeFieldContainer[_settings_pb2.CacheDescription]
    is_default: bool
    shifted: bool
    bidirectional: bool
    attention: Attention
    cache_note: str
    prefix_tokens: _containers.RepeatedScalarFieldContainer[int]
    suffix_tokens: _containers.RepeatedScalarFieldContainer[int]
    end_tokens: _containers.RepeatedScalarFieldContainer[int]
    weights: str
    weights_note: str
    revision: str
    changed: bool
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Model.State, str]] = ..., family: _Optional[str] = ..., parameter_count: _Optional[int] = ..., dtype: _Optional[str] = ..., device: _Optional[str] = ..., context_length: _Optional[int] = ..., vocabulary_size: _Optional[int] = ..., mask_token: _Optional[int] = ..., eos_token: _Optional[int] = ..., eot_token: _Optional[int] = ..., has_tokenizer: _Optional[bool] = ..., has_chat_template: _Optional[bool] = ..., samplers: _Optional[_Iterable[_Union[_settings_pb2.SamplerDescription, _Mapping]]] = ..., caches: _Optional[_Iterable[_Union[_settings_pb2.CacheDescription, _Mapping]]] = ..., is_default: _Optional[bool] = ..., shifted: _Optional[bool] = ..., bidirectional: _Optional[bool] = ..., attention: _Optional[_Union[Attention, _Mapping]] = ..., cache_note: _Optional[str] = ..., prefix_tokens: _Optional[_Iterable[int]] = ..., suffix_tokens: _Optional[_Iterable[int]] = ..., end_tokens: _Optional[_Iterable[int]] = ..., weights: _Optional[str] = ..., weights_note: _Optional[str] = ..., revision: _Optional[str] = ..., changed: _Optional[bool] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "families")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    FAMILIES_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    families: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., families: _Optional[_Iterable[str]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class LoadModelRequest(_message.Message):
    __slots__ = ("name", "dtype", "token_ids", "family")
    class TokenIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    token_ids: _containers.ScalarMap[str, int]
    family: str
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., token_ids: _Optional[_Mapping[str, int]] = ..., family: _Optional[str] = ...) -> None: ...

class LoadModelResponse(_message.Message):
    __slots__ = ("phase", "done", "total", "model")
    class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PHASE_UNSPECIFIED: _ClassVar[LoadModelResponse.Phase]
        PHASE_INSPECTING: _ClassVar[LoadModelResponse.Phase]
        PHASE_DOWNLOADING: _ClassVar[LoadModelResponse.Phase]
        PHASE_LOADING_WEIGHTS: _ClassVar[LoadModelResponse.Phase]
        PHASE_WARMING_UP: _ClassVar[LoadModelResponse.Phase]
        PHASE_READY: _ClassVar[LoadModelResponse.Phase]
    PHASE_UNSPECIFIED: LoadModelResponse.Phase
    PHASE_INSPECTING: LoadModelResponse.Phase
    PHASE_DOWNLOADING: LoadModelResponse.Phase
    PHASE_LOADING_WEIGHTS: LoadModelResponse.Phase
    PHASE_WARMING_UP: LoadModelResponse.Phase
    PHASE_READY: LoadModelResponse.Phase
    PHASE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    phase: LoadModelResponse.Phase
    done: int
    total: int
    model: Model
    def __init__(self, phase: _Optional[_Union[LoadModelResponse.Phase, str]] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnloadModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ("model", "text", "special_tokens", "add_special_tokens")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ADD_SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: str
    text: str
    special_tokens: bool
    add_special_tokens: bool
    def __init__(self, model: _Optional[str] = ..., text: _Optional[str] = ..., special_tokens: _Optional[bool] = ..., add_special_tokens: _Optional[bool] = ...) -> None: ...

class TokenizeResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("id", "text", "bytes", "special", "lead", "trail")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    LEAD_FIELD_NUMBER: _ClassVar[int]
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    id: int
    text: str
    bytes: bytes
    special: bool
    lead: int
    trail: int
    def __init__(self, id: _Optional[int] = ..., text: _Optional[str] = ..., bytes: _Optional[bytes] = ..., special: _Optional[bool] = ..., lead: _Optional[int] = ..., trail: _Optional[int] = ...) -> None: ...

class DetokenizeRequest(_message.Message):
    __slots__ = ("model", "ids", "open_before")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    OPEN_BEFORE_FIELD_NUMBER: _ClassVar[int]
    model: str
    ids: _containers.RepeatedScalarFieldContainer[int]
    open_before: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, model: _Optional[str] = ..., ids: _Optional[_Iterable[int]] = ..., open_before: _Optional[_Iterable[int]] = ...) -> None: ...

class DetokenizeResponse(_message.Message):
    __slots__ = ("text", "tokens")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    text: str
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, text: _Optional[str] = ..., tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...
