"""Names in emitted code: one allocator for all names of a module.

In: names that are wished for, from the user's variables, keys of his dicts and what a value is. Out: Python
identifiers, each given once, none a keyword or a name that the module itself needs.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable

import sympy

from .graph import Graph, Variable
from .ops.contraction import Contraction
from .ops.elementwise import Root
from .ops.indexing import Index
from .ops.layout import Reshape
from .ops.making import Arange, Eye
from .ops.reductions import Max, Min, Prod

__all__ = ["Names", "described"]

LONGEST = 20


class Names:
    """Gives out identifiers, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def give(self, wish: str) -> str:
        """Return the wished name, or it with the first free number behind it."""
        base = identifier(wish)
        name, number = base, 0
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """Return an identifier that is `text` as far as it can be."""
    normal = unicodedata.normalize("NFKC", text)
    safe = "".join(
        one if one.isidentifier() or one.isdigit() else "_" for one in normal
    )
    if not safe.isidentifier():
        safe = f"_{safe}"
    return f"{safe}_" if keyword.iskeyword(safe) else safe


_FUNCTIONS = {
    Max: "max",
    Min: "min",
    Prod: "prod",
    sympy.Abs: "abs",
    Root: "root",
}


def described(graph: Graph, node: sympy.Expr, named: dict[int, str]) -> str:
    """Return a name for a value that the user did not name, from what it is."""
    if isinstance(node, Arange):
        return "rows"
    if isinstance(node, Eye):
        return "eye"
    operands = graph.nodes[node].operands
    if isinstance(node, Reshape) and id(operands[0]) not in named:
        return described(graph, operands[0], named)
    inner = next((named[id(one)] for one in operands if id(one) in named), "")
    if isinstance(node, Contraction):
        names = [named.get(id(one), "") for one in operands]
        word = "sum_" + names[0] if len(names) == 1 else "_".join(names)
    elif isinstance(node, sympy.Pow):
        power = node.args[1]
        word = (
            f"{inner}_squared"
            if power == 2
            else f"root_{inner}" if power == 0.5 else ""
        )
    elif isinstance(node, Index):
        word = f"{inner}_part"
    elif isinstance(node, sympy.Add | sympy.Mul | Variable) or len(operands) != 1:
        word = ""
    else:
        word = f"{_FUNCTIONS.get(type(node), type(node).__name__.lower())}_{inner}"
    usable = word.strip("_") == word and len(word) <= LONGEST and "__" not in word
    return word if word and usable else _KINDS.get(type(node), "part")


_KINDS = {
    sympy.Add: "total",
    sympy.Mul: "product",
    sympy.Pow: "power",
    Contraction: "product",
}
