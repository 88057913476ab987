"""The contraction node: every product and sum over axes, in Einstein's notation.

`@`, `dot`, `einsum`, `tensordot`, `outer` and `sum` are one node, whose derivative is another contraction.
Writing it turns it back into what a person would write: `@`, `.sum(axis=0)`, `np.vdot`, and `np.einsum` last.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import opt_einsum
import sympy

from ..code import Code, Level, Writer, call, infix, reduced, tuple_of, wrap
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes
from ..shapes import Size, axes_of, axis_of, product, promote, show
from .handle import Handle, active_nodes, handle_of
from .layout import Transpose
from .table import reached_by, row

__all__ = ["Contraction", "contract", "indices_of"]

Indices = tuple[int, ...]


class Contraction(ArrayNode):
    """A product of arrays summed over axes; params: each operand's indices, the result's indices."""


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
    summed = len(operands) == 1 and dtype in ("bool", "int")
    return tuple(sizes[index] for index in output), "int64" if summed else dtype


def contract(
    operands: Sequence[Any], inputs: Sequence[Indices], output: Indices
) -> Handle:
    """Return the contraction, with transposes of its operands folded in and its indices numbered."""
    nodes = active_nodes()
    handles = [handle_of(one) for one in operands]
    plain, folded = [], []
    for handle, indices in zip(handles, inputs, strict=True):
        node = handle.node
        if isinstance(node, Transpose) and node.params[0] is not None:
            axes = node.params[0]
            indices = tuple(indices[axes.index(axis)] for axis in range(len(axes)))
            node = nodes[node].operands[0]
        plain.append(node)
        folded.append(tuple(indices))
    if len(plain) == 1 and len(set(folded[0])) == len(folded[0]) == len(output):
        return _permuted(nodes, plain[0], folded[0], tuple(output))
    number: dict[int, int] = {}
    renumbered = tuple(
        tuple(number.setdefault(i, len(number)) for i in one) for one in folded
    )
    params = (renumbered, tuple(number[i] for i in output))
    return Handle(nodes, nodes.make(Contraction, *plain, params=params))


def _permuted(
    nodes: Nodes, node: sympy.Expr, indices: Indices, output: Indices
) -> Handle:
    if indices == output:
        return Handle(nodes, node)
    axes = tuple(indices.index(i) for i in output)
    return Handle(nodes, nodes.make(Transpose, node, params=(axes,)))


def indices_of(node: Any) -> tuple[tuple[Indices, ...], Indices]:
    """Return a contraction's indices: each operand's, the result's."""
    return node.params


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
    own = list(inputs[which])
    sizes = x[which].sizes
    fresh = 1 + max((i for one in (*inputs, output) for i in one), default=0)
    for axis, index in enumerate(own):
        if index in own[:axis]:
            operands.append(np.eye(sizes[axis]))  # type: ignore[call-overload]
            indices.append((index, fresh))
            own[axis], fresh = fresh, fresh + 1
    present = {i for one in indices for i in one}
    result = contract(operands, indices, tuple(i for i in own if i in present))
    missing = tuple(axis for axis, index in enumerate(own) if index not in present)
    if missing:
        aligned = np.expand_dims(result, missing) if result.sizes else result
        result = np.broadcast_to(aligned, sizes)  # type: ignore[assignment, arg-type]
    return result


# Writing.


def _write(writer: Writer, node: Any, *operands: Code) -> Code:
    inputs, output = indices_of(node)
    repeated = any(len(set(one)) < len(one) for one in inputs)
    if len(operands) == 1 and not repeated:
        shape = writer.nodes.shape(writer.nodes[node].operands[0])
        pairs = zip(inputs[0], shape, strict=True)
        count = product(size for index, size in pairs if index not in output)
        return _write_sum(operands[0], inputs[0], output, count)
    if len(operands) == 2 and not repeated:
        written = _write_product(writer, operands, inputs, output)
        if written is not None:
            return written
    return _write_einsum(writer, operands, inputs, output)


