"""Operations on Python's own numbers as text: `math.tanh(x)`, `a if a >= b else b`.

In: nodes of single numbers. Out: `Code` with NumPy's value up to rounding, or which
raises an `ArithmeticError` or a `ValueError` where that is infinite or NaN. What has no
such text is known by `is_spelled`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sympy

from ..code import Code, Level, Writer, call, infix, wrap
from ..graph import Nodes, number_of
from ..ops import choices, functions, logistic, rounding, selection, series, special
from ..ops.elementwise import Cast
from ..ops.table import ROWS
from ..shapes import is_floating
from .usage import Usage

__all__ = ["MathUsage", "MathWriter", "is_spelled", "spelled"]

# Functions of the module `math`, by NumPy's and SciPy's names.
MATH = {
    **{
        f"np.{name}": name
        for name in (
            *("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt"),
            *("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "copysign", "fmod"),
            *("isfinite", "isinf", "isnan"),
        )
    },
    **{f"np.arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2")},
    **{f"np.arc{name}": f"a{name}" for name in ("sinh", "cosh", "tanh")},
    "np.abs": "fabs",
    "scipy.special.erf": "erf",
    "scipy.special.erfc": "erfc",
}

# A condition and what it chooses from bind more loosely than all else.
LOOSE = 0


class MathWriter(Writer):
    """Writes functions of NumPy's as those of `math`; `unknown` are those with none."""

    def __init__(
        self,
        nodes: Nodes,
        np: str = "np",
        give: Callable[[str], str] = lambda wish: wish,
    ) -> None:
        super().__init__(nodes, np, give)
        self.unknown: set[str] = set()

    def function(self, name: str) -> str:
        """Return how the module calls what NumPy calls `np.NAME`."""
        own = MATH.get(name)
        if own is None:
            self.unknown.add(name)
            return name
        return self.of_math(own)

    def of_math(self, name: str) -> str:
        """Return how the module calls `math.NAME`."""
        self.functions.add(f"math.{name}")
        return f"math.{name}"


class MathUsage(Usage):
    """Facts on numbers; what a text has twice has a name."""

    def _uses(self) -> dict[int, int]:
        uses = super()._uses()
        for node in self.walk:
            for operand in self.nodes[node].operands if type(node) in TWICE else ():
                uses[id(operand)] += 1
        return uses


