"""The small changes that can be made of a file: what each function compares, adds, counts, returns and does.

Only in the bodies of functions, those of methods and properties among them. Left as they are: texts, types, decorators,
what an exception says, log lines, and assertions, which are there for the type checker.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
            ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
RECKONED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
            ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
            ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


@dataclass(frozen=True, order=True)
class Change:
    """Bytes from `start` to `end` of a file replaced. line: of the change; function: the first line of its function."""

    path: str
    line: int
    start: int
    end: int
    after: str
    function: int
    before: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {_short(self.before)} -> {_short(self.after)}"

    def applied(self, source: bytes) -> bytes:
        return source[:self.start] + self.after.encode() + source[self.end:]


def changes(path: str, source: bytes) -> list[Change]:
    """All changes of a file, in order."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = set()
    for function, node, after in _of_functions(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found.add(Change(path, node.lineno, start, end, after, function, source[start:end].decode()))
    return sorted(found)


def _of_functions(tree: ast.Module) -> Iterator[tuple[int, ast.AST, str]]:
    """Each changed node with the first line of the code that it is in, decorators counted, and its new text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            for statement in node.body:
                for changed, after in _of(statement):
                    yield first, changed, after


def _of(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assert | ast.Raise | ast.JoinedStr):
        return  # a function inside is found by itself
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant) or ast.unparse(node.value).startswith("log."):
            return
        if isinstance(node.value, ast.Call):
            yield node, "pass"
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and (other := COMPARED.get(type(node.ops[0]))):
        yield node, _text(ast.Compare(node.left, [other()], node.comparators))
    if isinstance(node, ast.BoolOp):
        yield node, _text(ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, _text(node.operand)
    if isinstance(node, ast.BinOp) and (other := RECKONED.get(type(node.op))) and not _is_text(node):
        yield node, _text(ast.BinOp(node.left, other(), node.right))
    if isinstance(node, ast.AugAssign) and (other := RECKONED.get(type(node.op))) and not _is_text(node.value):
        yield node, ast.unparse(ast.AugAssign(node.target, other(), node.value))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node, repr(node.value + 1)
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield node.test, f"(not {_text(node.test)})"
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield node, "return None"
    if isinstance(node, ast.Break | ast.Continue):
        yield node, "continue" if isinstance(node, ast.Break) else "break"
    if isinstance(node, ast.AnnAssign):
        children = [node.value] if node.value else []
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from _of(child)


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _is_text(node: ast.AST) -> bool:
    return any(isinstance(one, ast.JoinedStr) or isinstance(one, ast.Constant) and isinstance(one.value, str | bytes)
               for one in ast.walk(node))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else f"{text[:67]}..."
