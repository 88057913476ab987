"""How a loss is compiled: which rewrites, which slopes at corners, which passes.

In: the words of a call or a command. Out: `Settings`, and those words of a command that
ask for them. Refused: what is none of the choices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .errors import SpecError

__all__ = [
    "CORNERS",
    "LOWERINGS",
    "REWRITES",
    "STYLES",
    "Settings",
    "bytes_of_text",
    "limit_text",
    "names",
    "sizes_at",
]

# safe: rewrites that hold wherever the loss is defined. none: the forward pass is the
# loss's own, bit for bit. fast: also those that may lose the last digits.
REWRITES = ("safe", "none", "fast")

# Whose slope is taken where the loss has no derivative.
CORNERS = ("least-norm", "jax", "torch", "zero", "split", "nan")

# plain: as an engineer writes it. textbook: an operation a line, with its rule. fast:
# plain, and both passes as one function that computes in arrays that it keeps, or in
# numbers of Python's.
STYLES = ("plain", "textbook", "fast")

# What the fast style does to be fast, each left out by its name in `no_rewrite`; the last
# ones it does where `rewrite` has their names.
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
    "tanh": "tanh in float64 is `1 - 2 / (exp(x)**2 + 1)`, if asked for by name",
}
ASKED = frozenset({"tanh"})

# How many bytes there are in a unit.
DECIMAL = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BINARY = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class Settings:
    """What a compilation may change, and what it may not.

    rewrites: one of `REWRITES`. no_rewrite: names of rewrites that are switched off.
    rewrite: names of those that are asked for, of lowerings that are in `ASKED`.
    corners: one of `CORNERS`. simplify, share: whether these passes run.
    style: one of `STYLES`. memory_limit: the most bytes that may be held, as a text,
    empty where there is no limit. at: values of unknown sizes for which it holds.
    """

    rewrites: str = "safe"
    no_rewrite: tuple[str, ...] = ()
    corners: str = "least-norm"
    simplify: bool = True
    share: bool = True
    style: str = "plain"
    memory_limit: str = ""
    at: tuple[tuple[str, int], ...] = ()
    rewrite: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _one_of("rewrites", self.rewrites, REWRITES)
        _one_of("corners", self.corners, CORNERS)
        _one_of("style", self.style, STYLES)
        if self.at and not self.memory_limit:
            raise SpecError(
                "at= gives sizes, but there is no limit that should hold for them",
                remedy='Give the limit too: memory_limit="512MiB".',
            )
        for name in self.rewrite:
            _one_of("rewrite", name, sorted(ASKED))
        if self.rewrite and self.style != "fast":
            raise SpecError(
                f"rewrite: {self.rewrite[0]} is made in the fast style alone",
                remedy='Ask for that too: style="fast".',
            )

    @property
    def lowerings(self) -> frozenset[str]:
        """The names of the lowerings that are wanted."""
        usual = LOWERINGS.keys() - ASKED if self.rewrites != "none" else ()
        return frozenset({*usual, *self.rewrite}) - {*self.no_rewrite}

    def words(self) -> list[str]:
        """Return the options of the command line that ask for these settings."""
        words = []
        if self.rewrites != "safe":
            words += ["--rewrites", self.rewrites]
        for name in self.rewrite:
            words += ["--rewrite", name]
        for name in self.no_rewrite:
            words += ["--no-rewrite", name]
        if self.corners != "least-norm":
            words += ["--corners", self.corners]
        words += [] if self.simplify else ["--no-simplify"]
        words += [] if self.share else ["--no-share"]
        words += [] if self.style == "plain" else ["--style", self.style]
        if self.memory_limit:
            words += ["--memory-limit", self.memory_limit]
        for name, size in self.at:
            words += ["--at", f"{name}={size}"]
        return words


def names(several: str | Iterable[str]) -> tuple[str, ...]:
    """Return names in order, each once, from one name or several."""
    return tuple(sorted({several} if isinstance(several, str) else set(several)))


def limit_text(limit: int | str | None) -> str:
    """Return a limit of bytes as a text in its largest whole unit: `512MiB`."""
    if not limit and not isinstance(limit, int):
        return ""
    amount = bytes_of_text(limit) if isinstance(limit, str) else limit
    if isinstance(amount, bool) or not isinstance(amount, int) or amount <= 0:
        raise SpecError(
            f"memory_limit={limit!r} is no number of bytes",
            remedy='Write an int, or a text as "512MiB" or "1.5GB".',
        )
    units = reversed(BINARY.items())
    unit, whole = next(
        ((name, one) for name, one in units if amount % one == 0), ("B", 1)
    )
    return f"{amount // whole}{unit}"


def bytes_of_text(text: str) -> int | None:
    """Return the bytes that a text says, None where it says none."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-zA-Z]*)\s*", text)
    unit = DECIMAL.get(found[2], BINARY.get(found[2])) if found else None
    return None if found is None or unit is None else round(float(found[1]) * unit)


def sizes_at(
    sizes: Mapping[str, object] | Iterable[tuple[str, object]],
) -> tuple[tuple[str, int], ...]:
    """Return sizes in the order of their names; refuse what is no size."""
    found = []
    for name, value in sorted(dict(sizes).items()):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise SpecError(f"at: the size {name} is {value!r}, no positive integer")
        found.append((name, value))
    return tuple(found)


def _one_of(option: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise SpecError(
            f"{option}={value!r} is no choice",
            remedy=f"It may be {', '.join(map(repr, choices))}.",
        )
