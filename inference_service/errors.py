"""Everything that can go wrong for a caller, as one tree.

    ServiceError
    +-- InvalidField         a field of the request is at fault
    +-- NotFound             no such session, no such model
    +-- Aborted              somebody else changed the session, or is changing it
    +-- OutOfRange           a revision that does not exist
    +-- FailedPrecondition   right request, wrong moment
    +-- PermissionDenied     the server's policy, or a hub's, says no
    +-- Exhausted            too much at once; try again later
    +-- Unavailable          not now; try again
    +-- DataLoss             a file that is damaged
    +-- DeadlineExceeded     the caller has given up
    +-- Cancelled            the call has ended; nobody hears this
    +-- Internal             our fault, or the device's

The core raises these; `rpc` alone knows which gRPC status each becomes. Messages
are for people and never hold a traceback.
"""


class ServiceError(Exception):
    """An error with a machine-readable reason.

    reason: UPPER_SNAKE word, stable across versions.
    message: one sentence for a person: what is wrong and what would be right.
    metadata: string to string, for programs.
    fields: (field, what is wrong with it) pairs.
    retry_after: seconds after which trying again makes sense, or None.
    """

    default_reason = "INTERNAL"

    def __init__(self, message, *, reason=None, metadata=None, fields=(), retry_after=None):
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = {key: str(value) for key, value in (metadata or {}).items()}
        self.fields = tuple(fields)
        self.retry_after = retry_after


class InvalidField(ServiceError):
    """One field is wrong; `message` says what it allows."""

    default_reason = "INVALID_FIELD"

    def __init__(self, field, message, **more):
        super().__init__(f"{field}: {message}", fields=((field, message),), **more)
        self.field = field


class NotFound(ServiceError):
    default_reason = "NOT_FOUND"


class Aborted(ServiceError):
    default_reason = "ABORTED"


class OutOfRange(ServiceError):
    default_reason = "REVISION_OUT_OF_RANGE"


class FailedPrecondition(ServiceError):
    default_reason = "FAILED_PRECONDITION"


class PermissionDenied(ServiceError):
    default_reason = "PERMISSION_DENIED"


class Exhausted(ServiceError):
    """Always says when to try again, if only after something else was freed: in a minute where nothing is known."""

    default_reason = "RESOURCE_EXHAUSTED"

    def __init__(self, message, *, retry_after=60.0, **more):
        super().__init__(message, retry_after=retry_after, **more)


class Unavailable(ServiceError):
    default_reason = "UNAVAILABLE"


class DataLoss(ServiceError):
    default_reason = "DATA_LOSS"


class DeadlineExceeded(ServiceError):
    default_reason = "DEADLINE_EXCEEDED"


class Cancelled(ServiceError):
    default_reason = "CANCELLED"


class Internal(ServiceError):
    default_reason = "INTERNAL"
