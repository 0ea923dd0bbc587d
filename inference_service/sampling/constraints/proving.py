"""What a child process does with a constraint: all that may take any time or memory, or end the process.

The service goes on with what comes of it: the grammar that a matcher has taken, the tables of an automaton. Imports no
torch, for these processes are forked from one that has none.
"""

import gc
import json

import numpy as np

from inference_service.sampling.constraints import automaton, completion, grammars, schemas
from inference_service.sampling.constraints.automaton import Automaton
from inference_service.sampling.constraints.classes import moves_of
from inference_service.sampling.constraints.spec import ConstraintError, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sandbox.limits import Refused


def read(arguments: dict, blobs: list[bytes]) -> Vocabulary:
    """The vocabulary, as every child of one process has it."""
    vocabulary = Vocabulary.of_bytes(blobs[0], blobs[1], arguments["ends"])
    _ = vocabulary.for_llguidance, vocabulary.flat, completion.BYTES.for_llguidance
    return vocabulary


def prove(arguments: dict, blobs: list[bytes], vocabulary: Vocabulary) -> tuple[dict, list[bytes]]:
    """A constraint compiled. arguments: its kind; any_order, whether it is for a canvas that is filled in any order.

    blobs: its value as JSON. Answers with the grammar, and for any order with the tables of `classes.Moves` where its
    texts are a regular language. Refused: a ConstraintError's message, line and column.
    """
    value = json.loads(blobs[0])
    try:
        spec = Spec(arguments["kind"], tuple(value) if arguments["kind"] == "choice" else value)
        grammar = grammars.check(spec, vocabulary)
        found = regular(spec) if arguments["any_order"] else None
        if found is not None:
            moves = moves_of(found, vocabulary)
            tables = [moves.by_state, moves.class_of, moves.accepts, moves.sources, moves.targets]
            return {"states": len(moves.by_state), "start": int(moves.start)}, [
                grammar.encode(), *(np.ascontiguousarray(table).tobytes() for table in tables)]
        if arguments["any_order"]:
            completion.place(grammars.first_matcher(grammar, completion.BYTES))
        gc.collect()  # what a matcher takes to be freed is a part of the proof
        return {}, [grammar.encode()]
    except ConstraintError as error:
        raise Refused(message=error.message, line=error.line, column=error.column) from None


def regular(spec: Spec) -> Automaton | None:
    """The automaton of a spec's texts, None where they are no regular language, or it is not known that they are."""
    if spec.kind == "choice":
        return automaton.of_texts(spec.texts)
    if spec.kind == "regex":
        return automaton.of_regex(grammars.without_anchors(spec.text))
    if spec.kind == "json_schema" and (regex := schemas.regex_of(schemas.read(spec.text))) is not None:
        return automaton.of_regex(regex)
    return None
