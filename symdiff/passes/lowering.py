"""Operations that NumPy is slow at, by others with the same values: for the fast style.

In and out: a graph with its gradient, and the names of the lowerings that are wanted.
Values stay what they are up to rounding, infinities and NaN included, but for `tanh`,
which is off unless asked for. Linear in the number of nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import sympy

from ..graph import Graph, Nodes, Variable, number_of
from ..ops.arithmetic import is_reciprocal
from ..ops.choices import Maximum, Minimum
from ..ops.functions import LogAbs, XLogX
from ..ops.handle import Handle
from ..ops.logistic import BinaryCrossEntropy, Sigmoid, SigmoidByTanh, Softplus
from ..shapes import is_floating, is_weak
from ..timings import stage
from .rebuild import read_once, rebuild
from .reverse import COTANGENT

__all__ = ["lower"]

Rule = Callable[..., Handle | None]

# Rules by the class of nodes and the name of the lowering: `(y, *x) -> y` on handles.
RULES: dict[type, tuple[str, Rule]] = {}

HIGHEST = 8  # powers above are no products
LONGEST = 12  # products of more factors are left as they are


@stage("lower")
def lower(graph: Graph, names: Collection[str]) -> Graph:
    """Return the graph with the lowerings of these names."""
    old, once = read_once(graph), set[int]()

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        pairs = zip(graph.nodes[node].operands, operands, strict=True)
        once.update(id(made) for one, made in pairs if id(one) in old)
        shape, dtype = graph.nodes.shape(node), graph.nodes.dtype(node)
        if not shape or is_weak(dtype) or not is_floating(dtype):
            return None
        if isinstance(node, sympy.Mul):
            return _product(nodes, operands, names, once)
        name, rule = RULES.get(type(node), ("", None))
        if rule is None or name not in names:
            return None
        made = rule(*(Handle(nodes, one) for one in operands))
        fits = made is not None and nodes.shape(made.node) == shape
        return made.node if made is not None and fits else None

    return rebuild(graph, rewrite)


def _lowering(name: str, cls: type) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        RULES[cls] = name, rule
        return rule

    return register


# Functions.


@_lowering("powers", sympy.Pow)
def _power(x: Handle, exponent: Handle) -> Handle | None:
    """x**3 is x * x * x, x**1.5 is x * sqrt(x), x**-3 is 1 / x**3."""
    power = number_of(exponent.node)
    if power is None or abs(power) in (0, 0.5, 1) or power == 2:
        return None
    if abs(power) == 1.5:
        raised: Handle = x * np.sqrt(x)
    elif isinstance(power, int) and abs(power) <= HIGHEST:
        raised = _raised(x, abs(power))
    else:
        return None
    return raised if power > 0 else raised**-1


def _raised(x: Handle, power: int) -> Handle:
    """Return a power by squaring."""
    if power == 1:
        return x
    square = _raised(x, power // 2) ** 2
    return square * x if power % 2 else square


@_lowering("signs", sympy.sign)
def _sign(x: Handle) -> Handle | None:
    """The sign of what is not negative is ceil(minimum(x, 1)): without a branch."""
    if (sided := _side(x.nodes, x.node)) is None:
        return None
    if sided is Maximum:
        return np.ceil(np.minimum(x, 1))  # type: ignore[return-value]
    return np.floor(np.maximum(x, -1))  # type: ignore[return-value]


def _side(nodes: Nodes, node: sympy.Expr) -> type | None:
    """Return Maximum or Minimum where a node is that of x and c, less c."""
    limit: sympy.Expr = nodes.number(0)
    if isinstance(node, sympy.Add):
        node, minus = nodes[node].operands
        value = number_of(minus)
        if value is not None:
            limit = nodes.number(-value)
        elif isinstance(minus, sympy.Mul) and minus.args[0] is sympy.S.NegativeOne:
            limit = nodes[minus].operands[1]
        else:
            return None
    if not isinstance(node, Maximum | Minimum):
        return None
    known = number_of(limit)
    for one in nodes[node].operands:
        if one is limit or (known is not None and number_of(one) == known):
            return type(node)
    return None


@_lowering("parts", Softplus)
def _softplus(x: Handle, decay: Handle) -> Handle:
    return np.log1p(decay) + np.maximum(x, 0)  # type: ignore[return-value]


@_lowering("parts", BinaryCrossEntropy)
def _cross_entropy(x: Handle, y: Handle, decay: Handle) -> Handle:
    return np.maximum(x, 0) - x * y + np.log1p(decay)


@_lowering("parts", Sigmoid)
def _sigmoid(x: Handle, decay: Handle, below: Handle) -> Handle:
    return np.where(x < 0, decay, 1) / below  # type: ignore[return-value]


@_lowering("parts", SigmoidByTanh)
def _by_tanh(x: Handle) -> Handle:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


@_lowering("tanh", sympy.tanh)
def _tanh(x: Handle) -> Handle | None:
    """Beyond 20 tanh is 1 in double precision, so that exp need not overflow.

    Near 0 the error is that of 1, up to 5e-16, not one of the last digit.
    """
    if x.nodes.dtype(x.node) != "float64":
        return None
    return 1 - 2 / (np.exp(np.minimum(x, 20)) ** 2 + 1)  # type: ignore[return-value]


@_lowering("parts", XLogX)
def _x_log_x(x: Handle, log_x: Handle) -> Handle:
    return np.where(x == 0, 0, x * log_x)  # type: ignore[return-value]


@_lowering("parts", LogAbs)
def _log_abs(x: Handle) -> Handle:
    return np.log(np.abs(x))  # type: ignore[return-value]


# Products.


def _product(
    nodes: Nodes,
    operands: tuple[sympy.Expr, ...],
    names: Collection[str],
    once: Collection[int],
) -> sympy.Expr | None:
    """Return a product with one number at most and without the value's own slope, None
    where it is that already.
    """
    given = operands
    operands = _unseeded(nodes, given) if "seed" in names else given
    if len(operands) == 1:
        return operands[0]
    factors = _factors(nodes, operands, once)
    numbers = [one for one in factors if not nodes.shape(one)]
    if "scalars" not in names or len(numbers) < 2 or not _is_safe(nodes, numbers):
        return None if operands is given else nodes.make(sympy.Mul, *operands)
    arrays = [one for one in factors if nodes.shape(one)]
    arrays.sort(key=lambda one: len(nodes.shape(one)))
    return _multiplied(nodes, [_multiplied(nodes, numbers), *arrays])


def _unseeded(nodes: Nodes, operands: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
    """Return the factors of a product without the value's own slope."""
    for one, other in (operands, operands[::-1]):
        rest = _beside_seed(nodes, one)
        if rest is not None and nodes.dtype(other) == nodes.dtype(one):
            return (_multiplied(nodes, rest), other) if rest else (other,)
    return operands


