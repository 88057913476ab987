"""The function of a module that computes both passes in the arrays of a workspace.

In: a `Fused`, the names of its module, and what is differentiated. Out: fields of the
template: the lines that take arrays, those that make them, and those that look at the
arrays which the caller gives for the gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..leaves import literal
from ..program.fitting import Group, Text, assigned, fitted, group, packed, tuple_group
from ..program.fused import Fused
from ..shapes import Size
from ..specs import Argument, Leaf
from .scope import Scope

__all__ = ["WORKSPACE", "Fusing"]

# Methods of a workspace.
WORKSPACE = ("take", "give_back")

ROOM = 84  # columns of a line in a function


@dataclass(frozen=True)
class Fusing:
    """Texts of the function and of what it calls.

    np: NumPy's name. arrays, sizes: local names by leaf and by size. wrt: what is
    differentiated, by the text of its part of a gradient.
    """

    fused: Fused
    scope: Scope
    np: str
    arrays: Mapping[str, str]
    sizes: Mapping[str, str]
    wrt: Mapping[str, Argument]

    def fields(self) -> dict[str, Any]:
        """Return the fields of the template."""
        own, helpers, sizes = self.scope.extra, self.scope.helpers, self.fused.sizes
        taken = Group(f"{own['workspace']}.take(", _items(sizes), ")")
        given = Group(
            f"{own['workspace']}.give_back(", _items((own["arrays"], *sizes)), ")"
        )
        outputs = tuple_group(self.fused.gradients.values())
        return {
            "extra": own,
            "sizes": ", ".join(sizes),
            "sizes_default": "".join(f", {one}=None" for one in sizes),
            "first_size": next(iter(sizes), ""),
            "size_key": str(tuple_group(sizes)) if sizes else "()",
            "take_outputs": assigned(outputs, self._call_outputs()),
            "take_arrays": [
                *fitted(f"{own['arrays']} = ", taken),
                *assigned(self._workspace, own["arrays"]),
            ],
            "give_back": fitted("", given),
            "making": self.fused.making,
            "return_arrays": fitted("return ", self._workspace),
            "output_sizes": "".join(f", {one}" for one in self._read),
            "new_outputs": fitted("return ", tuple_group(self._new()), width=ROOM - 4),
            "old_outputs": fitted(f"{own['arrays']} = ", tuple_group(self._old())),
            "outputs": helpers["outputs"],
        }

    @property
    def keywords(self) -> tuple[str, ...]:
        """The parameters of the function beside the arguments."""
        own, home = self.scope.extra, self.scope.helpers["workspace"]
        return f"{own['out']}=None", f"{own['workspace']}={home}"

    @cached_property
    def _workspace(self) -> Text:
        return packed(self.fused.workspace, (), ROOM - len("return "))

    @cached_property
    def _read(self) -> tuple[str, ...]:
        """The sizes that the gradient's arrays have."""
        shapes = (leaf.shape for _, leaf in self._leaves())
        names = (one for shape in shapes for one in shape if isinstance(one, str))
        return tuple(self.sizes[one] for one in dict.fromkeys(names))

    @property
    def read(self) -> frozenset[str]:
        """The arguments and sizes that the function reads, in either way."""
        return frozenset({*self.fused.read, *self._read})

    def _leaves(self) -> Iterator[tuple[str, Leaf]]:
        """Yield each array of the gradient by its text, with what it is the slope of."""
        for text, argument in self.wrt.items():
            for leaf in argument.leaves:
                yield f"{text}{leaf.access.removeprefix(leaf.argument)}", leaf

    def _call_outputs(self) -> Group:
        """Return the call that gives the gradient's arrays, apart from those read."""
        read = [one for one in self.fused.read if one in self.arrays.values()]
        items: list[Text] = [self.scope.extra["out"], tuple_group(read), *self._read]
        return Group(f"{self.scope.helpers['outputs']}(", _items(items), ")")

    def _new(self) -> Iterator[Text]:
        for _, leaf in self._leaves():
            dtype = "" if leaf.dtype == "float64" else f", {self.np}.{leaf.dtype}"
            yield f"{self.np}.empty({self._shape(leaf)}{dtype})"

    def _old(self) -> Iterator[Text]:
        for text, leaf in self._leaves():
            dtype = f"{self.np}.{leaf.dtype}"
            items = (literal(text), text, dtype, self._shape(leaf))
            yield group(f"{self.scope.helpers['output']}(", _items(items), ")")

    def _shape(self, leaf: Leaf) -> str:
        sizes: list[Size] = [
            self.sizes[one] if isinstance(one, str) else str(one) for one in leaf.shape
        ]
        return str(tuple_group(sizes)) if sizes else "()"


def _items(texts: Any) -> tuple[tuple[str, Text], ...]:
    return tuple(("", one) for one in texts)
