"""What restructuring saves and costs, counted in elements that are read or written.

Unknown sizes count as large ones.
"""

from __future__ import annotations

import math

import sympy

from ...graph import Nodes
from ...shapes import size_where
from ..order import LARGE

__all__ = ["CALL", "elements"]

# A call of NumPy takes as long as it takes to copy about so many elements.
CALL = 2000


def elements(nodes: Nodes, node: sympy.Expr) -> int:
    """Return how many elements a node has."""
    return math.prod(size_where(one, LARGE) for one in nodes.shape(node))
