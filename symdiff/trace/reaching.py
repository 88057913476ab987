"""What a function reaches: the namespaces and closures in which its code finds other
functions.

In: the user's function. Out: the globals of it and of his functions, methods and
modules that its code names, and the cells of their closures. Nothing is refused; what
no name leads to is not found.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .watching import is_library

__all__ = ["Reached", "reached"]


_UNKNOWN = "<frozen >"
_PACKAGES = f"-packages{os.sep}"


@dataclass
class Reached:
    """Namespaces and cells that code looks names up in, and the names in the code.

    package: the installed package that the function itself belongs to, if any; others
    are not looked into.
    """

    package: str
    modules: list[dict[str, Any]] = field(default_factory=list)
    namespaces: list[dict[str, Any]] = field(default_factory=list)
    cells: list[CellType] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def is_users(self, path: str) -> bool:
        """Whether a file holds the user's own code."""
        if is_library(path):
            return False
        return _PACKAGES not in path or _installed(path) == self.package


def _installed(path: str) -> str:
    """Return the installed package that a file belongs to, empty for the user's own
    files.
    """
    _, installed, inside = path.rpartition(_PACKAGES)
    return inside.partition(os.sep)[0] if installed else ""


def _package(function: Any) -> str:
    function = inspect.unwrap(getattr(function, "func", function))
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return _installed(getattr(module, "__file__", None) or "")


def reached(function: Callable) -> Reached:
    """Return what the code of a function, and of all that it names, looks names up in."""
    found = Reached(_package(function))
    seen: dict[int, Any] = {}
    pending: list[Any] = [function]
    while pending:
        one = pending.pop()
        if id(one) not in seen and not isinstance(one, _DATA):
            seen[id(one)] = one
            pending += _next(one, found)
        if not pending:
            # Names that later code uses may be those of modules found earlier.
            held = (
                module.get(name) for module in found.modules for name in found.names
            )
            pending = [
                value for value in held if id(value) not in seen and value is not None
            ]
    return found


_DATA = (np.ndarray, np.generic, int, float, complex, str, bytes, type(None))


def _next(one: Any, found: Reached) -> Iterable[Any]:
    """Note what a value holds, and return the values that it leads to."""
    if isinstance(one, FunctionType):
        return (
            _of_function(one, found) if found.is_users(one.__code__.co_filename) else ()
        )
    if isinstance(one, ModuleType):
        if found.is_users(getattr(one, "__file__", None) or _UNKNOWN):
            found.modules.append(vars(one))
            _add_namespace(found, vars(one))
        return ()
    return _inside(one, found)


def _add_namespace(found: Reached, namespace: dict[str, Any]) -> None:
    if all(namespace is not one for one in found.namespaces):
        found.namespaces.append(namespace)


def _of_function(function: FunctionType, found: Reached) -> Iterator[Any]:
    """Note a function's namespace and cells, and yield what its code may call."""
    _add_namespace(found, function.__globals__)
    cells = [cell for cell in function.__closure__ or () if _is_filled(cell)]
    found.cells += cells
    names = set(_names(function.__code__))
    found.names |= names
    yield from (cell.cell_contents for cell in cells)
    yield from (
        function.__globals__[name] for name in names & function.__globals__.keys()
    )
    yield from (sys.modules[name] for name in names & sys.modules.keys())
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield getattr(function, "__wrapped__", None)


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names in a code object and in those of functions made inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asks whether the cell holds anything
    except ValueError:
        return False
    return True


def _inside(one: Any, found: Reached) -> Iterator[Any]:
    """Yield what may hold functions inside of a value that is neither function nor
    module.
    """
    if isinstance(one, list | tuple | set | frozenset):
        yield from one
    elif isinstance(one, dict):
        yield from one.values()
    elif isinstance(one, functools.partial):
        yield from (one.func, *one.args, *one.keywords.values())
    elif isinstance(one, MethodType):
        yield from (one.__func__, one.__self__)
    elif isinstance(one, staticmethod | classmethod):
        yield one.__func__
    elif isinstance(one, property):
        yield from (one.fget, one.fset)
    elif isinstance(one, type):
        if _is_users(one, found):
            yield from (*vars(one).values(), *one.__bases__)
    elif _is_users(type(one), found):
        yield type(one)
        yield from getattr(one, "__dict__", {}).values()
    elif callable(one):
        yield getattr(one, "__wrapped__", None)


def _is_users(cls: type, found: Reached) -> bool:
    """Whether a class is the user's own: found in a module of his or in none."""
    module = sys.modules.get(cls.__module__)
    if module is None or module.__name__ == "__main__":
        return True
    return found.is_users(getattr(module, "__file__", None) or _UNKNOWN)
