"""For the tests of those who write gradients by hand: `assert_gradient`.

In: a function of arrays, its gradient, arguments. Out: nothing where the gradient is
right, else an `AssertionError` that says what is wrong with it. The function need not be
one that symdiff can compile. Refused with a `SpecError`: a function whose value is no
number, a gradient that is not nested as the arguments are.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import optree

from .checkup.point import Arrays, Point, lengths, look
from .checkup.record import lines_of
from .checkup.structure import Structure
from .errors import SpecError
from .leaves import near
from .nested import flatten, opens

__all__ = ["assert_gradient"]

Arguments = Sequence[Any] | Mapping[str, Any]


def assert_gradient(
    fn: Callable,
    grad: Any,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    seed: int = 0,
    entries: int = 64,
) -> None:
    """Return if a gradient is that of a function at its arguments; else say what it is.

    There is no step and no tolerance to pick: central differences at falling steps are
    extrapolated until they settle, and judged by their own error.

    Parameters
    ----------
    fn : callable
        A function of arrays, numbers and nests of them, whose value is a number.
    grad : callable or gradient
        A function of the same arguments that returns the gradient, or the gradient.
    args : sequence or mapping
        The arguments, by position or by name. Of nested ones the real arrays count.
    wrt : str or tuple of str, optional
        The names of the arguments that the gradient is of; by default the first. A tuple
        of names takes a tuple of gradients, or a dict by name.
    seed : int
        What directions and entries are drawn from.
    entries : int
        How many entries of each array are judged one by one.

    Raises
    ------
    AssertionError
        If the gradient is wrong, or if it cannot be judged at these arguments. It names
        the array, its worst entry, and the likely mistake.
    SpecError
        If the gradient is not nested as the arguments are, or the value is no number.
    """
    at_hand = _AtHand(fn, args, wrt)
    point = at_hand.look(grad, seed, entries)
    if point.outcome != "right":
        first = f"the gradient of {_name(fn)} is {point.outcome}"
        raise AssertionError("\n".join([first, *lines_of(point)]))


class _Argument(NamedTuple):
    """One argument, taken apart; the names of its leaves, "" for those not real."""

    name: str
    tree: optree.PyTreeSpec
    leaves: list[Any]
    names: list[str]

    @property
    def real(self) -> dict[str, np.ndarray]:
        """The arrays that can be differentiated, by their names."""
        pairs = zip(self.names, self.leaves, strict=True)
        return {name: np.asarray(leaf) for name, leaf in pairs if name}

    def value(self, moved: Arrays) -> Any:
        """Return the argument built again, some of its arrays being others."""
        pairs = zip(self.names, self.leaves, strict=True)
        return self.tree.unflatten([_own(moved.get(name, x)) for name, x in pairs])


class _AtHand:
    """A function's arguments, of which the arrays of the wanted ones can be moved."""

    def __init__(
        self, fn: Callable, args: Arguments, wrt: str | tuple[str, ...] | None
    ) -> None:
        self.fn = fn
        self.by_name = isinstance(args, Mapping)
        named = args if isinstance(args, Mapping) else _named(fn, args)
        self.arguments = {name: _opened(name, one) for name, one in named.items()}
        wanted = wrt if isinstance(wrt, tuple) else (wrt or next(iter(named), ""),)
        for name in wanted:
            if name not in named:
                remedy = near(named, name)
                raise SpecError(f"wrt: there is no argument {name!r}", remedy=remedy)
        self.wanted = {name: self.arguments[name] for name in wanted}
        self.structure = Structure(
            {name: one.tree for name, one in self.wanted.items()},
            {name: one.names for name, one in self.wanted.items()},
            not isinstance(wrt, tuple),
        )

    def look(self, grad: Any, seed: int, entries: int) -> Point:
        """Return what is found of a gradient here."""
        arrays = _together(self.wanted.values())
        if not arrays:
            raise SpecError(
                f"wrt: {', '.join(self.wanted)} has no real number to differentiate",
                remedy="Pass floats: 1.0 for 1, np.ones(3) for [1, 1, 1] of ints.",
            )
        is_single = any(array.dtype == np.float32 for array in arrays.values())
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            claimed = self.call(grad, {}) if callable(grad) else grad
            return look(
                lambda moved: self.call(self.fn, moved),
                {name: array.astype(float) for name, array in arrays.items()},
                self.structure.read(claimed),
                lengths=lengths(_together(self.arguments.values()).items()),
                precision="float32" if is_single else "float64",
                seed=seed,
                entries=entries,
            )

    def call(self, fn: Callable, moved: Arrays) -> Any:
        """Return a function's result where some arrays are others."""
        values = {name: one.value(moved) for name, one in self.arguments.items()}
        return fn(**values) if self.by_name else fn(*values.values())


def _together(arguments: Iterable[_Argument]) -> dict[str, np.ndarray]:
    """Return the real arrays of several arguments."""
    return {name: array for one in arguments for name, array in one.real.items()}


def _name(fn: Callable) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _named(fn: Callable, args: Sequence[Any]) -> dict[str, Any]:
    """Return arguments by the names of a function's parameters, else by their places."""
    try:
        names = list(inspect.signature(fn).bind_partial(*args).arguments)
    except (TypeError, ValueError):
        names = []
    if len(names) != len(args):
        names = [f"args[{place}]" for place in range(len(args))]
    return dict(zip(names, args, strict=True))


def _opened(name: str, value: Any) -> _Argument:
    accessors, leaves, tree = flatten(value, _is_leaf)
    pairs = zip(accessors, leaves, strict=True)
    names = [where.codify(name) if _is_real(leaf) else "" for where, leaf in pairs]
    return _Argument(name, tree, leaves, names)


def _is_leaf(node: object) -> bool:
    """Tell leaves from containers: a list of numbers is an array."""
    opens(node)
    plain = type(node) in (list, tuple) and bool(node)
    return plain and all(isinstance(one, Real) for one in node)  # type: ignore[attr-defined]


def _is_real(leaf: object) -> bool:
    numbers = isinstance(leaf, np.ndarray | Real | list | tuple)
    return numbers and np.asarray(leaf).dtype.kind == "f"


def _own(leaf: Any) -> Any:
    """Return a copy of an array, which a function may write into; a number of a 0-d one."""
    if isinstance(leaf, list | tuple):
        return np.asarray(leaf)
    return np.array(leaf)[()] if isinstance(leaf, np.ndarray) else leaf
