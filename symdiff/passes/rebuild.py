"""A graph made again, node by node, with some nodes replaced: what most passes are.

In: a graph and a rewrite, which may give another node for one whose operands are done.
Out: a new graph over new nodes, in the old order, with the old names and places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy

from ..graph import Graph, Nodes, Variable, number_of
from ..ops.handle import activated

__all__ = ["Rewrite", "read_once", "rebuild"]

Rewrite = Callable[[Nodes, sympy.Expr, tuple[sympy.Expr, ...]], sympy.Expr | None]


def rebuild(
    graph: Graph,
    rewrite: Rewrite,
    done: dict[int, sympy.Expr] | None = None,
    order: Iterable[sympy.Expr] | None = None,
) -> Graph:
    """Return the graph with each node replaced by what `rewrite(nodes, node, operands)`
    gives.

    None keeps the node, and where all are kept the graph itself is returned. `node` is
    the old one, `operands` are the new ones. `done`, where given, is filled on the way:
    the new node by the id of the old. order: the nodes to make, operands first; by
    default those that the outputs need, as they were made.
    """
    old, changed = graph.nodes, order is not None
    nodes = Nodes(old.float_dtype, before=old)
    done = {} if done is None else done
    with activated(nodes), nodes.marked(None):
        for node in (*graph.inputs, *(graph.walk() if order is None else order)):
            if id(node) in done:
                continue
            info = old[node]
            nodes.mark_like(info)
            operands = tuple([done[id(operand)] for operand in info.operands])
            made = None if operands else _leaf(nodes, node)
            if made is None:
                params = getattr(node, "params", ())
                made = rewrite(nodes, node, operands)
                if made is None:
                    made = nodes.make(type(node), *operands, params=params)
                elif made is not node and not changed:
                    kept = nodes.found(type(node), *operands, params=params)
                    changed = made is not kept
            done[id(node)] = made
            new = nodes[made]
            new.take_name(info)
            if (
                new.cotangent_of is None
                and info.cotangent_of is not None
                and new.backward
            ):
                new.cotangent_of = done.get(id(info.cotangent_of))
    if not changed:
        return graph
    nodes.before = None
    inputs = tuple(done[id(node)] for node in graph.inputs)
    outputs = {name: done[id(node)] for name, node in graph.outputs.items()}
    return replace(graph, nodes=nodes, inputs=inputs, outputs=outputs)


def _leaf(nodes: Nodes, node: sympy.Expr) -> sympy.Expr | None:
    if isinstance(node, Variable):
        return nodes.variable(node.name, node.shape, node.dtype)
    value = number_of(node)
    if value is not None:
        return nodes.number(value)
    return None if hasattr(node, "params") else nodes.size(node)


def read_once(graph: Graph) -> set[int]:
    """Return the ids of the nodes that one node or output reads, once."""
    uses = Counter(
        id(one) for node in graph.walk() for one in graph.nodes[node].operands
    )
    uses.update(map(id, graph.outputs.values()))
    return {one for one, times in uses.items() if times == 1}
