"""What expressions of emitted code give, told from their operands: shapes and layouts.

In: values without their elements, and pieces of syntax. Out: the form of a result, the
order in which its elements lie, whether NumPy makes a view or a copy of it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import ShapeError
from ..memory import Held
from ..shapes import FLOATS, Shape, Size, broadcast, product, promote

__all__ = [
    "NUMBER",
    "Form",
    "Value",
    "called",
    "elementwise",
    "flattened",
    "is_view",
    "items",
    "matrix_product",
    "part",
    "reduced",
    "tensordot",
    "turned",
    "viewed",
]

Form = tuple[Shape, str]


class Value(NamedTuple):
    """What an expression gives: its form, and the memory that it has or is a view of.

    order: its axes, that of the largest steps in memory first; nothing where they are
    as they are counted, None where elements in between are left out.
    """

    shape: Shape = ()
    dtype: str = "int"
    memory: Held | None = None
    is_view: bool = False
    order: tuple[int, ...] | None = ()

    @property
    def form(self) -> Form:
        """The shape and the dtype."""
        return self.shape, self.dtype


NUMBER = Value()


def items(node: ast.expr) -> list[ast.expr]:
    """Return the items of a tuple or a list, else the expression itself."""
    return node.elts if isinstance(node, ast.Tuple | ast.List) else [node]


# Forms that are no node's of the graph.


def elementwise(values: Sequence[Value]) -> Form:
    """Return the form of an operation on elements."""
    shapes = [one.shape for one in values]
    try:
        shape = broadcast(shapes, lambda one, other: True)
    except ShapeError:
        shape = max(shapes, key=len)
    return shape, promote([one.dtype for one in values], "float64")


def matrix_product(left: Value, right: Value) -> Form:
    """Return the form of `left @ right`."""
    batch = max(left.shape[:-2], right.shape[:-2], key=len)
    columns = right.shape[-1:] if len(right.shape) > 1 else ()
    _, dtype = elementwise([left._replace(shape=()), right._replace(shape=())])
    return (*batch, *left.shape[-2:-1], *columns), dtype


def reduced(operand: Value, node: ast.Call) -> Form:
    """Return the form of a reduction of the first operand of a call."""
    options = {one.arg: one.value for one in node.keywords}
    if "axis" not in options:
        return (), operand.dtype
    sizes = list(enumerate(operand.shape))
    axes = {ast.literal_eval(one) % len(sizes) for one in items(options["axis"])}
    if "keepdims" in options:
        return tuple(1 if at in axes else one for at, one in sizes), operand.dtype
    return tuple(one for at, one in sizes if at not in axes), operand.dtype


def called(values: Sequence[Value]) -> Form:
    """Return the form of a function of elements: real numbers."""
    shape, dtype = elementwise(values or [NUMBER])
    return shape, dtype if dtype in FLOATS else "float64"


def tensordot(node: ast.Call, values: Sequence[Value]) -> tuple[Form, list[Form]]:
    """Return the form of `np.tensordot`, and those of the operands that it copies.

    It does to order their axes anew: those summed in one group, the others in one.
    """
    shape: Shape = ()
    copied = []
    for value, summed in zip(values, _summed(node, values), strict=False):
        every = range(len(value.shape))
        kept = [axis for axis in every if axis not in summed]
        shape += tuple(value.shape[axis] for axis in kept)
        order = value.order or tuple(every)
        in_groups = _adjoin(order, kept) and _adjoin(order, summed)
        if value.order is None or not in_groups:
            copied.append(value.form)
    return (shape, elementwise(values)[1]), copied


def _summed(node: ast.Call, values: Sequence[Value]) -> Sequence[Sequence[int]]:
    """Return the axes over which `np.tensordot` sums, of each operand."""
    options = [*node.args[2:], *(one.value for one in node.keywords)]
    axes = ast.literal_eval(options[0])
    if not isinstance(axes, int):
        return axes
    rank = len(values[0].shape)
    return range(rank - axes, rank), range(axes)


def flattened(values: Sequence[Value]) -> tuple[Form, list[Form]]:
    """Return the form of `np.vdot`, and those of the operands that it copies."""
    copied = [one.form for one in values if one.order != ()]
    return ((), elementwise(values)[1]), copied


def _adjoin(order: Sequence[int], axes: Sequence[int]) -> bool:
    """Return whether axes lie one after the other."""
    places = [order.index(axis) for axis in axes]
    return all(after == place + 1 for place, after in pairwise(places))


# Views.

_VIEWING = {"squeeze", "expand_dims", "asarray", "split", "swapaxes", "transpose"}
_TAKING = {"broadcast_to", "sliding_window_view", "diagonal", "flip"}
_RESHAPING = {"reshape", "ravel"}


def is_view(function: str, value: Value, form: Form | None) -> bool:
    """Return whether a function returns a view of its first operand."""
    if function in _RESHAPING and value.order != ():
        if form is None or value.order is None:
            return False
        return _splits(value.shape, form[0])
    if function == "ascontiguousarray":
        return value.order == ()
    of_matrix = function == "diag" and len(value.shape) == 2
    return of_matrix or function in _VIEWING | _TAKING | _RESHAPING


def _splits(shape: Shape, parts: Shape) -> bool:
    """Return whether a shape's axes are each split into several, if anything."""
    rest = list(parts)
    for whole in shape:
        split: Size = 1
        while rest and split != whole:
            split = product((split, rest.pop(0)))
        if split != whole:
            return False
    return all(one == 1 for one in rest)


