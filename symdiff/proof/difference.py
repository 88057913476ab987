"""What is wrong with a gradient, said in words: the factor, the sign, the missing term.

In: samples of both sides at several sizes, the terms that the gradient is a sum of. Out:
a sentence, or none where the difference is of no kind that is looked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from ..specs import Signature
from .counterexample import Sample

__all__ = ["CLOSE", "described", "named"]

CLOSE = 1e-7
POWERS = (1, -1, 2, -2)
SIMPLE = 24  # the largest numerator and denominator of a factor that is named


def described(samples: Sequence[Sample], signature: Signature, name: str) -> str:
    """Return what the given part is, in terms of the expected one, or ""."""
    apart = [one for one in samples if one.random and one.gap(name) > CLOSE]
    if any(one.expected[name].shape != one.given[name].shape for one in apart):
        return _of_shapes(apart, name)
    for describe in (_factor, _transposed, _proportional):
        if apart and (text := describe(apart, signature, name)):
            return text
    return ""


def _of_shapes(samples: Sequence[Sample], name: str) -> str:
    turned = all(
        one.expected[name].shape == one.given[name].shape[::-1] for one in samples
    )
    several = any(one.expected[name].ndim > 1 for one in samples)
    return "it has the shape of its transpose" if turned and several else ""


def _factor(samples: Sequence[Sample], signature: Signature, name: str) -> str:
    """Return by which factor the whole part is off, a number or one made of sizes."""
    if all(not one.given[name].any() for one in samples):
        return "it is 0 everywhere"
    factors = [_ratio(one.given[name], one.expected[name]) for one in samples]
    if any(factor is None for factor in factors):
        return ""
    text = named(factors, samples)
    return f"it is {text} the gradient" if text else ""


def _ratio(x: np.ndarray, y: np.ndarray) -> float | None:
    """Return the factor between two arrays, None where there is none."""
    norm = float(np.vdot(y, y))
    if x.shape != y.shape or not norm or not np.isfinite(x).all():
        return None
    factor = float(np.vdot(y, x)) / norm
    left = np.abs(x - factor * y).max(initial=0.0)
    return factor if left <= CLOSE * np.abs(x).max(initial=0.0) else None


def named(factors: Sequence[float | None], samples: Sequence[Sample]) -> str:
    """Return a factor at several sizes as text, "" where it is nothing simple."""
    values = np.array(factors, float)
    for text, sizes in _powers(samples):
        number = _simple(values / sizes)
        if number is None:
            continue
        if number == 1:
            return f"{text} times" if text else ""
        if number == -1:
            return f"minus {text} times" if text else "minus"
        return f"{number} {text} times" if text else f"{number} times"
    return ""


def _powers(samples: Sequence[Sample]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield no size, sizes and products of two of them, with their values."""
    names = list(samples[0].sizes)
    values = {
        name: np.array([one.sizes[name] for one in samples], float) for name in names
    }
    yield "", np.ones(len(samples))
    if len({tuple(one.sizes.values()) for one in samples}) < 2:
        return
    for name, power in itertools.product(names, POWERS):
        yield _text({name: power}), values[name] ** power
    for (a, b), (i, j) in itertools.product(
        itertools.combinations(names, 2), itertools.product((1, -1), repeat=2)
    ):
        yield _text({a: i, b: j}), values[a] ** i * values[b] ** j


def _text(powers: Mapping[str, int]) -> str:
    """Return a product of powers of sizes as text: n, 1/n, n**2, n/d."""
    above = [_power(name, power) for name, power in powers.items() if power > 0]
    below = [_power(name, -power) for name, power in powers.items() if power < 0]
    text = "*".join(above) or "1"
    if below:
        text += f"/({'*'.join(below)})" if len(below) > 1 else f"/{below[0]}"
    return text


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}**{power}"


def _simple(values: np.ndarray) -> Fraction | None:
    """Return the one simple number that all values are, None where there is none."""
    number = Fraction(float(values[0])).limit_denominator(SIMPLE)
    if not number or abs(number.numerator) > SIMPLE:
        return None
    close = np.abs(values / float(number) - 1) < CLOSE
    return number if close.all() else None


def _transposed(samples: Sequence[Sample], signature: Signature, name: str) -> str:
    if any(one.expected[name].ndim != 2 for one in samples):
        return ""
    turned = [one.expected[name].T for one in samples]
    factors = [
        _ratio(one.given[name], part) if one.given[name].shape == part.shape else None
        for one, part in zip(samples, turned, strict=True)
    ]
    if any(factor is None or abs(factor - 1) > CLOSE for factor in factors):
        return ""
    return "it is the transpose of the gradient"


def _proportional(samples: Sequence[Sample], signature: Signature, name: str) -> str:
    """Return to which argument the difference is proportional, if it is to one."""
    for place, leaf in enumerate(signature.leaves):
        factors = [
            _ratio(one.given[name] - one.expected[name], one.leaves[place])
            for one in samples
        ]
        if all(factor is not None for factor in factors) and (
            text := named(factors, samples) or ("" if set(factors) - {1.0} else "once")
        ):
            return f"it is the gradient plus {text} {leaf.access}"
    return ""
