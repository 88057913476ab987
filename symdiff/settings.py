"""How a loss is compiled: which rewrites, which slopes at corners, which passes.

In: the words of a call or a command. Out: `Settings`, and those words of a command that
ask for them. Refused: what is none of the choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import SpecError

__all__ = ["CORNERS", "LOWERINGS", "REWRITES", "STYLES", "Settings", "names"]

# safe: rewrites that hold wherever the loss is defined. none: the forward pass is the
# loss's own, bit for bit. fast: also those that may lose the last digits.
REWRITES = ("safe", "none", "fast")

# Whose slope is taken where the loss has no derivative.
CORNERS = ("least-norm", "jax", "torch", "zero", "split", "nan")

# plain: as an engineer writes it. textbook: an operation a line, with its rule. fast:
# plain, and both passes as one function that computes in arrays that it keeps, or in
# numbers of Python's.
STYLES = ("plain", "textbook", "fast")

# What the fast style does to be fast, each left out by its name in `no_rewrite`.
LOWERINGS = {
    "powers": "`x**3` is `x * x * x`, `x**1.5` is `x * sqrt(x)`",
    "signs": "the sign of what is not negative is `ceil(minimum(x, 1))`",
    "parts": "softplus and its kind are their parts, each written into an array",
    "seed": "the value's own slope, 1, multiplies no array",
    "scalars": "numbers are multiplied before an array is",
    "ones": "sums along axes are products with a vector of ones",
    "dot": "products are `np.dot`'s of matrices, inner ones of rows `np.vecdot`'s",
    "reduce": "reductions and means are those of ufuncs: `np.add.reduce(x) / n`",
    "rows": "the limits of maximum and minimum are rows of numbers",
    "unroll": "small arrays are Python's numbers, each operation on one of them written out",
    "blocks": "chains of operations on large arrays go through blocks of rows",
    "joins": "arrays that are joined are written where they will stand",
    "kept": "arrays of sizes alone, and views, are kept in the workspace",
}


@dataclass(frozen=True)
class Settings:
    """What a compilation may change, and what it may not.

    rewrites: one of `REWRITES`. no_rewrite: names of rewrites that are switched off.
    corners: one of `CORNERS`. simplify, share: whether these passes run.
    style: one of `STYLES`.
    """

    rewrites: str = "safe"
    no_rewrite: tuple[str, ...] = ()
    corners: str = "least-norm"
    simplify: bool = True
    share: bool = True
    style: str = "plain"

    def __post_init__(self) -> None:
        _one_of("rewrites", self.rewrites, REWRITES)
        _one_of("corners", self.corners, CORNERS)
        _one_of("style", self.style, STYLES)

    @property
    def lowerings(self) -> frozenset[str]:
        """The names of the lowerings that are wanted."""
        wanted = () if self.rewrites == "none" else LOWERINGS
        return frozenset(wanted) - {*self.no_rewrite}

    def words(self) -> list[str]:
        """Return the options of the command line that ask for these settings."""
        words = []
        if self.rewrites != "safe":
            words += ["--rewrites", self.rewrites]
        for name in self.no_rewrite:
            words += ["--no-rewrite", name]
        if self.corners != "least-norm":
            words += ["--corners", self.corners]
        words += [] if self.simplify else ["--no-simplify"]
        words += [] if self.share else ["--no-share"]
        words += [] if self.style == "plain" else ["--style", self.style]
        return words


def names(several: str | Iterable[str]) -> tuple[str, ...]:
    """Return names in order, each once, from one name or several."""
    return tuple(sorted({several} if isinstance(several, str) else set(several)))


def _one_of(option: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise SpecError(
            f"{option}={value!r} is no choice",
            remedy=f"It may be {', '.join(map(repr, choices))}.",
        )
