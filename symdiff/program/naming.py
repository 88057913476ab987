"""Names in emitted code: one allocator, and what a value is called that has no name.

In: names that are wished for, from the user's variables, keys of his dicts and what a
value is. Out: Python identifiers, each given once, none a keyword or a name that the
module itself needs.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable

import sympy

from ..graph import Info, Variable, number_of
from ..ops.arithmetic import is_negative, is_reciprocal
from ..ops.choices import (
    Equal,
    Greater,
    GreaterEqual,
    IsFinite,
    Less,
    LessEqual,
    NotEqual,
    where,
)
from ..ops.contraction import Contraction
from ..ops.elementwise import Cast, StopGradient
from ..ops.indexing import Index, IndexSet
from ..ops.joining import Concatenate, Stack
from ..ops.layout import Broadcast, Reshape, Transpose, keeps_axes
from ..ops.logistic import Sigmoid, Softplus
from ..ops.making import Arange, Eye, Tri
from ..ops.table import ROWS
from .usage import Usage

__all__ = ["Namer", "Names", "identifier"]

LONGEST = 24
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

    def keep(self, name: str) -> str:
        """Return a name that is one already, taken from now on."""
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """Return an identifier that is `text` as far as it can be."""
    normal = unicodedata.normalize("NFKC", text)
    safe = "".join(one if f"_{one}".isidentifier() else "_" for one in normal)
    if not safe.isidentifier():
        safe = f"_{safe}"
    reserved = keyword.iskeyword(safe) or safe == "__debug__"
    return f"{safe}_" if reserved else safe


class Namer:
    """Names the values of a graph: by the user's variables, by what they are else.

    given: the names by node, as they have been given so far.
    """

    def __init__(self, usage: Usage, names: Names) -> None:
        self.usage = usage
        self.nodes = usage.nodes
        self.names = names
        self.given: dict[int, str] = {}

    def give(self, node: sympy.Expr, wish: str) -> str:
        """Give a node the name, or the nearest that is free."""
        self.given[id(node)] = self.names.give(wish)
        return self.given[id(node)]

    def wish(self, node: sympy.Expr) -> str:
        """Return what a node should be called."""
        output = self.usage.outputs.get(id(node))
        if output is not None and (output != "value" or not self.nodes[node].name):
            return output
        if name := self.own(node):
            return name
        return self._in_turn(node, self._as_argument(node) or self._as_part(node))

    def _in_turn(self, node: sympy.Expr, word: str) -> str:
        """Return a word with the loops' indices, unless it has them: `joined_2`.

        Numbers of the backward pass have none: most are read in several iterations.
        """
        if self.nodes[node].backward and not self.nodes.shape(node):
            return word
        turns = self.usage.turns(node)
        indices = "".join(f"_{one.index}" for one in turns)
        return word if f"{indices}_" in f"{word}_" else word + indices

    def own(self, node: sympy.Expr) -> str:
        """Return the user's name of a node, or d_ and a value's, or nothing."""
        info = self.nodes[node]
        if info.name is not None or info.cotangent_of is None:
            return _numbered(info)
        of = info.cotangent_of
        name = self.given.get(id(of)) or self.own(of) or self._as_argument(of)
        return f"d_{name}" if name else ""

    def _as_argument(self, node: sympy.Expr) -> str:
        """Return a name from what a value is, or from the function it is put in."""
        consumers = self.usage.consumers.get(id(node), ())
        if len(consumers) == 1 and isinstance(node, sympy.Add):
            function = ROWS[type(consumers[0])].kind == "transcendental"
            choice = type(consumers[0]).__name__ in _CHOICES
            if (function or choice) and (name := self._word(consumers[0])):
                return f"pre_{name}"
        return self.described(node)

    def _as_part(self, node: sympy.Expr) -> str:
        """Return a name from the first named value that a node goes into, alone."""
        kind = type(node)
        for _ in range(CLIMB):
            consumers = self.usage.consumers.get(id(node), ())
            if len(consumers) != 1:
                break
            kind, node = type(consumers[0]), consumers[0]
            if name := self._word(node):
                part = _PARTS.get(kind, "part")
                whole = f"{_OF_PART.sub('', name)}_{part}"
                return whole if len(whole) <= LONGEST else part
        product = kind is Contraction and len(self.nodes[node].operands) > 1
        return "product" if product else _KINDS.get(kind, "part")

    def _word(self, node: sympy.Expr) -> str:
        """Return a node's name if it has one or will have it, else nothing."""
        if id(node) in self.given:
            return self.given[id(node)]
        if isinstance(node, Variable) or (
            not self.nodes[node].operands and node.is_Symbol
        ):
            return node.name
        return self.own(node) or self.usage.outputs.get(id(node), "")

    def described(self, node: sympy.Expr, depth: int = 3) -> str:
        """Return a name from what a value is; nothing where that makes no short one."""
        if depth == 0 or self.usage.is_leaf(node):
            return ""
        words = [
            self._word(core) or self.described(core, depth - 1)
            for core in map(self._core, self.nodes[node].operands)
        ]
        word = _DESCRIBED.get(type(node), _function)(self, node, words)
        usable = len(word) <= LONGEST and "__" not in word and word.strip("_") == word
        return word if usable else ""

    def _core(self, node: sympy.Expr) -> sympy.Expr:
        """Return what a view, a negation or a sum with a number is of."""
        while id(node) not in self.given and self.nodes[node].name is None:
            operands = self.nodes[node].operands
            rest = [one for one in operands if number_of(one) is None]
            plain = isinstance(node, _SEEN_THROUGH) or (
                isinstance(node, sympy.Add | sympy.Mul) and len(operands) > len(rest)
            )
            if not plain or len(rest) != 1:
                break
            node = rest[0]
        return node


