"""Cases whose expression is a function: named, and free to call others.

They are checked as those of `cases` are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from cases import INTEGERS, LOSS, Case

__all__ = ["Row", "row"]


@dataclass(frozen=True)
class Row(Case):
    """A case whose result is that of a function of the arguments; text is its name."""

    function: Callable = np.positive

    def __str__(self) -> str:
        return self.text

    def loss(self, numpy: Any = np) -> Callable:
        names = ", ".join(self.shapes)
        space = {"np": numpy, "function": self.function}
        exec(LOSS.format(names=names, text=f"function({names})"), space)
        return space["loss"]


def row(
    name: str, function: Callable, *shapes: tuple, domain: str = "real", below: int = 3
) -> Row:
    """Return a case; the last item of a shape may be a dtype: `("n", "int64")`."""
    code = function.__code__
    given = dict(zip(code.co_varnames[: code.co_argcount], shapes, strict=True))
    kinds = {name: one[-1] for name, one in given.items() if {*one} & {*INTEGERS}}
    plain = {name: one[:-1] if name in kinds else one for name, one in given.items()}
    return Row(name, plain, kinds, domain, below, function)
