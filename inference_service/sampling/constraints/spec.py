"""A constraint as it was asked for, what is wrong with one, and where a text stands with it."""

from dataclasses import dataclass
from enum import Enum

KINDS = ("choice", "regex", "grammar", "json_schema")
LONGEST = 65_536  # characters of a constraint in all; thousands of choices, pages of a schema


class ConstraintError(ValueError):
    """What is wrong with a constraint, in plain words.

    line, column: where in what the person wrote, from 1; None where that is not known. For a choice, line is the
    number of the text.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None):
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        if self.line is None:
            return self.message
        if self.column is None:
            return f"text {self.line}: {self.message}"
        return f"line {self.line}, column {self.column}: {self.message}"


class TooComplex(ConstraintError):
    """A constraint that takes more than a limit. limit: which one, a word for programs."""

    def __init__(self, message: str, limit: str):
        super().__init__(message)
        self.limit = limit


class Progress(Enum):
    """Where a text stands: no match yet, a match that could go on, a match that has ended, no match any more."""

    INCOMPLETE = "incomplete"
    MATCHED = "matched"
    COMPLETE = "complete"
    VIOLATED = "violated"


@dataclass(frozen=True)
class Spec:
    """What a text must match as a whole.

    kind: what `value` is, one of KINDS. value: the texts of a choice; else a regular expression in Rust's syntax, a
    grammar in Lark's, or a JSON schema as JSON.
    Raises ConstraintError where that can be seen without compiling.
    """

    kind: str
    value: str | tuple[str, ...]

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ConstraintError(f"the kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.kind == "choice":
            self._check_texts()
        elif not isinstance(self.value, str):
            raise ConstraintError(f"a {self.kind} must be one text")
        elif not (self.value if self.kind == "regex" else self.value.strip()):
            raise ConstraintError(f"the {_NAMES[self.kind]} is empty")
        long = sum(map(len, self.value)) if self.kind == "choice" else len(self.value)
        if long > LONGEST:
            raise ConstraintError(f"it has {long:,} characters; at most {LONGEST:,} are taken")

    @property
    def text(self) -> str:
        """`value` of any kind but a choice."""
        assert isinstance(self.value, str)
        return self.value

    @property
    def texts(self) -> tuple[str, ...]:
        """`value` of a choice."""
        assert isinstance(self.value, tuple)
        return self.value

    def _check_texts(self):
        texts = self.value
        if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
            raise ConstraintError("a choice must be a list of texts")
        if not texts:
            raise ConstraintError("there is no text to choose; give at least one")
        seen: dict[str, int] = {}
        for number, text in enumerate(texts, 1):
            if not text:
                raise ConstraintError("it is empty; each text has at least one character", number)
            if text in seen:
                raise ConstraintError(f"it is the same as text {seen[text]}", number)
            seen[text] = number


_NAMES = {"regex": "regular expression", "grammar": "grammar", "json_schema": "JSON schema"}
