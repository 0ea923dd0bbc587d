from unmask.v1 import prompt_pb2 as _prompt_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Edit(_message.Message):
    __slots__ = ("mask", "unmask", "replace", "force_token", "force_text", "protect", "unprotect", "insert", "delete", "delete_last", "append")
    MASK_FIELD_NUMBER: _ClassVar[int]
    UNMASK_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    FORCE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FORCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    PROTECT_FIELD_NUMBER: _ClassVar[int]
    UNPROTECT_FIELD_NUMBER: _ClassVar[int]
    INSERT_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    DELETE_LAST_FIELD_NUMBER: _ClassVar[int]
    APPEND_FIELD_NUMBER: _ClassVar[int]
    mask: MaskPositions
    unmask: UnmaskPositions
    replace: ReplaceSpan
    force_token: ForceToken
    force_text: ForceText
    protect: ProtectPositions
    unprotect: UnprotectPositions
    insert: InsertOpen
    delete: DeleteSpan
    delete_last: DeleteLast
    append: AppendTurn
    def __init__(self, mask: _Optional[_Union[MaskPositions, _Mapping]] = ..., unmask: _Optional[_Union[UnmaskPositions, _Mapping]] = ..., replace: _Optional[_Union[ReplaceSpan, _Mapping]] = ..., force_token: _Optional[_Union[ForceToken, _Mapping]] = ..., force_text: _Optional[_Union[ForceText, _Mapping]] = ..., protect: _Optional[_Union[ProtectPositions, _Mapping]] = ..., unprotect: _Optional[_Union[UnprotectPositions, _Mapping]] = ..., insert: _Optional[_Union[InsertOpen, _Mapping]] = ..., delete: _Optional[_Union[DeleteSpan, _Mapping]] = ..., delete_last: _Optional[_Union[DeleteLast, _Mapping]] = ..., append: _Optional[_Union[AppendTurn, _Mapping]] = ...) -> None: ...

class MaskPositions(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ...) -> None: ...

class UnmaskPositions(_message.Message):
    __slots__ = ("positions", "source")
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[UnmaskPositions.Source]
        SOURCE_DRAFT: _ClassVar[UnmaskPositions.Source]
        SOURCE_EARLIER: _ClassVar[UnmaskPositions.Source]
    SOURCE_UNSPECIFIED: UnmaskPositions.Source
    SOURCE_DRAFT: UnmaskPositions.Source
    SOURCE_EARLIER: UnmaskPositions.Source
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    source: UnmaskPositions.Source
    def __init__(self, positions: _Optional[_Iterable[int]] = ..., source: _Optional[_Union[UnmaskPositions.Source, str]] = ...) -> None: ...

class ReplaceSpan(_message.Message):
    __slots__ = ("position", "count", "text", "tokens", "fit", "special_tokens")
    class Fit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FIT_UNSPECIFIED: _ClassVar[ReplaceSpan.Fit]
        FIT_SHIFT: _ClassVar[ReplaceSpan.Fit]
        FIT_KEEP_LENGTH: _ClassVar[ReplaceSpan.Fit]
    FIT_UNSPECIFIED: ReplaceSpan.Fit
    FIT_SHIFT: ReplaceSpan.Fit
    FIT_KEEP_LENGTH: ReplaceSpan.Fit
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FIT_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    position: int
    count: int
    text: str
    tokens: _prompt_pb2.TokenList
    fit: ReplaceSpan.Fit
    special_tokens: bool
    def __init__(self, position: _Optional[int] = ..., count: _Optional[int] = ..., text: _Optional[str] = ..., tokens: _Optional[_Union[_prompt_pb2.TokenList, _Mapping]] = ..., fit: _Optional[_Union[ReplaceSpan.Fit, str]] = ..., special_tokens: _Optional[bool] = ...) -> None: ...

class ForceToken(_message.Message):
    __slots__ = ("position", "token")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    position: int
    token: int
    def __init__(self, position: _Optional[int] = ..., token: _Optional[int] = ...) -> None: ...

class ForceText(_message.Message):
    __slots__ = ("position", "text", "special_tokens")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    position: int
    text: str
    special_tokens: bool
    def __init__(self, position: _Optional[int] = ..., text: _Optional[str] = ..., special_tokens: _Optional[bool] = ...) -> None: ...

class ProtectPositions(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ...) -> None: ...

class UnprotectPositions(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, positions: _Optional[_Iterable[int]] = ...) -> None: ...

class InsertOpen(_message.Message):
    __slots__ = ("position", "count")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    position: int
    count: int
    def __init__(self, position: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class DeleteSpan(_message.Message):
    __slots__ = ("position", "count")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    position: int
    count: int
    def __init__(self, position: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class DeleteLast(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class AppendTurn(_message.Message):
    __slots__ = ("turn", "length")
    TURN_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    turn: _prompt_pb2.Prompt
    length: int
    def __init__(self, turn: _Optional[_Union[_prompt_pb2.Prompt, _Mapping]] = ..., length: _Optional[int] = ...) -> None: ...
