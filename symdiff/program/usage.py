"""Who reads a value of a graph, how often, and in which of the two passes.

In: a graph with its gradient. Out: `Usage`, the facts from which `planning` decides
what is a statement and what is written within another.
"""

from __future__ import annotations

import sympy

from ..graph import ArrayConstant, ArrayNode, Graph, Variable
from ..ops.arithmetic import is_negative, is_reciprocal
from ..ops.contraction import Contraction
from ..ops.indexing import Index
from ..ops.layout import Reshape, Transpose, keeps_axes
from ..ops.logistic import Sigmoid
from ..ops.table import ROWS
from ..source import Position, Turn

__all__ = ["FusedUsage", "Usage"]

# What writes -x as the x that it takes away or compares.
_SUBTRACTING = (sympy.Add, Sigmoid)


class Usage:
    """Facts on a graph's values.

    walk: all nodes, operands first. forward: ids of those that the value needs.
    outputs: names of outputs by id, the first where a node is several. consumers: who
    reads a node. uses: how often it would be written, 2 standing for more. stepwise:
    whether each operation is a statement.
    """

    def __init__(self, graph: Graph, *, stepwise: bool = False) -> None:
        self.graph = graph
        self.stepwise = stepwise
        self.nodes = graph.nodes
        self.walk = graph.walk()
        self.forward = {id(node) for node in graph.walk(["value"])}
        self.outputs: dict[int, str] = {}
        for name, node in graph.outputs.items():
            self.outputs.setdefault(id(node), name)
        self.consumers: dict[int, list[sympy.Expr]] = {
            id(node): [] for node in self.walk
        }
        for node in self.walk:
            for operand in self.nodes[node].operands:
                self.consumers[id(operand)].append(node)
        self.uses = self._uses()
        self._repeated = self._repeated_loops()

    def half(self, forward: bool) -> list[sympy.Expr]:
        """Return the nodes of one pass, operands first."""
        return [node for node in self.walk if (id(node) in self.forward) == forward]

    def turns(self, node: sympy.Expr) -> list[Turn]:
        """Return the iterations in which a node was made, of loops that ran again."""
        position = self.nodes[node].position
        found = () if position is None else position.turns
        return [one for one in found if one.head in self._repeated]

    def is_leaf(self, node: sympy.Expr) -> bool:
        """Return whether a node is not computed: an input, a number, a size."""
        made = isinstance(node, ArrayNode) and not isinstance(node, ArrayConstant)
        return not (self.nodes[node].operands or made)

    def needs_name(self, node: sympy.Expr) -> bool:
        """Return whether a node is a statement, however short it is."""
        if self._repeats(node) or self._is_kept_by_reshape(node):
            return False
        info = self.nodes[node]
        return (
            self.uses[id(node)] > 1
            or info.name is not None
            or id(node) in self.outputs
            or ROWS[type(node)].block is not None
            or self._crosses(node)
            or (self.stepwise and self._is_step(node))
        )

    def may_be_sum(self, node: sympy.Expr) -> bool:
        """Return whether the other terms of a sum may be added to a new array."""
        return not self.needs_name(node)

    def is_nameable(self, node: sympy.Expr) -> bool:
        """Return whether a node may be a statement where a line becomes too long."""
        inside = self._repeats(node) or self._is_kept_by_reshape(node)
        return not (self.is_leaf(node) or inside)

    def is_passing_view(self, node: sympy.Expr) -> bool:
        """Return whether a node is a view of an argument, which costs nothing to take.

        The backward pass takes it again, so that the cache has the argument alone.
        """
        operands = self.nodes[node].operands
        return (
            isinstance(node, Transpose)
            or (isinstance(node, Index) and len(operands) < 2)
        ) and isinstance(operands[0], Variable)

    def _uses(self) -> dict[int, int]:
        """Count uses of views and reciprocals as their operands': they are repeated."""
        uses = dict.fromkeys(map(id, self.walk), 0)
        for node in self.graph.outputs.values():
            uses[id(node)] += 1
        for node in reversed(self.walk):
            times = min(uses[id(node)], 2) if self._repeats(node) else 1
            for operand in self.nodes[node].operands:
                uses[id(operand)] += times
        return uses

    def _repeated_loops(self) -> set[Position]:
        """Return the heads of loops that ran more than once."""
        indices: dict[Position, set[int]] = {}
        for node in self.walk:
            position = self.nodes[node].position
            for turn in () if position is None else position.turns:
                indices.setdefault(turn.head, set()).add(turn.index)
        return {head for head, found in indices.items() if len(found) > 1}

    def _repeats(self, node: sympy.Expr) -> bool:
        """Return whether a node is written anew wherever it is read."""
        info = self.nodes[node]
        if info.dtype in ("int", "float") or self._divides(node):
            return True
        if self._subtracts(node):
            return True
        if not info.operands:
            return self.is_leaf(node)
        if isinstance(node, Transpose | Index) and self.is_passing_view(node):
            return info.name is None
        if isinstance(node, Index):
            return len(info.operands) < 2 and info.name is None
        named = info.name is not None and not info.backward
        if isinstance(node, Reshape):
            again = self._is_long_reshape(node)
            return not (named or again or self._stands_for_reduction(node))
        if isinstance(node, Transpose) and named:
            return False
        return ROWS[type(node)].inline

    def _divides(self, node: sympy.Expr) -> bool:
        """Return whether a node is 1 / x that is only there to divide by x."""
        if not is_reciprocal(node) or self.nodes[node].name is not None:
            return False
        if id(node) in self.outputs:
            return False
        return all(
            isinstance(one, sympy.Mul) and self.nodes[one].operands[0] is not node
            for one in self.consumers[id(node)]
        )

    def _subtracts(self, node: sympy.Expr) -> bool:
        """Return whether a node is -x that is there to take x away, and x is read too.

        One reader may need it as an array: it is made once.
        """
        if not is_negative(node) or not self.nodes[node].operands:
            return False
        if self.nodes[node].name is not None or id(node) in self.outputs:
            return False
        x = self.nodes[node].operands[1]
        alone = len(self.consumers[id(x)]) == 1 and self.nodes[x].name is None
        if alone and not self.is_leaf(x):
            return False
        readers = self.consumers[id(node)]
        return sum(not isinstance(one, _SUBTRACTING) for one in readers) < 2

    def _is_long_reshape(self, node: sympy.Expr) -> bool:
        """Return whether this is `x.reshape(...)`, not `x[:, None]`, and read twice.

        Of what an argument holds it is a view, that costs nothing to take again.
        """
        (operand,) = self.nodes[node].operands
        before, after = (
            [size for size in self.nodes.shape(one) if size != 1]
            for one in (operand, node)
        )
        again = len(self.consumers[id(node)]) > 1 and before != after
        while again and isinstance(operand, Reshape | Transpose | Index):
            operand = self.nodes[operand].operands[0]
        return again and not isinstance(operand, Variable)

    def _stands_for_reduction(self, node: sympy.Expr) -> bool:
        """Return whether this is `x.sum(axis=..., keepdims=True)` and nothing else."""
        operand = self.nodes[node].operands[0]
        return len(self.consumers[id(operand)]) == 1 and keeps_axes(self.nodes, node)

    def _is_kept_by_reshape(self, node: sympy.Expr) -> bool:
        consumers = self.consumers[id(node)]
        return (
            len(consumers) == 1
            and isinstance(consumers[0], Reshape)
            and self._stands_for_reduction(consumers[0])
        )

    def _is_step(self, node: sympy.Expr) -> bool:
        """Return whether a node is a step of its own where each one is a statement.

        In the forward pass an operation is, in the backward pass a value's gradient. Of
        `a - b`, `x / n` and a mean the whole is one.
        """
        info = self.nodes[node]
        if info.backward:
            return info.cotangent_of is not None
        view = ROWS[type(node)].kind == "view"
        free = view or info.dtype in ("int", "float")
        return not (free or self._is_part_of_step(node))

    def _is_part_of_step(self, node: sympy.Expr) -> bool:
        if len(self.consumers[id(node)]) != 1:
            return False
        (consumer,) = self.consumers[id(node)]
        if isinstance(node, Contraction) and isinstance(consumer, sympy.Mul):
            mean = is_reciprocal(self.nodes[consumer].operands[1])
            return mean and len(self.nodes[node].operands) == 1
        return is_negative(node) and isinstance(consumer, sympy.Add)

    def _crosses(self, node: sympy.Expr) -> bool:
        """Return whether a value of the forward pass is read in the backward pass."""
        return id(node) in self.forward and any(
            id(one) not in self.forward for one in self.consumers[id(node)]
        )


