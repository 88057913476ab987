"""The line of the loss at which a gradient goes wrong.

In: the walk back through a loss at a point, and a wrong gradient there. Out: a sentence
that says what would have to be wrong at which operation to give that gradient: its part
left out, of the other sign, times a number, its derivative replaced by another. Where
the rule of an operation itself is wrong: which. "" where nothing of that kind explains
the gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

import numpy as np
import sympy

from ..graph import number_of
from ..ops.table import ROWS
from ..verify.slopes import product
from .claim import Arrays
from .point import look
from .walk import Local, Step, Walk

__all__ = ["broken_rule", "lines_at_fault"]

CLOSE = 1e-6  # the relative error of an explanation that is exact but for rounding
MOST = 300  # steps back that are tried
ENTRIES = 16  # of an operand that are judged
NICE = 12  # denominators of a factor that is no accident
FEW = 6  # numbers, so few that many a factor would fit them
PROBES = 8  # random directions along which gradients are compared
TINY = 1e-12  # relative: a difference that is rounding


def broken_rule(walk: Walk) -> str:
    """Return the operation whose rule gives other slopes than its differences do."""
    rng = np.random.default_rng(0)
    seen: set[int] = set()
    for node, _ in walk.steps():
        if id(node) in seen:
            continue
        seen.add(id(node))
        local = Local.of(walk.nodes, node)
        weights = rng.standard_normal(np.shape(walk.nodes.value(node)))

        def loss(
            arrays: Arrays, local: Local = local, w: np.ndarray = weights
        ) -> object:
            graph = local.loss(arrays, w)
            return graph.nodes.value(graph.outputs["value"])

        slopes = local.slopes(weights)
        point = look(loss, local.arrays, slopes, lengths={}, entries=ENTRIES)
        if point.outcome == "wrong":
            return f"the rule of {_operation(walk, node)} is wrong"
    return ""


def lines_at_fault(walk: Walk, claimed: Arrays) -> dict[str, str]:
    """Return what, at which operation, would give the gradient that is claimed.

    One sentence under "" where one thing explains all that is wrong, else one for each
    array that a thing of its own explains, by its name.
    """
    off = {name: claimed[name] - one for name, one in walk.gradient.items()}
    if not all(np.isfinite(one).all() for one in off.values()):
        return {}
    wrong = {
        name: one
        for name, one in off.items()
        if np.max(np.abs(one), initial=0.0) > TINY * _largest(walk.gradient)
    }
    steps = [(step, walk.passed(step)) for step in islice(walk.steps(), MOST)]
    if texts := _explanations(walk, steps, off):
        # Where each of several steps in a row explains it: the first and the last.
        return {"": "as if " + ", or ".join(dict.fromkeys((texts[0], texts[-1])))}
    alone = {
        name: _explanations(walk, steps, {name: one}) for name, one in wrong.items()
    }
    return {name: f"as if {texts[-1]}" for name, texts in alone.items() if texts}


def _largest(arrays: Arrays) -> float:
    return max(float(np.max(np.abs(one), initial=0.0)) for one in arrays.values())


def _explanations(
    walk: Walk, steps: Iterable[tuple[Step, np.ndarray]], off: Arrays
) -> list[str]:
    """Return what would explain how far a gradient is off, of the arrays that are named.

    The gradient by a step is what it passes on times the Jacobian of its operand. Along
    a few random directions that is a number for each, by which all steps are compared
    with the one gradient that is wrong. They stand in the order of the way back.
    """
    rng = np.random.default_rng(0)
    probes = [
        {name: rng.standard_normal(one.shape) for name, one in off.items()}
        for _ in range(PROBES)
    ]
    distance = np.array([product(off, probe)[0] for probe in probes])
    tangents = [walk.tangents(probe) for probe in probes]
    few = sum(int(np.count_nonzero(one)) for one in off.values()) < FEW
    found: dict[str, None] = {}
    for step, part in steps:
        along = np.array([one[id(step.operand)] for one in tangents])
        through = _summed(part * along)
        if not np.isfinite(through).all():
            continue  # beside a corner
        for text in (
            _scaled(distance, through, few),
            _replaced(walk, step, distance + through, along, few),
        ):
            if text:
                found[text.format(**_words(walk, step))] = None
    return list(found)


def _summed(along: np.ndarray) -> np.ndarray:
    """Return the sum of what stands along each probe."""
    return along.reshape(len(along), -1).sum(axis=1)


def _scaled(off: np.ndarray, through: np.ndarray, few: bool) -> str:
    """Return by what a step's part is multiplied, if that is all that is wrong."""
    square = float(through @ through)
    factor = 1 + float(off @ through) / square if square else 1.0
    number = _number(factor)
    if not _close((factor - 1) * through, off) or (few and "." in number):
        return ""
    if number == "0":
        return "{way} were left out"
    if number == "-1":
        return "{way} had the other sign"
    return f"{{way}} were {number} times as large"


def _replaced(
    walk: Walk, step: Step, wanted: np.ndarray, along: np.ndarray, few: bool
) -> str:
    """Return the polynomial in y by which the derivative of y = f(x) is replaced."""
    operands = walk.nodes[step.node].operands
    one_to_one = [x for x in operands if number_of(x) is None] == [step.operand]
    y = np.asarray(walk.nodes.value(step.node))
    if few or not one_to_one or along[0].shape != y.shape:
        return ""
    if ROWS[type(step.node)].kind != "transcendental":
        return ""
    g = walk.cotangent(step.node)
    columns = np.stack([_summed(g * y**power * along) for power in range(3)], axis=1)
    weights = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    nice = np.round(weights * 2) / 2
    is_nice = np.max(np.abs(weights - nice)) <= CLOSE
    if not is_nice or not _close(columns @ nice, wanted):
        return ""
    return f"the derivative of y = {{operation}} were {_polynomial(nice)}"


def _words(walk: Walk, step: Step) -> Mapping[str, str]:
    operation, operand = _operation(walk, step.node), _operand(walk, step.operand)
    inside = operation.startswith(f"{operand} (")
    way = f"through {operation}" if inside else f"from {operation} to {operand}"
    return {"operation": operation, "way": f"what comes back {way}"}


def _operation(walk: Walk, node: sympy.Expr) -> str:
    """Return an operation as it stands in the user's source, and where."""
    position = walk.nodes[node].position
    return f"{position.segment} ({position})" if position else type(node).__name__


def _operand(walk: Walk, node: sympy.Expr) -> str:
    info = walk.nodes[node]
    text = info.position.segment if info.position else ""
    return info.name or getattr(node, "name", "") or text or type(node).__name__


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.linalg.norm(one - other) <= CLOSE * np.linalg.norm(other))


def _number(value: float) -> str:
    for below in range(1, NICE + 1):
        above = round(value * below)
        if abs(above / below - value) <= CLOSE * max(abs(value), 1 / NICE):
            return f"{above}/{below}" if below > 1 else str(above)
    return f"{value:.6g}"


def _polynomial(weights: Iterable[float]) -> str:
    """Return the text of a polynomial in y: `1 - y`."""
    text = ""
    for weight, power in zip(weights, ("", "y", "y**2"), strict=True):
        size = "" if abs(weight) == 1 and power else f"{abs(weight):g}"
        sign = (" - " if weight < 0 else " + ") if text else ("-" if weight < 0 else "")
        if weight:
            text += sign + " ".join(filter(None, (size, power)))
    return text or "0"
