"""Restructurings: the same values by other operations, of which there are fewer or that
NumPy does faster.

In and out: a graph with its gradient.
"""

from ...graph import Graph
from .shared import shared_operands
from .sums import sums_of_products

__all__ = ["restructure"]


def restructure(graph: Graph) -> Graph:
    """Return the graph with all restructurings that pay."""
    return shared_operands(sums_of_products(graph))
