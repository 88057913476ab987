"""The row of sliding windows: an array's windows as new axes.

In the derivative the windows are added back one offset at a time, each for all
positions at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, infix, tuple_of
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, axis_of, promote, show, size
from .contraction import Contraction
from .handle import Handle, handle_of
from .layout import shape_of
from .moving import made
from .products import Indices, transposed, write_contraction
from .table import ROWS, reached_by, row

__all__ = ["AddWindows", "Contiguous", "Windows", "contiguous", "windows_of"]

VIEW = "np.lib.stride_tricks.sliding_window_view"

Axes = tuple[int, ...]


class Windows(ArrayNode):
    """The windows of x; params: their shape, the axes along which they slide."""


class Contiguous(ArrayNode):
    """x as one block of memory."""


class AddWindows(ArrayNode):
    """Windows added to where they stood; they are a product of the operands.

    params: that shape, the windows', the axes; the indices of a contraction.
    """


def _windows_shape(
    nodes: Nodes, x: sympy.Expr, window: Shape, axes: Axes
) -> tuple[Shape, str]:
    shape = list(nodes.shape(x))
    for axis, one in zip(axes, window, strict=True):
        shape[axis] = size(shape[axis] - one + 1)
        if isinstance(shape[axis], int) and shape[axis] < 1:
            raise ShapeError(
                f"windows of {show(window)} do not fit into {show(nodes.shape(x))}"
            )
    return (*shape, *window), nodes.dtype(x)


def _write_windows(writer: Writer, node: Any, x: Code) -> Code:
    window, axes = node.params
    rank = len(writer.nodes.shape(node)) - len(window)
    if axes == tuple(range(rank)):
        over = []
    else:
        over = [f"axis={axes[0] if len(axes) == 1 else tuple_of(map(str, axes))}"]
    text = writer.size(window[0]).text if len(window) == 1 else writer.shape(window)
    return call(writer.function(VIEW), x, text, *over)


def _add_windows_block(
    writer: Writer, node: Any, target: str, *operands: Code
) -> list[str]:
    """Write zeros to which the windows are added."""
    dtype = writer.nodes.dtype(node)
    kind = "" if dtype == "float64" else f", {writer.function(f'np.{dtype}')}"
    zeros = f"{writer.function('np.zeros')}({writer.room(node.params[0])}{kind})"
    return [f"{target} = {zeros}", *_adding_lines(writer, node, target, *operands)]


def _adding_lines(writer: Writer, node: Any, target: str, *operands: Code) -> list[str]:
    """Write a loop over the offsets in a window."""
    shape, window, axes, inputs, output = node.params
    names = [writer.local(name) for name, _ in zip("ijklmn", axes, strict=False)]
    offsets = [writer.size(one).text for one in window]
    runs = "range" if len(names) == 1 else writer.function("np.ndindex")
    keys = [":"] * (max(axes) + 1)
    for axis, name, one in zip(axes, names, window, strict=True):
        count = writer.size(size(shape[axis] - one + 1)).text
        keys[axis] = f"{name} : {name} + {count}"
    before, parts = _parts(writer, operands)
    added = _at_offset(writer, parts, inputs, output, names)
    return [
        *before,
        f"for {', '.join(names)} in {runs}({', '.join(offsets)}):",
        f"    {target}[{', '.join(keys)}] += {added.text}",
    ]


def _parts(writer: Writer, operands: Sequence[Code]) -> tuple[list[str], list[Code]]:
    """Return the operands by name: the loop must not compute them anew each time."""
    lines, parts = [], []
    for place, one in enumerate(operands):
        name = one.text if one.text.isidentifier() else writer.local(f"part_{place}")
        lines += [] if name == one.text else [f"{name} = {one.text}"]
        parts.append(Code(name))
    return lines, parts


def _at_offset(
    writer: Writer,
    parts: Sequence[Code],
    inputs: Sequence[Indices],
    output: Indices,
    names: Sequence[str],
) -> Code:
    """Return the product of the operands at one offset in the window."""
    offset = dict(zip(output[-len(names) :], names, strict=True))
    kept = output[: -len(names)]
    arrays, indices, scalars = [], [], []
    for part, own in zip(parts, inputs, strict=True):
        rest = tuple(i for i in own if i not in offset)
        if rest != own:
            part = Code(f"{part.text}[{_key(own, offset)}]")
        if rest:
            arrays.append(part)
            indices.append(rest)
        else:
            scalars.append(part)
    if len(arrays) == 1:
        made = transposed(arrays[0], [indices[0].index(i) for i in kept])
    else:
        product = SimpleNamespace(params=(tuple(indices), kept))
        made = write_contraction(writer, product, *arrays)
    for one in scalars:
        made = infix(made, "*", one, Level.PRODUCT)
    return made


def _key(own: Indices, offset: Mapping[int, str]) -> str:
    """Return the key that takes an array's elements at an offset."""
    last = own[-len(offset) :]
    if len(own) > len(offset) and last == tuple(offset):
        return f"..., {', '.join(offset.values())}"
    places = max(place for place, i in enumerate(own) if i in offset)
    return ", ".join(offset.get(i, ":") for i in own[: places + 1])


