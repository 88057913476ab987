"""What restructuring saves and costs, counted in elements that are read or written.

Unknown sizes count as large ones.
"""

from __future__ import annotations

import math

import sympy

from ...graph import Nodes
from ..order import LARGE

__all__ = ["CALL", "elements"]

# A call of NumPy takes as long as it takes to copy about so many elements.
CALL = 2000


def elements(nodes: Nodes, node: sympy.Expr) -> int:
    """Return how many elements a node has."""
    sizes = (sympy.sympify(one) for one in nodes.shape(node))
    known = (one.subs(dict.fromkeys(one.free_symbols, LARGE)) for one in sizes)
    return math.prod(map(int, known))
