"""How long the numbers of small arrays take: one by one in Python, together in NumPy.

In: a graph of arrays, and that of their numbers. Out: which of the two is faster, by
times that were measured once; only their ratios count.
"""

from __future__ import annotations

import math
from typing import Any

import sympy

from ..graph import Graph, Nodes
from ..ops import diagonals, joining, layout, making, moving, windows
from ..ops.contraction import Contraction, indices_of
from ..ops.elementwise import StopGradient
from ..ops.table import ROWS

__all__ = ["MOVING", "operations", "pays", "sizes_of"]

# What moves elements wherever their values would have them: NumPy moves nodes as well.
MOVING = (
    *(layout.Transpose, layout.Reshape, layout.Broadcast, windows.Contiguous),
    *(joining.Concatenate, joining.Stack, moving.Flip, moving.Roll, moving.Repeat),
    *(moving.Tile, diagonals.Diagonal, diagonals.Diag, diagonals.Tril, diagonals.Triu),
    *(making.Arange, making.Eye, making.Tri, windows.Windows, StopGradient),
)


# Nanoseconds, measured: of an operation on a number, of a function of `math`, of what
# goes from an array to a number and back; of a call of NumPy's, and per element.
NUMBER, FUNCTION, PASSED = 10, 30, 20
CALL, ELEMENT, ELEMENT_OF_FUNCTION = 550, 0.5, 8


def pays(graph: Graph, unrolled: Graph) -> bool:
    """Return whether operations on numbers are faster than those on their arrays."""
    count = len(unrolled.inputs) + len(unrolled.outputs)
    numbers = PASSED * count + sum(
        FUNCTION if _is_function(node) else NUMBER
        for node in unrolled.walk()
        if unrolled.nodes[node].operands
    )
    arrays = sum(_seconds(graph.nodes, node) for node in graph.walk())
    return numbers < arrays


def _is_function(node: sympy.Expr) -> bool:
    power = isinstance(node, sympy.Pow)  # most are quotients
    return ROWS[type(node)].kind == "transcendental" and not power


def _seconds(nodes: Nodes, node: sympy.Expr) -> float:
    """Return how many nanoseconds NumPy takes for a node."""
    info = nodes[node]
    if not info.operands or ROWS[type(node)].kind == "view":
        return 0
    if not info.shape and not any(nodes.shape(one) for one in info.operands):
        return CALL if _is_function(node) else NUMBER * 5
    each = ELEMENT_OF_FUNCTION if _is_function(node) else ELEMENT
    return CALL + each * operations(nodes, node)


def operations(nodes: Nodes, node: sympy.Expr) -> int:
    """Return how many operations on numbers a node stands for."""
    info = nodes[node]
    if not info.operands or isinstance(node, MOVING):
        return 0
    if isinstance(node, Contraction):
        sizes = sizes_of(nodes, node)
        return math.prod(sizes.values()) * len(info.operands)
    return max(math.prod(nodes.shape(one)) for one in (node, *info.operands))


def sizes_of(nodes: Nodes, node: Any) -> dict[int, int]:
    """Return the size of each index of a contraction."""
    inputs, _ = indices_of(node)
    pairs = zip(nodes[node].operands, inputs, strict=True)
    return {
        i: n for one, own in pairs for i, n in zip(own, nodes.shape(one), strict=True)
    }
