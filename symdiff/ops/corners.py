"""Corners: where an operation has no derivative, and the slope that is taken there.

In: what a row declares of its corner: the condition, the slopes on either side of it,
what JAX and PyTorch take. Out: the slopes by each of the conventions, for the reverse
pass and in words. Nothing is refused: a rule that has no slope at its corner gives NaN.

The conventions: "least-norm" takes the shortest subgradient, which a row's own rule
gives; "split" the mean of both sides; "zero" and "nan" that number wherever the
condition holds; "jax" and "torch" what the gradients of these libraries are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["EXTREMUM", "Corner", "Slopes", "least_norm", "shown"]

# A slope for each operand.
Slopes = tuple[float, ...]

_EVERYWHERE = {"zero": 0.0, "nan": np.nan}


@dataclass(frozen=True)
class Corner:
    """Where an operation has no derivative.

    of, at: the operation and the condition in words; {0}, {1} stand for the operands,
    {y} for the result. mask: `(y, *x) -> mask`, where the condition holds; None where
    the rule gives NaN anyway. sides: the slopes for the operands on either side, or
    their limit; none where no numbers say it, but `words`. jax, torch: what these take
    where it is not the mean of the sides.
    """

    of: str
    at: str
    mask: Callable[..., Any] | None
    sides: tuple[Slopes, ...] = ()
    words: str = ""
    jax: Slopes | None = None
    torch: Slopes | None = None

    def slopes(self, convention: str, needed: Sequence[bool]) -> Slopes | None:
        """Return the slopes that a convention takes where some operands are
        differentiated; None for those of the row's own rule.
        """
        if convention in _EVERYWHERE and self.mask is not None:
            return (_EVERYWHERE[convention],) * len(needed)
        if not self.sides:
            return None
        if convention == "least-norm":
            return least_norm(self.sides, needed)
        mean = tuple(sum(pair) / len(pair) for pair in zip(*self.sides, strict=True))
        own = {"jax": self.jax, "torch": self.torch}.get(convention)
        return mean if own is None else own

    def settled(
        self, convention: str, g: Any, y: Any, x: Sequence, parts: Sequence
    ) -> list:
        """Return the cotangents that a row's rule gave, by a convention at the corner."""
        needed = [part is not None for part in parts]
        slopes = self.slopes(convention, needed)
        if slopes is None or slopes == self.slopes("least-norm", needed):
            return list(parts)
        assert self.mask is not None
        at = self.mask(y, *x)
        return [
            None if part is None else np.where(at, _times(g, slope), part)
            for slope, part in zip(slopes, parts, strict=True)
        ]

    def slope_text(self, convention: str, needed: Sequence[bool]) -> str:
        """Return in words which slope a convention takes."""
        slopes = self.slopes(convention, needed)
        if slopes is None:
            return self.words
        texts = [shown(one) for one, need in zip(slopes, needed, strict=True) if need]
        if len(texts) > 1 and len(set(texts)) == 1:
            return f"slope {texts[0]} each"
        return f"slope{'s' if len(texts) > 1 else ''} {' and '.join(texts)}"


def least_norm(sides: Sequence[Slopes], needed: Sequence[bool]) -> Slopes:
    """Return the shortest slopes between two sides, jointly in what is differentiated."""
    first, last = (
        tuple(one if need else 0.0 for one, need in zip(side, needed, strict=True))
        for side in (sides[0], sides[-1])
    )
    along = tuple(b - a for a, b in zip(first, last, strict=True))
    length = sum(one * one for one in along)
    if not length > 0:
        return tuple(sides[0])
    back = -sum(a * one for a, one in zip(first, along, strict=True)) / length
    part = min(max(back, 0.0), 1.0)
    return tuple(a + part * one for a, one in zip(first, along, strict=True))


def _times(g: Any, slope: float) -> Any:
    """Return g times a slope; 0 and NaN whatever g is."""
    if slope == 0:
        return 0
    return slope if slope != slope else g if slope == 1 else slope * g


def shown(slope: float) -> str:
    """Return a slope as a small fraction where it is one."""
    if slope != slope or slope in (np.inf, -np.inf):
        return "NaN" if slope != slope else f"{slope}"
    fraction = Fraction(slope).limit_denominator(16)
    return str(fraction) if float(fraction) == slope else f"{slope:.6g}"


# Where one of two wins.
EXTREMUM: tuple[Slopes, ...] = ((1.0, 0.0), (0.0, 1.0))
