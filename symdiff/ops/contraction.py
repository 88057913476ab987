"""The contraction node: every product and sum over axes, in Einstein's notation.

`@`, `dot`, `einsum`, `tensordot`, `outer` and `sum` are one node, whose derivative is
another contraction. Sizes may be unknown. Refused: scalars under `@`, an `einsum` of
bools, which is no sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import opt_einsum
import sympy

from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes
from ..shapes import Size, axis_of, promote, show
from .elementwise import converted, dtype_of
from .handle import Handle, active_nodes, handle_of
from .layout import Transpose, broadcast_to, expand_dims, ravel, squeeze, transpose
from .making import eye
from .products import Indices, latex_of, write_contraction
from .table import reached_by, row

__all__ = ["Contraction", "contract", "indices_of"]


class Contraction(ArrayNode):
    """A product of arrays, summed over axes.

    params: each operand's indices, the result's indices.
    """


def indices_of(node: Any) -> tuple[tuple[Indices, ...], Indices]:
    """Return a contraction's indices: each operand's, the result's."""
    return node.params


def _shape(nodes: Nodes, *operands_and_params: Any) -> tuple[tuple[Size, ...], str]:
    *operands, inputs, output = operands_and_params
    sizes: dict[int, Size] = {}
    for operand, indices in zip(operands, inputs, strict=True):
        for index, size in zip(indices, nodes.shape(operand), strict=True):
            have = sizes.setdefault(index, size)
            if not nodes.same_size(have, size):
                shapes = " and ".join(show(nodes.shape(one)) for one in operands)
                raise ShapeError(
                    f"arrays of shapes {shapes} cannot be multiplied: "
                    f"sizes {have} and {size} should be equal"
                )
            if isinstance(have, int):
                sizes[index] = size
    dtype = promote([nodes.dtype(one) for one in operands], nodes.float_dtype)
    summed = len(operands) == 1 and len(output) < len(sizes)
    shape = tuple(sizes[index] for index in output)
    return shape, "int64" if summed and dtype == "bool" else dtype


# Making contractions.


def contract(
    operands: Sequence[Any], inputs: Sequence[Indices], output: Indices
) -> Handle:
    """Return the contraction, scalars as factors and transposes folded into it."""
    nodes = active_nodes()
    pairs = [
        (handle_of(one), tuple(own)) for one, own in zip(operands, inputs, strict=True)
    ]
    scalars = [one for one, own in pairs if not own]
    folded = [_without_transpose(nodes, one.node, own) for one, own in pairs if own]
    result = _contracted(nodes, folded, output) if folded else None
    for one in scalars:
        result = one if result is None else one * result
    assert result is not None
    return result


def _without_transpose(
    nodes: Nodes, node: sympy.Expr, indices: Indices
) -> tuple[sympy.Expr, Indices]:
    """Return the array that a node transposes, unless that has the user's name."""
    if not isinstance(node, Transpose) or nodes[node].name is not None:
        return node, indices
    axes = node.params[0]
    own = tuple(indices[axes.index(axis)] for axis in range(len(axes)))
    return nodes[node].operands[0], own


def _contracted(
    nodes: Nodes, parts: Sequence[tuple[sympy.Expr, Indices]], output: Indices
) -> Handle:
    operands, inputs = [one for one, _ in parts], [own for _, own in parts]
    if len(operands) == 1 and sorted(output) == sorted(inputs[0]):
        order = [inputs[0].index(i) for i in output]
        return transpose(Handle(nodes, operands[0]), order)
    dtype = promote([nodes.dtype(one) for one in operands], nodes.float_dtype)
    number: dict[int, int] = {}
    params = (
        tuple(tuple(number.setdefault(i, len(number)) for i in one) for one in inputs),
        tuple(number[i] for i in output),
    )
    node = nodes.make(Contraction, *converted(nodes, operands, dtype), params=params)
    return Handle(nodes, node)


