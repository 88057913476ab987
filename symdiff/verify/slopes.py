"""A claimed gradient at given arguments against the loss's own differences.

In: the user's loss, an emitted module, arguments and the gradient that it gave there.
Out: whether the gradient could be judged, and how far slopes were off. Refused with a
`Fault`, which names as few leaves as show it: a gradient that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ..specs import Leaf, Signature
from .differences import Verdict, judge
from .outputs import Emitted, Fault, Gradient
from .sampling import is_float, nest

__all__ = [
    "ROUNDING",
    "TOLERANCE",
    "Loss",
    "Slopes",
    "product",
    "random_direction",
    "size_of",
]

FEW_LEAVES, FEW_NUMBERS = 12, 1_000_000  # up to which each leaf has its own direction
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
ROUNDING = 100.0  # times what rounding the arguments changes is the room for rounding

Direction = Mapping[int, np.ndarray]  # by the leaf's index, as a gradient
Key = TypeVar("Key")


@dataclass
class Loss:
    """The user's function of flat leaves, which counts its evaluations."""

    fn: Callable
    signature: Signature
    evaluations: int = 0

    def __call__(self, leaves: Sequence[np.ndarray]) -> np.ndarray:
        """Return the loss at copies, which the function may write into."""
        return self._value([leaf.copy() for leaf in leaves])

    def _value(self, copies: Sequence[np.ndarray]) -> np.ndarray:
        self.evaluations += 1
        return np.asarray(self.fn(*nest(self.signature, copies)))

    def along(
        self, leaves: Sequence[np.ndarray], direction: Direction
    ) -> Callable[[float], float]:
        """Return the loss along a direction; it is NaN where the function raises."""

        def moved(i: int, leaf: np.ndarray, step: float) -> np.ndarray:
            if i not in direction:
                return leaf.copy()
            return (leaf + step * direction[i]).astype(leaf.dtype, copy=False)

        def at(step: float) -> float:
            copies = [moved(i, leaf, step) for i, leaf in enumerate(leaves)]
            try:
                return float(self._value(copies))
            except Exception:  # noqa: BLE001 - whatever the user's function raises
                return np.nan

        return at


@dataclass
class Slopes:
    """Gradients judged along random directions, and what came of it so far."""

    emitted: Emitted
    loss: Loss
    rng: np.random.Generator
    directions: int = 0
    error: float = 0.0

    def check(self, leaves: Sequence[np.ndarray], gradient: Gradient) -> bool:
        """Return whether the gradient could be judged; it is right then.

        Judges one direction of all leaves, and at first one of each where they are few.

        Raises
        ------
        Fault
            If the gradient is wrong.
        """
        wide = [_widened(leaf) for leaf in leaves]
        value = self.loss.along(wide, {})(0.0)
        indices = self.emitted.differentiated
        few = len(indices) <= FEW_LEAVES and sum(x.size for x in wide) <= FEW_NUMBERS
        parts = [indices]
        if few and len(indices) > 1 and not self.directions:
            parts += [(i,) for i in indices]
        outcomes = []
        for part in parts:
            outcomes.append(self._judge(wide, value, gradient, part).outcome)
            if outcomes[-1] == "wrong":
                self._locate(wide, value, gradient, part)
        return outcomes[0] == "right"

    def _locate(
        self,
        leaves: Sequence[np.ndarray],
        value: float,
        gradient: Gradient,
        indices: Sequence[int],
    ) -> None:
        """Raise the fault at as few leaves as show it, if another direction shows it.

        What one direction alone has shown may be the accident of a kink.
        """
        found, parts = None, [indices]
        while parts:
            part = parts.pop(0)
            verdict = self._judge(leaves, value, gradient, part)
            if verdict.outcome == "wrong":
                found, half = (part, verdict), len(part) // 2
                parts = [part[:half], part[half:]] if half else []
        if found:
            named = [self.emitted.leaves[i] for i in found[0]]
            raise Fault(_describe(named, found[1]), named[0])

    def _judge(
        self,
        leaves: Sequence[np.ndarray],
        value: float,
        gradient: Gradient,
        indices: Sequence[int],
    ) -> Verdict:
        """Return the verdict along one random direction of some of the leaves."""
        direction = random_direction(leaves, indices, self.rng)
        slope, scale = product(gradient, direction)
        verdict = judge(
            self.loss.along(leaves, direction),
            value,
            slope,
            scale=scale,
            tolerance=TOLERANCE[self.emitted.precision],
        )
        if verdict.outcome == "wrong" and self._is_rounding(leaves, direction, verdict):
            return replace(verdict, outcome="undecided")
        if verdict.outcome == "right":
            self.directions += 1
            self.error = max(self.error, verdict.relative)
        return verdict

    def _is_rounding(
        self, leaves: Sequence[np.ndarray], direction: Direction, verdict: Verdict
    ) -> bool:
        """Return whether rounding the arguments changes the slope as much."""
        eps = np.finfo(self.emitted.precision).eps
        gap = abs(verdict.difference - verdict.slope)
        for _ in range(3):
            rounded = list(leaves)
            for i, leaf in enumerate(self.emitted.leaves):
                if is_float(leaf):
                    noise = eps * self.rng.standard_normal(rounded[i].shape)
                    rounded[i] = np.asarray(rounded[i] * (1 + noise), leaf.dtype)
            slope = product(self.emitted.gradient(rounded), direction)[0]
            if gap <= ROUNDING * abs(slope - verdict.slope):
                return True
        return False


def random_direction(
    leaves: Sequence[np.ndarray], indices: Iterable[int], rng: np.random.Generator
) -> Direction:
    """Return random changes of leaves, each as large as the leaf itself."""
    return {
        i: np.asarray(size_of(leaves[i]) * rng.standard_normal(leaves[i].shape))
        for i in indices
    }


def size_of(leaf: np.ndarray) -> float:
    """Return how large the numbers of a leaf are, 1 where they are all 0."""
    return float(np.sqrt(np.mean(np.square(leaf)))) or 1.0 if leaf.size else 1.0


def product(
    gradient: Mapping[Key, np.ndarray], direction: Mapping[Key, np.ndarray]
) -> tuple[float, float]:
    """Return the sum of the products, and the root of the sum of their squares."""
    total = squares = 0.0
    for i, change in direction.items():
        # What does not move adds nothing, be its slope infinite or NaN.
        products = np.where(change, np.multiply(gradient[i], change, dtype=float), 0.0)
        total += float(products.sum())
        squares += float(np.vdot(products, products))
    return total, float(np.sqrt(squares))


def _widened(leaf: np.ndarray) -> np.ndarray:
    return leaf.astype(np.float64) if leaf.dtype.kind == "f" else leaf


def _describe(leaves: Sequence[Leaf], verdict: Verdict) -> str:
    more = f" or of {len(leaves) - 1} other leaves" if len(leaves) > 1 else ""
    slope, difference = verdict.slope, verdict.difference
    relative = abs(slope - difference) / max(abs(slope), abs(difference))
    return (
        f"the gradient of {leaves[0].access}{more} is wrong: along a random direction\n"
        f"    it gives {slope:.10g}, the loss changes by {difference:.10g} "
        f"(error about {verdict.error:.0e});\n"
        f"    relative error {relative:.1e}; the remainder falls with order "
        f"{verdict.order:.2f} of the step (3 were right, 1 is wrong)"
    )
