"""Second derivatives of a case: reverse of the reverse, against differences.

The gradient's elements are weighed into one number, whose gradient is computed by the
same passes once more, and run from the statements of its program.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from cases import Case, differences, quiet

from symdiff.ops.handle import Handle, activated
from symdiff.passes import guard, reverse, share, simplify, stabilise
from symdiff.program.schedule import Program, schedule
from symdiff.settings import Settings
from symdiff.specs import ArraySpec, read_signature
from symdiff.trace.run import trace

__all__ = ["check_second_order", "run", "twice_differentiated"]


def check_second_order(case: Case, tolerance: float = 1e-6) -> None:
    """Hold the gradient of a weighted gradient against differences of the gradient."""
    case = _at_fixed_sizes(case)
    first = case.compiled()

    def weighed(*arguments):
        parts = first.grad(*arguments)
        return sum(np.sum(part * _weights(part.shape)) for part in parts)

    program = twice_differentiated(case)
    arguments = case.draw({}, "float64")
    with quiet():
        value, gradient = run(program, dict(zip(case.shapes, arguments, strict=True)))
    np.testing.assert_allclose(value, weighed(*arguments), 1e-9, 1e-9)
    for place, name in enumerate(case.shapes):
        if name in case.wrt:
            slope = differences(weighed, arguments, place)
            np.testing.assert_allclose(
                gradient[f"d_{name}"],
                slope,
                tolerance,
                tolerance,
                err_msg=f"second derivative for {name}: {program}",
            )


def _at_fixed_sizes(case: Case) -> Case:
    """Return the case at a length of 3 for each unknown size, the next ones longer."""
    lengths = {name: 3 + place for place, name in enumerate(case.sizes)}
    shapes = {
        name: tuple(lengths.get(one, one) for one in shape)
        for name, shape in case.shapes.items()
    }
    return replace(case, shapes=shapes)


def _weights(shape: tuple) -> np.ndarray:
    return np.sin(2.0 + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def twice_differentiated(case: Case) -> Program:
    """Return the program of the weighed gradient of a case, and of its gradient."""
    loss = case.loss()
    specs = {
        name: ArraySpec(shape, case.kinds.get(name))
        for name, shape in case.shapes.items()
    }
    signature = read_signature(loss, specs, None, "float64")
    traced = trace(loss, signature, "float64")
    graph = reverse(guard(stabilise(traced, Settings())), case.wrt)
    with activated(graph.nodes):
        parts = [Handle(graph.nodes, graph.outputs[f"d_{name}"]) for name in case.wrt]
        total = sum(np.sum(part * _weights(part.sizes)) for part in parts)
    for node in graph.nodes:  # the gradient is what is differentiated now
        graph.nodes[node].backward, graph.nodes[node].cotangent_of = False, None
    graph = replace(graph, outputs={"value": total.node})
    return schedule(share(simplify(reverse(graph, case.wrt))))


def run(program: Program, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the value and the gradients that a program's statements compute."""
    import scipy.linalg
    import scipy.special

    space: dict[str, Any] = {"np": np, "scipy": scipy, "cotangent": np.float64(1.0)}
    space |= arguments
    statements = (*program.constants, *program.forward, *program.backward)
    exec("\n".join(line for one in statements for line in one.lines), space)
    gradients = {name: eval(text, space) for name, text in program.gradients.items()}
    return eval(program.value, space), gradients
