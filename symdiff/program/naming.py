"""Names in emitted code: one allocator, and what a value is called that has no name.

In: names that are wished for, from the user's variables, keys of his dicts and what a
value is. Out: Python identifiers, each given once, none a keyword or a name that the
module itself needs.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

import sympy

from ..graph import Info, Variable, number_of
from ..ops.arithmetic import is_negative, is_reciprocal
from ..ops.choices import Maximum, Minimum
from ..ops.contraction import Contraction
from ..ops.elementwise import Cast, StopGradient
from ..ops.functions import Root
from ..ops.indexing import Index, IndexAdd, IndexSet, parts_of
from ..ops.layout import Broadcast, Reshape, Transpose
from ..ops.logistic import Sigmoid
from ..ops.table import ROWS
from .describing import LONGEST, describe, is_count
from .usage import Usage

__all__ = ["Namer", "Names", "identifier", "numbered"]

_NUMBER = re.compile(r"_\d")
CLIMB = 8  # how far to look for a name


class Names:
    """Gives out identifiers, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def give(self, wish: str) -> str:
        """Return the wished name, or it with the first free number behind it."""
        base = name = identifier(wish)
        while name in self._taken:
            self._next[base] = self._next.get(base, 0) + 1
            name = f"{base}_{self._next[base]}"
        self._taken.add(name)
        return name

    def is_free(self, wish: str) -> bool:
        """Return whether a name may be given as it is."""
        return identifier(wish) not in self._taken

    def keep(self, name: str) -> str:
        """Return a name that is one already, taken from now on."""
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """Return an identifier that is `text` as far as it can be."""
    normal = unicodedata.normalize("NFKC", text)
    safe = normal
    if not safe.isidentifier():
        safe = "".join(one if f"_{one}".isidentifier() else "_" for one in normal)
    if not safe.isidentifier():
        safe = f"_{safe}"
    reserved = keyword.iskeyword(safe) or safe == "__debug__"
    return f"{safe}_" if reserved else safe


