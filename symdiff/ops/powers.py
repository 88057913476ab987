"""SciPy's powers, and its angles in degrees: `exprel`, `boxcox`, `exp10`, `cosdg`...

All but `exprel` are a few lines of NumPy on handles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Elementwise
from .functions import elementary
from .handle import Handle, handle_of
from .special import SPECIAL

__all__: list[str] = []


class ExpRel(Elementwise):
    """(exp(x) - 1) / x, 1 at 0."""


def _exprel_slope(g: Handle, y: Handle, x: Handle) -> Any:
    """(exp(x) - y) / x; near 0, where that cancels, its series."""
    small = np.abs(x) < 0.3
    series = handle_of(0.0)
    for k in range(12, -1, -1):
        series = series * x + 1 / (math.factorial(k) * (k + 2))
    far = (np.exp(x) - y) / np.where(small, 1, x)
    return g * np.where(small, series, far)


exprel = elementary(ExpRel, "scipy.special.exprel", vjp=(_exprel_slope,))


def _boxcox(log_x: Any, lmbda: Any) -> Any:
    """Return (x**lmbda - 1) / lmbda of the logarithm of x, itself where lmbda is 0."""
    return log_x * exprel(lmbda * log_x)


def _in_degrees(function: Callable) -> Callable:
    return lambda x: function(np.deg2rad(handle_of(x)))


SPECIAL |= {
    "exprel": exprel,
    "boxcox": lambda x, lmbda: _boxcox(np.log(handle_of(x)), lmbda),
    "boxcox1p": lambda x, lmbda: _boxcox(np.log1p(handle_of(x)), lmbda),
    "cosdg": _in_degrees(np.cos),
    "sindg": _in_degrees(np.sin),
    "tandg": _in_degrees(np.tan),
    "cosm1": lambda x: -2 * np.sin(handle_of(x) / 2) ** 2,
    "exp10": lambda x: np.power(10.0, handle_of(x)),
}