def viewed(function: str, value: Value, node: ast.Call, form: Form | None) -> Value:
    """Return what a function returns of its first operand's memory."""
    if function in ("swapaxes", "transpose"):
        axes = [ast.literal_eval(one) for one in node.args]
        if function == "swapaxes":
            one, other = axes
            axes = list(range(len(value.shape)))
            axes[one], axes[other] = axes[other], axes[one]
        return turned(value, axes)
    shape = value.shape if form is None else form[0]
    kept = function in _VIEWING | _RESHAPING and not value.order
    order = value.order if kept or function == "asarray" else None
    return value._replace(shape=shape, is_view=True, order=order)


def turned(value: Value, axes: Sequence[int]) -> Value:
    """Return a view with the axes in another order."""
    usual, order = tuple(range(len(axes))), value.order
    if order is not None:
        order = tuple(axes.index(axis) for axis in order or usual)
    shape = tuple(value.shape[axis] for axis in axes)
    order = () if order == usual else order
    return value._replace(shape=shape, is_view=True, order=order)


def part(
    whole: Value, entries: Sequence[ast.expr], keys: Sequence[Value], form: Form | None
) -> Value:
    """Return what a key selects, its memory that of the whole.

    Where the form is not known, a slice is taken to select all.
    """
    shape = form[0] if form else _selected(whole.shape, entries, keys)
    inner = [one for one in entries[1:] if isinstance(one, ast.Slice)]
    if len(inner) == len(entries) - 1 and isinstance(entries[0], ast.Slice):
        skipping = any(one.lower or one.upper or one.step for one in inner)
        order = None if skipping else whole.order
    else:
        order = None if whole.order else whole.order
    return whole._replace(shape=shape, is_view=True, order=order)


def _selected(
    shape: Shape, entries: Sequence[ast.expr], keys: Sequence[Value]
) -> Shape:
    found: list[Size] = []
    axis = 0
    for place, entry in enumerate(entries):
        constant = entry.value if isinstance(entry, ast.Constant) else entry
        if constant is None:
            found.append(1)
        elif constant is ...:
            rest = sum(not _adds(one) for one in entries[place + 1 :])
            found += shape[axis : len(shape) - rest]
            axis = len(shape) - rest
        else:
            found += shape[axis : axis + 1] if isinstance(entry, ast.Slice) else ()
            axis += 1
    arrays = [key for key in keys if key.shape]
    together = elementwise(arrays)[0] if arrays else ()
    return (*together, *found, *shape[axis:])


def _adds(entry: ast.expr) -> bool:
    """Return whether an entry of a key is a new axis."""
    return isinstance(entry, ast.Constant) and entry.value is None