def _numbered(info: Info) -> str:
    """Return a value's name, with the index of each loop that gives it anew: `h_2`."""
    return "_".join([info.name or "", *(str(one.index) for one in info.turns)])


_Described = Callable[[Namer, sympy.Expr, list[str]], str]


def _sum(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    operands = namer.nodes[node].operands
    products = (isinstance(one, Contraction) for one in operands)
    if any(products) and not any(map(is_negative, operands)):
        return "affine"  # X @ W + b
    words = [
        "one" if number_of(o) == 1 else w for o, w in zip(operands, words, strict=True)
    ]
    if not all(words):
        return ""
    for one, other in ((0, 1), (1, 0)):
        if is_negative(operands[other]):
            if words[other].startswith("shift"):
                return f"shifted_{words[one]}"
            return f"{words[one]}_minus_{words[other]}"
    return f"{words[0]}_plus_{words[1]}"


def _product(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    first, second = namer.nodes[node].operands
    if is_reciprocal(second):
        below = namer.nodes[second].operands[0]
        if words[0].startswith("sum_") and namer.nodes[below].dtype == "int":
            return f"mean_{words[0].removeprefix('sum_')}"
        divisor = namer._word(below)
        return f"{words[0]}_over_{divisor}" if words[0] and divisor else ""
    if first is sympy.S.NegativeOne:
        return f"minus_{words[1]}" if words[1] else ""
    if first is second:
        return f"{words[0]}_squared" if words[0] else ""
    return f"{words[0]}_times_{words[1]}" if all(words) else ""


def _power(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    power = number_of(namer.nodes[node].operands[1])
    forms = {-1: "one_over_{}", 2: "{}_squared", 3: "{}_cubed", 0.5: "root_{}"}
    if power not in forms or not words[0]:
        return ""
    return forms[power].format(words[0])


def _contraction(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    if not all(words):
        return ""
    return f"sum_{words[0]}" if len(words) == 1 else "_".join(words)


def _index(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    if not words[0]:
        return ""
    return f"{words[0]}_at_{words[-1]}" if len(words) > 1 else f"{words[0]}_part"


def _reshape(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    return words[0] if keeps_axes(namer.nodes, node) else f"{words[0]}_reshaped"


def _where(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    """The largest exponent where it is finite: what keeps exponentials from overflow."""
    condition, top, _ = namer.nodes[node].operands
    finite = (
        isinstance(condition, IsFinite) and top is namer.nodes[condition].operands[0]
    )
    return "shift" if finite else _function(namer, node, words)


def _exponential(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    (power,) = namer.nodes[node].operands
    if is_negative(power) and isinstance(power.args[1], sympy.Abs) and words[0]:
        return f"decay_{words[0].removeprefix('abs_')}"  # exp(-|x|)
    return _function(namer, node, words)


def _of_first(word: str) -> _Described:
    return lambda namer, node, words: f"{word}_{words[0]}" if words[0] else ""


def _comparison(word: str) -> _Described:
    def name(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
        other = number_of(namer.nodes[node].operands[1])
        whole = other is not None and float(other).is_integer()
        number = f"{other:.0f}".replace("-", "minus_") if whole else "limit"
        right = words[1] or number
        return f"{words[0]}_{word}_{right}" if words[0] else ""

    return name


def _function(namer: Namer, node: sympy.Expr, words: list[str]) -> str:
    """Return exp_z for exp(z): a function's name before those of its arguments."""
    name = _FUNCTIONS.get(type(node).__name__, type(node).__name__.lower())
    known = [word for word in words if word]
    return "_".join([name, *known]) if known else ""


def _always(word: str) -> _Described:
    return lambda namer, node, words: word


_DESCRIBED: dict[type, _Described] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    Contraction: _contraction,
    Index: _index,
    Reshape: _reshape,
    Less: _comparison("below"),
    LessEqual: _comparison("at_most"),
    Greater: _comparison("above"),
    GreaterEqual: _comparison("at_least"),
    Equal: _comparison("equals"),
    NotEqual: _comparison("is_not"),
    where: _where,
    sympy.exp: _exponential,
    Sigmoid: _of_first("sigmoid"),
    Softplus: _of_first("softplus"),
    Arange: _always("rows"),
    Eye: _always("eye"),
    Tri: _always("triangle"),
    Concatenate: _always("joined"),
    Stack: _always("stacked"),
    Broadcast: lambda namer, node, words: words[0],
    Cast: lambda namer, node, words: words[0],
    IndexSet: lambda namer, node, words: words[0],
    StopGradient: lambda namer, node, words: words[0],
    Transpose: lambda namer, node, words: f"{words[0]}_T" if words[0] else "",
}

_SEEN_THROUGH = (Reshape, Transpose, Broadcast, Cast, StopGradient)
_CHOICES = ("Maximum", "Minimum")
_FUNCTIONS = {"maximum": "max", "minimum": "min", "ceiling": "ceil"}
_PARTS = {sympy.Add: "term", sympy.Mul: "factor"}
_OF_PART = re.compile(r"_(term|factor|part)(_\d+)?$")
_KINDS = {sympy.Add: "total", sympy.Mul: "product", Contraction: "total"}
