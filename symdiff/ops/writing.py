"""Writing into traced arrays: methods, functions and operators that change one in place.

In: what writes, with its target. Out: the target stands for another value. Refused by
`memory`: targets whose memory another array may see.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .calls import dispatch
from .memory import write_into
from .table import WRITERS

__all__ = ["Augmented", "method_called", "write"]


@cache
def method_called(name: str) -> Callable:
    """Return the function that calls a method of its first argument."""

    def call(array: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(array, name)(*args, **kwargs)

    call.__name__ = name
    return call


def write(
    function: Callable | str, target: Any, args: tuple, name: str, **kwargs: Any
) -> None:
    """Give a handle the value that a function, or a method of this name, writes."""
    build, changed = WRITERS[function], _on_a_copy(function)
    write_into(
        target,
        lambda old: dispatch(changed, (old, *args), kwargs, build=build, name=name),
    )


@cache
def _on_a_copy(function: Callable | str) -> Callable:
    """Return a function of plain arrays that writes into a copy and returns it."""
    writing = method_called(function) if isinstance(function, str) else function
    writing = writing.at if isinstance(writing, np.ufunc) else writing

    def changed(array: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        array = np.array(array)
        writing(array, *args, **kwargs)
        return array

    return changed


class Augmented:
    """Augmented assignment: arrays are written into; numbers, which an array's 0-d
    results are, get a new value.
    """

    __slots__ = ()


def _add_augmented(name: str, ufunc: np.ufunc) -> None:
    def assign(self: Any, other: Any) -> Any:
        if not self.sizes:
            return NotImplemented
        return write_into(self, lambda old: ufunc(old, other))

    setattr(Augmented, f"__i{name}__", assign)


for _name, _ufunc in (
    ("add", np.add),
    ("sub", np.subtract),
    ("mul", np.multiply),
    ("matmul", np.matmul),
    ("truediv", np.true_divide),
    ("floordiv", np.floor_divide),
    ("mod", np.remainder),
    ("pow", np.power),
    ("lshift", np.left_shift),
    ("rshift", np.right_shift),
    ("and", np.bitwise_and),
    ("or", np.bitwise_or),
    ("xor", np.bitwise_xor),
):
    _add_augmented(_name, _ufunc)
