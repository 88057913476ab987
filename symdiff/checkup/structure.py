"""How a gradient is nested, and its arrays taken out of it.

In: the structure of the differentiated arguments, a gradient as its function returns
it. Out: an array for each of theirs, by name, whatever its shape. Refused with a
`SpecError`: a gradient that is nested otherwise, or is not of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from ..errors import SpecError

__all__ = ["Structure"]


@dataclass(frozen=True)
class Structure:
    """The differentiated arguments: for each its tree and the names of its leaves.

    single: whether the gradient is that of one argument, not a tuple of one. A leaf
    that has no gradient has no name.
    """

    trees: Mapping[str, optree.PyTreeSpec]
    leaves: Mapping[str, Sequence[str]]
    single: bool

    def read(self, gradient: Any) -> dict[str, np.ndarray]:
        """Return a gradient's arrays by the names of their leaves."""
        found = {}
        for argument, part in self._parts(gradient).items():
            try:
                parts = self.trees[argument].flatten_up_to(part)
            except ValueError as error:
                raise SpecError(
                    f"the gradient of {argument} is not nested as {argument} is: {error}",
                    remedy="Return it in the structure of the argument.",
                ) from error
            for name, one in zip(self.leaves[argument], parts, strict=True):
                if name:
                    found[name] = _numbers(name, one)
        return found

    def _parts(self, gradient: Any) -> dict[str, Any]:
        """Return the gradient of each argument."""
        names = tuple(self.trees)
        if self.single:
            (name,) = names
            if isinstance(gradient, tuple) and self.trees[name].is_leaf():
                raise SpecError(
                    f"the gradient is a tuple of {len(gradient)}, that of {name} is one array",
                    remedy=f'Say what it is of: wrt=("{name}", ...).',
                )
            return {name: gradient}
        if isinstance(gradient, Mapping) and set(gradient) == set(names):
            return {name: gradient[name] for name in names}
        if isinstance(gradient, tuple | list) and len(gradient) == len(names):
            return dict(zip(names, gradient, strict=True))
        raise SpecError(
            f"the gradient is a {type(gradient).__name__}, not one part for each of "
            f"{', '.join(names)}",
            remedy="Return a tuple in the order of wrt, or a dict by name.",
        )


def _numbers(name: str, part: Any) -> np.ndarray:
    try:
        array = np.asarray(part)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"the gradient of {name} is a {type(part).__name__}, not an array of numbers",
            remedy="Return a real number for each of the array's.",
        )
    return array
