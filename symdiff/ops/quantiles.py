"""Rows of quantiles: `median`, `quantile`, `percentile`, and those that pass NaN over.

Equal elements share the gradient as they share that of `max`. Refused: fractions that
are traced; of what passes NaN over, methods whose rank lies between two elements, but
for the linear one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes, number_of
from ..shapes import axes_of, is_floating, product
from .corners import Corner
from .elementwise import Cast, cast, dtype_of
from .handle import Handle, handle_of
from .joining import stack
from .layout import expand_dims, moveaxis, reshape
from .options import reduction
from .sorting import Axes, axes_text, without
from .table import reached_by, row

__all__ = ["Quantile"]


class Quantile(ArrayNode):
    """The element of a rank over axes.

    params: the axes, q, how ranks between elements are met, "median" or "nanmedian".
    """


def _quantile_shape(nodes: Nodes, x: sympy.Expr, axes: Axes, *rest: Any) -> tuple:
    return without(nodes.shape(x), axes), nodes.dtype(x)


def _named(name: str) -> str:
    return name.replace("median", "quantile")


def _write_quantile(writer: Writer, node: Any, x: Code) -> Code:
    (operand,), (axes, q, method, name) = writer.nodes[node].operands, node.params
    texts = axes_text(writer, operand, axes)
    if method == "linear" and q == 0.5:
        return call(writer.function(f"np.{name}"), x, *texts)
    texts += [f'method="{method}"'] if method != "linear" else []
    function = writer.function(f"np.{_named(name)}")
    return call(function, x, writer.number(q), *texts)


def _ranks_a_tie(y: Handle, x: Handle) -> Any:
    """Whether more elements equal one of the two around a rank than are averaged."""
    axes, q, method, name = y.node.params
    if method != "linear":
        return _tied(x, y, axes)
    below, above = (_ranked(x, axes, q, one, name) for one in ("lower", "higher"))
    # Where a rank is the mean of two equal elements, which is which does not matter.
    both = expand_dims(below == above, axes) & (_weight(x, axes, q, name) == 0.5)
    return _tied(x, below, axes, 1 + both) | _tied(x, above, axes, 1 + both)


def _tied(x: Handle, y: Handle, axes: Axes, most: Any = 1) -> Any:
    """Whether an element equals y together with more than are allowed to."""
    equal = x == expand_dims(y, axes)
    return equal & (np.sum(equal, axis=axes, keepdims=True) > most)


def _quantile_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    """Elements that equal the one of a rank share its slope; two ranks are weighted."""
    axes, q, method, name = y.node.params
    if method != "linear":
        return _shared(g, y, x, axes)
    below = _shared(g, _ranked(x, axes, q, "lower", name), x, axes)
    above = _shared(g, _ranked(x, axes, q, "higher", name), x, axes)
    weight = _weight(x, axes, q, name)
    return (1 - weight) * below + weight * above


def _weight(x: Handle, axes: Axes, q: float, name: str) -> Any:
    """Return how far a rank lies between two elements."""
    if name == "median":
        count = Handle(x.nodes, x.nodes.size(product(x.sizes[i] for i in axes)))
    else:
        count = np.sum(~np.isnan(x), axis=axes, keepdims=True)
    return _fraction(x, q) * (count - 1) % 1


def _fraction(x: Handle, q: float) -> Handle:
    """Return q as NumPy takes it: in the dtype of x, lest the ranks be other ones."""
    fraction = handle_of(q)
    if dtype_of(x) != "float32":
        return fraction
    return Handle(x.nodes, x.nodes.make(Cast, fraction.node, params=("float32",)))


def _shared(g: Handle, y: Handle, x: Handle, axes: Axes) -> Any:
    equal = x == expand_dims(y, axes)
    return expand_dims(g, axes) * equal / np.sum(equal, axis=axes, keepdims=True)


def _ranked(x: Handle, axes: Axes, q: float, method: str, name: str) -> Handle:
    params = (axes, q, method, name)
    return Handle(x.nodes, x.nodes.make(Quantile, x.node, params=params))


row(
    Quantile,
    kind="array",
    shape=_quantile_shape,
    write=_write_quantile,
    vjp=(_quantile_vjp,),
    corner=Corner(
        of="quantile({0})", at="a tie", mask=_ranks_a_tie, words="slope shared equally"
    ),
    latex=r"\operatorname{{quantile}}({0})",
)


def _quantile(name: str, times: float) -> Callable:
    """Return the function that takes quantiles at fractions of `times`."""

    def build(
        a: Any,
        q: Any,
        axis: Any = None,
        *,
        method: str = "linear",
        keepdims: bool = False,
    ) -> Any:
        fractions = _fractions(q, times)
        if isinstance(fractions, list):
            inner = _quantile(name, 1)
            parts = (
                inner(a, one, axis, method=method, keepdims=keepdims)
                for one in fractions
            )
            return stack(parts)
        return _quantile_at(handle_of(a), fractions, axis, method, keepdims, name)

    return build


def _quantile_at(
    a: Handle, q: float, axis: Any, method: str, keepdims: bool, name: str
) -> Handle:
    a = a if is_floating(dtype_of(a)) else cast(a, a.nodes.float_dtype)
    axes = axes_of(axis, a.ndim)
    if not axes:
        return a
    if method in _OF_ONE or method == "linear":
        made = _ranked(a, axes, q, method, name)
    elif method == "midpoint":
        below, above = (_ranked(a, axes, q, one, name) for one in ("lower", "higher"))
        made = (below + above) / 2
    elif method in _BETWEEN and name == "median":
        made = _between(a, axes, q, method)
    else:
        raise UnsupportedError(f"np.{_named(name)} with method {method!r}")
    return expand_dims(made, axes) if keepdims else made


# Methods whose result is an element, and those whose rank lies between two: the alpha
# and beta of Hyndman & Fan (1996), "Sample quantiles in statistical packages".
_OF_ONE = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")
_BETWEEN = {
    "averaged_inverted_cdf": (0, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


def _between(a: Handle, axes: Axes, q: float, method: str) -> Any:
    """Return the mean of two neighbours in order, weighed by where the rank lies."""
    alpha, beta = _BETWEEN[method]
    last = range(a.ndim - len(axes), a.ndim)
    moved = moveaxis(a, axes, last)
    ordered = np.sort(reshape(moved, (*moved.sizes[: last[0]], -1)), axis=-1)
    count = Handle(a.nodes, a.nodes.size(product(a.sizes[i] for i in axes)))
    place: Any = count * q + (alpha + q * (1 - alpha - beta)) - 1
    lower: Any = np.floor(place)
    weight = place - lower
    if method == "averaged_inverted_cdf":
        weight = np.where(weight == 0, 0.5, 1.0)
    below, above = (
        np.take(ordered, np.clip(one, 0, count - 1).astype(int), axis=-1)
        for one in (lower, lower + 1)
    )
    result = below + weight * (above - below)
    return np.where(np.any(np.isnan(a), axis=axes), np.nan, result)


def _fractions(q: Any, times: float) -> Any:
    """Return q as numbers. Raises `UnsupportedError` where they are not known."""
    if isinstance(q, Handle):
        known = number_of(q.node) if q.value is None else q.value
        if known is None:
            raise UnsupportedError("a quantile's fraction must be a number")
        q = known
    values = np.asarray(q, dtype=float) / times
    if not np.all((values >= 0) & (values <= 1)):
        raise ShapeError(f"quantiles must lie between 0 and {times}")
    return values.tolist()


for _times, _functions in (
    (1, {np.quantile: "median", np.nanquantile: "nanmedian"}),
    (100, {np.percentile: "median", np.nanpercentile: "nanmedian"}),
):
    for _function, _name in _functions.items():
        reached_by(_function)(_quantile(_name, _times))


@reduction(np.median)
def median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The middle element, or the mean of the two, over axes."""
    return _quantile_at(handle_of(a), 0.5, axis, "linear", keepdims, "median")


@reduction(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The median of what is not NaN."""
    return _quantile_at(handle_of(a), 0.5, axis, "linear", keepdims, "nanmedian")
