"""The functions of a module that check its arguments, and the one that checks itself.

In: the signature, the names of arrays and sizes in the module. Out: lines of `_check`,
and of the literal from which arguments are made up. Only what the module needs is in
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..leaves import literal
from ..program.fitting import Group, exploded, fitted, group, repeated, tuple_group
from ..shapes import FLOATS, show
from ..specs import Argument, Leaf, Signature
from .nesting import Class, is_nested, nested
from .outputs import items

__all__ = ["Checking"]

# Between which bounds made-up reals are drawn, by the domain in which the loss is
# finite; where it is finite everywhere, from the normal distribution.
BOUNDS = {"unit": (0.1, 0.9), "positive": (0.7, 1.4), "above": (1.1, 1.9)}


@dataclass(frozen=True)
class Checking:
    """Texts of the checks.

    np: NumPy's name. read: names of the arrays and sizes that the passes read. helpers:
    names of the module's own functions, by what they do. arrays, sizes: local names by
    leaf and by size. classes: names of named tuples and dataclasses. mixed: whether the
    real arguments of the module have several dtypes.
    """

    signature: Signature
    np: str
    read: frozenset[str]
    helpers: Mapping[str, str]
    arrays: Mapping[str, str]
    sizes: Mapping[str, str]
    classes: Mapping[Class, str]
    mixed: bool

    # The check of the arguments.

    @property
    def numbers(self) -> bool:
        """Whether an argument is read as a number."""
        return any(map(_is_number, self.signature.leaves))

    def arguments(self) -> list[str]:
        """Return the lines that take the arguments apart into arrays and sizes."""
        lines: list[str] = []
        known: dict[str, str] = {}
        for argument in self.signature.arguments:
            if is_nested(argument):
                lines += self._form(argument)
            for leaf in argument.leaves:
                lines += self._array(leaf, known)
        return lines

    @cached_property
    def needed(self) -> frozenset[str]:
        """The arrays and sizes that are read, by the passes or to check others."""
        leaves = self.signature.leaves
        counts = Counter(one for leaf in leaves for one in _unknown(leaf))
        return self.read | {self.sizes[one] for one in counts if counts[one] > 1}

    def _form(self, argument: Argument) -> list[str]:
        """Return the check of a nested argument's form; `...` stands for an array."""
        form = nested(argument, ["..."] * len(argument.leaves), self.classes)
        call = self.helpers["match"]
        given = [f'"{argument.name}"', argument.name, repeated(form)]
        return fitted(call, tuple_group(given))

    def _array(self, leaf: Leaf, known: dict[str, str]) -> list[str]:
        """Return the line that makes an array of a leaf, and those of its new sizes."""
        name = self.arrays[leaf.name]
        new = [one for one in _unknown(leaf) if one not in known]
        call = self._call(leaf, leaf.access, known)
        needed = [one for one in dict.fromkeys(new) if self.sizes[one] in self.needed]
        if needed or name in self.needed:
            lines = fitted(f"{name} = ", call, self._cast(leaf))
        else:
            lines = fitted("", call)
        for size in needed:
            known[size] = f"{leaf.access}.shape[{leaf.shape.index(size)}]"
            axis = leaf.shape.index(size)
            lines.append(f"{self.sizes[size]} = {name}.shape[{axis}]")
        if len(set(new)) < len(new):  # one size on two axes
            lines += fitted("", self._call(leaf, name, known))
        return lines

    def _call(self, leaf: Leaf, value: str, known: Mapping[str, str]) -> Group:
        dtype = f"{self.np}.{self._accepted(leaf)}"
        given = [literal(leaf.access), value, dtype]
        if _is_number(leaf):
            return Group(f"{self.helpers['number']}(", items(given), ")")
        given.append(self._shape(leaf, known))
        old = dict.fromkeys(one for one in _unknown(leaf) if one in known)
        if old:
            origins = (f"{self.sizes[one]} is {known[one]}" for one in old)
            given.append(literal(", ".join(origins)))
        return Group(f"{self.helpers['array']}(", items(given), ")")

    def _accepted(self, leaf: Leaf) -> str:
        """Return the dtype that a leaf is taken in: int64 for what it can hold."""
        integer = np.dtype(leaf.dtype).kind in "iu" and leaf.dtype != "uint64"
        return "int64" if integer else leaf.dtype

    def _cast(self, leaf: Leaf) -> str:
        """Return the call by which integers become what the passes compute with."""
        return f".astype({self.np}.int64)" if leaf.dtype == "uint64" else ""

    def _shape(self, leaf: Leaf, known: Mapping[str, str]) -> str:
        texts = [
            self.sizes[one] if isinstance(one, str) and one in known else literal(one)
            for one in leaf.shape
        ]
        return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"

    # What the self-check is run on.

    def made_up(
        self, sizes: Mapping[str, int], bounds: Mapping[str, int], domain: str
    ) -> list[str]:
        """Return the lines of the literal of made-up arguments."""
        values = []
        for argument in self.signature.arguments:
            texts = [
                self._drawn(leaf, sizes, bounds, domain) for leaf in argument.leaves
            ]
            values.append(nested(argument, texts, self.classes))
        return exploded("return ", group("[", (("", one) for one in values), "]"))

    def _drawn(
        self,
        leaf: Leaf,
        sizes: Mapping[str, int],
        bounds: Mapping[str, int],
        domain: str,
    ) -> str:
        shape = [sizes[one] if isinstance(one, str) else one for one in leaf.shape]
        kind = np.dtype(leaf.dtype).kind
        if kind == "b":
            return f"rng.integers(0, 2, {show(shape)}, bool)"
        if kind in "iu":
            first, stop = 0, max(bounds.get(leaf.name, 2), 1)
            if leaf.example is not None and leaf.example.size:
                first, stop = int(leaf.example.min()), int(leaf.example.max()) + 1
            dtype = ", np.uint64" if leaf.dtype == "uint64" else ""
            return f"rng.integers({first}, {stop}, {show(shape)}{dtype})"
        if leaf.example is not None and leaf.example.size:
            low, high = _range(leaf.example)
        elif domain in BOUNDS:
            low, high = BOUNDS[domain]
        else:
            sized = "".join(f", {one}" for one in shape)
            dtype = f", dtype={self.np}.{leaf.dtype}" if self.mixed else ""
            return f"{self.helpers['random']}(rng{sized}{dtype})"
        drawn = f"rng.uniform({low:.3g}, {high:.3g}, {show(shape)})"
        if leaf.dtype == "float64":
            return drawn
        return f"{self.np}.asarray({drawn}, {self.np}.{leaf.dtype})"


def _unknown(leaf: Leaf) -> list[str]:
    """Return the names of a leaf's unknown sizes, repeated ones too."""
    return [one for one in leaf.shape if isinstance(one, str)]


def _is_number(leaf: Leaf) -> bool:
    """Return whether a leaf is read as a number of NumPy's: it is faster at sums of
    these than of arrays of one. Whole numbers stay arrays, which indexing tells apart.
    """
    return not leaf.shape and leaf.dtype in FLOATS


def _range(example: np.ndarray) -> tuple[float, float]:
    """Return the range of an example's values, a little wider but of the same signs."""
    low, high = float(np.min(example)), float(np.max(example))
    low = low * (0.9 if low > 0 else 1.1)
    high = high * (1.1 if high > 0 else 0.9)
    if low == high:
        low, high = -0.1, 0.1
    return low, high
