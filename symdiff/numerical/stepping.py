"""Gradients entry by entry: each weight is moved by a step, the others stay.

In: a function, its arguments, which of them are differentiated, the step, and which
entries. Out: an `Estimate`. Refused: what `estimate` refuses; a value that is not
complex where the arguments are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import SpecError
from .estimate import Arguments, Estimate, Weights
from .ladder import STEPS, Ladder

__all__ = ["central_difference", "complex_step", "forward_difference", "richardson"]

Entries = Sequence[int] | np.ndarray | None


def forward_difference(
    fn: Callable,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    eps: float | None = None,
    entries: Entries = None,
) -> Estimate:
    """Return the gradient by (C(w + eps e_j) - C(w)) / eps for each weight w_j.

    The error is about eps * C'' / 2 plus the rounding of C over eps.

    Parameters
    ----------
    fn : callable
        A function of arrays, numbers and nests of them, whose value is a number.
    args : sequence or mapping
        Its arguments, by position or by name.
    wrt : str or tuple of str, optional
        What is differentiated; by default the first argument.
    eps : float, optional
        The step; by default the root of the dtype's relative rounding error.
    entries : sequence of int, optional
        The weights to move, numbered through all arrays in order; by default all.
    """
    weights = Weights(fn, args, wrt)
    step = weights.rounding ** (1 / 2) if eps is None else eps
    chosen = weights.chosen(entries)
    value = weights.value()
    slopes = [(weights.moved(j, step) - value) / step for j in chosen]
    return weights.estimate(chosen, slopes, needed=weights.size + 1)


def central_difference(
    fn: Callable,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    eps: float | None = None,
    entries: Entries = None,
) -> Estimate:
    """Return the gradient by (C(w + eps e_j) - C(w - eps e_j)) / (2 eps).

    The error is about eps**2 * C''' / 6 plus the rounding of C over eps; `eps` is by
    default the cube root of the dtype's relative rounding error. The parameters are
    those of `forward_difference`.
    """
    weights = Weights(fn, args, wrt)
    step = weights.rounding ** (1 / 3) if eps is None else eps
    chosen = weights.chosen(entries)
    slopes = [
        (weights.moved(j, step) - weights.moved(j, -step)) / (2 * step) for j in chosen
    ]
    return weights.estimate(chosen, slopes, needed=2 * weights.size)


def richardson(
    fn: Callable,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    entries: Entries = None,
) -> Estimate:
    """Return the gradient by central differences that Richardson extrapolated.

    There is no step to pick: for each weight seven steps from 1e-2 to 1e-8 of its
    array's size are combined, and the combination with the least estimated error is
    taken (Richardson 1911; the stopping rule is Ridders' 1982). `errors` holds these
    errors. The parameters are those of `forward_difference`.
    """
    weights = Weights(fn, args, wrt)
    chosen = weights.chosen(entries)
    value = weights.value()
    slopes, errors = [], []
    for j in chosen:
        slope, error = _extrapolated(weights, j, value)
        slopes.append(slope)
        errors.append(error)
    needed = 2 * len(STEPS) * weights.size + 1
    return weights.estimate(chosen, slopes, needed, errors)


def _extrapolated(weights: Weights, entry: int, value: Any) -> tuple[Any, float]:
    """Return a slope and its estimated error."""
    scale = weights.scale(entry)
    ladder = Ladder(value, weights.rounding)
    for step in STEPS * scale:
        above, below = weights.moved(entry, step), weights.moved(entry, -step)
        ladder = ladder.extended(above, below)
    _, slope, error = ladder.best()
    return slope / scale, error / scale


def complex_step(
    fn: Callable,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    eps: float = 1e-20,
    entries: Entries = None,
) -> Estimate:
    """Return the gradient by imag(C(w + i eps e_j)) / eps (Squire and Trapp 1998, eq. 6).

    Nothing is subtracted, so that it is as exact as the function's own value. It holds
    for analytic functions alone: where `fn` takes `abs`, a norm or `real` of a weight
    the slope is silently wrong, and many functions of SciPy take no complex number.
    The parameters are those of `forward_difference`.

    Raises
    ------
    SpecError
        If the value is not complex, as it is that of a function such as `abs`.
    """
    weights = Weights(fn, args, wrt, is_complex=True)
    chosen = weights.chosen(entries)
    slopes = []
    for j in chosen:
        value = weights.moved(j, 1j * eps)
        if not np.iscomplexobj(value):
            raise SpecError(
                "the function's value is not complex at complex arguments",
                remedy="The complex step is for analytic functions: without abs, norms, "
                "real parts; use richardson instead.",
            )
        slopes.append(value.imag / eps)
    return weights.estimate(chosen, slopes, needed=weights.size)
