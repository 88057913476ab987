"""The last look at emitted text: nothing stands in it that symdiff never emits.

In: a module's text. Out: nothing. Refused with `TextError`: text that Python cannot read, and any statement,
import, name or attribute of a kind that no template and no row writes. So data of the user's (names, keys,
comments) cannot have become code, whatever was in it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from .errors import TextError

__all__ = ["screen"]

_STATEMENTS = (
    ast.Module,
    ast.Import,
    ast.ImportFrom,
    ast.ClassDef,
    ast.FunctionDef,
    ast.Return,
    ast.Assign,
    ast.AnnAssign,
    ast.Expr,
    ast.If,
    ast.For,
    ast.Raise,
)
_FORBIDDEN = (
    ast.Lambda,
    ast.Await,
    ast.Yield,
    ast.YieldFrom,
    ast.NamedExpr,
    ast.Global,
    ast.Nonlocal,
)
_MODULES = {"numpy", "scipy.special", "sys", "typing"}
_BUILTINS_NEVER_USED = {
    "__import__",
    "breakpoint",
    "compile",
    "eval",
    "exec",
    "globals",
    "input",
    "locals",
    "open",
    "setattr",
    "vars",
}
_PRIVATE_ATTRIBUTES = {"__name__", "_fields", "_replace"}


def screen(text: str, names: Collection[str]) -> None:
    """Raise `TextError` where the text holds what is never emitted; `names` are its own variables."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise TextError(
            f"the emitted text is no Python, at its line {error.lineno}"
        ) from error
    for node in ast.walk(tree):
        fault = _fault(node, names)
        if fault:
            raise TextError(f"the emitted text holds {fault}, at its line {node.lineno}")  # type: ignore[attr-defined]


def _fault(node: ast.AST, names: Collection[str]) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        return "" if module in _MODULES else f"an import of {module}"
    if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
        return f"a statement of kind {type(node).__name__}"
    if isinstance(node, _FORBIDDEN):
        return f"an expression of kind {type(node).__name__}"
    if isinstance(node, ast.Name) and node.id in _BUILTINS_NEVER_USED:
        return "" if node.id in names else f"the name {node.id}"
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        return "" if node.attr in _PRIVATE_ATTRIBUTES else f"the attribute {node.attr}"
    return ""
