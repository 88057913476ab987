"""Interpolation, and places among sorted elements: `interp`, `searchsorted`, `digitize`.

Places have no gradient. Refused: `digitize` by edges whose order is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes
from .handle import Handle, handle_of
from .indexing import getitem
from .table import reached_by, row

__all__ = ["interp"]


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
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Handle:
    """Where elements of v would stand in the sorted a."""
    a, v = handle_of(a), handle_of(v)
    a = a if sorter is None else getitem(a, sorter)
    if a.ndim != 1 or side not in ("left", "right"):
        raise ShapeError("searchsorted takes a vector, and side 'left' or 'right'")
    return Handle(a.nodes, a.nodes.make(SearchSorted, a.node, v.node, params=(side,)))


@reached_by(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The number of the bin in which each element lies, between edges."""
    x, bins = handle_of(x), handle_of(bins)
    if not bins.is_known:
        raise UnsupportedError(
            "np.digitize by traced edges: whether they rise or fall is not known",
            remedy='Write np.searchsorted(bins, x, side="right") for rising edges.',
        )
    if np.all(np.diff(bins.value) >= 0):
        return searchsorted(bins, x, "left" if right else "right")
    rising = getitem(bins, slice(None, None, -1))
    count = Handle(bins.nodes, bins.nodes.size(bins.sizes[0]))
    return count - searchsorted(rising, x, "right" if right else "left")


@reached_by(np.interp)
def interp(
    x: Any,
    xp: Any,
    fp: Any,
    left: Any = None,
    right: Any = None,
    period: Any = None,
) -> Any:
    """The values at x of the straight lines through the points (xp, fp)."""
    x, xp, fp = handle_of(x), handle_of(xp), handle_of(fp)
    if period is not None:
        x, xp, left, right = x % period, xp % period, None, None
        order = np.argsort(xp)
        xp, fp = getitem(xp, order), getitem(fp, order)
        xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
        fp = np.concatenate((fp[-1:], fp, fp[:1]))
    last = Handle(xp.nodes, xp.nodes.size(xp.sizes[0])) - 2
    below = np.clip(searchsorted(xp, x, "right") - 1, 0, last)
    x0, y0 = getitem(xp, below), getitem(fp, below)
    rise = (getitem(fp, below + 1) - y0) / (getitem(xp, below + 1) - x0)
    inside = y0 + rise * (x - x0)
    before = getitem(fp, 0) if left is None else left
    behind = getitem(fp, -1) if right is None else right
    inside = np.where(x < getitem(xp, 0), before, inside)
    return np.where(x > getitem(xp, -1), behind, inside)
