"""The last look at emitted text: nothing stands in it that symdiff never emits.

In: a module's text, and the names and attributes that the Program and the signature
gave it. Out: nothing. Refused with `TextError`: text that Python cannot read, and any
syntax, import, name or attribute beyond those and the template's own. So data of the
user's (names, keys, comments) cannot have become code, whatever was in it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import TextError
from ..source import parse

__all__ = ["Own", "screen"]


def _kinds(*classes: type) -> frozenset[type]:
    """Return classes of the syntax tree, those below abstract ones for these."""
    return frozenset(one for cls in classes for one in (cls, *type.__subclasses__(cls)))


# What expressions and statements of the passes are made of.
_COMMON = _kinds(
    *(ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.arguments, ast.arg),
    *(ast.Module, ast.FunctionDef, ast.Assign, ast.AugAssign, ast.Return, ast.Expr),
    *(ast.For, ast.Delete),
    *(ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.keyword, ast.Starred),
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice),
    *(ast.Tuple, ast.List, ast.Dict),
)
# Those of them that hold no text but in their parts.
_PLAIN = _COMMON - {ast.FunctionDef, ast.Name, ast.arg, ast.Attribute, ast.keyword}
# What those that compute in Python's own numbers, or test their arguments, have beside them.
_BRANCHES = _kinds(
    *(ast.If, ast.IfExp, ast.BoolOp, ast.boolop, ast.Try, ast.ExceptHandler)
)
# What only the template's own functions and the module itself have beside them.
_TEMPLATE = _kinds(
    *(ast.Import, ast.ImportFrom, ast.alias, ast.ClassDef, ast.AnnAssign),
    ast.Raise,
    *(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.comprehension),
    *(ast.JoinedStr, ast.FormattedValue),
)
_IMPORTS = {
    "import dataclasses",
    "import math",
    "import sys",
    "import threading",
    "from collections import namedtuple",
    "from typing import NamedTuple",
}
_NAMES = frozenset("""
    Gradient NamedTuple TypeError ValueError __init__ __name__ above abs all along argument
    arguments array arrays below bool bounds cache casting cotangent dataclasses dict drawn
    dtype end end_of_outputs enumerate error errors every expected field fields fits form
    float getattr given grad gradient hasattr have id int is_output isinstance issubclass iter
    key keywords kind len list map max name namedtuple next norm object one outputs owners part
    parts place
    print range rng rows scale self shape size sizes slope sorted spans start step stop
    str sys at take give_back threading tuple type value vars worst zip
    """.split())  # noqa: SIM905 - read more easily than a list
_ATTRIBUTES = frozenset("""
    __dataclass_fields__ __name__ _fields append argv array_utils asarray base byte_bounds
    can_cast copy default_rng empty exit flags carray give_back kept lib local next pop take
    writeable float32 float64 fmin int64 integers items keys linalg make_dataclass maximum
    memmap ndarray norm random reduce replace sqrt standard_normal uint64 uniform values
    vdot
    """.split())  # noqa: SIM905 - the same
# Those of arrays; of these some write files, buffers or flags.
_OF_ARRAYS = frozenset(one for one in dir(np.ndarray) if not one.startswith("_")) - {
    *("base", "byteswap", "ctypes", "data", "dump", "dumps", "getfield", "itemset"),
    *("newbyteorder", "setfield", "setflags", "tobytes", "tofile", "tostring"),
}
# Numbers that have no literal, and the parts of what np.linalg returns.
_OF_MODULES = frozenset(
    "inf nan Q R S U Vh eigenvalues eigenvectors logabsdet sign".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Own:
    """What one module has of its own.

    imports: lines for NumPy and SciPy. functions: those that compute and that take the
    arguments apart: only the names in `passes` are there. branching: those of them that
    may branch, and call what is in `called`. others: names in the rest of the module.
    attributes: of modules and named tuples. mappings: what may be
    passed on as any number of keywords.
    """

    imports: Collection[str]
    functions: Collection[str]
    passes: Collection[str]
    others: Collection[str]
    attributes: Collection[str]
    mappings: Collection[str] = ()
    branching: Collection[str] = ()
    called: Collection[str] = ()


def screen(text: str, own: Own) -> None:
    """Raise `TextError` where the text holds what is never emitted."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise TextError(f"the emitted text is no Python, at its line {line}") from error
    for statement in tree.body:
        allowed = _allowed(getattr(statement, "name", ""), own)
        for node in _parts(statement):
            if fault := allowed.fault(node):
                line = getattr(node, "lineno", statement.lineno)
                raise TextError(f"the emitted text holds {fault}, at its line {line}")


def _parts(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it, but not whether names are read or bound."""
    pending = [tree]
    while pending:
        one = pending.pop()
        yield one
        for field in one._fields:
            value = getattr(one, field, None)
            if isinstance(value, ast.AST) and field != "ctx":
                pending.append(value)
            elif isinstance(value, list):
                pending += [part for part in value if isinstance(part, ast.AST)]


def _allowed(function: str, own: Own) -> _Allowed:
    """Return what may stand in a function, or outside of any of the passes."""
    kinds, names = _COMMON, {*own.passes}
    attributes = {*_OF_ARRAYS, *_OF_MODULES, *own.attributes}
    if function in own.branching:
        kinds, names = kinds | _BRANCHES, {*names, *own.called}
    elif function not in own.functions:
        kinds = kinds | _BRANCHES | _TEMPLATE
        names = {*names, *own.called, *own.others, *_NAMES}
        attributes |= _ATTRIBUTES
    return _Allowed(kinds, names, attributes, own.imports, own.mappings)


@dataclass(frozen=True)
class _Allowed:
    """What may stand in a part of a module."""

    kinds: Collection[type]
    names: Collection[str]
    attributes: Collection[str]
    imports: Collection[str]
    mappings: Collection[str]

    def fault(self, node: ast.AST) -> str:
        """Return what is wrong with a node, nothing where it may be there."""
        kind = type(node)
        if kind not in self.kinds:
            return f"syntax of kind {kind.__name__}"
        if kind in _PLAIN:
            return ""
        if kind in _NAMED:
            name = getattr(node, _NAMED[kind])
            if name not in self.names:
                return f"the name {name}"
            return "a decorator" if getattr(node, "decorator_list", ()) else ""
        if isinstance(node, ast.Attribute):
            known = node.attr in self.attributes
            return "" if known else f"the attribute {node.attr}"
        if isinstance(node, ast.keyword):
            if node.arg is None:
                passed = ast.unparse(node.value)
                return (
                    ""
                    if passed in {*self.mappings, "keywords"}
                    else f"the keywords {passed}"
                )
            known = not node.arg.startswith("_") or node.arg in self.names
            return "" if known else f"the keyword {node.arg}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = ast.unparse(node)
            return "" if line in _IMPORTS or line in self.imports else line
        return ""


# Where a node has the name that it reads, binds or defines.
_NAMED = {ast.Name: "id", ast.arg: "arg", ast.FunctionDef: "name", ast.ClassDef: "name"}
