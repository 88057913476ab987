"""Interpolation and polynomials: `interp`, `searchsorted`, `polyval`.

Places among sorted elements have no gradient. Refused: `searchsorted` with a sorter,
periodic interpolation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from .handle import Handle, handle_of
from .indexing import getitem
from .table import reached_by, row

__all__ = ["interp", "polyval"]


class SearchSorted(ArrayNode):
    """Where elements of v would stand in the sorted a; params: "left" or "right"."""


def _places_shape(nodes: Nodes, a: sympy.Expr, v: sympy.Expr, side: str) -> tuple:
    return nodes.shape(v), "int64"


def _write_places(writer: Writer, node: Any, a: Code, v: Code) -> Code:
    (side,) = node.params
    function = writer.function("np.searchsorted")
    return call(function, a, v, *([] if side == "left" else [f'"{side}"']))


row(SearchSorted, kind="array", shape=_places_shape, write=_write_places)


@reached_by(np.searchsorted, method="searchsorted")
def searchsorted(a: Any, v: Any, side: str = "left") -> Handle:
    """Where elements of v would stand in the sorted a."""
    a, v = handle_of(a), handle_of(v)
    if a.ndim != 1 or side not in ("left", "right"):
        raise ShapeError("searchsorted takes a vector, and side 'left' or 'right'")
    return Handle(a.nodes, a.nodes.make(SearchSorted, a.node, v.node, params=(side,)))


@reached_by(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """The values at x of the straight lines through the points (xp, fp)."""
    x, xp, fp = handle_of(x), handle_of(xp), handle_of(fp)
    last = Handle(xp.nodes, xp.nodes.size(xp.sizes[0])) - 2
    below = np.clip(searchsorted(xp, x, "right") - 1, 0, last)
    x0, y0 = getitem(xp, below), getitem(fp, below)
    rise = (getitem(fp, below + 1) - y0) / (getitem(xp, below + 1) - x0)
    inside = y0 + rise * (x - x0)
    before = getitem(fp, 0) if left is None else left
    behind = getitem(fp, -1) if right is None else right
    inside = np.where(x < getitem(xp, 0), before, inside)
    return np.where(x > getitem(xp, -1), behind, inside)


@reached_by(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The value at x of the polynomial with coefficients p, the highest first."""
    x, value = handle_of(x), handle_of(0)
    for one in handle_of(p):
        value = value * x + one
    return value
