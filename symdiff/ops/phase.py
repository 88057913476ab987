"""Angles by composition: `angle` of real numbers, `unwrap`.

The whole turns that `unwrap` adds are steps, and have no slope.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..shapes import axis_of
from .elementwise import stop_gradient
from .handle import handle_of
from .running import along, diff
from .table import reached_by

__all__: list[str] = []


@reached_by(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """0 where a real number is not negative, half a turn where it is."""
    z = handle_of(z)
    turned = np.where(np.signbit(z), 180.0 if deg else np.pi, 0.0)
    return np.where(np.isnan(z), np.nan, turned)


@reached_by(np.unwrap)
def unwrap(
    p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi
) -> Any:
    """The array with whole periods added where it jumps by more than half of one."""
    p = handle_of(p)
    axis, half = axis_of(axis, p.ndim), period / 2
    jumps = stop_gradient(diff(p, axis=axis))
    short = np.mod(jumps + half, period) - half
    short = np.where((short == -half) & (jumps > 0), half, short)
    least = half if discont is None else np.maximum(discont, half)
    turns = np.where(np.abs(jumps) < least, 0, short - jumps)
    first, rest = along(p, axis, slice(None, 1)), along(p, axis, slice(1, None))
    return np.concatenate((first, rest + np.cumsum(turns, axis=axis)), axis=axis)
