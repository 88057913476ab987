"""Gradients from evaluations of a function alone, on plain NumPy functions.

In: the function and its arguments, nested as it likes. Out: an `Estimate`, whose
gradient is nested as the argument is, with the evaluations that it took and those that
all entries would take. Refused with a `SpecError`: what is not real, no such argument
or entry, a function whose value is no number.
"""

from .estimate import Estimate
from .stepping import (
    central_difference,
    complex_step,
    forward_difference,
    richardson,
)
from .stochastic import one_weight_at_a_time, simultaneous_perturbation

__all__ = [
    "Estimate",
    "central_difference",
    "complex_step",
    "forward_difference",
    "one_weight_at_a_time",
    "richardson",
    "simultaneous_perturbation",
]
