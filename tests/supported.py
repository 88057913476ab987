"""The guide's lists of what is supported, made from the table of operations."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

import numpy as np

from symdiff.ops.polynomials import POLYNOMIAL
from symdiff.ops.refusals import FLAT, REFUSED, UNTRACED
from symdiff.ops.scipy_linalg import SCIPY_LINALG
from symdiff.ops.special import SPECIAL
from symdiff.ops.table import FUNCTIONS, METHODS, PROPERTIES, WRITERS

__all__ = ["GROUPS", "group_of", "public", "sections"]

# The groups of the guide, each with the modules of `symdiff.ops` that it is made of.
GROUPS = {
    "Elementwise": "arithmetic bessel bits choices functions phase rounding "
    "selection",
    "Reductions": "folding norms partition quantiles reductions running sorting "
    "statistics",
    "Products": "contraction multiplying polynomials windows",
    "Linear algebra": "factorised solving systems",
    "Layout": "conversion diagonals joining layout moving padding splitting mapping",
    "Indexing": "counting interpolation picking",
    "Making arrays and asking after them": "facts making spaces",
}
_GROUP = {module: group for group, text in GROUPS.items() for module in text.split()}


def public() -> Iterator[tuple[str, Callable]]:
    """Yield NumPy's public functions, each with the name that a user writes."""
    homes: tuple[tuple[str, ModuleType], ...] = (
        ("np", np),
        ("np.linalg", np.linalg),
        ("np.fft", np.fft),
    )
    for home, module in homes:
        for name in sorted(module.__all__):
            one = getattr(module, name)
            if callable(one) and not isinstance(one, type):
                yield f"{home}.{name}", one


def group_of(function: Callable) -> str:
    """Return the group of a function of the table."""
    return _GROUP[FUNCTIONS[function].__module__.rpartition(".")[2]]


def sections() -> str:
    """Return the lists: what is supported by group, and what is refused by reason."""
    sloped, flat = defaultdict(list), defaultdict(list)
    for name, function in public():
        if function in FUNCTIONS:
            (flat if name in FLAT else sloped)[group_of(function)].append(name)
    lines: list[str] = []
    for group in GROUPS:
        lines += _paragraph(f"**{group}**:", _short(sloped[group]))
        if flat[group]:
            lines += _paragraph("Without a gradient:", _short(flat[group]))
    writing = (name for name, one in public() if one in {*WRITERS} - {*FUNCTIONS})
    title = "**Writing**, into arrays that the loss has made:"
    lines += _paragraph(title, _short(writing))
    lines += _paragraph("**`scipy.special`**:", SPECIAL)
    lines += _paragraph("**`scipy.linalg`**:", SCIPY_LINALG)
    series = (f"{one}.{name}" for one in POLYNOMIAL for name in POLYNOMIAL[one])
    lines += _paragraph("**`np.polynomial`**:", series)
    lines += _paragraph("**Methods and attributes**:", [*METHODS, *PROPERTIES])
    lines += _paragraph("**As they are**, on no traced array:", _short(UNTRACED))
    lines += ["Refused, each for its reason:", ""]
    reasons = defaultdict(list)
    for name, reason in REFUSED.items():
        reasons[reason].append(name)
    for reason, names in reasons.items():
        text = f"- {reason}: {_listed(_short(names))}"
        lines += textwrap.wrap(text, 88, subsequent_indent="  ", **_WHOLE)
    return "\n".join(lines)


_WHOLE = {"break_on_hyphens": False, "break_long_words": False}


def _short(names: Iterable[str]) -> list[str]:
    return [name.removeprefix("np.") for name in names]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) + "."


def _paragraph(title: str, names: Iterable[str]) -> list[str]:
    return [*textwrap.wrap(f"{title} {_listed(names)}", 88, **_WHOLE), ""]
