"""Several traces of one loss made into one graph that is right for every size.

In: graphs recorded at different values of the unknown sizes. They are walked side by
side: what is equal is kept; a number, a size or an array that differs must be an
expression in the sizes, since Python's ints and floats forget that they came from one.
Anything else that differs is refused by `Difference`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import sympy

from ..graph import ArrayConstant, Graph, Nodes, Variable, number_of
from ..ops.handle import Handle, activated
from ..ops.layout import Broadcast
from ..ops.making import Arange, Eye, Tri
from ..shapes import Size, size
from ..source import Position
from .expressions import Real, Sizes, real_expression, whole_expression

__all__ = ["Difference", "unify"]

Group = tuple[sympy.Expr, ...]
Key = tuple[int, ...]


def _key(group: Group) -> Key:
    return tuple(map(id, group))


class Difference(Exception):  # noqa: N818 - not an error until it has been explained
    """Where traces differ and why that is no expression in the sizes."""

    def __init__(self, what: str, position: Position | None) -> None:
        super().__init__(what)
        self.what = what
        self.position = position


def unify(runs: Sequence[Graph], sizes: Sizes) -> Graph:
    """Return the one graph that all runs are instances of; names and places are the
    first run's.

    `sizes` gives each unknown size its value in each run; none of them, that all runs
    are at the same sizes. Raises `Difference`, and `NotUnique` where another run is
    needed to tell.
    """
    return _Unifier(runs, sizes).graph()


class _Unifier:
    """Merges groups of nodes, one of each run, that stand for the same value."""

    def __init__(self, runs: Sequence[Graph], sizes: Sizes) -> None:
        self.runs = runs
        self.sizes = sizes
        first = runs[0].nodes
        self.nodes = Nodes(first.float_dtype, None if sizes else first.witness)
        self.merged: dict[Key, sympy.Expr] = {}

    def graph(self) -> Graph:
        """Return the merged graph, its nodes in the order in which the first run made
        them.
        """
        names = tuple(self.runs[0].outputs)
        if any(tuple(run.outputs) != names for run in self.runs[1:]):
            raise Difference("the structure of the result", None)
        roots = {name: tuple(run.outputs[name] for run in self.runs) for name in names}
        groups = self._groups(roots.values())
        index = self.runs[0].nodes
        with activated(self.nodes):
            for key, (group, operands) in sorted(
                groups.items(), key=lambda item: index[item[1][0][0]].index
            ):
                done = [self.merged[_key(one)] for one in operands]
                self.merged[key] = self._node(group, done)
            inputs = tuple(map(self._variable, self.runs[0].inputs))
        outputs = {name: self.merged[_key(root)] for name, root in roots.items()}
        return Graph(self.nodes, inputs, outputs)

    def _groups(self, roots: Iterable[Group]) -> dict[Key, tuple[Group, list[Group]]]:
        """Return all groups that the roots need, each with its operands."""
        found: dict[Key, tuple[Group, list[Group]]] = {}
        pending = list(roots)
        while pending:
            group = pending.pop()
            if _key(group) not in found:
                operands = self._operands(group)
                found[_key(group)] = (group, operands)
                pending.extend(operands)
        return found

    def _operands(self, group: Group) -> list[Group]:
        each = [
            run.nodes[node].operands for run, node in zip(self.runs, group, strict=True)
        ]
        first = group[0]
        alike = all(type(one) is type(first) for one in group[1:]) and all(
            len(one) == len(each[0]) for one in each[1:]
        )
        if alike:
            return list(zip(*each, strict=True))
        if all(number_of(node) is not None for node in group):
            return []
        raise Difference("its operations are others", self._place(group))

    def _place(self, group: Group) -> Position | None:
        """Return where a group stands; in the last run the fewest values coincide with
        others.
        """
        places = (
            run.nodes[node].position for run, node in zip(self.runs, group, strict=True)
        )
        return next((one for one in reversed(list(places)) if one is not None), None)

    def _node(self, group: Group, operands: list[sympy.Expr]) -> sympy.Expr:
        first = self.runs[0].nodes[group[0]]
        with self.nodes.marked(first.position or self._place(group)):
            node = None if operands else self._leaf(group)
            if node is None:
                params = getattr(group[0], "params", ())
                if params:
                    params = self._same([one.params for one in group], group)
                node = self.nodes.make(type(group[0]), *operands, params=params)
        self.nodes[node].take_name(first)
        return node

    def _leaf(self, group: Group) -> sympy.Expr | None:
        """Return the node of a group without operands, None for arrays that are made."""
        first = group[0]
        if isinstance(first, Variable):
            if any(one.name != first.name for one in group):
                raise Difference(
                    "the traces use different arguments", self._place(group)
                )
            return self._variable(first)
        numbers = [number_of(one) for one in group]
        if all(one is not None for one in numbers):
            return self._number(numbers, group)
        if isinstance(first, ArrayConstant):
            return self._array(group)
        if hasattr(first, "params"):
            return None
        if any(one != first for one in group):
            raise Difference("the traces use different sizes", self._place(group))
        return self.nodes.size(first)

    def _variable(self, variable: Any) -> sympy.Expr:
        node = self.nodes.variable(variable.name, variable.shape, variable.dtype)
        self.nodes[node].name = variable.name
        return node

    # Numbers and parameters.

    def _number(self, numbers: Sequence[Any], group: Group) -> sympy.Expr:
        if all(repr(one) == repr(numbers[0]) for one in numbers):
            return self.nodes.number(numbers[0])
        kinds = set(map(type, numbers))
        if kinds == {int}:
            whole = whole_expression(numbers, self.sizes)
            if whole is not None:
                return self.nodes.size(size(whole))
        elif bool not in kinds:
            real = real_expression(numbers, self.sizes)
            if real is not None:
                return self._real(real).node
        shown = ", ".join(f"{one:.6g}" for one in numbers)
        raise Difference(f"a number that is {shown} in turn", self._place(group))

    def _real(self, real: Real) -> Handle:
        """Return a real function of a size as nodes."""
        value: Any = Handle(self.nodes, self.nodes.size(size(real.base)))
        if real.function == "log":
            value = np.log(value)
        elif real.function:
            power = float(real.function.removeprefix("**"))
            value = real.factor / value if power == -1 else value**power
        if real.factor != 1 and real.function != "**-1":
            value = real.factor * value
        return real.offset + value if real.offset else value

    def _same(self, each: Sequence[Any], group: Group) -> Any:
        """Return parameters that all runs share, integers that differ as expressions in
        sizes.
        """
        first = each[0]
        if all(type(one) is type(first) and one == first for one in each):
            return first
        if all(isinstance(one, tuple) and len(one) == len(first) for one in each):
            return tuple(self._same(one, group) for one in zip(*each, strict=True))
        if all(isinstance(one, int | sympy.Expr) for one in each):
            values = [self._value(one, run) for run, one in enumerate(each)]
            exact = (one for one in each if isinstance(one, sympy.Expr))
            for one in exact:
                if values == [self._value(one, run) for run in range(len(each))]:
                    return one
            whole = whole_expression(values, self.sizes)
            if whole is not None:
                return size(whole)
        raise Difference(
            f"a size that is {', '.join(map(str, each))} in turn", self._place(group)
        )

    def _value(self, one: Size, run: int) -> int:
        if isinstance(one, int):
            return one
        return int(one.subs({name: at[run] for name, at in self.sizes.items()}))

    # Constant arrays.

    def _array(self, group: Group) -> sympy.Expr:
        """Return a constant array, or what made it from sizes: a full, arange, eye or
        triangle.
        """
        arrays = [one.array for one in group]
        first = arrays[0]
        if all(_identical(one, first) for one in arrays):
            return self.nodes.array(first)
        made = None
        if all(one.ndim == first.ndim and one.size for one in arrays):
            made = self._full(arrays, group) or self._made(arrays, group)
        if made is None:
            shapes = ", ".join(str(one.shape) for one in arrays)
            raise Difference(
                f"a constant array, of shape {shapes} in turn", self._place(group)
            )
        return made

    def _full(self, arrays: Sequence[np.ndarray], group: Group) -> sympy.Expr | None:
        if not all((one == one.flat[0]).all() for one in arrays):
            return None
        value = self._number([one.flat[0].item() for one in arrays], group)
        params = (self._shape(arrays, group), self._dtype(arrays[0]))
        return self.nodes.make(Broadcast, value, params=params)

    def _made(self, arrays: Sequence[np.ndarray], group: Group) -> sympy.Expr | None:
        shape, dtype = self._shape(arrays, group), self._dtype(arrays[0])
        if len(shape) == 1 and all(len(one) > 1 for one in arrays):
            starts = [one[0].item() for one in arrays]
            steps = [one[1].item() - one[0].item() for one in arrays]
            whole = all(float(one).is_integer() for one in (*starts, *steps))
            if whole and len(set(steps)) == 1 and all(map(_is_evenly_spaced, arrays)):
                start, step = self._same(list(map(int, starts)), group), int(steps[0])
                params = (start, size(start + step * shape[0]), step, dtype)
                return self.nodes.make(Arange, params=params)
        for cls, make in _MATRICES:
            if len(shape) == 2 and all(
                np.array_equal(one, make(*one.shape)) for one in arrays
            ):
                return self.nodes.make(cls, params=(*shape, 0, dtype))
        return None

    def _shape(self, arrays: Sequence[np.ndarray], group: Group) -> tuple[Size, ...]:
        return self._same([one.shape for one in arrays], group)

    def _dtype(self, array: np.ndarray) -> str:
        return self.nodes.float_dtype if array.dtype.kind == "f" else array.dtype.name


_MATRICES: tuple[tuple[type, Callable], ...] = ((Eye, np.eye), (Tri, np.tri))


def _identical(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and np.array_equal(
        one, other, equal_nan=one.dtype.kind == "f"
    )


def _is_evenly_spaced(array: np.ndarray) -> bool:
    """Whether the steps between elements are equal."""
    return bool((np.diff(array) == array[1] - array[0]).all())
