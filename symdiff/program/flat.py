"""Products of arrays of more than two axes as products of matrices: `np.dot` does in one
call what `np.matmul` does matrix by matrix.

In: a contraction. Out: the matrices that its operands and its result are views of; None
where there is no such product, or where an operand would have to be copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from ..graph import Nodes
from ..ops.contraction import Contraction
from ..ops.indexing import Index
from ..ops.layout import Broadcast, Transpose
from ..ops.windows import Windows
from ..shapes import Shape, is_floating, product

__all__ = ["LONGEST", "Matrix", "matrices", "summed_rows"]

# A product with ones is less accurate than a sum along longer rows.
LONGEST = 256

# What need not lie in memory row by row.
SCATTERED = (Broadcast, Index, Transpose, Windows)

Indices = tuple[int, ...]


@dataclass(frozen=True)
class Matrix:
    """An array's shape as a matrix or a vector, and whether that is to be transposed."""

    array: sympy.Expr
    shape: Shape
    turned: bool = False


def matrices(nodes: Nodes, node: sympy.Expr) -> tuple[Matrix, Matrix, Matrix] | None:
    """Return the two factors of a product and its result as matrices."""
    operands = nodes[node].operands
    if not isinstance(node, Contraction) or len(operands) != 2:
        return None
    arrays = (node, *operands)
    dtypes = {nodes.dtype(one) for one in arrays}
    if max(len(nodes.shape(one)) for one in arrays) < 3 or len(dtypes) > 1:
        return None
    if not is_floating(*dtypes) or any(isinstance(one, SCATTERED) for one in operands):
        return None
    inputs, output = node.params
    for a, b in ((0, 1), (1, 0)):
        rows = tuple(i for i in inputs[a] if i in output)
        columns = tuple(i for i in inputs[b] if i in output)
        over = tuple(i for i in inputs[a] if i not in output)
        if output != (*rows, *columns) or not over:
            continue
        left = _matrix(nodes, operands[a], inputs[a], rows, over)
        right = _matrix(nodes, operands[b], inputs[b], over, columns)
        if left is not None and right is not None:
            sizes = dict(zip(output, nodes.shape(node), strict=True))
            shape = tuple(
                product(sizes[i] for i in one) for one in (rows, columns) if one
            )
            return left, right, Matrix(node, shape)
    return None


def summed_rows(nodes: Nodes, node: sympy.Expr) -> Matrix | None:
    """Return the matrix whose rows a node sums; None where it does not, or where rows
    are so long that a product with ones is less accurate.
    """
    operands = nodes[node].operands
    if not isinstance(node, Contraction) or len(operands) != 1:
        return None
    (x,), ((indices,), output) = operands, node.params
    *count, width = nodes.shape(x)
    if len(count) < 2 or output != indices[:-1] or isinstance(x, SCATTERED):
        return None
    short = isinstance(width, int) and width <= LONGEST
    fits = short and is_floating(nodes.dtype(x))
    return Matrix(x, (product(count), width)) if fits else None


def _matrix(
    nodes: Nodes, array: sympy.Expr, own: Indices, rows: Indices, columns: Indices
) -> Matrix | None:
    """Return an array as a matrix of rows and columns, None where its axes are mixed."""
    sizes = dict(zip(own, nodes.shape(array), strict=True))
    parts = [one for one in (rows, columns) if one]
    for turned in (False, True):
        if own == tuple(i for one in parts for i in one):
            shape = tuple(product(sizes[i] for i in one) for one in parts)
            return Matrix(array, shape, turned)
        parts.reverse()
    return None