class Namer:
    """Names the values of a graph: by the user's variables, by what they are else.

    given: the names by node, as they have been given so far. outputs: other names of
    gradients than the graph's.
    """

    def __init__(self, usage: Usage, names: Names) -> None:
        self.usage = usage
        self.nodes = usage.nodes
        self.names = names
        self.given: dict[int, str] = {}
        self.wanted = frozenset(usage.graph.outputs)
        self.outputs: dict[str, str] = {}

    def give(self, node: sympy.Expr, wish: str) -> str:
        """Give a node the name, or the nearest that is free."""
        self.given[id(node)] = self.names.give(wish)
        return self.given[id(node)]

    def wish(self, node: sympy.Expr) -> str:
        """Return what a node should be called."""
        output = self.usage.outputs.get(id(node))
        if output is not None and (output != "value" or not self.nodes[node].name):
            return self.outputs.get(output, output)
        if name := self.own(node):
            return name
        return self._derived(node) or self._in_turn(node, self._as_part(node))

    def _in_turn(self, node: sympy.Expr, word: str) -> str:
        """Return a word with the loops' indices, unless it has them: `joined_2`.

        Numbers of the backward pass have none: most are read in several iterations.
        """
        if not word:
            return ""
        if self.nodes[node].backward and not self.nodes.shape(node):
            return word
        turns = self.usage.turns(node)
        indices = "".join(f"_{one.index}" for one in turns)
        return word if f"{indices}_" in f"{word}_" else word + indices

    def _derived(self, node: sympy.Expr) -> str:
        """Return a name for what no variable holds, nothing where none says what it is."""
        return self._as_stored(node) or self._in_turn(node, self._unnamed(node))

    def own(self, node: sympy.Expr) -> str:
        """Return the user's name of a node, or d_ and a value's, or nothing."""
        info = self.nodes[node]
        if info.name is not None or info.cotangent_of is None:
            return numbered(info)
        of = info.cotangent_of
        name = self.given.get(id(of)) or self.own(of)
        if not name:
            name = self._derived(of) if info.shape else self._as_argument(of)
        if len(name) > LONGEST // 2 and name.startswith("minus_"):
            return self.described(node, 2) or f"d_{name}"
        return f"d_{name}" if name else ""

    def passing(self, node: sympy.Expr) -> str:
        """Return what an array is called where its iteration need not be told, as only
        one of its kind is read at a time; nothing for others.
        """
        info = self.nodes[node]
        of = node if info.cotangent_of is None else info.cotangent_of
        indices = "".join(f"_{one.index}" for one in self.usage.turns(of))
        if not indices or not info.shape or id(node) in self.usage.outputs:
            return ""
        wish = self.wish(node)
        word = wish.removesuffix(indices)
        return word if word != wish and not _NUMBER.search(word) else ""

    def says(self, node: sympy.Expr) -> bool:
        """Return whether a node has a name that says what it is."""
        return bool(self.own(node) or self._unnamed(node))

    def _unnamed(self, node: sympy.Expr) -> str:
        """Return a name for what no variable holds: from the function that it goes into
        or comes from, the values that are parts of it, or from what it is.
        """
        ways = (
            *(self._as_argument, self._as_whole, self._as_result, self._as_error),
            *(self._as_exponent, self.described),
        )
        names = (way(node) for way in ways)
        return next(filter(None, names), "")

    @cached_property
    def variables(self) -> frozenset[str]:
        """The names of the user's variables that are none of the arguments' arrays, with
        and without the number of an iteration.
        """
        computed = [
            self.nodes[one] for one in self.usage.walk if not isinstance(one, Variable)
        ]
        plain = (one.name for one in computed if one.name is not None)
        return frozenset((*plain, *map(numbered, computed)))

    # Names of what no variable holds.

    def _forward(self, node: sympy.Expr) -> list[sympy.Expr]:
        """Return the readers of a node in the forward pass."""
        readers = self.usage.consumers.get(id(node), ())
        return [one for one in readers if id(one) in self.usage.forward]

    def _as_argument(self, node: sympy.Expr) -> str:
        """Return pre_h for the one sum that h = tanh(X @ W + b) is a function of."""
        readers = self.usage.consumers.get(id(node), ())
        sigmoids = (
            self.own(one)
            for one in readers
            if isinstance(one, Sigmoid) and one.args[0] is node
        )
        if isinstance(node, sympy.Add) and (name := next(filter(None, sigmoids), "")):
            return f"pre_{name}"
        readers = self._forward(node)
        readers = [one for one in readers if not isinstance(one, sympy.Abs)]  # decays
        if len(readers) != 1 or not isinstance(node, sympy.Add):
            return ""
        function = ROWS[type(readers[0])].kind == "transcendental"
        function &= not isinstance(readers[0], sympy.Pow)
        choice = isinstance(readers[0], Maximum | Minimum | Sigmoid)
        below = isinstance(readers[0], Sigmoid) and readers[0].args[0] is not node
        if below or not (function or choice):
            return ""
        name = self.own(readers[0]) or self._as_stored(readers[0])
        return f"pre_{name}" if name else ""

    def _as_stored(self, node: sympy.Expr) -> str:
        """Return h_2 for what is put at h[2], a number or numbers."""
        for one in self._forward(node):
            if isinstance(one, IndexSet) and self.nodes[one].operands[1] is node:
                (key,), name = one.params, self.nodes[one].name
                if name and all(map(is_count, key)):
                    return "_".join([name, *(str(entry[1]) for entry in key)])
        return ""

    def _as_whole(self, node: sympy.Expr) -> str:
        """Return q_k_v for an array whose parts are q, k and v, and nothing else."""
        parts = self._forward(node)
        names = [self.nodes[one].name or "" for one in parts]
        if len(parts) < 2 or not all(isinstance(one, Index) for one in parts):
            return ""
        whole = "_".join(dict.fromkeys(names))
        return whole if all(names) and len(whole) <= LONGEST else ""

    def _as_result(self, node: sympy.Expr) -> str:
        """Return the name of the user's function that returned a value."""
        position, readers = self.nodes[node].position, self._forward(node)
        if position is None or self.nodes[node].backward or not readers:
            return ""
        places = [self.nodes[one].position for one in readers]
        if any(one is None or one.function == position.function for one in places):
            return ""
        name = position.function.strip("_")
        compound = isinstance(node, sympy.Add | sympy.Mul | sympy.Pow | Contraction)
        softmax = self.described(node) == "p"
        return name if compound and name.isidentifier() and not softmax else ""

    def _as_error(self, node: sympy.Expr) -> str:
        """Return error for what is computed less what is given, where it is squared."""
        operands = self.nodes[node].operands
        if not isinstance(node, sympy.Add) or self._word(operands[0]):
            return ""
        given, squared = self._core(operands[1]), map(_squares, self._forward(node))
        while isinstance(given, Index):
            given = self.nodes[given].operands[0]
        data = isinstance(given, Variable) and f"d_{given.name}" not in self.wanted
        return "error" if is_negative(operands[1]) and data and all(squared) else ""

    def _as_exponent(self, node: sympy.Expr) -> str:
        """Return exponent for a product that exp is taken of, be it shifted."""
        readers = self._forward(node) if isinstance(node, sympy.Mul) else []
        sums = [one for one in readers if isinstance(one, sympy.Add)]
        later = (one for total in sums for one in self._forward(total))
        found = any(isinstance(one, sympy.exp) for one in (*readers, *later))
        return "exponent" if found else ""

    def _as_part(self, node: sympy.Expr) -> str:
        """Return a name from the first named value that a node goes into, alone, or as
        a product.
        """
        if rewrite := self.nodes[node].rewrite:
            return re.sub(r"\W", "_", rewrite)
        kind = type(node)
        for step in range(CLIMB):
            consumers = self.usage.consumers.get(id(node), ())
            factor = step == 0 and all(
                isinstance(one, sympy.Mul) for one in (node, *consumers[:1])
            )
            if not consumers or (len(consumers) > 1 and not factor):
                break
            before, node = node, consumers[0]
            kind = type(node)
            if name := self._word(node) or self._unnamed(node):
                part = self._place(before, node) or _PARTS.get(kind, "part")
                whole = f"{_OF_PART.sub('', name)}_{part}"
                return whole if len(whole) <= LONGEST else part
        product = kind is Contraction and len(self.nodes[node].operands) > 1
        return "product" if product else _KINDS.get(kind, "part")

    def _place(self, part: sympy.Expr, whole: sympy.Expr) -> str:
        """Return 2_0 for what is put at [2, 0], where the places are numbers."""
        if not isinstance(whole, IndexAdd):
            return ""
        parts = parts_of(whole.params[1], self.nodes[whole].operands)
        key = next((key for key, added, _ in parts if added is part), ())
        return "_".join(str(entry[1]) for entry in key if is_count(entry))

    def _word(self, node: sympy.Expr) -> str:
        """Return a node's name if it has one or will have it, else nothing."""
        if id(node) in self.given:
            return self.given[id(node)]
        if isinstance(node, Variable) or (
            not self.nodes[node].operands and node.is_Symbol
        ):
            return node.name
        if isinstance(node, sympy.Mul) and not self.nodes[node].operands:
            return re.sub(r"\W+", "_", str(node))  # d_n for a size d * n
        return self.own(node) or self.usage.outputs.get(id(node), "")

    def described(self, node: sympy.Expr, depth: int = 5) -> str:
        """Return a name from what a value is; nothing where that makes no short one."""
        if depth == 0 or self.usage.is_leaf(node):
            return ""
        words = [
            self._word(core)
            or self._basis(node, core)
            or self.described(core, depth - 1)
            for core in map(self._core, self.nodes[node].operands)
        ]
        return describe(self.nodes, node, words)

    def _basis(self, function: sympy.Expr, node: sympy.Expr) -> str:
        """Return x for what is computed from x alone, where a function is taken of it."""
        power = isinstance(function, sympy.Pow | Root)
        compound = isinstance(node, sympy.Add | sympy.Mul | sympy.Pow)
        if power or not compound or ROWS[type(function)].kind != "transcendental":
            return ""
        found: set[str] = set()
        pending = [node]
        while pending and len(found) < 2 and len(pending) < CLIMB:
            one = self._core(pending.pop())
            word = self._word(one)
            found |= {word} if word else set()
            pending += () if word else self.nodes[one].operands
        return found.pop() if len(found) == 1 and not pending else ""

    def _core(self, node: sympy.Expr) -> sympy.Expr:
        """Return what a view, a negation, 1 / x or a sum with a number is of."""
        while id(node) not in self.given and self.nodes[node].name is None:
            operands = self.nodes[node].operands
            rest = [one for one in operands if number_of(one) is None]
            plain = isinstance(node, _SEEN_THROUGH) or (
                (isinstance(node, sympy.Add | sympy.Mul) or is_reciprocal(node))
                and len(operands) > len(rest)
            )
            if not plain or len(rest) != 1:
                break
            node = rest[0]
        return node


def numbered(info: Info) -> str:
    """Return a value's name, with the index of each loop that gives it anew: `h_2`."""
    return "_".join([info.name or "", *(str(one.index) for one in info.turns)])


def _squares(node: sympy.Expr) -> bool:
    """Return whether a node is the square or the absolute value of what it reads."""
    if isinstance(node, sympy.Pow):
        return number_of(node.args[1]) == 2
    twice = isinstance(node, sympy.Mul | Contraction) and len(node.args) == 2
    return isinstance(node, sympy.Abs) or (twice and node.args[0] is node.args[1])


_SEEN_THROUGH = (Reshape, Transpose, Broadcast, Cast, StopGradient)
_PARTS = {sympy.Add: "term", sympy.Mul: "factor"}
_OF_PART = re.compile(r"_(term|factor|part)(_\d+)?$")
_KINDS = {sympy.Add: "total", sympy.Mul: "product", Contraction: "total"}
