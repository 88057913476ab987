"""Numerical ways to a gradient, as methods of a comparison.

In: a `Problem`. Out: a `Method` for each function of `symdiff.numerical`, on as many
entries as there is time for. Refused: what that package refuses.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import numerical
from ..numerical import Estimate
from .method import Costs, Found, Method, Sampling
from .problem import Problem

__all__ = ["entrywise", "one_weight", "simultaneous"]


def entrywise(
    differentiate: Callable[..., Estimate], evaluations: float
) -> Callable[[Problem, Costs, Sampling], Method]:
    """Return what makes the method of a function that moves each entry.

    evaluations: what an entry takes, in evaluations of the loss.
    """

    def make(problem: Problem, _: Costs, sampling: Sampling) -> Method:
        entries = sampling.chosen(evaluations)
        return _method(
            lambda: differentiate(
                problem.of_weights, problem.weights, wrt="weights", entries=entries
            )
        )

    return make


def simultaneous(problem: Problem, _: Costs, __: Sampling) -> Method:
    """Return the method of simultaneous perturbation, of one pair of evaluations."""
    return _method(
        lambda: numerical.simultaneous_perturbation(
            problem.of_weights, problem.weights, wrt="weights"
        )
    )


def one_weight(problem: Problem, _: Costs, sampling: Sampling) -> Method:
    """Return the method of one random weight after the other."""
    draws = len(sampling.chosen(evaluations=1))
    return _method(
        lambda: numerical.one_weight_at_a_time(
            problem.of_weights, problem.weights, wrt="weights", draws=draws
        )
    )


def _method(run: Callable[[], Estimate]) -> Method:
    return Method(
        run,
        lambda found: Found(
            found.slopes,
            found.entries,
            evaluations=found.needed,
            scale=found.needed / found.evaluations,
        ),
    )