class FusedUsage(Usage):
    """Facts on a graph's values where each operation on arrays is a statement."""

    def needs_name(self, node: sympy.Expr) -> bool:
        """Return whether a node is a statement: numbers as ever, arrays always.

        But for views, and signs that a sum has.
        """
        if not self.nodes.shape(node) or self._repeats(node):
            return super().needs_name(node)
        return not self._is_subtracted(node)

    def _repeats(self, node: sympy.Expr) -> bool:
        """Return whether a node is written anew wherever it is read: views but twice,
        parts of what is computed nowhere.
        """
        part = isinstance(node, Index) and self.nodes.shape(node)
        if part and not self._is_of_leaf(node):
            return False
        view = isinstance(node, Index | Reshape)
        often = view and len(self.consumers[id(node)]) > 2
        return not often and super()._repeats(node)

    def _is_of_leaf(self, node: sympy.Expr) -> bool:
        """Return whether a view is of what is not computed."""
        while isinstance(node, Index | Reshape | Transpose):
            node = self.nodes[node].operands[0]
        return self.is_leaf(node)

    def may_be_sum(self, node: sympy.Expr) -> bool:
        """Return whether the other terms of a sum may be added to a new array."""
        alone = self.nodes[node].name is None and id(node) not in self.outputs
        return alone and bool(self.nodes.shape(node))

    def _subtracts(self, node: sympy.Expr) -> bool:
        """Return whether a node is -x that is made nowhere: none that is an array."""
        return not self.nodes.shape(node) and super()._subtracts(node)

    def _is_subtracted(self, node: sympy.Expr) -> bool:
        consumers = self.consumers[id(node)]
        return (
            is_negative(node)
            and self.nodes[node].name is None
            and id(node) not in self.outputs
            and all(isinstance(one, sympy.Add) for one in consumers)
        )

    def _stands_for_reduction(self, node: sympy.Expr) -> bool:
        return False