def _write_sum(x: Code, indices: Indices, output: Indices, count: Size = 0) -> Code:
    axes = [axis for axis, index in enumerate(indices) if index not in output]
    if not axes:
        return transposed(x, indices, output)
    kept = tuple(index for index in indices if index in output)
    return transposed(reduced(x, "sum", axes, len(indices), count), kept, output)


def _write_product(
    writer: Writer, operands: Sequence[Code], inputs: Sequence[Indices], output: Indices
) -> Code | None:
    (a, b), (first, second) = operands, inputs
    a, first = _summed_alone(a, first, (*second, *output))
    b, second = _summed_alone(b, second, (*first, *output))
    both = [i for i in first if i in second]
    batch = tuple(i for i in output if i in both)
    over = tuple(i for i in both if i not in output)
    left = tuple(i for i in first if i not in second)
    right = tuple(i for i in second if i not in first)
    if not over:
        return _write_outer(writer, (a, b), (first, second), output)
    if not output:
        if len(over) == 1:
            return infix(a, "@", b, Level.PRODUCT)
        return call(writer.function("np.vdot"), a, transposed(b, second, first))
    if len(over) == 1 and not batch and len(right) <= 1 and first[-1:] == over:
        return _matmul(a, first, b, (*over, *right), second, output, (*left, *right))
    if len(over) == 1 and len(left) <= 1 and len(right) <= 1:
        return _write_matmul(
            (a, b), (first, second), output, (batch, left, right, over)
        )
    if not batch:
        axes = tuple_of(
            tuple_of(str(one.index(i)) for i in over) for one in (first, second)
        )
        made = call(writer.function("np.tensordot"), a, b, f"axes={axes}")
        return transposed(made, (*left, *right), output)
    return None


def _write_matmul(
    operands: tuple[Code, Code],
    inputs: tuple[Indices, Indices],
    output: Indices,
    parts: tuple[Indices, Indices, Indices, Indices],
) -> Code | None:
    """Write `a @ b`, or `b @ a` where that needs no transpose of the result."""
    (a, b), (first, second), (batch, left, right, over) = operands, inputs, parts
    if batch and not (left and right):
        return None
    if output == (*batch, *right, *left) and left and right:
        a, b, first, second, left, right = b, a, second, first, right, left
    return _matmul(
        transposed(a, first, (*batch, *left, *over)),
        (*batch, *left, *over),
        b,
        (*batch, *over, *right),
        second,
        output,
        (*batch, *left, *right),
    )


def _matmul(
    a: Code,
    first: Indices,
    b: Code,
    wanted: Indices,
    second: Indices,
    output: Indices,
    result: Indices,
) -> Code:
    made = infix(a, "@", transposed(b, second, wanted), Level.PRODUCT)
    return transposed(made, result, output)


def _summed_alone(x: Code, indices: Indices, others: Indices) -> tuple[Code, Indices]:
    """Sum the axes that nothing else has."""
    kept = tuple(i for i in indices if i in others)
    return (x, indices) if kept == indices else (_write_sum(x, indices, kept), kept)


def _write_outer(
    writer: Writer,
    operands: tuple[Code, Code],
    inputs: tuple[Indices, Indices],
    output: Indices,
) -> Code:
    (a, b), (first, second) = operands, inputs
    if len(first) == len(second) == 1 and output == (*first, *second):
        return call(writer.function("np.outer"), a, b)
    if len(first) == len(second) == 1 and output == (*second, *first):
        return call(writer.function("np.outer"), b, a)
    return infix(
        aligned(a, first, output), "*", aligned(b, second, output), Level.PRODUCT
    )


def _aligned(x: Code, indices: Indices, output: Indices) -> Code:
    """Write x with its axes in the order of `output`, new ones of size 1 where it has none."""
    kept = tuple(i for i in output if i in indices)
    x = transposed(x, indices, kept)
    keys = [":" if i in kept else "None" for i in output]
    while keys and keys[0] == "None":
        keys.pop(0)
    return (
        x if "None" not in keys else Code(f"{wrap(x, Level.ATOM)}[{', '.join(keys)}]")
    )


