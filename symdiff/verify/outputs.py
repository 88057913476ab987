"""What an emitted module returns, held to its form.

In: the module, its signature, flat leaves. Out: `Outputs`, the values and the gradient
by leaf. Refused with a `Fault`: a function that raises, a gradient that is not built as
its argument is of new arrays of its shapes and dtypes, and functions that disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..specs import Argument, Leaf, Signature, passed
from .sampling import is_float, nest

__all__ = ["Emitted", "Fault", "Outputs"]

COTANGENT = -2.0  # a power of two: the gradient is scaled without rounding
SAME = {"float64": 1e-9, "float32": 1e-4}  # relative to the largest gradient

Gradient = dict[int, np.ndarray]  # by the leaf's index in the signature


class Fault(Exception):  # noqa: N818 - not an error until verify has explained it
    """Something wrong with an emitted module, and the leaf it is seen at, if one is."""

    def __init__(self, message: str, leaf: Leaf | None = None) -> None:
        super().__init__(message)
        self.leaf = leaf


@dataclass(frozen=True)
class Outputs:
    """The values by the function they are from, and the gradient."""

    values: Mapping[str, np.ndarray]
    gradient: Gradient


@dataclass(frozen=True)
class Emitted:
    """An emitted module, called with flat leaves that it cannot write into."""

    module: ModuleType
    signature: Signature
    wrt: tuple[str, ...]
    single: bool

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves of the signature."""
        return self.signature.leaves

    @cached_property
    def differentiated(self) -> tuple[int, ...]:
        """The indices of the leaves that have a gradient."""
        leaves = enumerate(self.leaves)
        return tuple(i for i, x in leaves if x.argument in self.wrt and is_float(x))

    @cached_property
    def precision(self) -> str:
        """The dtype that limits the accuracy: float32 if any argument is of it."""
        return (
            "float32" if any(x.dtype == "float32" for x in self.leaves) else "float64"
        )

    def gradient(self, leaves: Sequence[np.ndarray]) -> Gradient:
        """Return the gradient of `value_and_grad` alone; `outputs` checks them all."""
        args, keywords = self._arguments(_frozen(leaves))
        pair = self._call("value_and_grad", *args, **keywords)
        return self._read("value_and_grad", _pair("value_and_grad", pair)[1], leaves)

    def outputs(self, leaves: Sequence[np.ndarray]) -> Outputs:
        """Return what the functions return, having held each to its form.

        Raises
        ------
        Fault
            If one raises, returns what does not look like a value or like the
            gradient of these leaves, or disagrees with another; if a gradient shares
            memory with an argument or with any other gradient.
        """
        frozen = _frozen(leaves)
        args, keywords = self._arguments(frozen)
        value = self._call("value", *args, **keywords)
        kept, cache = _pair("forward", self._call("forward", *args, **keywords))
        pair = self._call("value_and_grad", *args, **keywords)
        both, together = _pair("value_and_grad", pair)
        made = {
            "value_and_grad": together,
            "grad": self._call("grad", *args, **keywords),
            "backward": self._call("backward", cache),
            "a second backward": self._call("backward", cache, COTANGENT),
        }
        gradients = {name: self._read(name, x, leaves) for name, x in made.items()}
        self._check_memory(frozen, gradients)
        self._check_agreement(gradients)
        values = {"value": value, "forward": kept, "value_and_grad": both}
        return Outputs(
            {name: _number(name, x) for name, x in values.items()},
            gradients["value_and_grad"],
        )

    def _arguments(self, leaves: Sequence[np.ndarray]) -> tuple[list, dict]:
        nested = nest(self.signature, leaves)
        pairs = zip(self.signature.arguments, nested, strict=True)
        return passed((one.kind, one.name, value) for one, value in pairs)

    def _call(self, name: str, *args: object, **keywords: object) -> object:
        try:
            return getattr(self.module, name)(*args, **keywords)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise Fault(f"the emitted {name} raised {what}") from error

    def _read(
        self, name: str, gradient: object, leaves: Sequence[np.ndarray]
    ) -> Gradient:
        """Return the arrays of a gradient, each of its leaf's shape and dtype."""
        flat: list = []
        parts = self._parts(name, gradient)
        for argument in self.signature.arguments:
            if argument.name in parts:
                flat += _flat(name, argument, parts[argument.name])
            else:
                flat += [None] * len(argument.leaves)
        for i in self.differentiated:
            _check_array(name, self.leaves[i], flat[i], leaves[i])
        return {i: flat[i] for i in self.differentiated}

    def _parts(self, name: str, gradient: object) -> dict[str, object]:
        """Return the gradient of each differentiated argument, by its name."""
        if self.single:
            return {self.wrt[0]: gradient}
        fields = getattr(gradient, "_fields", ())
        # A field of a named tuple cannot begin with "_": there the name has to differ.
        if (
            not isinstance(gradient, tuple)
            or len(fields) != len(self.wrt)
            or any(
                f != w and w[0] != "_" for f, w in zip(fields, self.wrt, strict=True)
            )
        ):
            expected = f"a named tuple of {', '.join(self.wrt)}"
            raise Fault(f"{name} returned {_kind(gradient)}, expected {expected}")
        return dict(zip(self.wrt, gradient, strict=True))

    def _check_memory(
        self, inputs: Sequence[np.ndarray], gradients: Mapping[str, Gradient]
    ) -> None:
        arguments = [(array, "", index) for index, array in enumerate(inputs)]
        made = [
            (array, name, index)
            for name, gradient in gradients.items()
            for index, array in gradient.items()
        ]
        owners = [*arguments, *made]
        shared = min(_sharing([array for array, _, _ in owners]), default=None)
        if shared:
            other, owner = (self._title(*owners[place][1:]) for place in shared)
            _, name, index = owners[shared[1]]
            leaf = self.leaves[index] if name else None
            raise Fault(f"{owner} shares memory with {other}", leaf)
        for array, name, index in made:
            if not array.flags.writeable:
                message = f"{self._title(name, index)} is read-only"
                raise Fault(message, self.leaves[index])

    def _title(self, name: str, index: int) -> str:
        """Return what an argument is called, or a function's gradient for it."""
        access = self.leaves[index].access
        return (
            f"the gradient of {access} ({name})" if name else f"the argument {access}"
        )

    def _check_agreement(self, gradients: Mapping[str, Gradient]) -> None:
        wanted = gradients["value_and_grad"]
        others = {name: x for name, x in gradients.items() if x is not wanted}
        for name, gradient in others.items():
            factor = COTANGENT if name == "a second backward" else 1.0
            want = {i: factor * wanted[i] for i in gradient}
            apart = [i for i, x in gradient.items() if not (x == want[i]).all()]
            room = self._room(wanted) if apart else 0.0
            for i in apart:
                if not np.allclose(
                    gradient[i], want[i], rtol=0, atol=room, equal_nan=True
                ):
                    called = f" with cotangent {factor}" if factor != 1 else ""
                    message = f"{name}{called} and value_and_grad differ in their"
                    access = self.leaves[i].access
                    raise Fault(f"{message} gradients of {access}", self.leaves[i])

    def _room(self, gradient: Gradient) -> float:
        """Return how far equal gradients may be apart."""
        sizes = [
            np.max(np.abs(x[np.isfinite(x)]), initial=0.0) for x in gradient.values()
        ]
        return SAME[self.precision] * float(max(sizes, default=0.0))


