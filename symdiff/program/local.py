"""The names that a program has before its values get theirs: of modules, arguments,
sizes and constants.

In: the usage of a graph, and the names that are taken. Out: a writer and a namer that
know them.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from ..code import Writer
from ..graph import ArrayConstant
from ..passes.reverse import COTANGENT
from .naming import Namer, Names
from .usage import Usage

__all__ = ["BUILTINS", "SEED", "Locals"]

# Python's own functions that expressions in the sizes and loops call.
BUILTINS = ("len", "max", "min", "range")

# The parameter of `backward` by which the gradient is multiplied.
SEED = "cotangent"

# SciPy's modules that rows call.
SCIPY = ("scipy.linalg", "scipy.special")


class Locals:
    """The module's own names, and those of inputs, sizes and constants."""

    def __init__(
        self,
        usage: Usage,
        taken: frozenset[str],
        owners: Mapping[str, str],
        writing: type[Writer] = Writer,
    ) -> None:
        graph = usage.graph
        self.inputs = [one for one in graph.inputs if one.name != COTANGENT]
        self.seed = next((one for one in graph.inputs if one.name == COTANGENT), None)
        wished = taken | {one.name for one in self.inputs}
        alias = Names(wished)
        np = alias.give("np")
        modules = {}
        if "scipy" in wished:
            modules = {one: alias.give(one.partition(".")[2]) for one in SCIPY}
        own = (np, *modules.values(), "scipy", "cache", SEED)
        names = Names({*taken, *own, *BUILTINS})
        self.writer = writing(usage.nodes, np, names.give)
        self.writer.modules = modules
        self.namer = Namer(usage, names)
        self.owning = {*owners.values()}
        self.arguments = tuple(self._named(one, owners) for one in self.inputs)
        self.writer.size_names = {name: names.give(name) for name in self._sizes(usage)}
        self.constants = [one for one in usage.walk if isinstance(one, ArrayConstant)]
        for node in self.constants:
            self.namer.give(node, usage.nodes[node].name or "constant")
        if self.seed is not None:
            self.namer.given[id(self.seed)] = SEED

    def _named(self, node: sympy.Expr, owners: Mapping[str, str]) -> str:
        """Give an argument's array its name, behind the argument's where a variable of
        the user's or another argument's array has it: encoder_mean for encoder["mean"].
        """
        owner = owners.get(node.name)
        others = any(f"{one}_{node.name}" in owners for one in self.owning)
        longer = owner is not None and (others or node.name in self.namer.variables)
        name = self.namer.give(node, f"{owner}_{node.name}" if longer else node.name)
        self.namer.outputs[f"d_{node.name}"] = f"d_{name}"
        return name

    def _sizes(self, usage: Usage) -> list[str]:
        sizes = (size for one in self.inputs for size in usage.nodes.shape(one))
        return list(
            dict.fromkeys(str(one) for one in sizes if not isinstance(one, int))
        )