def transposed(x: Code, indices: Indices, output: Indices) -> Code:
    """Write x with its axes in another order."""
    if tuple(indices) == tuple(output):
        return x
    text = wrap(x, Level.ATOM)
    if tuple(indices) == tuple(output)[::-1]:
        return Code(f"{text}.T")
    axes = ", ".join(str(indices.index(i)) for i in output)
    return Code(f"{text}.transpose({axes})")


def _write_einsum(
    writer: Writer, operands: Sequence[Code], inputs: Sequence[Indices], output: Indices
) -> Code:
    letters = (
        string.ascii_lowercase[8:] + string.ascii_lowercase[:8] + string.ascii_uppercase
    )
    terms = ["".join(letters[i] for i in one) for one in (*inputs, output)]
    subscripts = f'"{",".join(terms[:-1])}->{terms[-1]}"'
    return call(writer.function("np.einsum"), subscripts, *operands)


def _latex(node: Any, *operands: str) -> str:
    inputs, output = indices_of(node)
    names = "ijklmnpqrstuvw"
    over = sorted({i for one in inputs for i in one} - set(output))
    if len(operands) == 2 and (inputs, output) in _LATEX_PRODUCTS:
        return _LATEX_PRODUCTS[inputs, output].format(*operands)
    factors = " ".join(
        rf"\left[{text}\right]_{{{''.join(names[i] for i in one)}}}" if one else text
        for text, one in zip(operands, inputs, strict=True)
    )
    return (rf"\sum_{{{''.join(names[i] for i in over)}}} " if over else "") + factors


_LATEX_PRODUCTS = {
    (((0, 1), (1, 2)), (0, 2)): "{0} {1}",
    (((0, 1), (2, 1)), (0, 2)): "{0} {1}^T",
    (((0, 1), (0, 2)), (1, 2)): "{0}^T {1}",
    (((0, 1), (1,)), (0,)): "{0} {1}",
    (((0,), (0,)), ()): "{0}^T {1}",
}

row(Contraction, kind="contraction", shape=_shape, write=_write, vjp=_vjp, latex=_latex)


# What reaches it.


@reached_by(np.matmul)
def matmul(a: Any, b: Any) -> Handle:
    a, b = handle_of(a), handle_of(b)
    if not a.sizes or not b.sizes:
        raise ShapeError("matmul: an operand is a scalar; write `*`")
    first, second, batch = _matmul_indices(a, b)
    a, first = _without_unit_axes(a, first, b, second)
    b, second = _without_unit_axes(b, second, a, first)
    output = (
        *batch,
        *(i for i in (0,) if i in first),
        *(i for i in (2,) if i in second),
    )
    present = {*first, *second}
    missing = tuple(k for k, i in enumerate(output) if i not in present)
    result = contract((a, b), (first, second), tuple(i for i in output if i in present))
    return np.expand_dims(result, missing) if missing else result  # type: ignore[return-value]


def _matmul_indices(a: Handle, b: Handle) -> tuple[Indices, Indices, Indices]:
    """Return indices: 0 and 2 the rows and columns of the result, 1 summed, from 3 the batch."""
    rank = max(len(a.sizes), len(b.sizes)) - 2
    batch = tuple(range(3, 3 + rank))
    own_a, own_b = (
        batch[max(0, rank - a.ndim + 2) :],
        batch[max(0, rank - b.ndim + 2) :],
    )
    first = (1,) if a.ndim == 1 else (*own_a, 0, 1)
    second = (1,) if b.ndim == 1 else (*own_b, 1, 2)
    return first, second, batch


def _without_unit_axes(
    a: Handle, first: Indices, b: Handle, second: Indices
) -> tuple[Handle, Indices]:
    """Drop batch axes of size 1 that the other operand broadcasts over."""
    unit = [
        axis
        for axis, index in enumerate(first)
        if index >= 3
        and a.sizes[axis] == 1
        and (index in second and b.sizes[second.index(index)] != 1)
    ]
    if not unit:
        return a, first
    kept = tuple(index for axis, index in enumerate(first) if axis not in unit)
    return np.squeeze(a, tuple(unit)), kept  # type: ignore[return-value, call-overload]


