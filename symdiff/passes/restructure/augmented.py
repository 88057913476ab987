"""Products with sums of what varies along different axes, without the sums:
(x + m) @ q is [x, 1] @ [q, m @ q].

In and out: a graph before it is differentiated. m and q vary along axes that x does not
have, as the centres of clusters do: a product for each of them becomes one product, the
axes of x behind all others. The gradient follows of itself.
"""

from __future__ import annotations

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.elementwise import dtype_of
from ...ops.handle import Handle
from ...ops.joining import concatenate
from ...ops.layout import expand_dims, full_like_shape, reshape, transpose
from ...shapes import FLOATS
from ..rebuild import read_once
from .transposes import reordered

__all__ = ["augmented"]

Indices = tuple[int, ...]
Factor = tuple[Handle, Indices]


def augmented(graph: Graph) -> Graph:
    """Return the graph with products of augmented arrays in the place of such sums."""
    once = read_once(graph)

    def change(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if not isinstance(node, Contraction) or len(operands) != 2:
            return None
        factors = graph.nodes[node].operands
        for place, total in enumerate(operands):
            if isinstance(total, sympy.Add) and id(factors[place]) in once:
                made = _product(nodes, node, operands, place)
                if made is not None:
                    return made.node
        return None

    return reordered(graph, change)


def _product(
    nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...], place: int
) -> Handle | None:
    """Return a product of a sum without the sum; None where it does not pay."""
    inputs, output = node.params
    other = Handle(nodes, operands[1 - place]), inputs[1 - place]
    terms = [
        _varying(Handle(nodes, one), inputs[place])
        for one in nodes[operands[place]].operands
    ]
    for x, shift in (terms, terms[::-1]):
        over = _summed(x, shift, other, output)
        if over is not None:
            return _augmented(x, shift, other, output, over)
    return None


def _varying(x: Handle, indices: Indices) -> Factor:
    """Return a term of a sum without its axes of size 1, and the indices of the rest."""
    own = indices[len(indices) - x.ndim :]
    kept = [axis for axis, one in enumerate(x.sizes) if one != 1]
    return reshape(x, [x.sizes[axis] for axis in kept]), tuple(own[i] for i in kept)


def _summed(x: Factor, shift: Factor, other: Factor, output: Indices) -> int | None:
    """Return the one index that a product sums, None where it cannot be augmented."""
    own, moved, theirs = x[1], shift[1], other[1]
    over = [i for i in theirs if i not in output]
    left, batch = ({*one} - {*over} for one in (own, moved))
    if len(over) != 1 or not {*over} <= {*own} & {*moved} or not left or not batch:
        return None
    if left & {*theirs} or not batch <= {*theirs}:
        return None
    dtypes = {dtype_of(one) for one, _ in (x, shift, other)}
    return over[0] if len(dtypes) == 1 and dtypes <= {*FLOATS} else None


def _augmented(
    x: Factor, shift: Factor, other: Factor, output: Indices, over: int
) -> Handle:
    """Return [q, shift @ q] @ [x, 1], its axes in the product's order."""
    (array, own), (q, theirs) = x, other
    rows = tuple(i for i in theirs if i != over)
    columns = tuple(i for i in own if i != over)
    last = contract([shift[0], q], [shift[1], theirs], rows)
    axis, place = own.index(over), theirs.index(over)
    one = (*array.sizes[:axis], 1, *array.sizes[axis + 1 :])
    ones = full_like_shape(Handle(q.nodes, q.nodes.number(1)), one, dtype_of(array))
    made = contract(
        [
            concatenate([q, expand_dims(last, (place,))], place),
            concatenate([array, ones], axis),
        ],
        [theirs, own],
        (*rows, *columns),
    )
    return transpose(made, [(*rows, *columns).index(i) for i in output])
