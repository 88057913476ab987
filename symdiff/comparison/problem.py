"""The loss that gradients are compared of, at its arguments.

In: the loss, its signature, an array for each leaf, what is differentiated. Out: a
`Problem`: the loss as a function of what is differentiated alone; gradients as vectors.
Refused with a `SpecError`: a gradient that is not nested or shaped as its argument is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import SpecError
from ..specs import Argument, Signature
from ..verify.sampling import nest
from .method import Found

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """A loss at its arguments.

    fn: the user's function; args, static: the specs that it was described by. leaves:
    the arrays of all arguments, as numbers of `dtype` where their specs have none. wrt:
    the arguments that are differentiated; single: whether one was asked for by its name.
    """

    fn: Callable
    signature: Signature
    args: Mapping[str, Any] | None
    static: Mapping[str, Any] | None
    dtype: str
    wrt: tuple[str, ...]
    single: bool
    leaves: tuple[np.ndarray, ...]

    @cached_property
    def loss(self) -> Callable:
        """The loss, of its arguments by position."""
        parameters = inspect.signature(self.fn).parameters.values()
        plain = all(one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)
        if plain and not self.signature.static:
            return self.fn
        return self.signature.bind(self.fn)

    @cached_property
    def arguments(self) -> list:
        """The arguments, nested as the loss takes them."""
        return nest(self.signature, self.leaves)

    @cached_property
    def wanted(self) -> list[Argument]:
        """The arguments that are differentiated, in the order in which they were named."""
        by_name = {one.name: one for one in self.signature.arguments}
        return [by_name[name] for name in self.wrt]

    @cached_property
    def places(self) -> list[int]:
        """The places among the arguments of those that are differentiated."""
        names = [one.name for one in self.signature.arguments]
        return [names.index(name) for name in self.wrt]

    @cached_property
    def indices(self) -> list[int]:
        """The places among the leaves of those that are differentiated, in their order."""
        leaves = list(self.signature.leaves)
        return [leaves.index(leaf) for one in self.wanted for leaf in one.leaves]

    @property
    def asked(self) -> str | tuple[str, ...]:
        """What is differentiated, as `compile` is asked for it."""
        return self.wrt[0] if self.single else self.wrt

    @property
    def weights(self) -> tuple:
        """The arguments that are differentiated."""
        return tuple(self.arguments[place] for place in self.places)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The values of the unknown sizes."""
        pairs = zip(self.signature.leaves, self.leaves, strict=True)
        return {
            name: have
            for leaf, array in pairs
            for name, have in zip(leaf.shape, array.shape, strict=True)
            if isinstance(name, str)
        }

    @cached_property
    def size(self) -> int:
        """The number of the entries that are differentiated."""
        return sum(self.leaves[i].size for i in self.indices)

    @property
    def precision(self) -> str:
        """The coarsest dtype of what is differentiated."""
        names = {self.leaves[i].dtype.name for i in self.indices}
        return "float32" if "float32" in names else "float64"

    def evaluate(self) -> Any:
        """Return the loss at its arguments."""
        return self.loss(*self.arguments)

    def of_weights(self, *weights: Any) -> Any:
        """Return the loss, of what is differentiated."""
        values = list(self.arguments)
        for place, value in zip(self.places, weights, strict=True):
            values[place] = value
        return self.loss(*values)

    def of_leaves(self, *leaves: Any) -> Any:
        """Return the loss, of all arrays one by one."""
        return self.loss(*nest(self.signature, leaves))

    def nested(self, result: tuple[Any, Any]) -> Found:
        """Return what a value and a gradient are that is nested as the arguments are."""
        value, gradient = result
        return self.gradient(gradient, value)

    def gradient(self, gradient: Any, value: Any = None) -> Found:
        """Return what a gradient is that is nested as the arguments are."""
        parts = [gradient] if self.single else list(gradient)
        if len(parts) != len(self.wanted):
            raise SpecError(
                f"the gradient has {len(parts)} parts, expected {len(self.wanted)}",
                remedy=f"A part for each of {', '.join(self.wrt)}.",
            )
        arrays: list[Any] = []
        for argument, part in zip(self.wanted, parts, strict=True):
            try:
                arrays += argument.tree.flatten_up_to(part)
            except ValueError as error:
                raise SpecError(
                    f"the gradient is not nested as {argument.name} is: {error}"
                ) from error
        return self.flat((value, arrays))

    def flat(self, result: tuple[Any, Sequence[Any]]) -> Found:
        """Return what a value and a gradient are that is given array by array."""
        value, arrays = result
        entries = []
        for i, array in zip(self.indices, arrays, strict=True):
            have, want = np.shape(array), self.leaves[i].shape
            if have != want:
                access = self.signature.leaves[i].access
                raise SpecError(
                    f"the gradient of {access} has shape {have}, expected {want}"
                )
            entries.append(np.ravel(np.asarray(array)))
        return Found.whole(np.concatenate(entries), value)
