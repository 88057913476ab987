"""Equal parts along the last axis as blocks in memory: (x @ w)[:, :k], (x @ w)[:, k:] are
(x @ v)[0] and (x @ v)[1], where v has the parts of w along a new first axis.

In and out: a graph with its gradient. The sums and products that nothing but such parts
reads, as the gates of a recurrent network do, have the new axis from the start. Linear
in the number of nodes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import sympy

from ...graph import Graph, Nodes, Variable
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.keys import WHOLE, Key
from ...ops.layout import Reshape, reshape, transpose
from ...ops.table import ROWS
from ...shapes import Shape
from ..rebuild import rebuild

__all__ = ["parts_as_blocks"]

# Longer rows are read as fast where they are, shorter ones are no matrices.
SHORTEST, LONGEST = 16, 512
ELEMENTWISE = ("elementwise", "transcendental")


@dataclass(frozen=True)
class Split:
    """How the last axis of arrays is split: into how many parts, and of what length."""

    count: int
    length: int


def parts_as_blocks(graph: Graph) -> Graph:
    """Return the graph with arrays that are read part by part in one block for each."""
    found = _found(graph)
    if not found:
        return graph

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        split = found.get(id(node))
        if split is not None:
            return _split(graph.nodes, nodes, node, operands, split, found)
        beneath = graph.nodes[node].operands[:1]
        split = found.get(id(beneath[0])) if beneath else None
        if split is None:
            return None
        start = node.params[0][-1][1] or 0
        return Handle(nodes, operands[0])[start // split.length].node

    return rebuild(graph, rewrite)


# Finding them.


def _found(graph: Graph) -> dict[int, Split]:
    """Return how the arrays are split that are to be, by their ids."""
    nodes = graph.nodes
    readers: defaultdict[int, list[sympy.Expr]] = defaultdict(list)
    for node in graph.walk():
        for one in nodes[node].operands:
            readers[id(one)].append(node)
    kept = set(map(id, graph.outputs.values()))
    found: dict[int, Split] = {}
    for node in reversed(graph.walk()):
        if id(node) not in kept and (reading := readers[id(node)]):
            split = _of_readers(nodes, node, reading, found)
            if split is not None:
                found[id(node)] = split
    return _whole_families(graph, found)


def _of_readers(
    nodes: Nodes,
    node: sympy.Expr,
    reading: list[sympy.Expr],
    found: dict[int, Split],
) -> Split | None:
    """Return how an array is split by all that read it, None where these do not agree."""
    shape = nodes.shape(node)
    if len(shape) < 2 or shape[-2] == 1 or not _can_be_split(nodes, node):
        return None
    splits = {
        found.get(id(one)) if _follows(nodes, node, one) else _parted(nodes, node, one)
        for one in reading
    }
    return splits.pop() if len(splits) == 1 else None


def _follows(nodes: Nodes, array: sympy.Expr, node: sympy.Expr) -> bool:
    """Return whether a node is split as an array is that it reads."""
    if _is_rows(nodes, node):
        return True
    alike = len(nodes.shape(node)) == len(nodes.shape(array))
    return alike and ROWS[type(node)].kind in ELEMENTWISE


def _can_be_split(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether an operation can make its value in parts."""
    if isinstance(node, Contraction):
        return _place(node) is not None
    if not nodes[node].operands:
        return False
    return _is_rows(nodes, node) or ROWS[type(node)].kind in ELEMENTWISE


def _place(node: sympy.Expr) -> int | None:
    """Return the operand that a product's last axis is of, None where it is of both."""
    inputs, output = node.params
    having = [place for place, one in enumerate(inputs) if output[-1] in one]
    if len(inputs) != 2 or len(having) > 1 or inputs[having[0]].count(output[-1]) > 1:
        return None
    return having[0]


