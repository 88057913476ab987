"""Elements by their labels: `bincount`, `isin`, and positions in a shape.

Labels and positions have no gradient; the weights of `bincount` have. Refused: a
`bincount` of as many bins as the labels turn out to need.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..shapes import Size, product, size
from .handle import Handle, handle_of, size_of
from .indexing import add_at
from .layout import full_like_shape, ravel, shape_of
from .making import arange
from .table import reached_by

__all__: list[str] = []


@reached_by(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Handle:
    """The number, or the sum of the weights, of the elements with each label."""
    x = handle_of(x)
    known = int(np.max(x.value, initial=-1)) + 1 if x.is_known else 0
    length = size_of(minlength)
    if length == 0 and not x.is_known:
        raise UnsupportedError(
            "np.bincount without minlength: the number of bins depends on values",
            remedy="Pass minlength=, the number of bins.",
        )
    length = max(length, known) if isinstance(length, int) else length
    if weights is None:
        weights = full_like_shape(handle_of(1), x.sizes, "int64")
    return add_at(handle_of(weights), x, length)


@reached_by(np.isin)
def isin(element: Any, test_elements: Any, *, invert: bool = False) -> Any:
    """Whether each element is among some others."""
    element, others = handle_of(element), ravel(handle_of(test_elements))
    found = np.any(np.equal(np.expand_dims(element, -1), others), axis=-1)
    return ~found if invert else found


# Positions in a shape.


@reached_by(np.diag_indices_from)
def diag_indices_from(arr: Any) -> tuple:
    """The positions on the diagonal, along each axis."""
    arr = handle_of(arr)
    return (arange(arr.sizes[0]),) * arr.ndim


@reached_by(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> tuple:
    """The positions at and below a diagonal, along each axis."""
    rows, columns = handle_of(arr).shape
    return np.tril_indices(operator.index(rows), k, operator.index(columns))


@reached_by(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> tuple:
    """The positions at and above a diagonal, along each axis."""
    rows, columns = handle_of(arr).shape
    return np.triu_indices(operator.index(rows), k, operator.index(columns))


@reached_by(np.unravel_index)
def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """The index along each axis of positions in a flattened array."""
    places, rest = handle_of(indices), shape_of(shape)
    found = []
    while rest:
        behind = Handle(places.nodes, places.nodes.size(product(rest[1:])))
        found.append(places // behind)
        places, rest = places % behind, rest[1:]
    return tuple(found)


@reached_by(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any) -> Any:
    """The positions in a flattened array of indices along each axis."""
    sizes: tuple[Size, ...] = shape_of(dims)
    total: Any = handle_of(0)
    for index, one in zip(multi_index, sizes, strict=True):
        index = handle_of(index)
        total = total * Handle(index.nodes, index.nodes.size(size(one))) + index
    return total
