"""What a value is called by what it is: `sum_exp_z`, `x_minus_mean_x`, `rows`, `std`.

In: a node and a word for each of its operands, empty where there is none. Out: a name,
empty where no short one says what the value is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import sympy

from ..graph import Nodes, number_of
from ..ops.arithmetic import is_negative, is_reciprocal
from ..ops.choices import (
    Equal,
    Greater,
    GreaterEqual,
    IsFinite,
    Less,
    LessEqual,
    Maximum,
    NotEqual,
    where,
)
from ..ops.contraction import Contraction
from ..ops.elementwise import Cast, StopGradient
from ..ops.functions import Root
from ..ops.indexing import Index, IndexAdd, IndexSet
from ..ops.joining import Concatenate, Stack
from ..ops.keys import WHOLE
from ..ops.layout import Broadcast, Reshape, Transpose, keeps_axes
from ..ops.logistic import BinaryCrossEntropy, Sigmoid, SigmoidByTanh, Softplus
from ..ops.making import Arange, Eye, Tri
from ..passes.deviations import vanishes

__all__ = ["LONGEST", "describe", "is_count", "without_layout"]

LONGEST = 32
SHIFTED = 16  # of a name with room for sum_exp_shifted_ before it


def describe(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    """Return a name from what a value is; nothing where that makes no short one."""
    word = _DESCRIBED.get(type(node), _function)(nodes, node, words)
    usable = len(word) <= LONGEST and "__" not in word and word.strip("_") == word
    return word if usable else ""


def is_count(entry: tuple) -> bool:
    """Return whether an entry of a key is a number from the front."""
    return entry[0] == "at" and isinstance(entry[1], int) and entry[1] >= 0


def without_layout(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    """Return the array that a node only reshapes or repeats."""
    while isinstance(node, Reshape | Broadcast):
        (node,) = nodes[node].operands
    return node


_Described = Callable[[Nodes, sympy.Expr, Sequence[str]], str]


# Arithmetic.


def _negated(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    return nodes[node].operands[1]


def _sum(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    operands = nodes[node].operands
    pairs = zip(operands, words, strict=True)
    words = ["one" if number_of(one) == 1 else word for one, word in pairs]
    if not all(words):
        return ""
    for one, other in ((0, 1), (1, 0)):
        if is_negative(operands[other]):
            if re.fullmatch(rf"shift(_\d+)*|max_{words[one]}", words[other]):
                short = len(words[one]) <= SHIFTED
                return f"shifted_{words[one]}" if short else "shifted"
            logarithm = _negated(nodes, operands[other])
            if isinstance(logarithm, sympy.log):
                total = without_layout(nodes, nodes[logarithm].operands[0])
                if _is_total(nodes, total, nodes.found(sympy.exp, operands[one])):
                    return "log_p"  # log-softmax
            if words[one].removesuffix("_from_1") + "_but_last" == words[other]:
                return f"diff_{words[one].removesuffix('_from_1')}"
            return f"{words[one]}_minus_{words[other]}"
    return f"{words[0]}_plus_{words[1]}"


def _product(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    first, second = nodes[node].operands
    if is_reciprocal(second):
        return _quotient(nodes, node, words)
    if first is sympy.S.NegativeOne:
        return f"minus_{words[1]}" if words[1] else ""
    if (number := number_of(first)) is not None:
        return f"{_TIMES.get(number, 'scaled')}_{words[1]}" if words[1] else ""
    if first is second:
        return f"{words[0]}_squared" if words[0] else ""
    return f"{words[0]}_times_{words[1]}" if all(words) else ""


_TIMES = {0.5: "half", 2: "twice", -2: "minus_twice", -0.5: "minus_half"}


def _quotient(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    above, over = nodes[node].operands
    below = without_layout(nodes, nodes[over].operands[0])
    if isinstance(above, sympy.exp) and _is_total(nodes, below, above):
        return "p"  # softmax: exponentials over their sum
    if _is_variance(nodes, node):
        return "var"
    if words[0].startswith("sum_") and nodes[below].dtype == "int":
        return f"mean_{words[0].removeprefix('sum_')}"
    word = words[0] if number_of(above) is None else "c"  # a constant
    return f"{word}_over_{words[1]}" if word and words[1] else ""


def _is_total(nodes: Nodes, node: sympy.Expr, array: sympy.Expr | None) -> bool:
    """Whether a node is the sum of an array along axes."""
    return isinstance(node, Contraction) and nodes[node].operands == (array,)


def _is_variance(nodes: Nodes, node: sympy.Expr) -> bool:
    """Whether a node is the mean of squared deviations from a mean."""
    if not isinstance(node, sympy.Mul):
        return False
    total = without_layout(nodes, nodes[node].operands[0])
    if not isinstance(total, Contraction) or len(nodes[total].operands) > 1:
        return False
    (square,) = nodes[total].operands
    if not isinstance(square, sympy.Pow) or number_of(nodes[square].operands[1]) != 2:
        return False
    return vanishes(nodes, nodes[square].operands[0], total.params)


def _power(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    base, exponent = nodes[node].operands
    power = number_of(exponent)
    if power == 0.5 and _is_variance(nodes, _without_number(nodes, base)):
        return "std"
    if power == 0.5:
        return _root(nodes, node, words)
    forms: dict[float | None, str] = {-1: "one_over_{}", 2: "{}_squared", 3: "{}_cubed"}
    if power not in forms or not words[0]:
        return ""
    return forms[power].format(words[0])


def _root(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    """norm_z for the root of the sum of z**2, rms_z for that of the mean, else root_z."""
    if not words[0]:
        return ""
    squares = re.fullmatch(r"(sum|mean)_(\w+)_squared", words[0])
    whole = f"{_ROOTS[squares[1]]}_{squares[2]}" if squares else f"root_{words[0]}"
    return whole if len(whole) <= LONGEST else "root"


_ROOTS = {"sum": "norm", "mean": "rms"}


def _without_number(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    """Return x for x + eps, else the node; both without layout."""
    node = without_layout(nodes, node)
    if isinstance(node, sympy.Add):
        rest = [one for one in nodes[node].operands if number_of(one) is None]
        node = rest[0] if len(rest) == 1 else node
    return without_layout(nodes, node)


def _contraction(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    if not all(words):
        return ""
    return f"sum_{words[0]}" if len(words) == 1 else "_".join(words)


# Indexing and layout.


def _index(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    """x_2_0 for x[2, 0], x_at_y for x[rows, y], x_from_1 for x[1:]."""
    (key,) = node.params
    ends = [one for one in key if one[0] != "slice" or one != WHOLE]
    if not words[0] or len(words) > 1:
        return f"{words[0]}_at_{words[-1]}" if words[0] else ""
    if all(map(is_count, ends)):
        return "_".join([words[0], *(str(one[1]) for one in ends)])
    if len(ends) == 1 and ends[0][0] == "slice":
        _, start, stop, step = ends[0]
        if type(start) is int and start > 0 and stop is None and step is None:
            return f"{words[0]}_from_{start}"
        if start is None and type(stop) is int and stop > 0 and step is None:
            return f"{words[0]}_to_{stop}"
        if start is None and stop == -1 and step is None:
            return f"{words[0]}_but_last"
    return f"{words[0]}_part"


def _reshape(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    return words[0] if keeps_axes(nodes, node) else f"{words[0]}_reshaped"


def _transpose(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    whole = node.params[0] == tuple(reversed(range(len(nodes.shape(node)))))
    return f"{words[0]}_{'T' if whole else 'swapped'}" if words[0] else ""


# Functions and comparisons.


def _where(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    """The largest exponent where it is finite, what keeps exponentials from overflow, is
    a shift; what is never 0 is safe to divide by.
    """
    condition, yes, no = (without_layout(nodes, one) for one in nodes[node].operands)
    of = [without_layout(nodes, one) for one in nodes[condition].operands]
    if isinstance(condition, IsFinite) and yes is of[0]:
        return "shift"
    if isinstance(condition, Equal) and no is of[0] and words[2]:
        return f"safe_{words[2]}"
    return f"where_{words[0]}" if words[0] else ""


def _exponential(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    (power,) = nodes[node].operands
    if is_negative(power) and isinstance(power.args[1], sympy.Abs) and words[0]:
        return f"decay_{words[0].removeprefix('abs_')}"  # exp(-|x|)
    return _function(nodes, node, words)


def _maximum(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    if number_of(nodes[node].operands[1]) == 0:
        return f"relu_{words[0]}" if words[0] else ""
    return _function(nodes, node, words)


def _of_first(word: str) -> _Described:
    def name(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
        first = _signed(nodes, node, words)[0]
        return f"{word}_{first}" if first else ""

    return name


def _signed(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> list[str]:
    """Return the words with minus in front where an operand is a negative."""
    operands = nodes[node].operands
    negative = [is_negative(one) and not nodes[one].name for one in operands]
    pairs = zip(words, negative, strict=True)
    return [f"minus_{word}" if word and sign else word for word, sign in pairs]


def _comparison(word: str) -> _Described:
    def name(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
        other = number_of(nodes[node].operands[1])
        whole = other is not None and float(other).is_integer()
        number = f"{other:.0f}".replace("-", "minus_") if whole else "limit"
        right = words[1] or number
        return f"{words[0]}_{word}_{right}" if words[0] else ""

    return name


def _function(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    """Return exp_z for exp(z): a function's name before those of its arguments."""
    name = type(node).__name__.lower()
    known = [word for word in _signed(nodes, node, words) if word]
    name = _FUNCTIONS.get(name, name)
    texts = ("_".join([name, *known[:count]]) for count in (len(known), 1, 0))
    return next(one for one in texts if len(one) <= LONGEST)


