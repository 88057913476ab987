"""symdiff's own ways to a gradient: emitted reverse mode, forward mode.

In: a `Problem`. Out: a `Method` for each style of module, and for a program that has the
slope along one direction, which is run once for each entry. Refused: what compiling
refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..settings import Settings
from ..specs import passed
from .method import Costs, Found, Method, Sampling
from .problem import Problem

if TYPE_CHECKING:
    from ..program.schedule import Program

__all__ = ["emitted", "forward_mode"]


def emitted(style: str) -> Callable[[Problem, Costs, Sampling], Method]:
    """Return what makes the method of the module in one style."""

    def make(problem: Problem, costs: Costs, _: Sampling) -> Method:
        costs.imported("sympy")
        pipeline = costs.imported("symdiff.pipeline")
        with costs.compiles():
            compiled = pipeline.compile(
                problem.fn,
                problem.args,
                static=problem.static,
                wrt=problem.asked,
                dtype=problem.dtype,
                verify=False,
                style=style,
            )
            run = compiled.module.value_and_grad

        pairs = zip(problem.signature.arguments, problem.arguments, strict=True)
        positional, keywords = passed((x.kind, x.name, value) for x, value in pairs)
        return Method(
            lambda: run(*positional, **keywords),
            problem.nested,
            operations=_operations(compiled.report, problem),
            note="its time until the first gradient is without verification",
        )

    return make


def _operations(report: Any, problem: Problem) -> int:
    """Return the operations on numbers of both passes, a multiply-add being two."""
    from ..shapes import size_symbol

    sizes = {size_symbol(name): value for name, value in problem.sizes.items()}
    total = 0
    for cost in (report.forward, report.backward):
        count = 2 * cost.multiply_adds + cost.elementwise + cost.transcendental
        total += int(count.subs(sizes)) if hasattr(count, "subs") else int(count)
    return total


def forward_mode(problem: Problem, costs: Costs, sampling: Sampling) -> Method:
    """Return the method of one pass for each entry, along that entry alone."""
    costs.imported("sympy")
    costs.imported("symdiff.pipeline")
    with costs.compiles():
        slope = _slope(problem)
    arrays = [problem.leaves[i] for i in problem.indices]
    directions = [np.zeros_like(array) for array in arrays]
    flat = [array.reshape(-1) for array in directions]
    ends = np.cumsum([array.size for array in arrays])
    entries = sampling.chosen(evaluations=3)

    def run() -> list:
        slopes = []
        for entry in entries:
            place = int(np.searchsorted(ends, entry, side="right"))
            index = entry - ends[place] + flat[place].size
            flat[place][index] = 1
            slopes.append(slope(*problem.leaves, *directions))
            flat[place][index] = 0
        return slopes

    def read(result: list) -> Found:
        slopes = np.array([one for _, one in result])
        value, scale = float(result[0][0]), problem.size / len(entries)
        return Found(slopes, entries, value, problem.size, scale)

    return Method(run, read)


def _slope(problem: Problem) -> Callable:
    """Return a function of all arrays, then of directions: the value, the slope."""
    from .. import passes
    from ..pipeline import wanted_leaves
    from ..program.schedule import schedule
    from ..trace.run import trace

    settings = Settings()
    traced = trace(problem.fn, problem.signature, problem.dtype)
    moving = wanted_leaves(problem.signature, problem.wrt)
    program = schedule(passes.run_forward(traced, moving, settings))
    return _function(program, problem)


def _function(program: Program, problem: Problem) -> Callable:
    """Return a program as a function of its arrays, at the problem's sizes."""
    space: dict[str, Any] = {program.np: np}
    space |= {local: problem.sizes[name] for name, local in program.sizes.items()}
    lines = [line for one in program.constants for line in one.lines]
    lines.append(f"def slope({', '.join(program.arguments)}):")
    for one in (*program.forward, *program.backward):
        lines += [f"    {line}" for line in one.lines]
    lines.append(f"    return {program.value}, {program.gradients['tangent']}")
    exec(
        "\n".join([*program.imports, *lines]), space
    )  # noqa: S102 - symdiff's own text
    slope: Callable = space["slope"]
    return slope
