import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from unmask.v1 import edit_pb2 as _edit_pb2
from unmask.v1 import frame_pb2 as _frame_pb2
from unmask.v1 import prediction_pb2 as _prediction_pb2
from unmask.v1 import prompt_pb2 as _prompt_pb2
from unmask.v1 import session_pb2 as _session_pb2
from unmask.v1 import settings_pb2 as _settings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    prompt: _prompt_pb2.Prompt
    length: int
    settings: _settings_pb2.Settings
    ttl: _duration_pb2.Duration
    request_id: str
    word_constraints: _containers.RepeatedCompositeFieldContainer[WordConstraint]
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[_Union[_prompt_pb2.Prompt, _Mapping]] = ..., length: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., word_constraints: _Optional[_Iterable[_Union[WordConstraint, _Mapping]]] = ...) -> None: ...

class WordConstraint(_message.Message):
    __slots__ = ("offset", "text", "tokens", "special_tokens")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    offset: int
    text: str
    tokens: _prompt_pb2.TokenList
    special_tokens: bool
    def __init__(self, offset: _Optional[int] = ..., text: _Optional[str] = ..., tokens: _Optional[_Union[_prompt_pb2.TokenList, _Mapping]] = ..., special_tokens: _Optional[bool] = ...) -> None: ...

class CreateSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.Session
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ...) -> None: ...

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
    session: _session_pb2.Session
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ...) -> None: ...

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
    sessions: _containers.RepeatedCompositeFieldContainer[_session_pb2.Session]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[_session_pb2.Session, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DeleteSessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StepRequest(_message.Message):
    __slots__ = ("session_id", "count", "expected_revision", "settings", "draft", "predict", "request_id", "from_revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    count: int
    expected_revision: int
    settings: _settings_pb2.Settings
    draft: bool
    predict: bool
    request_id: str
    from_revision: int
    def __init__(self, session_id: _Optional[str] = ..., count: _Optional[int] = ..., expected_revision: _Optional[int] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., draft: _Optional[bool] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ..., from_revision: _Optional[int] = ...) -> None: ...

class StepResponse(_message.Message):
    __slots__ = ("frame", "prediction")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    frame: _frame_pb2.Frame
    prediction: _prediction_pb2.Prediction
    def __init__(self, frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., prediction: _Optional[_Union[_prediction_pb2.Prediction, _Mapping]] = ...) -> None: ...

class SelectRequest(_message.Message):
    __slots__ = ("session_id", "selections", "expected_revision", "predict", "request_id", "from_revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTIONS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    selections: _containers.RepeatedCompositeFieldContainer[Selection]
    expected_revision: int
    predict: bool
    request_id: str
    from_revision: int
    def __init__(self, session_id: _Optional[str] = ..., selections: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ..., expected_revision: _Optional[int] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ..., from_revision: _Optional[int] = ...) -> None: ...

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

class EditRequest(_message.Message):
    __slots__ = ("session_id", "edits", "expected_revision", "predict", "request_id", "from_revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    edits: _containers.RepeatedCompositeFieldContainer[_edit_pb2.Edit]
    expected_revision: int
    predict: bool
    request_id: str
    from_revision: int
    def __init__(self, session_id: _Optional[str] = ..., edits: _Optional[_Iterable[_Union[_edit_pb2.Edit, _Mapping]]] = ..., expected_revision: _Optional[int] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ..., from_revision: _Optional[int] = ...) -> None: ...

class EditResponse(_message.Message):
    __slots__ = ("frame", "prediction")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    frame: _frame_pb2.Frame
    prediction: _prediction_pb2.Prediction
    def __init__(self, frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., prediction: _Optional[_Union[_prediction_pb2.Prediction, _Mapping]] = ...) -> None: ...

class RewindRequest(_message.Message):
    __slots__ = ("session_id", "revision", "expected_revision", "predict", "request_id", "direction")
    class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DIRECTION_UNSPECIFIED: _ClassVar[RewindRequest.Direction]
        DIRECTION_UNDO: _ClassVar[RewindRequest.Direction]
        DIRECTION_REDO: _ClassVar[RewindRequest.Direction]
    DIRECTION_UNSPECIFIED: RewindRequest.Direction
    DIRECTION_UNDO: RewindRequest.Direction
    DIRECTION_REDO: RewindRequest.Direction
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    PREDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    expected_revision: int
    predict: bool
    request_id: str
    direction: RewindRequest.Direction
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., expected_revision: _Optional[int] = ..., predict: _Optional[bool] = ..., request_id: _Optional[str] = ..., direction: _Optional[_Union[RewindRequest.Direction, str]] = ...) -> None: ...

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
    __slots__ = ("session_id", "settings", "revision", "remasking")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REMASKING_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    settings: _settings_pb2.Settings
    revision: int
    remasking: Remasking
    def __init__(self, session_id: _Optional[str] = ..., settings: _Optional[_Union[_settings_pb2.Settings, _Mapping]] = ..., revision: _Optional[int] = ..., remasking: _Optional[_Union[Remasking, _Mapping]] = ...) -> None: ...

class Remasking(_message.Message):
    __slots__ = ("count", "ratio", "rho", "protect_edits")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    RHO_FIELD_NUMBER: _ClassVar[int]
    PROTECT_EDITS_FIELD_NUMBER: _ClassVar[int]
    count: int
    ratio: float
    rho: float
    protect_edits: bool
    def __init__(self, count: _Optional[int] = ..., ratio: _Optional[float] = ..., rho: _Optional[float] = ..., protect_edits: _Optional[bool] = ...) -> None: ...

class ProposeResponse(_message.Message):
    __slots__ = ("revision", "commits", "cached", "reopens", "edits", "substep", "cutoff", "ranked")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    COMMITS_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    REOPENS_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    SUBSTEP_FIELD_NUMBER: _ClassVar[int]
    CUTOFF_FIELD_NUMBER: _ClassVar[int]
    RANKED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    commits: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedCommit]
    cached: bool
    reopens: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedReopen]
    edits: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedCommit]
    substep: str
    cutoff: float
    ranked: _containers.RepeatedCompositeFieldContainer[_prediction_pb2.ProposedReopen]
    def __init__(self, revision: _Optional[int] = ..., commits: _Optional[_Iterable[_Union[_prediction_pb2.ProposedCommit, _Mapping]]] = ..., cached: _Optional[bool] = ..., reopens: _Optional[_Iterable[_Union[_prediction_pb2.ProposedReopen, _Mapping]]] = ..., edits: _Optional[_Iterable[_Union[_prediction_pb2.ProposedCommit, _Mapping]]] = ..., substep: _Optional[str] = ..., cutoff: _Optional[float] = ..., ranked: _Optional[_Iterable[_Union[_prediction_pb2.ProposedReopen, _Mapping]]] = ...) -> None: ...

class WatchSessionRequest(_message.Message):
    __slots__ = ("session_id", "after_revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    after_revision: int
    def __init__(self, session_id: _Optional[str] = ..., after_revision: _Optional[int] = ...) -> None: ...

class WatchSessionResponse(_message.Message):
    __slots__ = ("session", "frame", "names", "trimmed")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    TRIMMED_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.Session
    frame: _frame_pb2.Frame
    names: BranchNames
    trimmed: HistoryTrimmed
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ..., frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., names: _Optional[_Union[BranchNames, _Mapping]] = ..., trimmed: _Optional[_Union[HistoryTrimmed, _Mapping]] = ...) -> None: ...

class BranchNames(_message.Message):
    __slots__ = ("revisions",)
    class RevisionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.ScalarMap[str, int]
    def __init__(self, revisions: _Optional[_Mapping[str, int]] = ...) -> None: ...

