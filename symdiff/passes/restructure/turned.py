"""Products of a few rows with a transposed matrix, turned: x @ w.T is (w @ x.T).T.

In and out: a graph with its gradient. To multiply a batch with a layer's transposed
weights OpenBLAS copies these in an order that is slow, which for few rows takes as long
as the product; the rows are copied faster. In float64 both take as long.
"""

from __future__ import annotations

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...ops.layout import transpose
from ...ops.windows import contiguous
from ..rebuild import rebuild

__all__ = ["few_rows"]

# x of rows and columns, w of other rows and the same columns.
BY_TRANSPOSED = ((0, 1), (2, 1)), (0, 2)

# Where it is faster, as measured: numbers of rows, multiplications, and how many elements
# of w there are for each that is copied.
FEW = range(8, 33)
SMALLEST = 2**18
COPIED = 3


def few_rows(graph: Graph) -> Graph:
    """Return the graph with such products turned."""
    found = {id(node) for node in graph.walk() if _pays(graph.nodes, node)}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if id(node) not in found:
            return None
        x, w = (Handle(nodes, one) for one in operands)
        made = contract([w, contiguous(transpose(x))], [(0, 1), (1, 2)], (0, 2))
        return contiguous(transpose(made)).node

    return rebuild(graph, rewrite) if found else graph


def _pays(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether a node is such a product, and faster turned."""
    if not isinstance(node, Contraction) or node.params != BY_TRANSPOSED:
        return False
    x, w = nodes[node].operands
    (rows, columns), others = nodes.shape(x), nodes.shape(w)[0]
    if not all(isinstance(one, int) for one in (rows, columns, others)):
        return False
    large = rows * columns * others > SMALLEST
    pays = columns * others > COPIED * rows * (columns + others)
    single = nodes.dtype(x) == nodes.dtype(w) == "float32"
    return rows in FEW and large and pays and single
