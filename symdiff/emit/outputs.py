"""The arrays that a gradient is written into: new ones, or those that a caller gives.

In: the names of a module, and what is differentiated. Out: texts of the arrays, and of
what looks at those of a caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..leaves import literal
from ..program.fitting import Group, Text, group, tuple_group
from ..program.statement import Statement, laid
from ..shapes import Size
from ..specs import Argument, Leaf
from .scope import Scope

__all__ = ["ROOM", "Outputs", "Returned", "indented", "items", "made_quickly"]

ROOM = 84  # columns of a line in a function

# The lines that return a gradient of these texts, by a title, behind what stands before,
# and whether that should take the least time.
Returned = Callable[[Mapping[str, str], str, str, bool], list[str]]


@dataclass(frozen=True)
class Outputs:
    """Texts of a gradient's arrays.

    np: NumPy's name. arrays, sizes: local names by leaf and by size. wrt: what is
    differentiated, by the text of its part of a gradient.
    """

    scope: Scope
    np: str
    arrays: Mapping[str, str]
    sizes: Mapping[str, str]
    wrt: Mapping[str, Argument]

    @property
    def own(self) -> Mapping[str, str]:
        """Names within the functions beside those of arguments and values."""
        return {}

    def leaves(self) -> Iterator[tuple[str, Leaf]]:
        """Yield each array of the gradient by its text, with what it is the slope of."""
        for text, argument in self.wrt.items():
            for leaf in argument.leaves:
                yield f"{text}{leaf.access.removeprefix(leaf.argument)}", leaf

    @cached_property
    def output_sizes(self) -> tuple[str, ...]:
        """The sizes that the gradient's arrays have."""
        shapes = (leaf.shape for _, leaf in self.leaves())
        names = (one for shape in shapes for one in shape if isinstance(one, str))
        return tuple(self.sizes[one] for one in dict.fromkeys(names))

    def new(self) -> Iterator[Text]:
        """Yield the calls that make the arrays."""
        for _, leaf in self.leaves():
            dtype = "" if leaf.dtype == "float64" else f", {self.np}.{leaf.dtype}"
            yield f"{self.np}.empty({self._shape(leaf)}{dtype})"

    def old(self) -> Iterator[Text]:
        """Yield the calls that look at a caller's arrays."""
        for text, leaf in self.leaves():
            dtype = f"{self.np}.{leaf.dtype}"
            looked_at = (literal(text), text, dtype, self._shape(leaf))
            yield group(f"{self.scope.helpers['output']}(", items(looked_at), ")")

    def _shape(self, leaf: Leaf) -> str:
        sizes: list[Size] = [
            self.sizes[one] if isinstance(one, str) else str(one) for one in leaf.shape
        ]
        return str(tuple_group(sizes)) if sizes else "()"


def made_quickly(title: str, parts: Iterable[Text]) -> Group:
    """Return the call that a named tuple's own makes, for a fourth of a microsecond less."""
    return group("tuple.__new__(", items((title, tuple_group(parts))), ")")


def items(texts: Iterable[Text]) -> tuple[tuple[str, Text], ...]:
    """Return texts as the items of a group."""
    return tuple(("", one) for one in texts)


def indented(statements: Sequence[Statement], indent: int = 4) -> list[str]:
    """Return the lines of statements, indented but for empty ones."""
    return [" " * indent + line if line else "" for line in laid(statements, indent)]