def _always(word: str) -> _Described:
    return lambda nodes, node, words: word


def _same(nodes: Nodes, node: sympy.Expr, words: Sequence[str]) -> str:
    return words[0]


_FUNCTIONS = {"maximum": "max", "minimum": "min", "ceiling": "ceil"}

_DESCRIBED: dict[type, _Described] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    Root: _root,
    Contraction: _contraction,
    Index: _index,
    Reshape: _reshape,
    Less: _comparison("below"),
    LessEqual: _comparison("at_most"),
    Greater: _comparison("above"),
    GreaterEqual: _comparison("at_least"),
    Equal: _comparison("equals"),
    NotEqual: _comparison("is_not"),
    Maximum: _maximum,
    where: _where,
    sympy.exp: _exponential,
    Sigmoid: _of_first("sigmoid"),
    SigmoidByTanh: _of_first("sigmoid"),
    Softplus: _of_first("softplus"),
    BinaryCrossEntropy: _always("cross_entropy"),
    Arange: _always("rows"),
    Eye: _always("eye"),
    Tri: _always("triangle"),
    Concatenate: _always("joined"),
    Stack: _always("stacked"),
    Broadcast: _same,
    Cast: _same,
    IndexAdd: _same,
    IndexSet: _same,
    StopGradient: _same,
    Transpose: _transpose,
}
