"""Products of three and more arrays as products of two, in the order that costs least.

In and out: a graph. The order is opt_einsum's, with unknown sizes taken as large; no
array larger than needed is made on the way.
"""

from __future__ import annotations

import string
from typing import Any

import opt_einsum
import sympy

from ..graph import Graph, Nodes
from ..ops.contraction import Contraction, contract, indices_of
from ..ops.handle import Handle
from ..shapes import size_where
from ..timings import stage
from .rebuild import rebuild

__all__ = ["order"]

# What an unknown size counts as: larger than most known ones.
LARGE = 1000


@stage("order")
def order(graph: Graph) -> Graph:
    """Return the graph whose contractions have one or two operands."""
    return rebuild(graph, _split) if any(map(_is_long, graph.walk())) else graph


def _is_long(node: sympy.Expr) -> bool:
    return isinstance(node, Contraction) and len(indices_of(node)[0]) > 2


def _split(
    nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
) -> sympy.Expr | None:
    if not _is_long(node):
        return None
    inputs, output = indices_of(node)
    letters = string.ascii_letters
    terms = ["".join(letters[i] for i in one) for one in inputs]
    shapes = [_witnessed(nodes, one) for one in operands]
    subscripts = f"{','.join(terms)}->{''.join(letters[i] for i in output)}"
    path, _ = opt_einsum.contract_path(
        subscripts, *shapes, shapes=True, optimize="auto"
    )
    pending: list[tuple[Any, tuple[int, ...]]] = [
        (Handle(nodes, one), indices)
        for one, indices in zip(operands, inputs, strict=True)
    ]
    for places in path:
        taken = [pending.pop(place) for place in sorted(places, reverse=True)][::-1]
        needed = {i for _, indices in pending for i in indices} | set(output)
        own = dict.fromkeys(i for _, indices in taken for i in indices)
        result = output if not pending else tuple(i for i in own if i in needed)
        made = contract(
            [one for one, _ in taken], [indices for _, indices in taken], result
        )
        pending.append((made, result))
    return pending[0][0].node


def _witnessed(nodes: Nodes, node: sympy.Expr) -> tuple[int, ...]:
    return tuple(size_where(one, LARGE) for one in nodes.shape(node))
