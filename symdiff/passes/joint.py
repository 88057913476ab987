"""Corners at one place, whose slopes are settled together.

In: the kinks of a loss and a convention, then each cotangent on its way back. Out: the
convention that each operation follows, and cotangents settled where several operations
have their corner at the same place. `relu(x) - relu(-x)` is x, whose slope is 1
everywhere, though the least-norm slopes of both parts are 0 at 0: the least-norm slope
is that of the sum, not of each part. The other conventions take each part for itself.

There each corner gives the mean of its two slopes. The cotangent m of the array is then
the mean of the slopes below and above, from each of which it is |h| away, where h adds
up half of the jumps of all corners. Between m - |h| and m + |h| the number nearest to 0
is m - clip(m, -|h|, |h|).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy

from ..graph import Nodes
from ..ops.handle import Handle
from .kinks import Kink, crowded

__all__ = ["JointCorners"]


class JointCorners:
    """The corners that are settled together, and what has come back through them."""

    def __init__(
        self, nodes: Nodes, kinks: Mapping[int, Kink], convention: str
    ) -> None:
        self.nodes = nodes
        self.convention = convention
        self.corners = crowded(kinks) if convention == "least-norm" else {}
        self.jumps: dict[int, dict[float, Handle]] = {}

    def convention_of(self, node: sympy.Expr) -> str:
        """Return which slope a node takes at its corner."""
        return "split" if id(node) in self.corners else self.convention

    def add(self, node: sympy.Expr, g: Handle) -> None:
        """Take note of a node's cotangent."""
        kink = self.corners.get(id(node))
        if kink is not None:
            jumps = self.jumps.setdefault(id(kink.of), {})
            jump = g * ((kink.above - kink.below) / 2)
            jumps[kink.at] = jumps[kink.at] + jump if kink.at in jumps else jump

    def settled(self, node: sympy.Expr, g: Handle) -> Handle:
        """Return a node's cotangent with its least-norm slopes at shared corners."""
        x = Handle(self.nodes, node)
        for at, jump in self.jumps.get(id(node), {}).items():
            reach = np.abs(jump)
            shortest = g - np.clip(g, -reach, reach)
            point = int(at) if at.is_integer() else at
            g = np.where(x == point, shortest, g)  # type: ignore[assignment]
        return g
