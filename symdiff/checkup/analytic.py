"""The complex step, where the loss allows it: a difference that subtracts nothing.

In: the graph of a loss, and what was found of a right gradient. Out: how far the
gradient is from complex steps. Whether they hold is read off the operations that the
graph is made of: all those between the arrays and the loss must be analytic, and
computed by NumPy for complex numbers too. Nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ..errors import SpecError
from ..graph import Graph, Variable
from ..numerical import complex_step
from ..ops.choices import where
from ..ops.contraction import Contraction
from ..ops.diagonals import Diag, Diagonal, Tril, Triu
from ..ops.indexing import Index
from ..ops.joining import Concatenate, Stack
from ..ops.layout import LAYOUT
from ..ops.moving import Flip, Repeat, Roll, Tile
from ..ops.reductions import Prod
from ..ops.running import CumProd, CumSum
from ..ops.solving import Det, Inv, Solve
from ..passes.corners import corner_of
from .claim import Arrays
from .parameter import Parameter

__all__ = ["complex_gap", "is_analytic"]

LIKE_DIFFERENCES = 1e-6  # beyond it the loss as written is not what its graph is

_ELEMENTWISE = (
    *(sympy.Add, sympy.Mul, sympy.Pow, sympy.exp, sympy.log, where),
    *(sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan),
    *(sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.acosh, sympy.atanh),
    *(cfunctions.log1p, cfunctions.expm1, cfunctions.exp2),
    *(cfunctions.log2, cfunctions.log10),
)
_ARRAYS = (
    *(*LAYOUT, Contraction, Index, Concatenate, Stack, Flip, Roll, Tile, Repeat),
    *(Tril, Triu, Diagonal, Diag, Prod, CumSum, CumProd, Det, Inv, Solve),
)


def is_analytic(graph: Graph, wrt: Iterable[str]) -> bool:
    """Return whether the value of a graph is analytic in its inputs of these names."""
    nodes, names = graph.nodes, set(wrt)
    reached: set[int] = set()
    for node in graph.walk():
        if isinstance(node, Variable):
            if node.name in names:
                reached.add(id(node))
        elif any(id(one) in reached for one in nodes[node].operands):
            if not isinstance(node, _ELEMENTWISE + _ARRAYS) or corner_of(nodes, node):
                return False
            reached.add(id(node))
    return True


def complex_gap(
    loss: Callable[[Arrays], object],
    arrays: Arrays,
    gradient: Arrays,
    parameters: Iterable[Parameter],
) -> float | None:
    """Return the largest distance of judged entries from complex steps, relative to the
    largest entry of their array.

    None where the loss takes no complex number or is another one then: NumPy's `vdot`
    and norms conjugate, which no graph shows.
    """
    sizes = [array.size for array in arrays.values()]
    offsets = dict(zip(arrays, np.cumsum(sizes) - sizes, strict=True))
    entries, claimed, largest = [], [], []
    for one in parameters:
        part = gradient[one.name]
        for entry in one.entries:
            place = np.ravel_multi_index(entry.index, part.shape) if part.shape else 0
            entries.append(int(offsets[one.name] + place))
            claimed.append(entry.analytical)
            largest.append(float(np.max(np.abs(part))))
    try:
        steps = complex_step(
            lambda **moved: loss(moved), dict(arrays), wrt="moved", entries=entries
        )
    except (SpecError, TypeError, ValueError):
        return None
    gaps = np.abs(steps.slopes - claimed) / np.where(largest, largest, 1.0)
    gap = float(np.max(gaps, initial=0.0))
    return gap if gap <= LIKE_DIFFERENCES else None