def _beside_seed(nodes: Nodes, number: sympy.Expr) -> list[sympy.Expr] | None:
    """Return what multiplies the value's own slope in a number, if that is known."""
    factors: list[sympy.Expr] = []
    pending = [] if nodes.shape(number) else [number]
    while pending:
        one = pending.pop()
        inner = nodes[one].operands if isinstance(one, sympy.Mul) else ()
        (pending if inner else factors).extend(inner or [one])
    rest = [one for one in factors if not _is_seed(one)]
    divisors = (one.args[0] if is_reciprocal(one) else one for one in rest)
    return rest if len(rest) < len(factors) and all(map(number_of, divisors)) else None


def _is_seed(node: sympy.Expr) -> bool:
    return isinstance(node, Variable) and node.name == COTANGENT


def _factors(
    nodes: Nodes, operands: Sequence[sympy.Expr], once: Collection[int]
) -> list[sympy.Expr]:
    """Return the factors of a product, those of a factor that nothing else reads too."""
    found: list[sympy.Expr] = []
    pending = list(reversed(operands))
    while pending and len(found) < LONGEST:
        one = pending.pop()
        inner = isinstance(one, sympy.Mul) and id(one) in once and nodes.shape(one)
        if inner and nodes[one].name is None:
            pending.extend(reversed(nodes[one].operands))
        else:
            found.append(one)
    return [*found, *reversed(pending)]


def _is_safe(nodes: Nodes, numbers: Sequence[sympy.Expr]) -> bool:
    """Return whether dividing by a size gives infinity at 0, where Python's raises."""
    divides = any(
        is_reciprocal(one) and number_of(one.args[0]) is None for one in numbers
    )
    return not divides or not all(is_weak(nodes.dtype(one)) for one in numbers)


def _multiplied(nodes: Nodes, factors: Sequence[sympy.Expr]) -> sympy.Expr:
    """Return the product of factors, literal numbers first, what divides last."""
    known = [number_of(one) for one in factors]
    literal = math.prod(value for value in known if value is not None)
    others = [one for one, value in zip(factors, known, strict=True) if value is None]
    others.sort(key=is_reciprocal)
    numbers = [nodes.number(literal)] if literal != 1 or not others else []
    total, *rest = (Handle(nodes, one) for one in (*numbers, *others))
    for one in rest:
        total = total * one
    return total.node
