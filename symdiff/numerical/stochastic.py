"""Gradients from random changes: of all weights at once, or of a few, one at a time.

In: a function, its arguments, which of them are differentiated, the size of changes, a
seed or generator. Out: an `Estimate`. Refused: what `estimate` refuses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .estimate import Arguments, Estimate, Weights

__all__ = ["one_weight_at_a_time", "simultaneous_perturbation"]


def simultaneous_perturbation(
    fn: Callable,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    eps: float | None = None,
    repeats: int = 1,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """Return the gradient by (C(w + eps d) - C(w - eps d)) / (2 eps d_j), d_j random signs.

    Two evaluations, however many weights there are; the error of each slope is as large
    as the gradient's norm, and falls as the root of `repeats`, whose mean is taken
    (Spall 1992, section II).

    Parameters
    ----------
    fn, args, wrt, eps
        As of `central_difference`.
    repeats : int
        The number of random directions.
    seed : int or Generator
        What the directions are drawn from.
    """
    weights = Weights(fn, args, wrt)
    rng = np.random.default_rng(seed)
    step = weights.rounding ** (1 / 3) if eps is None else eps
    total = np.zeros(weights.size)
    for _ in range(repeats):
        signs = rng.choice((-1.0, 1.0), weights.size)
        rise = weights.displaced(step * signs) - weights.displaced(-step * signs)
        total += rise / (2 * step) * signs  # 1 / d_j is d_j
    return weights.estimate(range(weights.size), total / repeats, needed=2 * repeats)


def one_weight_at_a_time(
    fn: Callable,
    args: Arguments,
    *,
    wrt: str | tuple[str, ...] | None = None,
    reach: float = 0.1,
    draws: int = 1,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """Return (C(w + d e_j) - C(w)) / d at weights j and changes d drawn at random.

    It is the gradient for those who would learn by trial: `w_j -= rate * slope` at one
    weight after the other. The weights are distinct.

    Parameters
    ----------
    fn, args, wrt
        As of `forward_difference`.
    reach : float
        The changes are uniform between -reach and reach.
    draws : int
        The number of weights that are drawn.
    seed : int or Generator
        What weights and changes are drawn from.
    """
    weights = Weights(fn, args, wrt)
    rng = np.random.default_rng(seed)
    drawn = [int(j) for j in rng.choice(weights.size, draws, replace=False)]
    steps = rng.uniform(-reach, reach, draws)
    value = weights.value()
    slopes = [
        (weights.moved(j, step) - value) / step
        for j, step in zip(drawn, steps, strict=True)
    ]
    return weights.estimate(drawn, slopes, needed=weights.size + 1)