def _frozen(leaves: Sequence[np.ndarray]) -> list[np.ndarray]:
    copies = [leaf.copy() for leaf in leaves]
    for copy in copies:
        copy.flags.writeable = False
    return copies


def _pair(name: str, result: object) -> tuple:
    if not isinstance(result, tuple) or len(result) != 2:
        raise Fault(f"{name} returned {_kind(result)}, expected a pair")
    return result


def _number(name: str, value: object) -> np.ndarray:
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind != "f":
        raise Fault(f"the value of {name} is {_kind(value)}, expected a float")
    return array


def _flat(name: str, argument: Argument, part: Any) -> list:
    try:
        return argument.tree.flatten_up_to(part)
    except ValueError as error:
        message = f"{name} returned a gradient that is not built as {argument.name} is"
        raise Fault(f"{message}: {error}", argument.leaves[0]) from error


def _check_array(name: str, leaf: Leaf, array: object, like: np.ndarray) -> None:
    what = f"{name}'s gradient of {leaf.access}"
    if type(array) is not np.ndarray:
        raise Fault(f"{what} is {_kind(array)}, expected an array", leaf)
    if array.shape != like.shape:
        raise Fault(f"{what} has shape {array.shape}, expected {like.shape}", leaf)
    if array.dtype != like.dtype:
        raise Fault(f"{what} has dtype {array.dtype}, expected {like.dtype}", leaf)


def _kind(thing: object) -> str:
    if isinstance(thing, np.ndarray):
        return f"an array of shape {thing.shape} and dtype {thing.dtype}"
    return f"a {type(thing).__name__}"


def _sharing(arrays: Sequence[np.ndarray]) -> Iterable[tuple[int, int]]:
    """Yield pairs of indices of arrays that have memory in common."""
    distinct = len(set(map(id, arrays))) == len(arrays)
    if distinct and all(array.flags.owndata for array in arrays):
        return
    spans = sorted(
        (*byte_bounds(array), i) for i, array in enumerate(arrays) if array.size
    )
    for place, (_, end, i) in enumerate(spans):
        later = place + 1
        while later < len(spans) and spans[later][0] < end:
            j = spans[later][2]
            if np.shares_memory(arrays[i], arrays[j]):
                yield min(i, j), max(i, j)
            later += 1
