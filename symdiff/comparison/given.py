"""The user's own gradient as a method of a comparison.

In: a function of the loss's arguments. Out: what makes its `Method`. Refused with a
`SpecError`: a gradient that is not nested or shaped as what is differentiated.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .method import Costs, Method, Sampling
from .problem import Problem
from .trial import Maker

__all__ = ["given"]


def given(gradient: Callable) -> Maker:
    """Return what makes the method of a gradient.

    It is given the arguments that its parameters name, or all of them in order where
    they name others.
    """

    def make(problem: Problem, _: Costs, __: Sampling) -> Method:
        signature = problem.signature
        known = {*signature.static, *(one.name for one in signature.arguments)}
        bound = gradient
        if known.issuperset(inspect.signature(gradient).parameters):
            bound = signature.bind(gradient)
        return Method(lambda: bound(*problem.arguments), problem.gradient)

    return make
