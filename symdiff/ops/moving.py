"""Rows that put elements at other places or repeat them: flip, roll, tile, repeat.

Each one's derivative is one of the same kind, or a sum over the repetitions. Repeats
that differ from element to element must be known, over an axis of known size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, tuple_of, wrap
from ..errors import ShapeError, SizeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, axes_of, axis_of, size
from .elementwise import dtype_of
from .handle import Handle, handle_of, size_of
from .layout import broadcast_to, moveaxis, reshape, shape_of, swapaxes
from .table import reached_by, row

__all__ = ["Flip", "Repeat", "Roll", "Tile", "rows_of"]


class Flip(ArrayNode):
    """x backwards along axes; params: the axes."""


class Roll(ArrayNode):
    """x moved around along axes; params: the shifts, the axes."""


class Tile(ArrayNode):
    """x several times behind itself along each axis; params: how often."""


class Repeat(ArrayNode):
    """Each element several times; params: how often, the axis."""


def _same(nodes: Nodes, x: sympy.Expr, *params: Any) -> tuple[Shape, str]:
    return nodes.shape(x), nodes.dtype(x)


def made(cls: type, x: Handle, *params: Any) -> Handle:
    """Return the node of a class over one array."""
    return Handle(x.nodes, x.nodes.make(cls, x.node, params=params))


# Flip and roll.


def _write_flip(writer: Writer, node: Any, x: Code) -> Code:
    axes = node.params[0]
    keys = ("::-1" if axis in axes else ":" for axis in range(max(axes) + 1))
    return Code(f"{wrap(x, Level.ATOM)}[{', '.join(keys)}]")


def _write_roll(writer: Writer, node: Any, x: Code) -> Code:
    shifts, axes = node.params
    texts = [writer.size(one).text for one in shifts]
    rank = len(writer.nodes.shape(node))
    if rank == 1:
        return call(writer.function("np.roll"), x, *texts)
    if len(axes) == 1:
        return call(writer.function("np.roll"), x, *texts, f"axis={axes[0]}")
    over = f"axis={tuple_of(map(str, axes))}"
    return call(writer.function("np.roll"), x, tuple_of(texts), over)


row(
    Flip,
    kind="view",
    shape=_same,
    write=_write_flip,
    vjp=(lambda g, y, x: np.flip(g, y.node.params[0]),),
)
row(
    Roll,
    kind="array",
    shape=_same,
    write=_write_roll,
    vjp=(lambda g, y, x: np.roll(g, _back(y.node.params[0]), y.node.params[1]),),
)


def _back(shifts: tuple[Size, ...]) -> tuple[Size, ...]:
    return tuple(size(-one) for one in shifts)


@reached_by(np.flip)
def flip(m: Any, axis: Any = None) -> Handle:
    """The elements in reverse order along axes, along all where none is given."""
    m = handle_of(m)
    axes = axes_of(axis, m.ndim)
    return made(Flip, m, axes) if axes else m


@reached_by(np.flipud)
def flipud(m: Any) -> Handle:
    """The rows in reverse order."""
    return flip(m, 0)


@reached_by(np.fliplr)
def fliplr(m: Any) -> Handle:
    """The columns in reverse order."""
    return flip(m, 1)


@reached_by(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Handle:
    """A plane turned by quarters."""
    m = handle_of(m)
    first, second = (axis_of(one, m.ndim) for one in axes)
    if first == second:
        raise ShapeError("np.rot90: the axes must be different")
    k %= 4
    if k == 2:
        return flip(m, (first, second))
    if k == 1:
        m = flip(m, second)
    turned = swapaxes(m, first, second) if k else m
    return flip(turned, second) if k == 3 else turned


@reached_by(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Handle:
    """The elements moved along axes; what leaves at an end comes in at the other."""
    a = handle_of(a)
    if axis is None:
        return reshape(roll(reshape(a, (-1,)), shift, 0), a.sizes)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    shifts = shape_of(shift)
    if len(shifts) != len(axes) and 1 not in (len(shifts), len(axes)):
        raise ShapeError(f"np.roll: shifts {shift} do not fit the axes {axis}")
    count = max(len(shifts), len(axes))
    many = (shifts * count)[:count] if len(shifts) == 1 else shifts
    over = (tuple(axes) * count)[:count] if len(axes) == 1 else axes
    places = tuple(axis_of(one, a.ndim) for one in over)
    return made(Roll, a, many, places) if places else a


def _rolled_by_half(sign: int) -> Callable:
    def build(x: Any, axes: Any = None) -> Handle:
        x = handle_of(x)
        places = axes_of(axes, x.ndim)
        return roll(x, tuple(sign * (x.shape[i] // 2) for i in places), places)

    return build


reached_by(np.fft.fftshift)(_rolled_by_half(1))
reached_by(np.fft.ifftshift)(_rolled_by_half(-1))


# Tile and repeat.


def _tile_shape(nodes: Nodes, x: sympy.Expr, reps: Shape) -> tuple[Shape, str]:
    pairs = zip(reps, _with_ones(nodes.shape(x), len(reps)), strict=True)
    return tuple(size(one * other) for one, other in pairs), nodes.dtype(x)


def _with_ones(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def _write_tile(writer: Writer, node: Any, x: Code) -> Code:
    reps = node.params[0]
    alone = all(one == 1 for one in reps[:-1])
    text = writer.size(reps[-1]).text if alone else writer.shape(reps)
    return call(writer.function("np.tile"), x, text)


def _tile_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """The sum over the tiles."""
    reps: Shape = y.node.params[0]
    shape: list[Size] = []
    tiles: list[int] = []
    for times, length in zip(reps, _with_ones(x.sizes, len(reps)), strict=True):
        if times != 1:
            tiles.append(len(shape))
            shape.append(times)
        shape.append(length)
    return reshape(np.sum(reshape(g, tuple(shape)), axis=tuple(tiles)), x.sizes)


def _repeat_shape(
    nodes: Nodes, x: sympy.Expr, repeats: Size, axis: int
) -> tuple[Shape, str]:
    shape = nodes.shape(x)
    longer = size(shape[axis] * repeats)
    return (*shape[:axis], longer, *shape[axis + 1 :]), nodes.dtype(x)


def _write_repeat(writer: Writer, node: Any, x: Code) -> Code:
    repeats, axis = node.params
    over = [f"axis={axis}"] if len(writer.nodes.shape(node)) > 1 else []
    text = writer.size(repeats).text
    return call(writer.function("np.repeat"), x, text, *over)


def _repeat_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """The sum over the repetitions."""
    repeats, axis = y.node.params
    shape = (*x.sizes[: axis + 1], repeats, *x.sizes[axis + 1 :])
    return np.sum(reshape(g, shape), axis=axis + 1)


row(Tile, kind="array", shape=_tile_shape, write=_write_tile, vjp=(_tile_vjp,))
row(Repeat, kind="array", shape=_repeat_shape, write=_write_repeat, vjp=(_repeat_vjp,))


@reached_by(np.tile)
def tile(A: Any, reps: Any) -> Handle:  # noqa: N803 - NumPy's name
    """The array several times behind itself along each axis."""
    a, times = handle_of(A), shape_of(reps)
    times = _with_ones(times, max(len(times), a.ndim))
    if all(one == 1 for one in times):
        return reshape(a, _with_ones(a.sizes, len(times)))
    if dtype_of(a) in ("int", "float"):
        return broadcast_to(a, times)
    return made(Tile, a, times)


@reached_by(np.repeat, method="repeat")
def repeat(a: Any, repeats: Any, axis: Any = None) -> Handle:
    """Each element several times."""
    a = handle_of(a)
    if axis is None:
        a, axis = reshape(a, (-1,)), 0
    axis = axis_of(axis, a.ndim)
    if np.ndim(repeats) == 0:
        return made(Repeat, a, size_of(repeats), axis)
    times = np.asarray(repeats)
    if times.size == 1:
        return made(Repeat, a, int(times.item()), axis)
    if not isinstance(a.sizes[axis], int):
        raise SizeError(
            f"np.repeat: {times.size} numbers of repeats for an axis of unknown size"
        )
    if times.shape != (a.sizes[axis],):
        raise ShapeError(f"np.repeat: repeats {repeats} do not fit axis {axis}")
    places = np.repeat(np.arange(len(times)), times)
    return a[(*(slice(None),) * axis, places)]


# Axes put to other places.


@reached_by(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Handle:
    """An axis moved in front of another."""
    a = handle_of(a)
    axis = axis_of(axis, a.ndim)
    start = a.ndim if start == a.ndim else axis_of(start, a.ndim)
    return moveaxis(a, axis, start - (axis < start))


def rows_of(x: Any) -> Handle:
    """Return an array of at least two axes, a vector as one row."""
    x = handle_of(x)
    return reshape(x, _with_ones(x.sizes, 2)) if x.ndim < 2 else x


def _vector(x: Any) -> Handle:
    x = handle_of(x)
    return x if x.sizes else reshape(x, (1,))


def _cube(x: Any) -> Handle:
    x = handle_of(x)
    if x.ndim > 2:
        return x
    shape = {0: (1, 1, 1), 1: (1, *x.sizes, 1), 2: (*x.sizes, 1)}[x.ndim]
    return reshape(x, shape)


def _each(function: Callable[[Any], Handle]) -> Callable:
    def over(*arrays: Any) -> Any:
        made = tuple(map(function, arrays))
        return made[0] if len(made) == 1 else made

    return over


for _numpy, _function in (
    (np.atleast_1d, _vector),
    (np.atleast_2d, rows_of),
    (np.atleast_3d, _cube),
):
    reached_by(_numpy)(_each(_function))
