"""Products with transposed matrices, x @ w.T, as products with matrices.

In and out: a graph with its gradient. To multiply a batch with a layer's transposed
weights OpenBLAS copies these in an order that is slow, which for few rows takes as long
as the product. NumPy copies the weights faster where they are small, once where many
products read them; or else the rows: (w @ x.T).T. What is faster was measured.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...ops.layout import transpose
from ...ops.windows import contiguous
from ...shapes import FLOATS
from ..rebuild import rebuild

__all__ = ["few_rows", "transposed_copies"]

# x of rows and columns, w of other rows and the same columns.
BY_TRANSPOSED = ((0, 1), (2, 1)), (0, 2)

# Numbers of rows for which w is copied, or x; and of multiplications from which on
# OpenBLAS copies what it multiplies.
COPYING, TURNING = range(16, 65), range(8, 33)
SMALLEST = 2**17
# Elements of w for each product that reads it, where w is copied; for each element of
# x and of the product, where these are.
MOST, LEAST = 10_000, 3


@dataclass(frozen=True)
class Sizes:
    """Sizes of a product: of rows of x, of its columns, of rows of w."""

    rows: int
    columns: int
    others: int

    @property
    def is_large(self) -> bool:
        return self.rows * self.columns * self.others >= SMALLEST


def transposed_copies(graph: Graph) -> Graph:
    """Return the graph with products that read copies of transposed matrices."""
    nodes = graph.nodes
    sizes = {id(node): _sizes(nodes, node) for node in graph.walk()}
    products = [node for node in graph.walk() if sizes[id(node)] is not None]
    readers = Counter(id(nodes[node].operands[1]) for node in products)
    found = {
        id(node)
        for node in products
        if _may_copy(sizes[id(node)], readers[id(nodes[node].operands[1])])
    }

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if id(node) not in found:
            return None
        x, w = (Handle(nodes, one) for one in operands)
        return contract([x, contiguous(transpose(w))], [(0, 1), (1, 2)], (0, 2)).node

    return rebuild(graph, rewrite) if found else graph


def few_rows(graph: Graph) -> Graph:
    """Return the graph with products of few rows turned."""
    nodes = graph.nodes
    found = {
        id(node)
        for node in graph.walk()
        if (sizes := _sizes(nodes, node)) is not None and _may_turn(nodes, node, sizes)
    }

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if id(node) not in found:
            return None
        x, w = (Handle(nodes, one) for one in operands)
        made = contract([w, contiguous(transpose(x))], [(0, 1), (1, 2)], (0, 2))
        return contiguous(transpose(made)).node

    return rebuild(graph, rewrite) if found else graph


def _sizes(nodes: Nodes, node: sympy.Expr) -> Sizes | None:
    """Return the sizes of a product with a transposed matrix, if these are known."""
    if not isinstance(node, Contraction) or node.params != BY_TRANSPOSED:
        return None
    x, w = nodes[node].operands
    (rows, columns), others = nodes.shape(x), nodes.shape(w)[0]
    known = all(isinstance(one, int) for one in (rows, columns, others))
    real = nodes.dtype(x) == nodes.dtype(w) and nodes.dtype(x) in FLOATS
    return Sizes(rows, columns, others) if known and real else None


def _may_copy(sizes: Sizes | None, readers: int) -> bool:
    """Return whether to copy w pays, which so many products read."""
    if sizes is None or sizes.rows not in COPYING or not sizes.is_large:
        return False
    return sizes.columns * sizes.others <= MOST * readers


def _may_turn(nodes: Nodes, node: sympy.Expr, sizes: Sizes) -> bool:
    """Return whether to turn a product pays: in float64 it does not."""
    if nodes.dtype(node) != "float32" or sizes.rows not in TURNING:
        return False
    copied = sizes.rows * (sizes.columns + sizes.others)
    return sizes.is_large and sizes.columns * sizes.others > LEAST * copied
