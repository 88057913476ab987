"""A function at its arguments, of which some entries are moved, and what comes of it.

In: a function, its arguments, the names of those that are differentiated. Out: the
function's values where entries are moved; slopes as an `Estimate`. Refused with a
`SpecError`: an argument that is not there or not real, an entry that is not there, a
value that is no number.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from ..errors import SpecError
from ..leaves import near
from ..nested import flatten

__all__ = ["Estimate", "Weights"]

Arguments = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A gradient from evaluations of a function.

    gradient: nested as the argument is, a named tuple for several; NaN at the entries
    that were left out. entries, slopes: what was estimated, an entry being numbered
    through all arrays in their order. errors: the estimated errors of the slopes, where
    the method gives them. evaluations: calls of the function that were made; needed:
    calls that all entries take.
    """

    gradient: Any
    entries: np.ndarray
    slopes: np.ndarray
    evaluations: int
    needed: int
    errors: np.ndarray | None = None


class Weights:
    """The entries of a function's arguments that are differentiated, to be moved.

    size: their number. rounding: the relative rounding error of the coarsest of their
    dtypes. evaluations: calls of the function so far.
    """

    def __init__(
        self,
        fn: Callable,
        args: Arguments,
        wrt: str | tuple[str, ...] | None,
        *,
        is_complex: bool = False,
    ) -> None:
        signature = inspect.signature(fn)
        self._fn = fn
        if isinstance(args, Mapping):
            self._call = signature.bind(**args)
        else:
            self._call = signature.bind(*args)
        self._names = _names(self._call.arguments, wrt)
        self._single = not isinstance(wrt, tuple)
        self._trees: list[optree.PyTreeSpec] = []
        self._dtypes: list[np.dtype] = []
        self._arrays: list[np.ndarray] = []
        for name in self._names:
            self._take_apart(name, is_complex)
        self._flat = [array.reshape(-1) for array in self._arrays]
        self._ends = np.cumsum([array.size for array in self._arrays])
        self.size = int(self._ends[-1]) if self._arrays else 0
        self.rounding = max((float(np.finfo(x).eps) for x in self._dtypes), default=0.0)
        self.evaluations = 0

    def _take_apart(self, name: str, is_complex: bool) -> None:
        """Put copies in the place of an argument's arrays, which are then moved."""
        accessors, leaves, tree = flatten(self._call.arguments[name])
        copies = []
        for accessor, leaf in zip(accessors, leaves, strict=True):
            dtype = np.asarray(leaf).dtype
            if dtype.kind != "f":
                raise SpecError(
                    f"wrt: {accessor.codify(name)} has dtype {dtype} and cannot be "
                    "differentiated",
                    remedy="Give it a real dtype, or leave it out of wrt.",
                )
            working = np.result_type(dtype, np.complex64) if is_complex else dtype
            copies.append(np.array(leaf, working, order="C"))
            self._dtypes.append(dtype)
        self._arrays += copies
        self._trees.append(tree)
        self._call.arguments[name] = tree.unflatten(copies)

    def value(self) -> Any:
        """Return the function's value where the arguments stand."""
        self.evaluations += 1
        value = self._fn(*self._call.args, **self._call.kwargs)
        if np.ndim(value):
            raise SpecError(
                f"the function's value is an array of shape {np.shape(value)}",
                remedy="A gradient is that of a number: return one, such as a mean.",
            )
        return value

    def moved(self, entry: int, step: complex) -> Any:
        """Return the function's value with one entry moved by a step, and put it back."""
        place = int(np.searchsorted(self._ends, entry, side="right"))
        flat = self._flat[place]
        index = entry - int(self._ends[place]) + flat.size
        start = flat[index]
        flat[index] = start + step
        try:
            return self.value()
        finally:
            flat[index] = start

    def displaced(self, change: np.ndarray) -> Any:
        """Return the function's value with all entries moved, and put them back."""
        starts = [flat.copy() for flat in self._flat]
        parts = np.split(change, self._ends[:-1])
        try:
            for flat, part in zip(self._flat, parts, strict=True):
                flat += part.astype(flat.dtype)
            return self.value()
        finally:
            for flat, start in zip(self._flat, starts, strict=True):
                flat[:] = start

    def scale(self, entry: int) -> float:
        """Return how large the entries of an entry's array are, 1 if they are 0."""
        array = self._flat[int(np.searchsorted(self._ends, entry, side="right"))]
        return float(np.sqrt(np.mean(np.square(array)))) or 1.0

    def chosen(self, entries: Sequence[int] | np.ndarray | None) -> list[int]:
        """Return the entries that are asked for, all of them for None."""
        if entries is None:
            return list(range(self.size))
        numbers = [int(entry) for entry in entries]
        for number in numbers:
            if not 0 <= number < self.size:
                raise SpecError(
                    f"there is no entry {number}",
                    remedy=f"Entries are numbered from 0 to {self.size - 1}.",
                )
        return numbers

    def estimate(
        self,
        entries: Sequence[int],
        slopes: Sequence[Any] | np.ndarray,
        needed: int,
        errors: Sequence[float] | None = None,
    ) -> Estimate:
        """Return slopes at entries as an estimate."""
        found = np.asarray(slopes, np.result_type(*self._dtypes))
        places = np.asarray(entries, int)
        whole = np.full(self.size, np.nan, found.dtype)
        whole[places] = found
        return Estimate(
            self._nested(whole),
            places,
            found,
            self.evaluations,
            needed,
            None if errors is None else np.asarray(errors),
        )

    def _nested(self, whole: np.ndarray) -> Any:
        """Return a vector of all entries, nested as the arguments are."""
        parts = np.split(whole, self._ends[:-1])
        arrays = [
            part.astype(dtype).reshape(like.shape)
            for part, dtype, like in zip(parts, self._dtypes, self._arrays, strict=True)
        ]
        values = []
        for tree in self._trees:
            values.append(tree.unflatten(arrays[: tree.num_leaves]))
            arrays = arrays[tree.num_leaves :]
        if self._single:
            return values[0]
        return namedtuple("Gradient", self._names, rename=True)(*values)


def _names(
    arguments: Mapping[str, Any], wrt: str | tuple[str, ...] | None
) -> tuple[str, ...]:
    """Return the names of the differentiated arguments, by default of the first."""
    names = wrt if isinstance(wrt, tuple) else (wrt or next(iter(arguments), ""),)
    for name in names:
        if name not in arguments:
            remedy = near(arguments, name)
            raise SpecError(f"wrt: there is no argument {name!r}", remedy=remedy)
    return names
