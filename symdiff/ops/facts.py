"""What is asked of an array: its shape, its size, its kind, whether it equals another.

Unknown sizes come as integers that know what they stand for. Traced arrays are real:
questions after complex numbers have their answers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..shapes import axes_of, product
from .handle import Handle, handle_of, traced_size
from .table import METHODS, reached_by

__all__: list[str] = []


@reached_by(np.copy, method="copy")
def copy(a: Any) -> Handle:
    """The array itself: a traced array never changes."""
    return handle_of(a)


@reached_by(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """The shape, with unknown sizes that know what they are."""
    return handle_of(a).shape


@reached_by(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return handle_of(a).ndim


@reached_by(np.size)
def size_along(a: Any, axis: Any = None) -> int:
    """The number of elements, or of those along axes."""
    a = handle_of(a)
    return traced_size(a.nodes, product(a.sizes[i] for i in axes_of(axis, a.ndim)))


# Kinds of numbers.


@reached_by(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Whether it is complex: no traced array is."""
    return False


@reached_by(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Whether it is real: every traced array is."""
    return True


reached_by(np.real_if_close)(lambda a, tol=100: handle_of(a))


@reached_by(np.isreal)
def isreal(x: Any) -> Any:
    """True everywhere."""
    return np.ones_like(handle_of(x), dtype=bool)


@reached_by(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """False everywhere."""
    return np.zeros_like(handle_of(x), dtype=bool)


@reached_by(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """The dtype that NumPy computes in."""
    return np.result_type(
        *(one.dtype if isinstance(one, Handle) else one for one in arrays_and_dtypes)
    )


@reached_by(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """The array in another dtype."""
    return METHODS["astype"](handle_of(x), dtype)


# Equality of arrays.


@reached_by(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Whether two arrays are of one shape and equal everywhere."""
    a, b = handle_of(a1), handle_of(a2)
    same = a.ndim == b.ndim and all(map(a.nodes.same_size, a.sizes, b.sizes))
    if not same:
        return handle_of(False)
    equal = a == b
    return np.all(equal | np.isnan(a) & np.isnan(b) if equal_nan else equal)


@reached_by(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """Whether two arrays are equal where they broadcast."""
    return np.all(np.equal(handle_of(a1), handle_of(a2)))