def is_spelled(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether a node of a single number has a text."""
    if not nodes[node].operands or type(node) in SPELLED:
        return True
    writer = MathWriter(nodes)
    ROWS[type(node)].write(writer, node, *(Code("x") for _ in nodes[node].operands))
    called = bool(writer.functions)
    return not writer.unknown and (called or type(node) in OPERATORS)


def spelled(writer: MathWriter, node: sympy.Expr, *operands: Code) -> Code:
    """Return the text of a node."""
    spelling = SPELLED.get(type(node))
    if spelling is None:
        return ROWS[type(node)].write(writer, node, *operands)
    return spelling(writer, node, *operands)


# Rows that write themselves in operators, which Python's numbers have too.
OPERATORS = (
    *(sympy.Add, sympy.Mul, *choices.COMPARISONS),
    *(choices.LogicalAnd, choices.LogicalOr, rounding.Remainder, rounding.FloorDivide),
)


def _chosen(condition: str, one: str, other: str) -> Code:
    return Code(f"{one} if {condition} else {other}", LOOSE)


def _text(x: Code) -> str:
    """Return an operand of a comparison or of a choice."""
    return wrap(x, Level.COMPARISON + 1)


def _reals(writer: MathWriter, node: Any, *operands: Code) -> list[str]:
    """Return operands of which one is the value: numbers are real where that is."""
    real = is_floating(writer.nodes.dtype(node))
    texts = []
    for one, x in zip(writer.nodes[node].operands, operands, strict=True):
        value = number_of(one) if real else None
        texts.append(_text(x if value is None else writer.number(float(value))))
    return texts


# Powers.


def _power(writer: MathWriter, node: Any, base: Code, exponent: Code) -> Code:
    """Python's own powers of negative numbers are complex."""
    power = number_of(writer.nodes[node].operands[1])
    if power == -1:
        return ROWS[sympy.Pow].write(writer, node, base, exponent)
    root = call(writer.of_math("sqrt"), base)
    if power == 0.5:
        return root
    if power == -0.5:
        return Code(f"1 / {root.text}", Level.PRODUCT, inverse=root)
    return call(writer.of_math("pow"), base, exponent)


# Choices. A comparison with NaN is false.


def _where(writer: MathWriter, node: Any, *operands: Code) -> Code:
    condition = operands[0]
    test = condition.text if condition.level > LOOSE else f"({condition.text})"
    return _chosen(test, *_reals(writer, node, *operands)[1:])


def _extremum(symbol: str) -> Callable[..., Code]:
    """The larger (or smaller) of two, NaN if one is."""

    def write(writer: MathWriter, node: Any, *operands: Code) -> Code:
        a, b = _reals(writer, node, *operands)
        one, other = map(number_of, writer.nodes[node].operands)
        for x, limit, number in (a, b, other), (b, a, one):
            if number is not None and number == number:
                return _chosen(f"{x} {_OPPOSITE[symbol]} {limit}", limit, x)
        return _chosen(f"{a} {symbol} {b} or {a} != {a}", a, b)

    return write


def _not_nan(symbol: str) -> Callable[..., Code]:
    """The larger (or smaller) of two, the other where one is NaN."""

    def write(writer: MathWriter, node: Any, *operands: Code) -> Code:
        a, b = _reals(writer, node, *operands)
        return _chosen(f"{a} {symbol} {b} or {b} != {b}", a, b)

    return write


_OPPOSITE = {">=": "<=", "<=": ">="}


def _clip(writer: MathWriter, node: Any, *operands: Code) -> Code:
    """NaN stays NaN; where the limits cross, the upper one holds."""
    x, low, high = _reals(writer, node, *operands)
    inner = _chosen(f"{x} <= {low}", low, x).text
    return _chosen(f"{x} >= {high} or {low} >= {high}", high, inner)


def _sign(writer: MathWriter, node: Any, x: Code) -> Code:
    """Of NaN it is NaN."""
    a = _text(x)
    return Code(f"1.0 if {a} > 0 else -1.0 if {a} < 0 else {a} - {a}", LOOSE)


def _heaviside(writer: MathWriter, node: Any, *operands: Code) -> Code:
    """Of NaN it is NaN."""
    x, h = _reals(writer, node, *operands)
    rest = _chosen(f"{x} == 0", h, x).text
    return Code(f"1.0 if {x} > 0 else 0.0 if {x} < 0 else {rest}", LOOSE)


def _sign_bit(writer: MathWriter, node: Any, x: Code) -> Code:
    sign = call(writer.of_math("copysign"), "1.0", x)
    return Code(f"{sign.text} < 0", Level.COMPARISON)


def _not(writer: MathWriter, node: Any, x: Code) -> Code:
    return Code(f"not {_text(x)}", LOOSE)


def _polynomial(writer: MathWriter, node: Any, x: Code) -> Code:
    """Horner's scheme."""
    first, *rest = (writer.number(float(one)) for one in node.params[0])
    for one in rest:
        product = infix(first, "*", x, Level.PRODUCT)
        minus = one.text.startswith("-")
        term = Code(one.text.removeprefix("-"))
        first = infix(product, "-" if minus else "+", term, Level.SUM)
    return first


# Rounding: to Python's whole numbers, which have no minus zero.


def _rounded(name: str) -> Callable[..., Code]:
    def write(writer: MathWriter, node: Any, x: Code) -> Code:
        whole = call(writer.of_math(name), x)
        return call(writer.of_math("copysign"), whole, x)

    return write


def _cast(writer: MathWriter, node: Any, x: Code) -> Code:
    return Code(f"float({x.text})")


# Logarithms and logistic functions.


def _sigmoid(writer: MathWriter, node: Any, x: Code, decay: Code, below: Code) -> Code:
    taken = _chosen(f"{_text(x)} < 0", _text(decay), "1.0")
    return infix(taken, "/", below, Level.PRODUCT)


def _hinge(writer: MathWriter, x: Code) -> Code:
    return _chosen(f"{_text(x)} <= 0", "0.0", _text(x))


def _softplus(writer: MathWriter, node: Any, x: Code, decay: Code) -> Code:
    rest = call(writer.of_math("log1p"), decay)
    return infix(_hinge(writer, x), "+", rest, Level.SUM)


def _cross_entropy(
    writer: MathWriter, node: Any, x: Code, y: Code, decay: Code
) -> Code:
    linear = infix(x, "*", y, Level.PRODUCT)
    rest = call(writer.of_math("log1p"), decay)
    left = infix(_hinge(writer, x), "-", linear, Level.SUM)
    return infix(left, "+", rest, Level.SUM)


def _log_add_exp(writer: MathWriter, node: Any, *operands: Code) -> Code:
    """Equal ones may be infinite, where their difference is NaN."""
    (a, b), log_2 = _reals(writer, node, *operands), repr(math.log(2))
    apart = call(writer.of_math("fabs"), f"{a} - {b}").text
    decay = call(writer.of_math("exp"), f"-{apart}")
    rest = call(writer.of_math("log1p"), decay).text
    return _chosen(
        f"{a} == {b}", f"{a} + {log_2}", f"({a} if {a} > {b} else {b}) + {rest}"
    )


def _x_log_x(writer: MathWriter, node: Any, x: Code, log_x: Code) -> Code:
    product = infix(x, "*", log_x, Level.PRODUCT)
    return _chosen(f"{_text(x)} == 0", "0.0", product.text)


def _x_log_y(writer: MathWriter, node: Any, x: Code, y: Code) -> Code:
    product = infix(x, "*", call(writer.of_math("log"), y), Level.PRODUCT)
    return _chosen(f"{_text(x)} == 0 and {_text(y)} == {_text(y)}", "0.0", product.text)


def _expit(writer: MathWriter, node: Any, x: Code) -> Code:
    minus = Code(f"-{wrap(x, Level.UNARY)}", Level.UNARY)
    return Code(f"1 / (1 + {call(writer.of_math('exp'), minus).text})", Level.PRODUCT)


SPELLED: dict[type, Callable[..., Code]] = {
    sympy.Pow: _power,
    Cast: _cast,
    choices.where: _where,
    choices.Safe: _where,
    series.Removable: _where,
    series.Polynomial: _polynomial,
    choices.Maximum: _extremum(">="),
    choices.Minimum: _extremum("<="),
    choices.LogicalNot: _not,
    selection.FMax: _not_nan(">="),
    selection.FMin: _not_nan("<="),
    selection.Clip: _clip,
    sympy.sign: _sign,
    rounding.Heaviside: _heaviside,
    rounding.SignBit: _sign_bit,
    sympy.floor: _rounded("floor"),
    sympy.ceiling: _rounded("ceil"),
    rounding.Trunc: _rounded("trunc"),
    logistic.Sigmoid: _sigmoid,
    logistic.Softplus: _softplus,
    logistic.BinaryCrossEntropy: _cross_entropy,
    functions.LogAddExp: _log_add_exp,
    functions.XLogX: _x_log_x,
    special.xlogy: _x_log_y,
    special.expit: _expit,
}

# Those that have an operand in several places.
TWICE = (
    *(choices.Maximum, choices.Minimum, selection.FMax, selection.FMin),
    *(selection.Clip, sympy.sign, rounding.Heaviside, sympy.floor, sympy.ceiling),
    *(rounding.Trunc, logistic.Softplus, logistic.BinaryCrossEntropy),
    *(functions.LogAddExp, functions.XLogX, special.xlogy, series.Polynomial),
)