@reached_by(np.dot, method="dot")
def dot(a: Any, b: Any) -> Handle:
    a, b = handle_of(a), handle_of(b)
    if not a.sizes or not b.sizes:
        return a * b
    if b.ndim == 1:
        return np.tensordot(a, b, axes=((a.ndim - 1,), (0,)))  # type: ignore[return-value]
    return np.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 2,)))  # type: ignore[return-value]


@reached_by(np.inner)
def inner(a: Any, b: Any) -> Handle:
    a, b = handle_of(a), handle_of(b)
    if not a.sizes or not b.sizes:
        return a * b
    return np.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))  # type: ignore[return-value]


@reached_by(np.vdot)
def vdot(a: Any, b: Any) -> Handle:
    return np.dot(np.ravel(handle_of(a)), np.ravel(handle_of(b)))  # type: ignore[arg-type]


@reached_by(np.outer)
def outer(a: Any, b: Any) -> Handle:
    a, b = np.ravel(handle_of(a)), np.ravel(handle_of(b))  # type: ignore[call-overload]
    return contract((a, b), ((0,), (1,)), (0, 1))


@reached_by(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Handle:
    a, b = handle_of(a), handle_of(b)
    if isinstance(axes, int | np.integer):
        count = int(axes)
        over_a, over_b = range(a.ndim - count, a.ndim), range(count)
    else:
        over_a, over_b = (
            tuple(one) if isinstance(one, tuple | list | range) else (one,)
            for one in axes
        )
    pairs = [
        (axis_of(i, a.ndim), axis_of(j, b.ndim))
        for i, j in zip(over_a, over_b, strict=True)
    ]
    first = tuple(range(a.ndim))
    second = list(range(a.ndim, a.ndim + b.ndim))
    for i, j in pairs:
        second[j] = i
    summed = {i for i, _ in pairs}
    output = tuple(i for i in (*first, *second) if i not in summed)
    return contract((a, b), (first, tuple(second)), output)


@reached_by(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Handle:
    if isinstance(operands[0], str):
        arrays = [handle_of(one) for one in operands[1:]]
        parts: list[Any] = [operands[0], *(_stand_in(one) for one in arrays)]
    else:
        arrays = [handle_of(one) for one in operands[0 : len(operands) - 1 : 2]]
        parts = list(operands)
        parts[0 : 2 * len(arrays) : 2] = [_stand_in(one) for one in arrays]
    try:
        given, wanted, _ = opt_einsum.parser.parse_einsum_input(parts, shapes=True)
    except ValueError as error:
        raise ShapeError(f"np.einsum: {error}") from None
    number: dict[str, int] = {}
    inputs = [
        tuple(number.setdefault(c, len(number)) for c in term)
        for term in given.split(",")
    ]
    for term, array in zip(inputs, arrays, strict=True):
        if len(term) != array.ndim:
            raise ShapeError(
                f"np.einsum: {given}->{wanted} does not fit {show(array.sizes)}"
            )
    if not set(wanted) <= set(number) or len(set(wanted)) != len(wanted):
        raise ShapeError(
            f"np.einsum: the result's indices {wanted!r} are not all operands' own"
        )
    return contract(arrays, inputs, tuple(number[c] for c in wanted))


def _stand_in(array: Handle) -> tuple[int, ...]:
    return tuple(
        array.nodes.size_value(one) if array.nodes.witness else 2 for one in array.sizes
    )


@reached_by(np.sum, method="sum")
def sum_(
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
) -> Handle:
    if dtype is not None or out is not None:
        raise UnsupportedError("np.sum: dtype= and out= are not supported")
    x = handle_of(x)
    axes = axes_of(axis, x.ndim)
    indices = tuple(range(x.ndim))
    total = contract((x,), (indices,), tuple(i for i in indices if i not in axes))
    return np.expand_dims(total, axes) if keepdims else total  # type: ignore[return-value]


@reached_by(np.trace, method="trace")
def trace(x: Any) -> Handle:
    x = handle_of(x)
    if x.ndim != 2:
        raise UnsupportedError("np.trace is supported for matrices")
    return contract((x,), ((0, 0),), ())