# The derivative.


def _vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    inputs, output = indices_of(y.node)
    return tuple(
        _slope(g, x, which, inputs, output) if wanted else None
        for which, wanted in enumerate(needed)
    )


def _slope(
    g: Handle,
    x: tuple[Handle, ...],
    which: int,
    inputs: tuple[Indices, ...],
    output: Indices,
) -> Handle:
    """Return the cotangent of one operand: g times the others, by the same indices."""
    operands: list[Any] = [g, *(one for i, one in enumerate(x) if i != which)]
    indices = [output, *(one for i, one in enumerate(inputs) if i != which)]
    own, sizes = list(inputs[which]), x[which].sizes
    fresh = 1 + max(i for one in inputs for i in one)
    for axis, index in enumerate(own):
        if index in own[:axis]:
            # A diagonal is written into by a unit matrix.
            operands.append(eye(sizes[axis]))
            indices.append((index, fresh))
            own[axis], fresh = fresh, fresh + 1
    present = {i for one in indices for i in one}
    result = contract(operands, indices, tuple(i for i in own if i in present))
    missing = tuple(axis for axis, index in enumerate(own) if index not in present)
    if missing:
        aligned = expand_dims(result, missing) if result.sizes else result
        result = broadcast_to(aligned, sizes)
    return result


row(
    Contraction,
    kind="contraction",
    shape=_shape,
    write=write_contraction,
    vjp=_vjp,
    latex=latex_of,
)


# Products.


@reached_by(np.matmul)
def matmul(a: Any, b: Any) -> Handle:
    """a @ b: matrix products, broadcast over the axes before the last two."""
    a, b = handle_of(a), handle_of(b)
    if not a.sizes or not b.sizes:
        raise ShapeError("matmul: an operand is a scalar", remedy="Write a * b.")
    # Indices: 0 and 2 the rows and columns of the result, 1 summed, from 3 the batch.
    rank = max(a.ndim, b.ndim) - 2
    batch = tuple(range(3, 3 + rank))
    first = (1,) if a.ndim == 1 else (*batch[rank + 2 - a.ndim :], 0, 1)
    second = (1,) if b.ndim == 1 else (*batch[rank + 2 - b.ndim :], 1, 2)
    rows, columns = (0,) if a.ndim > 1 else (), (2,) if b.ndim > 1 else ()
    return _broadcast_contract(
        (a, b), (first, second), (*batch, *rows, *columns), frozenset(batch)
    )


def _broadcast_contract(
    operands: Sequence[Handle],
    inputs: Sequence[Indices],
    output: Indices,
    stretching: Iterable[int],
) -> Handle:
    """Return the contraction in which axes of size 1 stretch along some indices."""
    long = {
        index
        for one, own in zip(operands, inputs, strict=True)
        for index, size in zip(own, one.sizes, strict=True)
        if size != 1 and index in stretching
    }
    narrow, left = [], []
    for one, own in zip(operands, inputs, strict=True):
        unit = tuple(
            axis for axis, i in enumerate(own) if i in long and one.sizes[axis] == 1
        )
        narrow.append(squeeze(one, unit) if unit else one)
        left.append(tuple(i for axis, i in enumerate(own) if axis not in unit))
    return contract(narrow, left, output)


@reached_by(np.dot, method="dot")
def dot(a: Any, b: Any) -> Handle:
    """Sums of products over a's last axis and b's last but one."""
    a, b = handle_of(a), handle_of(b)
    return _summed_product(a, b, max(b.ndim - 2, 0))


@reached_by(np.inner)
def inner(a: Any, b: Any) -> Handle:
    """Sums of products over the last axes."""
    a, b = handle_of(a), handle_of(b)
    return _summed_product(a, b, b.ndim - 1)


def _summed_product(a: Handle, b: Handle, axis: int) -> Handle:
    if not a.sizes or not b.sizes:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (axis,)))


