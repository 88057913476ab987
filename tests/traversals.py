"""How often NumPy goes through arrays while a function runs: calls, not what they cost.

Arrays are given as `Counted`, which sees each call that it is part of. A call counts
once if an array of more than one element goes in or comes out; a view does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["Counts", "traversals"]

TRANSCENDENTAL = ("exp", "expm1", "log", "log1p", "logaddexp", "tanh", "sqrt", "power")


@dataclass
class Counts:
    """Calls that go through an array, and those of them that are transcendental."""

    passes: int = 0
    transcendental: int = 0

    def add(self, name: str, *arrays: Any) -> None:
        """Count a call, unless all that it handles is single numbers."""
        if any(getattr(one, "size", 1) > 1 for one in arrays):
            self.passes += 1
            self.transcendental += name in TRANSCENDENTAL


counts = Counts()


class Counted(np.ndarray):
    """An array whose calls are counted."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        plain, into = bare(inputs), bare(out)
        options = {"out": into, **kwargs} if into else kwargs
        result = getattr(ufunc, method)(*plain, **options)
        counts.add(_name(ufunc, inputs), *inputs, result)
        return out[0] if out else counted(result)

    def __array_function__(self, function, types, args, kwargs):
        plain = bare(args)
        result = function(*plain, **bare(kwargs))
        if not _is_view(result, plain):
            counts.add(function.__name__, *plain, result)
        return counted(result)

    def __getitem__(self, key):
        result = bare(self)[bare(key)]
        if not _is_view(result, (bare(self),)):
            counts.add("getitem", result)
        return counted(result)

    def __setitem__(self, key, value):
        before = bare(self)[bare(key)]
        counts.add("setitem", before)
        bare(self)[bare(key)] = bare(value)

    def mean(self, *args, **kwargs):
        counts.add("mean", self)
        return counted(bare(self).mean(*args, **kwargs))

    def copy(self, order="C"):
        counts.add("copy", self)
        return counted(bare(self).copy(order))


def _name(ufunc: np.ufunc, inputs: tuple) -> str:
    """Return a ufunc's name; a power of a whole number is a product."""
    whole = ufunc is np.power and isinstance(inputs[1], int)
    return "square" if whole else ufunc.__name__


def _is_view(result: Any, arrays: tuple) -> bool:
    return any(
        np.may_share_memory(result, one)
        for one in arrays
        if isinstance(one, np.ndarray)
    )


def bare(value: Any) -> Any:
    """Return a value with plain arrays for counted ones."""
    return _each(value, Counted, np.ndarray)


def counted(value: Any) -> Any:
    """Return a value with counted arrays for plain ones."""
    return _each(value, np.ndarray, Counted)


def _each(value: Any, old: type, kind: type) -> Any:
    """Return a nested value whose arrays of one type are of another."""
    if isinstance(value, old):
        return value.view(kind)
    if isinstance(value, dict):
        return {name: _each(one, old, kind) for name, one in value.items()}
    if isinstance(value, tuple | list):
        parts = (_each(one, old, kind) for one in value)
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


class _NumPy:
    """NumPy whose new arrays are counted ones."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if name not in ("zeros", "ones", "full", "arange", "eye"):
            return function

        def making(*args: Any, **kwargs: Any) -> Any:
            made = function(*args, **kwargs)
            counts.add(name, made)
            return counted(made)

        return making


def traversals(
    module: ModuleType, function: Callable, *arguments: Any
) -> tuple[Counts, Any]:
    """Return what a module's function counts, and its result in plain arrays."""
    counts.passes = counts.transcendental = 0
    module.np = _NumPy()
    try:
        result = function(*counted(arguments))
    finally:
        module.np = np
    return Counts(counts.passes, counts.transcendental), bare(result)
