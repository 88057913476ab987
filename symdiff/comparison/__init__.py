"""Symbolic, automatic and numerical gradients of one loss side by side.

In: a loss and its arguments. Out: a `Comparison`: what each method's gradient is worth
against a reference in extended precision, and what it costs.
"""

from .comparing import METHODS, compare
from .record import Comparison, Row

__all__ = ["METHODS", "Comparison", "Row", "compare"]
