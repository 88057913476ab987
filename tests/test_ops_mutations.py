"""The checks here catch a wrong derivative: each rule is broken in several ways.

A rule is broken by wrapping it in the table. Small programs that use it are compiled
anew; at least one of them must disagree with the differences of its loss.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from cases import Case, case, differences, quiet

from symdiff.ops.table import ROWS

SHAPES = {"x": (2, 3), "y": (2, 3)}
TEXTS = [
    *("x + y", "x * y", "x / y", "x**y", "x**3", "np.sqrt(x)", "x - 2 * y"),
    *(
        f"np.{name}(x)"
        for name in ["exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"]
    ),
    *(f"np.{name}(x / 3)" for name in ["arcsin", "arccos", "arctanh"]),
    *(f"np.{name}(x)" for name in ["arctan", "arcsinh", "log1p", "expm1", "exp2"]),
    *("np.log2(x)", "np.log10(x)", "np.cbrt(x)", "np.arccosh(1 + x)", "np.abs(x - 1)"),
    *(
        "np.hypot(x, y)",
        "np.arctan2(x, y)",
        "np.logaddexp(x, y)",
        "np.logaddexp2(x, y)",
    ),
    *("np.maximum(x, y)", "np.minimum(x, y)", "np.maximum(x, 0.9)", "np.minimum(x, 1)"),
    *("np.where(x > y, x, 2 * y)", "expit(x)", "erf(x)", "erfc(x)", "xlogy(x, y)"),
    *("x @ y.T", "np.einsum('ij,ij->i', x, y)", "x.sum(axis=0)", "x.max(axis=1)"),
    *("x.min(axis=0)", "x.prod(axis=1)", "x.std(axis=1)", "x.reshape(3, 2)", "x.T * 2"),
    *("np.broadcast_to(x[:1], (4, 3))", "np.concatenate([x, y])", "np.stack([x, y])"),
    *("x[:, 1:]", "x[[0, 1, 0]]", "x.astype(np.float32)"),
]


def negated(part, g):
    return -part


def halved(part, g):
    return part * 0.5


def bent(part, g):
    return 1.3 * part * part


def shifted(part, g):
    return part + 0.01


MUTATIONS = (negated, halved, bent, shifted)


class Mutant:
    """A broken rule, which knows whether it was ever asked."""

    def __init__(self, rule: Callable, place: int | None, mutation: Callable) -> None:
        self.rule, self.place, self.mutation = rule, place, mutation
        self.asked = False

    def __call__(self, g, *rest):
        result = self.rule(g, *rest)
        if self.place is None:
            self.asked = True
            return self.mutation(result, g)
        parts = list(result)
        if self.place < len(parts) and parts[self.place] is not None:
            self.asked = True
            parts[self.place] = self.mutation(parts[self.place], g)
        return tuple(parts)


def differentiated(one: Case) -> set[type]:
    """Return the rows that a case's derivative goes through."""
    graph = one.compiled().traced
    active: set[int] = {
        id(node) for node in graph.inputs if getattr(node, "name", "") in one.wrt
    }
    found = set()
    for node in graph.walk():
        if any(id(operand) in active for operand in graph.nodes[node].operands):
            active.add(id(node))
            found.add(type(node))
    return found


def mutants() -> Iterator[tuple[type, str, Mutant, object, list[Case]]]:
    """Yield each broken rule, the row's rules with it, and who should notice."""
    cases = [
        case(text, "positive", **{n: s for n, s in SHAPES.items() if n in text})
        for text in TEXTS
    ]
    going = [(one, differentiated(one)) for one in cases]
    for cls, row in ROWS.items():
        noticing = [one for one, rows in going if cls in rows]
        if row.vjp is None or not noticing:
            continue
        whole = callable(row.vjp)
        for mutation in MUTATIONS:
            for place in range(3 if whole else len(row.vjp)):
                name = f"{cls.__name__} {mutation.__name__} at {place}"
                if whole:
                    mutant = Mutant(row.vjp, place, mutation)
                    yield cls, name, mutant, mutant, noticing
                elif row.vjp[place] is not None:
                    mutant = Mutant(row.vjp[place], None, mutation)
                    rules = (*row.vjp[:place], mutant, *row.vjp[place + 1 :])
                    yield cls, name, mutant, rules, noticing


def wrong(one: Case) -> bool:
    """Whether a case's gradient disagrees with differences, or cannot be had."""
    arguments = one.draw({}, "float64")
    with quiet():
        try:
            gradient = one.compiled().grad(*arguments)
        except Exception:  # noqa: BLE001 - a rule so broken that nothing comes out
            return True
        return any(
            not np.allclose(part, differences(one.loss(), arguments, place), 2e-3, 2e-3)
            for place, part in enumerate(gradient)
        )


def test_every_broken_rule_is_caught(monkeypatch: pytest.MonkeyPatch):
    caught, missed = 0, []
    for cls, name, mutant, vjp, noticing in list(mutants()):
        with monkeypatch.context() as patch:
            patch.setitem(ROWS, cls, dataclasses.replace(ROWS[cls], vjp=vjp))
            noticed = any(wrong(one) for one in noticing[:6])
        caught += mutant.asked and noticed
        if mutant.asked and not noticed:
            missed.append(name)
    assert not missed
    assert caught >= 100, caught
