"""The one test that arguments pass which can be taken as they are.

In: the arguments. Out: the lines of a question whose answer takes less time than one
call of `_array`; what does not pass is looked at by `_check`, which says what is wrong.
There is no question where an argument is nested, of an unknown size, or of another
dtype than double precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..program.fitting import WIDTH
from ..shapes import show
from ..specs import Argument, Leaf
from .calling import STARS
from .nesting import is_nested

__all__ = ["Admission"]

ROOM = WIDTH - 4  # columns of a line in a function

# What functions with the question call by names that no argument may have.
CALLED = ("type", "tuple")


@dataclass(frozen=True)
class Admission:
    """The test of some arguments.

    arrays: local names by leaf. np, float64: names of NumPy and of the dtype. floats:
    whether single numbers are Python's.
    """

    arguments: Sequence[Argument]
    arrays: Mapping[str, str]
    np: str
    float64: str
    floats: bool

    def lines(self) -> list[str]:
        """Return the lines of the question, nothing where there is none."""
        if not self.leaves:
            return []
        tests = [*self._tests()]
        flat = " and ".join(tests)
        if len(tests) == 1:
            return [f"if not {flat}:"]
        if len(flat) <= ROOM - len("if not ():"):
            return [f"if not ({flat}):"]
        one, *others = tests
        return ["if not (", f"    {one}", *(f"    and {one}" for one in others), "):"]

    @property
    def reads_dtype(self) -> bool:
        """Whether the question asks for the dtype."""
        return bool(self._arrays)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves of the arguments, nothing where one needs more than a test."""
        leaves = [leaf for one in self.arguments for leaf in one.leaves]
        plain = all(map(self._is_plain, self.arguments))
        return tuple(leaves) if plain else ()

    def _is_plain(self, argument: Argument) -> bool:
        """Return whether an argument is an array that a test tells all of."""
        called = argument.name in CALLED
        if is_nested(argument) or argument.kind in STARS or called:
            return False
        (leaf,) = argument.leaves
        fixed = all(isinstance(size, int) for size in leaf.shape)
        same = self.arrays[leaf.name] == argument.name
        return fixed and same and leaf.dtype == "float64"

    @property
    def _arrays(self) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.shape or not self.floats]

    def _tests(self) -> Iterator[str]:
        """Yield what holds for arguments that can be taken as they are."""
        arrays = [leaf.name for leaf in self._arrays]
        others = [leaf.name for leaf in self.leaves if leaf.name not in arrays]
        shapes: dict[str, list[str]] = {}
        for leaf in self._arrays:
            shapes.setdefault(show(leaf.shape), []).append(f"{leaf.name}.shape")
        yield from _chained(map("type({})".format, arrays), "is", f"{self.np}.ndarray")
        yield from _chained(map("{}.dtype".format, arrays), "is", self.float64)
        for shape, alike in shapes.items():
            yield from _chained(alike, "==", shape)
        yield from _chained(map("type({})".format, others), "is", "float")


def _chained(texts: Iterable[str], operator: str, end: str) -> Iterator[str]:
    """Yield comparisons of all texts with the end, none of them too long."""
    row: list[str] = []
    for one in texts:
        if row and len(f" {operator} ".join([*row, one, end])) > ROOM - 8:
            yield f" {operator} ".join([*row, end])
            row = []
        row.append(one)
    if row:
        yield f" {operator} ".join([*row, end])