class HistoryTrimmed(_message.Message):
    __slots__ = ("first_revision",)
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    first_revision: int
    def __init__(self, first_revision: _Optional[int] = ...) -> None: ...

class ListBranchesRequest(_message.Message):
    __slots__ = ("session_id", "page_size", "page_token")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    page_size: int
    page_token: str
    def __init__(self, session_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBranchesResponse(_message.Message):
    __slots__ = ("branches", "next_page_token")
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    branches: _containers.RepeatedCompositeFieldContainer[_session_pb2.Branch]
    next_page_token: str
    def __init__(self, branches: _Optional[_Iterable[_Union[_session_pb2.Branch, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class NameBranchRequest(_message.Message):
    __slots__ = ("session_id", "revision", "name")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    name: str
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class NameBranchResponse(_message.Message):
    __slots__ = ("branch",)
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    branch: _session_pb2.Branch
    def __init__(self, branch: _Optional[_Union[_session_pb2.Branch, _Mapping]] = ...) -> None: ...

class DeleteBranchNameRequest(_message.Message):
    __slots__ = ("session_id", "name")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class DeleteBranchNameResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompareRevisionsRequest(_message.Message):
    __slots__ = ("session_id", "revision", "other_session_id", "other_revision")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OTHER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_REVISION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    revision: int
    other_session_id: str
    other_revision: int
    def __init__(self, session_id: _Optional[str] = ..., revision: _Optional[int] = ..., other_session_id: _Optional[str] = ..., other_revision: _Optional[int] = ...) -> None: ...

class CompareRevisionsResponse(_message.Message):
    __slots__ = ("spans", "exact", "equal_count", "common_revision")
    SPANS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    EQUAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMMON_REVISION_FIELD_NUMBER: _ClassVar[int]
    spans: _containers.RepeatedCompositeFieldContainer[_session_pb2.DiffSpan]
    exact: bool
    equal_count: int
    common_revision: int
    def __init__(self, spans: _Optional[_Iterable[_Union[_session_pb2.DiffSpan, _Mapping]]] = ..., exact: _Optional[bool] = ..., equal_count: _Optional[int] = ..., common_revision: _Optional[int] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("session_id", "form", "candidate_count")
    class Form(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORM_UNSPECIFIED: _ClassVar[ExportRequest.Form]
        FORM_BINARY: _ClassVar[ExportRequest.Form]
        FORM_JSON: _ClassVar[ExportRequest.Form]
    FORM_UNSPECIFIED: ExportRequest.Form
    FORM_BINARY: ExportRequest.Form
    FORM_JSON: ExportRequest.Form
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    form: ExportRequest.Form
    candidate_count: int
    def __init__(self, session_id: _Optional[str] = ..., form: _Optional[_Union[ExportRequest.Form, str]] = ..., candidate_count: _Optional[int] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("progress", "chunk")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    chunk: bytes
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("done", "total")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class ImportRequest(_message.Message):
    __slots__ = ("chunk", "request_id")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    request_id: str
    def __init__(self, chunk: _Optional[bytes] = ..., request_id: _Optional[str] = ...) -> None: ...

class ImportResponse(_message.Message):
    __slots__ = ("session", "notes")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.Session
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("progress", "mismatch")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MISMATCH_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    mismatch: Mismatch
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., mismatch: _Optional[_Union[Mismatch, _Mapping]] = ...) -> None: ...

class Mismatch(_message.Message):
    __slots__ = ("revision", "recorded", "computed")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    recorded: _containers.RepeatedCompositeFieldContainer[_frame_pb2.Change]
    computed: _containers.RepeatedCompositeFieldContainer[_frame_pb2.Change]
    def __init__(self, revision: _Optional[int] = ..., recorded: _Optional[_Iterable[_Union[_frame_pb2.Change, _Mapping]]] = ..., computed: _Optional[_Iterable[_Union[_frame_pb2.Change, _Mapping]]] = ...) -> None: ...