def _no_expression(writer: Writer, node: Any, *operands: Code) -> Code:
    raise TypeError("windows are added by statements")


def _add_windows_shape(nodes: Nodes, *operands: Any) -> tuple[Shape, str]:
    *arrays, shape, _, _, _, _ = operands
    return shape, promote([nodes.dtype(one) for one in arrays], nodes.float_dtype)


def _windows_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """The windows added back; a product of two arrays is taken offset by offset."""
    nodes, operands = g.nodes, (g.node,)
    every = tuple(range(g.ndim))
    spec = ((every,), every)
    if isinstance(g.node, Contraction):
        inputs = g.node.params[0]
        if len(inputs) == 2 and all(len(set(own)) == len(own) for own in inputs):
            operands, spec = nodes[g.node].operands, g.node.params
    params = (x.sizes, *y.node.params, *spec)
    return Handle(nodes, nodes.make(AddWindows, *operands, params=params))


def _add_windows_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    """As of the product, whose cotangent is the windows of the cotangent."""
    _, window, axes, *spec = y.node.params
    operands = [one.node for one in x]
    product = g.nodes.make(Contraction, *operands, params=tuple(spec))
    rule: Any = ROWS[Contraction].vjp
    windows = made(Windows, g, window, axes)
    return rule(windows, Handle(g.nodes, product), x, needed)


row(
    Windows,
    kind="view",
    shape=_windows_shape,
    write=_write_windows,
    vjp=(_windows_vjp,),
)
row(
    AddWindows,
    kind="contraction",
    shape=_add_windows_shape,
    write=_no_expression,
    block=_add_windows_block,
    adding=_adding_lines,
    vjp=_add_windows_vjp,
)
row(
    Contiguous,
    kind="array",
    shape=lambda nodes, x: (nodes.shape(x), nodes.dtype(x)),
    write="np.ascontiguousarray",
    vjp=(lambda g, y, x: g,),
    latex="{0}",
)


def contiguous(x: Handle) -> Handle:
    """Return x as one block of memory."""
    return made(Contiguous, x)


def windows_of(x: Handle, window: Shape, axes: Axes) -> Handle:
    """Return the windows that slide along axes, none of them twice."""
    return made(Windows, x, window, axes)


@reached_by(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any,
    window_shape: Any,
    axis: Any = None,
    *,
    subok: bool = False,
    writeable: bool = False,
) -> Handle:
    """The windows that slide along axes, as new axes behind all others."""
    x, window = handle_of(x), shape_of(window_shape)
    given = range(x.ndim) if axis is None else axis if np.iterable(axis) else (axis,)
    axes = tuple(axis_of(one, x.ndim) for one in given)
    if len(axes) != len(window):
        raise ShapeError(f"windows of {show(window)} along {len(axes)} axes")
    if len(set(axes)) == len(axes):
        return windows_of(x, window, axes)
    for one, along in zip(window, axes, strict=True):
        x = windows_of(x, (one,), (along,))
    return x
