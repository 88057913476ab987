"""The user's own function on another library's arrays: its NumPy name stands for that.

In: a function, and which module of another library stands for which of NumPy's and
SciPy's. Out: a `Rebinding`, in whose context the names that the function reaches lead
there, modules and functions alike. Nothing is refused; what the function imports inside
of itself stays NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["Rebinding"]


class Rebinding:
    """Names that a function reaches, and what they are to stand for."""

    def __init__(self, fn: Callable, modules: Mapping[ModuleType, Any]) -> None:
        from ..trace.reaching import reached

        stand_ins = _stand_ins(modules)
        found = reached(fn)
        self._names = [
            (namespace, name, stand_ins[id(value)])
            for namespace in found.namespaces
            for name, value in list(namespace.items())
            if id(value) in stand_ins
        ]
        self._cells = [
            (cell, stand_ins[id(cell.cell_contents)])
            for cell in found.cells
            if id(cell.cell_contents) in stand_ins
        ]

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Let the names lead to the other library inside."""
        names = [(space, name, space[name]) for space, name, _ in self._names]
        cells = [(cell, cell.cell_contents) for cell, _ in self._cells]
        try:
            for namespace, name, other in self._names:
                namespace[name] = other
            for cell, other in self._cells:
                cell.cell_contents = other
            yield
        finally:
            for namespace, name, own in names:
                namespace[name] = own
            for cell, own in cells:
                cell.cell_contents = own


def _stand_ins(modules: Mapping[ModuleType, Any]) -> dict[int, Any]:
    """Return what stands for each module and each of its functions, by their ids."""
    found: dict[int, Any] = {}
    for module, other in modules.items():
        found[id(module)] = other
        for name, value in vars(module).items():
            if callable(value) and not isinstance(value, type) and hasattr(other, name):
                found[id(value)] = getattr(other, name)
    return found
