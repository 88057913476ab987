"""Rows of numbers far apart by a rule, by composition: `logspace`, `geomspace`, `vander`.

Refused: a Vandermonde matrix of an unknown number of powers.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .handle import handle_of
from .joining import stack
from .making import linspace
from .table import reached_by

__all__: list[str] = []


@reached_by(np.logspace)
def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0
) -> Any:
    """Powers of a base, whose exponents are equally far apart."""
    return np.power(base, linspace(start, stop, num, endpoint))


@reached_by(np.geomspace)
def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True) -> Any:
    """Numbers from a start to a stop of one sign, each as many times the one before."""
    start, stop = handle_of(start), handle_of(stop)
    exponents = linspace(np.log(np.abs(start)), np.log(np.abs(stop)), num, endpoint)
    return np.sign(start) * np.exp(exponents)


@reached_by(np.vander)
def vander(
    x: Any, N: Any = None, increasing: bool = False
) -> Any:  # noqa: N803 - NumPy's
    """The powers of each element in a row, the highest first unless increasing."""
    x = handle_of(x)
    count = operator.index(x.shape[0] if N is None else N)
    powers = range(count) if increasing else range(count - 1, -1, -1)
    return stack([x**one for one in powers], axis=-1)
