"""The row of sliding windows: an array's windows as new axes.

In the derivative the windows are added back one offset at a time, each for all positions
at once. Windows must be of known size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call, tuple_of, wrap, Level
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, axis_of, show, size
from .handle import Handle, handle_of
from .layout import shape_of
from .moving import made
from .table import reached_by, row

__all__ = ["AddWindows", "Windows"]

VIEW = "np.lib.stride_tricks.sliding_window_view"

Axes = tuple[int, ...]


class Windows(ArrayNode):
    """The windows of x; params: their shape, the axes along which they slide."""


class AddWindows(ArrayNode):
    """Windows added to where they stood; params: that shape, the windows', the axes."""


def _windows_shape(
    nodes: Nodes, x: sympy.Expr, window: Shape, axes: Axes
) -> tuple[Shape, str]:
    shape = list(nodes.shape(x))
    for axis, one in zip(axes, window, strict=True):
        shape[axis] = size(shape[axis] - one + 1)
        if isinstance(shape[axis], int) and shape[axis] < 0:
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


def _add_windows_block(writer: Writer, node: Any, target: str, g: Code) -> list[str]:
    """Write a loop over the offsets in a window."""
    shape, window, axes = node.params
    dtype = writer.nodes.dtype(node)
    kind = "" if dtype == "float64" else f", {writer.function(f'np.{dtype}')}"
    names = [writer.local(name) for name, _ in zip("ijklmn", axes, strict=False)]
    if len(names) == 1:
        offsets = f"range({writer.size(window[0]).text})"
    else:
        sizes = ", ".join(writer.size(one).text for one in window)
        offsets = f"{writer.function('np.ndindex')}({sizes})"
    keys = [":"] * (max(axes) + 1)
    for axis, name, one in zip(axes, names, window, strict=True):
        count = writer.size(size(shape[axis] - one + 1)).text
        keys[axis] = f"{name} : {name} + {count}"
    dots = "..., " if len(shape) else ""
    part = f"{wrap(g, Level.ATOM)}[{dots}{', '.join(names)}]"
    return [
        f"{target} = {writer.function('np.zeros')}({writer.shape(shape)}{kind})",
        f"for {', '.join(names)} in {offsets}:",
        f"    {target}[{', '.join(keys)}] += {part}",
    ]


def _no_expression(writer: Writer, node: Any, *operands: Code) -> Code:
    raise TypeError("windows are added by statements")


row(
    Windows,
    kind="view",
    shape=_windows_shape,
    write=_write_windows,
    vjp=(lambda g, y, x: made(AddWindows, g, x.sizes, *y.node.params),),
)
row(
    AddWindows,
    kind="array",
    shape=lambda nodes, g, shape, window, axes: (shape, nodes.dtype(g)),
    write=_no_expression,
    block=_add_windows_block,
    vjp=(lambda g, y, x: made(Windows, g, *y.node.params[1:]),),
)


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
        return made(Windows, x, window, axes)
    for one, along in zip(window, axes, strict=True):
        x = made(Windows, x, (one,), (along,))
    return x
