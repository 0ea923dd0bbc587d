from google.protobuf import struct_pb2 as _struct_pb2
from unmask.v1 import constraint_pb2 as _constraint_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Settings(_message.Message):
    __slots__ = ("sampler", "parameters", "seed", "constraint", "cache")
    SAMPLER_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINT_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    sampler: str
    parameters: _struct_pb2.Struct
    seed: int
    constraint: _constraint_pb2.Constraint
    cache: CacheSettings
    def __init__(self, sampler: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., seed: _Optional[int] = ..., constraint: _Optional[_Union[_constraint_pb2.Constraint, _Mapping]] = ..., cache: _Optional[_Union[CacheSettings, _Mapping]] = ...) -> None: ...

class CacheSettings(_message.Message):
    __slots__ = ("name", "parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    parameters: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CacheDescription(_message.Message):
    __slots__ = ("name", "summary", "source", "costs", "exact", "parameters", "samplers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SAMPLERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    summary: str
    source: str
    costs: str
    exact: bool
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterDescription]
    samplers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., summary: _Optional[str] = ..., source: _Optional[str] = ..., costs: _Optional[str] = ..., exact: _Optional[bool] = ..., parameters: _Optional[_Iterable[_Union[ParameterDescription, _Mapping]]] = ..., samplers: _Optional[_Iterable[str]] = ...) -> None: ...

class SamplerDescription(_message.Message):
    __slots__ = ("name", "summary", "source", "parameters", "revises")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    REVISES_FIELD_NUMBER: _ClassVar[int]
    name: str
    summary: str
    source: str
    parameters: _containers.RepeatedCompositeFieldContainer[ParameterDescription]
    revises: bool
    def __init__(self, name: _Optional[str] = ..., summary: _Optional[str] = ..., source: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[ParameterDescription, _Mapping]]] = ..., revises: _Optional[bool] = ...) -> None: ...

class ParameterDescription(_message.Message):
    __slots__ = ("name", "kind", "minimum", "maximum", "choices", "default", "summary")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[ParameterDescription.Kind]
        KIND_BOOL: _ClassVar[ParameterDescription.Kind]
        KIND_INTEGER: _ClassVar[ParameterDescription.Kind]
        KIND_NUMBER: _ClassVar[ParameterDescription.Kind]
        KIND_CHOICE: _ClassVar[ParameterDescription.Kind]
        KIND_TEXTS: _ClassVar[ParameterDescription.Kind]
    KIND_UNSPECIFIED: ParameterDescription.Kind
    KIND_BOOL: ParameterDescription.Kind
    KIND_INTEGER: ParameterDescription.Kind
    KIND_NUMBER: ParameterDescription.Kind
    KIND_CHOICE: ParameterDescription.Kind
    KIND_TEXTS: ParameterDescription.Kind
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: ParameterDescription.Kind
    minimum: float
    maximum: float
    choices: _containers.RepeatedScalarFieldContainer[str]
    default: _struct_pb2.Value
    summary: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[ParameterDescription.Kind, str]] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., choices: _Optional[_Iterable[str]] = ..., default: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., summary: _Optional[str] = ...) -> None: ...