@reached_by(np.vdot)
def vdot(a: Any, b: Any) -> Handle:
    """The sum of products of all elements."""
    a, b = handle_of(a), handle_of(b)
    if a.sizes != b.sizes:
        a, b = ravel(a), ravel(b)
    indices = tuple(range(a.ndim))
    return contract((a, b), (indices, indices), ())


@reached_by(np.outer)
def outer(a: Any, b: Any) -> Handle:
    """Products of each element with each."""
    a, b = ravel(a), ravel(b)
    return contract((a, b), ((0,), (1,)), (0, 1))


@reached_by(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Handle:
    """Sums of products over some axes of a and as many of b."""
    a, b = handle_of(a), handle_of(b)
    over_a, over_b = _tensordot_axes(a.ndim, b.ndim, axes)
    second = list(range(a.ndim, a.ndim + b.ndim))
    for i, j in zip(over_a, over_b, strict=True):
        second[j] = i
    indices = (*range(a.ndim), *second)
    output = tuple(i for i in indices if i not in over_a)
    return contract((a, b), (tuple(range(a.ndim)), tuple(second)), output)


def _tensordot_axes(rank_a: int, rank_b: int, axes: Any) -> tuple[Indices, Indices]:
    if isinstance(axes, int | np.integer):
        if not 0 <= axes <= min(rank_a, rank_b):
            raise ShapeError(
                f"tensordot over {axes} axes of arrays of {rank_a} and {rank_b}"
            )
        return tuple(range(rank_a - axes, rank_a)), tuple(range(axes))
    pairs = [one if np.iterable(one) else (one,) for one in axes]
    over_a = tuple(axis_of(one, rank_a) for one in pairs[0])
    over_b = tuple(axis_of(one, rank_b) for one in pairs[1])
    if len(set(over_a)) != len(over_a) or len(set(over_b)) != len(over_a):
        raise ShapeError(f"tensordot: axes {axes} do not pair different axes")
    return over_a, over_b


@reached_by(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Handle:
    """Sums of products in Einstein's notation, in all of NumPy's forms."""
    arrays, terms, output = _einsum_terms(operands)
    number: dict[str, int] = {}
    inputs = [tuple(number.setdefault(c, len(number)) for c in term) for term in terms]
    for own, array in zip(inputs, arrays, strict=True):
        if len(own) != array.ndim:
            raise ShapeError(
                f"np.einsum: {len(own)} indices for a shape of {show(array.sizes)}"
            )
    if not set(output) <= set(number) or len(set(output)) != len(output):
        raise ShapeError(f"np.einsum: no result has the indices {output!r}")
    if all(dtype_of(one) == "bool" for one in arrays):
        raise UnsupportedError(
            "np.einsum of bools is not supported", remedy="Write x.astype(float)."
        )
    wanted = tuple(number[c] for c in output)
    return _broadcast_contract(arrays, inputs, wanted, number.values())


def _einsum_terms(operands: Sequence[Any]) -> tuple[list[Handle], list[str], str]:
    """Return the arrays, the letters of each, and those of the result."""
    if isinstance(operands[0], str):
        arrays = [handle_of(one) for one in operands[1:]]
        parts: list[Any] = [operands[0], *(_stand_in(one) for one in arrays)]
    else:
        arrays = [handle_of(one) for one in operands[0 : len(operands) - 1 : 2]]
        parts = list(operands)
        parts[0 : 2 * len(arrays) : 2] = [_stand_in(one) for one in arrays]
    try:
        given, output, _ = opt_einsum.parser.parse_einsum_input(parts, shapes=True)
    except (ValueError, IndexError) as error:
        raise ShapeError(f"np.einsum: {error}") from None
    return arrays, given.split(","), output


def _stand_in(array: Handle) -> tuple[int, ...]:
    return tuple(
        array.nodes.size_value(one) if array.nodes.witness else 2 for one in array.sizes
    )


# Sums.
