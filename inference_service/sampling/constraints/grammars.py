"""A spec in llguidance's words, and llguidance's complaints in plain ones with their place in what the person wrote."""

import re

from llguidance import LLMatcher, LLParserLimits, regex_to_lark

from inference_service.sampling.constraints import exact, schemas
from inference_service.sampling.constraints.spec import ConstraintError, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

# Of one grammar. llguidance's own, but for less room: a state of its lexer takes one or two kB; and for less time: what
# a token of an ambiguous grammar costs grows with the square of the items in a row, half a second with 2,000 of them.
LIMITS = LLParserLimits(max_items_in_row=1000, max_lexer_states=50_000, verbose_errors=False)

# Where a grammar leaves one way to go on, llguidance would let through only the tokens that the tokenizer makes of it.
# Every token that fits is valid here. It stands behind the grammar, so that places in the grammar stay.
EVERY_TOKEN = '\n%llguidance {"no_forcing": true}'

_AT = re.compile(r"(?:at )?(\d+)\((\d+)\): (.*)", re.DOTALL)
_NOT_ANCHORS = re.compile(r"\\[^AzbB]|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_ANCHOR = re.compile(r"[\^$]|\\[AzbB]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
# A grammar's strings, regular expressions and comments; what is left of it may not name a token.
_LITERALS = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/(?:\\.|[^/\\\n])+/|#[^\n]*')


def grammar_of(spec: Spec) -> str:
    """The grammar that llguidance compiles. Raises ConstraintError for a schema that is no JSON, or not exact."""
    if spec.kind == "choice":
        body = f"start: /{regex_to_lark('|'.join(map(schemas.escaped, spec.texts)), use_ascii='')}/"
    elif spec.kind == "regex":
        body = f"start: /{regex_to_lark(spec.text, use_ascii='')}/"
    elif spec.kind == "json_schema":
        body = exact.body(schemas.read(spec.text), spec.text)
    else:
        body = spec.text
    return LLMatcher.grammar_from_lark(body + EVERY_TOKEN)


def check(spec: Spec, vocabulary: Vocabulary) -> str:
    """The grammar of a spec, once a matcher has taken it. Raises ConstraintError where it is wrong or nothing matches.

    llguidance does not survive everything that can be written: only a child process does this (`proving`).
    """
    if spec.kind == "grammar":
        left = _LITERALS.sub(lambda found: " " * len(found[0]), spec.text)
        if (at := left.find("<")) >= 0:
            raise ConstraintError("a grammar cannot name tokens; write their text in quotes", *_place(spec.text, at))
        exact.check_within(spec.text, left)
    grammar = grammar_of(spec)
    wrong, messages = LLMatcher.validate_grammar_with_warnings(grammar, limits=LIMITS)
    if wrong:
        raise _plain(messages[0], spec)
    matcher = LLMatcher(vocabulary.for_llguidance, grammar, log_level=0, limits=LIMITS)
    if matcher.is_error():
        raise _plain(matcher.get_error(), spec)
    first_matcher(grammar, vocabulary)
    if spec.kind == "regex":
        without_anchors(spec.text)
    return grammar


def first_matcher(grammar: str, vocabulary: Vocabulary) -> LLMatcher:
    """A matcher before the first token. Raises ConstraintError where no token of the vocabulary can be the first."""
    matcher = LLMatcher(vocabulary.for_llguidance, grammar, log_level=0, limits=LIMITS)
    matcher.compute_bitmask()
    if stuck(matcher):
        raise ConstraintError("no text matches it that the model's vocabulary can begin")
    if matcher.is_error():
        raise too_complex(matcher)
    return matcher


def without_anchors(pattern: str) -> str:
    """A regular expression that is matched as a whole, without the ^ and $ around it, which say nothing new.

    Raises ConstraintError where there are others: two libraries would read them differently.
    """
    bare = pattern.removeprefix("^")
    if bare.endswith("$") and (len(bare) - len(bare[:-1].rstrip("\\"))) % 2:
        bare = bare[:-1]
    start = len(pattern) - len(pattern.removeprefix("^"))
    left = _NOT_ANCHORS.sub(lambda found: " " * len(found[0]), bare)
    if start and bare.startswith(("*", "+", "?", "{")):
        raise ConstraintError("^ cannot be repeated: the whole text is matched anyway", 1, 1)
    if found := _ANCHOR.search(left):
        raise ConstraintError("^, $, \\A, \\z and \\b may not stand inside: the whole text is matched anyway",
                              *_place(pattern, found.start() + start))
    return bare


def stuck(matcher: LLMatcher) -> bool:
    """Whether no token can follow, though the text is no match; that is found out with the mask."""
    return matcher.get_error().startswith("NoExtensionBias")


def too_complex(matcher: LLMatcher) -> ConstraintError:
    """The error of a matcher that has met a limit, which can happen in the middle of a text."""
    reason = matcher.get_error().partition("\n")[0]
    return ConstraintError(f"the constraint is too complex to go on with: {reason}; smaller counts help")


def _place(text, at):
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _plain(message, spec):
    """A complaint of llguidance as an error."""
    if spec.kind == "regex":
        return _of_regex(message, spec.text)
    if spec.kind == "json_schema":
        return _of_schema(message.partition("JSON schema: ")[2] or message, spec.text)
    found = _AT.match(message)
    line, column, said = (int(found[1]), int(found[2]), found[3]) if found else (None, None, message)
    if "invalid regex" in said and (inner := re.search(r"^error: (.*)$", said, re.MULTILINE)):
        pattern = said.partition('"')[2].partition('" (in')[0]
        said = f"invalid regular expression {pattern}: {inner[1]}"
    said = said.partition("\n")[0].replace("lexer error", "this is not Lark").strip()
    if said == "no start rule found":
        said = 'the grammar has no rule named "start"'
    return ConstraintError(said or "the grammar is not right", line, column)


def _of_regex(message, pattern):
    inner = re.search(r"^error: (.*)$", message, re.MULTILINE)
    shown = re.search(r"regex parse error:\n {4}(.*)\n {4}( *)\^", message)
    if inner and shown:
        # It is shown with line ends and slashes escaped; walk along both to find the character that is meant.
        at, display = 0, 0
        while display < len(shown[2]) and at < len(pattern):
            written = {"\n": "\\n", "/": "\\/"}.get(pattern[at]) or pattern[at]
            display += len(written) if shown[1].startswith(written, display) else 1
            at += 1
        return ConstraintError(f"the regular expression is wrong: {inner[1]}", *_place(pattern, min(at, len(pattern))))
    if "lookarounds" in message:
        try:
            without_anchors(pattern)
        except ConstraintError as error:
            return error
    said = inner[1] if inner else message.partition("\n")[0].partition("): ")[2] or message.partition("\n")[0]
    return ConstraintError(f"the regular expression is wrong: {said}", 1, 1)  # the place is not said


def _of_schema(message, text):
    inner = re.search(r"^error: (.*)$", message, re.MULTILINE)
    said = message.strip().partition("\n")[0]
    if "regex parse error" in said and inner:
        return ConstraintError(f"a pattern in the schema is wrong: {inner[1]}", *schemas.place_of("pattern", text))
    if "oneOf" in said:
        return ConstraintError("the schema cannot be used: a value might meet more than one alternative of this oneOf,"
                               " which cannot be counted while a text is written; write anyOf, or alternatives that"
                               " exclude each other (by type, listed values, limits, or a property that all of them"
                               " require)", *schemas.place_of("oneOf", text))
    line, column = None, None
    for found in _QUOTED.finditer(said):
        line, column = schemas.place_of(found[1], text)
        if line:
            break
    else:
        line, column = schemas.place_of(said.rpartition(": ")[2], text)
    said = said.replace("Unimplemented keys: ", "this is not supported: ")
    return ConstraintError(f"the schema cannot be used: {said}", line, column)
