"""Methods of ufuncs: `np.add.reduce`, `np.maximum.accumulate`, `np.multiply.outer`.

They are registered as NumPy has them, as methods of the ufunc. Refused: `reduceat`,
`at`, and the reductions and running values of other ufuncs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..code import Code, Writer, call
from ..graph import ArrayNode
from ..shapes import axis_of
from . import bits, rounding, selection  # noqa: F401 - whose ufuncs have `outer` too
from .corners import Corner
from .elementwise import cast, dtype_of
from .handle import Handle, handle_of
from .joining import concatenate
from .layout import expand_dims, full_like_shape
from .reductions import max_, min_, prod, sum_
from .running import along, backwards, cumprod, cumsum
from .sorting import all_, any_
from .special import SPECIAL
from .statistics import nanmax, nanmin
from .table import FUNCTIONS, accepted, reached_by, row

__all__ = ["RunningMax", "RunningMin"]


# Running extrema.


class RunningMax(ArrayNode):
    """The largest of all elements up to each along an axis; params: the axis."""


class RunningMin(ArrayNode):
    """The smallest of all elements up to each along an axis; params: the axis."""


def _write_running(name: str) -> Callable[..., Code]:
    def write(writer: Writer, node: Any, x: Code) -> Code:
        axis = f"axis={node.params[0]}"
        return call(writer.function(name), x, *([axis] if node.params[0] else []))

    return write


def _running_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    """Each record takes the slopes of all elements up to the next record."""
    (axis,) = y.node.params
    records = _records(y)
    held = cast(~along(records, axis, slice(1, None)), dtype_of(y))
    return np.where(records, backwards(held, g, axis), 0)


def _records(y: Handle) -> Any:
    """Return where a running extremum changes: at the first element and at records."""
    (axis,) = y.node.params
    later = along(y, axis, slice(1, None)) != along(y, axis, slice(None, -1))
    shape = (*y.sizes[:axis], 1, *y.sizes[axis + 1 :])
    first = full_like_shape(handle_of(True), shape, "bool")
    return concatenate((first, later), axis)


def _is_later_equal(y: Handle, x: Handle) -> Any:
    """Whether an element equals the extremum of those before it."""
    return (x == y) & ~_records(y)


for _cls, _ufunc in ((RunningMax, np.maximum), (RunningMin, np.minimum)):
    _name = f"{_ufunc.__name__}.accumulate"
    row(
        _cls,
        kind="array",
        shape=lambda nodes, x, axis: (nodes.shape(x), nodes.dtype(x)),
        write=_write_running(f"np.{_name}"),
        vjp=(_running_vjp,),
        corner=Corner(
            of=f"{_name}({{0}})",
            at="a tie",
            mask=_is_later_equal,
            words="slope to the first of the equal elements",
        ),
    )

    @reached_by(_ufunc.accumulate)
    def running_extremum(array: Any, axis: Any = 0, cls: type = _cls) -> Handle:
        """The extremum of all elements up to each."""
        x = handle_of(array)
        made = x.nodes.make(cls, x.node, params=(axis_of(axis, x.ndim),))
        return Handle(x.nodes, made)


# Reductions and running values of the table, over the first axis by default.


def _reduction(name: str, function: Callable) -> Callable:
    def build(
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        options = {"axis": axis, "dtype": dtype, "out": out, "keepdims": keepdims}
        options |= {"initial": initial, "where": where}
        options = accepted(function, (array,), options, f"{name}.reduce")
        return function(array, **options)

    return build


REDUCTIONS: dict[np.ufunc, Callable] = {
    np.add: sum_,
    np.multiply: prod,
    np.maximum: max_,
    np.minimum: min_,
    np.fmax: nanmax,
    np.fmin: nanmin,
    np.logical_and: all_,
    np.logical_or: any_,
    np.logaddexp: SPECIAL["logsumexp"],
}
for _reduced, _function in REDUCTIONS.items():
    reached_by(_reduced.reduce)(_reduction(f"np.{_reduced.__name__}", _function))


@reached_by(np.add.accumulate)
def running_sum(array: Any, axis: Any = 0) -> Handle:
    """Sums of all elements up to each."""
    return cumsum(array, axis)


@reached_by(np.multiply.accumulate)
def running_product(array: Any, axis: Any = 0) -> Handle:
    """Products of all elements up to each."""
    return cumprod(array, axis)


# Each element with each.


def _outer(function: Callable) -> Callable:
    def build(A: Any, B: Any) -> Any:  # noqa: N803 - NumPy's names
        a, b = handle_of(A), handle_of(B)
        new = tuple(range(a.ndim, a.ndim + b.ndim))
        return function(expand_dims(a, new) if new else a, b)

    return build


for _callable, _build in list(FUNCTIONS.items()):
    if (
        isinstance(_callable, np.ufunc)
        and _callable.nin == 2
        and not _callable.signature
    ):
        reached_by(_callable.outer)(_outer(_build))