def _is_rows(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether a node takes rows of an array, its last axis whole."""
    if not isinstance(node, Index) or len(nodes[node].operands) > 1:
        return False
    (key,) = node.params
    rank = len(nodes.shape(nodes[node].operands[0]))
    return len(key) < rank and all(entry[0] in ("slice", "at") for entry in key)


def _parted(nodes: Nodes, array: sympy.Expr, node: sympy.Expr) -> Split | None:
    """Return how an array is split of which a node is one part along the last axis."""
    if not isinstance(node, Index) or len(nodes[node].operands) > 1:
        return None
    (key,), shape = node.params, nodes.shape(array)
    if len(key) != len(shape) or {*key[:-1]} != {WHOLE} or key[-1][0] != "slice":
        return None
    (_, start, stop, step), width = key[-1], shape[-1]
    start, stop = start or 0, width if stop is None else stop
    known = all(isinstance(one, int) and one >= 0 for one in (start, stop, width))
    if not known or step is not None:
        return None
    length = stop - start
    fits = SHORTEST <= length < min(LONGEST, width)
    if not fits or start % length or width % length:
        return None
    return Split(width // length, length)


def _whole_families(graph: Graph, found: dict[int, Split]) -> dict[int, Split]:
    """Return those arrays that are products, or are computed of such and of what is
    smaller.
    """
    nodes = graph.nodes
    family: dict[int, int] = {}

    def head(one: int) -> int:
        while family.setdefault(one, one) != one:
            family[one] = one = family[family[one]]
        return one

    products, spoiled = set[int](), set[int]()
    for node in graph.walk():
        if id(node) not in found:
            continue
        if isinstance(node, Contraction):
            products.add(id(node))
            continue
        for one in nodes[node].operands:
            if id(one) in found:
                family[head(id(one))] = head(id(node))
            elif isinstance(node, Index) or nodes.shape(one) == nodes.shape(node):
                spoiled.add(id(node))
    good = set(map(head, products)) - set(map(head, spoiled))
    return {one: split for one, split in found.items() if head(one) in good}


# Computing them.


def _split(
    old: Nodes,
    nodes: Nodes,
    node: sympy.Expr,
    operands: tuple[sympy.Expr, ...],
    split: Split,
    found: dict[int, Split],
) -> sympy.Expr:
    """Return a node's value with the axis of parts in front."""
    if isinstance(node, Contraction):
        return _product(nodes, node, operands, split)
    if isinstance(node, Index):
        key: Key = (WHOLE, *node.params[0])
        return nodes.make(Index, *operands, params=(key,))
    shape, params = old.shape(node), getattr(node, "params", ())
    pairs = zip(old[node].operands, operands, strict=True)
    beside = (
        new if id(one) in found else _aligned(Handle(nodes, new), shape, split).node
        for one, new in pairs
    )
    return nodes.make(type(node), *beside, params=params)


def _product(
    nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...], split: Split
) -> sympy.Expr:
    """Return a product with a matrix for each part."""
    inputs, output = node.params
    place = _place(node)
    assert place is not None
    own, last = inputs[place], output[-1]
    pair = [Handle(nodes, one) for one in operands]
    pair[place] = _parts(pair[place], own.index(last), split)
    fresh = 1 + max(i for one in inputs for i in one)
    indices = list(inputs)
    indices[place] = (fresh, *own)
    return contract(pair, indices, (fresh, *output)).node


def _parts(x: Handle, axis: int, split: Split) -> Handle:
    """Return an array with one of its axes in parts, these along a new first axis."""
    before, after = x.sizes[:axis], x.sizes[axis + 1 :]
    parts = reshape(x, (*before, split.count, split.length, *after))
    rest = (one for one in range(parts.ndim) if one != axis)
    made = transpose(parts, (axis, *rest))
    if (name := _name(x)) is not None:
        x.nodes[made.node].name = f"{name}_parts"
    return made


def _name(x: Handle) -> str | None:
    """Return the user's name of an array, be it in another shape."""
    node = x.node
    while isinstance(node, Reshape) and x.nodes[node].name is None:
        (node,) = x.nodes[node].operands
    return node.name if isinstance(node, Variable) else x.nodes[node].name


def _aligned(x: Handle, shape: Shape, split: Split) -> Handle:
    """Return an operand of fewer axes as it stands beside one with the axis of parts."""
    if x.sizes[-1:] != shape[-1:]:
        return x
    missing = (1,) * (len(shape) - x.ndim)
    return _parts(reshape(x, (*missing, *x.sizes)), len(shape) - 1, split)
