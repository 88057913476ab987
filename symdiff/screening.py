"""The last look at emitted text: nothing stands in it that symdiff never emits.

In: a module's text, and the names and attributes that the Program and the signature gave
it. Out: nothing. Refused with `TextError`: text that Python cannot read, and any syntax,
import, name, attribute or keyword beyond those and the template's own. So data of the
user's (names, keys, comments) cannot have become code, whatever was in it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .errors import TextError

__all__ = ["Own", "screen"]

# What expressions and statements of the passes are made of.
_COMMON = (
    *(ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.arguments, ast.arg),
    *(ast.Module, ast.FunctionDef, ast.Assign, ast.AugAssign, ast.Return, ast.Expr),
    ast.For,
    *(ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.keyword, ast.Starred),
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice),
    *(ast.Tuple, ast.List, ast.Dict),
)
# What only the template's own functions and the module itself have beside them.
_TEMPLATE = (
    *(ast.Import, ast.ImportFrom, ast.alias, ast.ClassDef, ast.AnnAssign),
    *(ast.If, ast.Raise, ast.IfExp, ast.BoolOp, ast.boolop),
    *(ast.ListComp, ast.GeneratorExp, ast.comprehension),
    *(ast.JoinedStr, ast.FormattedValue),
)
_IMPORTS = {
    "import sys",
    "from collections import namedtuple",
    "from typing import NamedTuple",
}
_NAMES = frozenset(
    "Gradient NamedTuple TypeError ValueError __name__ above abs all along argument"
    " arguments array below bool cache casting cotangent dict drawn dtype enumerate error"
    " errors expected field fields fits form getattr grad gradient hasattr have"
    " isinstance key len list max name namedtuple norm pairs part parts place print range rng rows"
    " scale shape size sizes slope start step str sys tuple type value worst zip".split()
)
_ATTRIBUTES = frozenset(
    "T __name__ _fields append argv asarray astype can_cast copy default_rng dtype exit"
    " float32 float64 fmin int64 uint64 integers items keys linalg maximum max mean"
    " memmap min ndarray ndim norm prod random ravel reduce replace reshape shape size"
    " special sqrt standard_normal sum swapaxes transpose uniform values vdot"
    " item".split()
)
_KEYWORDS = frozenset(
    "axes axis copy default dtype k keepdims rename strict".split()
)


@dataclass(frozen=True)
class Own:
    """What one module has of its own.

    imports: lines for NumPy and SciPy. functions: those that compute and that take the
    arguments apart, which have the names in `passes` alone. others: names in the rest of
    the module. attributes: of arrays, modules and named tuples. keywords: of calls.
    """

    imports: Collection[str]
    functions: Collection[str]
    passes: Collection[str]
    others: Collection[str]
    attributes: Collection[str]
    keywords: Collection[str]


def screen(text: str, own: Own) -> None:
    """Raise `TextError` where the text holds what is never emitted."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise TextError(f"the emitted text is no Python, at its line {line}") from error
    for statement in tree.body:
        strict = (
            isinstance(statement, ast.FunctionDef) and statement.name in own.functions
        )
        for node in ast.walk(statement):
            fault = _fault(node, own, strict)
            if fault:
                line = getattr(node, "lineno", statement.lineno)
                raise TextError(f"the emitted text holds {fault}, at its line {line}")


def _fault(node: ast.AST, own: Own, strict: bool) -> str:
    """Return what is wrong with a node, nothing where it may be there."""
    kind = type(node).__name__
    if not isinstance(node, _COMMON if strict else (*_COMMON, *_TEMPLATE)):
        return f"syntax of kind {kind}"
    if isinstance(node, ast.Import | ast.ImportFrom):
        line = ast.unparse(node)
        return "" if line in _IMPORTS or line in own.imports else line
    names = own.passes if strict else {*own.passes, *own.others, *_NAMES}
    for name in _names(node):
        if name not in names:
            return f"the name {name}"
    if isinstance(node, ast.Attribute):
        known = node.attr in _ATTRIBUTES or node.attr in own.attributes
        return "" if known else f"the attribute {node.attr}"
    if isinstance(node, ast.keyword):
        known = node.arg in _KEYWORDS or node.arg in own.keywords
        return "" if known else f"the keyword {node.arg}"
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.decorator_list:
        return "a decorator"
    return ""


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node reads, binds or defines."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
