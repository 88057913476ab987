"""The text of contractions: what a person would write for products and sums over axes.

In: the texts of the operands and their indices in Einstein's notation. Out: `a @ b`,
`.sum(axis=0)`, `np.vdot`, `np.outer`, `np.tensordot`, and `np.einsum` last.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from ..code import Code, Level, Writer, call, infix, reduced, tuple_of, wrap
from ..shapes import Size, product

__all__ = ["Indices", "latex_of", "transposed", "write_contraction"]

Indices = tuple[int, ...]
Pair = tuple[Code, Code]
Indexed = tuple[Indices, Indices]


def write_contraction(writer: Writer, node: Any, *operands: Code) -> Code:
    """Return the text of a contraction over the texts of its operands."""
    inputs, output = node.params
    if (inputs, output) == (((0, 0),), ()):
        return call(writer.function("np.trace"), *operands)
    if any(len(set(one)) < len(one) for one in inputs):
        return _einsum(writer, operands, inputs, output)
    if len(operands) == 1:
        shape = writer.nodes.shape(writer.nodes[node].operands[0])
        pairs = zip(inputs[0], shape, strict=True)
        count = product(size for index, size in pairs if index not in output)
        return _summed(operands[0], inputs[0], output, count)
    written = None
    if len(operands) == 2:
        (a, b), (first, second) = operands, inputs
        a, first = _summed_alone(a, first, (*second, *output))
        b, second = _summed_alone(b, second, (*first, *output))
        operands, inputs = (a, b), (first, second)
        written = _product(writer, operands, inputs, output)
    return written or _einsum(writer, operands, inputs, output)


def transposed(x: Code, axes: Sequence[int]) -> Code:
    """Return the text of x with its axes in another order."""
    if list(axes) == list(range(len(axes))):
        return x
    text = wrap(x, Level.ATOM)
    if list(axes) == list(reversed(range(len(axes)))):
        return Code(f"{text}.T")
    moved = [place for place, axis in enumerate(axes) if place != axis]
    if len(moved) == 2:
        return Code(f"{text}.swapaxes({moved[0]}, {moved[1]})")
    return Code(f"{text}.transpose({', '.join(map(str, axes))})")


def _arranged(x: Code, indices: Indices, output: Indices) -> Code:
    return transposed(x, [indices.index(i) for i in output])


# Sums of one array.


def _summed(x: Code, indices: Indices, output: Indices, count: Size = 0) -> Code:
    axes = [axis for axis, index in enumerate(indices) if index not in output]
    kept = tuple(index for index in indices if index in output)
    total = reduced(x, "sum", axes, len(indices), count) if axes else x
    return _arranged(total, kept, output)


def _summed_alone(x: Code, indices: Indices, others: Indices) -> tuple[Code, Indices]:
    """Sum the axes that nothing else has."""
    kept = tuple(i for i in indices if i in others)
    return (x, indices) if kept == indices else (_summed(x, indices, kept), kept)


# Products of two arrays.


def _product(
    writer: Writer, operands: Pair, inputs: Indexed, output: Indices
) -> Code | None:
    """Return a product's text, or None where only `np.einsum` says it."""
    (a, b), (first, second) = operands, inputs
    over = tuple(i for i in first if i in second and i not in output)
    if not over:
        return _outer(writer, operands, inputs, output)
    if not output:
        if len(over) == 1:
            return infix(a, "@", b, Level.PRODUCT)
        return call(writer.function("np.vdot"), a, _arranged(b, second, first))
    if len(over) == 1:
        written = [
            _matrix_product(a, first, b, second, output, over[0]),
            _matrix_product(b, second, a, first, output, over[0]),
        ]
        found = [one for one in written if one is not None]
        if found:
            return min(found, key=lambda one: one[0])[1]
    if any(i in first and i in second for i in output):
        return _stacked_product(operands, inputs, output, over)
    return _tensordot(writer, operands, inputs, output, over)


def _matrix_product(
    a: Code, first: Indices, b: Code, second: Indices, output: Indices, over: int
) -> tuple[int, Code] | None:
    """Return `a @ b` and how many transposes it takes, or None where there is none."""
    batch = list(output)
    right = (batch.pop(),) if batch[-1] not in first else ()
    left = (batch.pop(),) if batch and batch[-1] not in second else ()
    stack_a = tuple(i for i in batch if i in first)
    stack_b = tuple(i for i in batch if i in second)
    if (stack_a and not left) or (stack_b and not right):
        return None
    for stack in (stack_a, stack_b):
        if stack != tuple(batch[len(batch) - len(stack) :]):
            return None
    wanted_a, wanted_b = (*stack_a, *left, over), (*stack_b, over, *right)
    text = infix(
        _arranged(a, first, wanted_a),
        "@",
        _arranged(b, second, wanted_b),
        Level.PRODUCT,
    )
    return (wanted_a != first) + (wanted_b != second), text


def _stacked_product(
    operands: Pair, inputs: Indexed, output: Indices, over: Indices
) -> Code | None:
    """Return `a @ b` along axes that both have, its own axes moved to their places; or
    None where there is none.
    """
    (a, b), (first, second) = operands, inputs
    stack = tuple(i for i in output if i in first and i in second)
    rows = tuple(i for i in output if i not in second)
    columns = tuple(i for i in output if i not in first)
    if not len(rows) == len(columns) == len(over) == 1:
        return None
    if output.index(rows[0]) > output.index(columns[0]):
        (a, first), (b, second), rows, columns = (b, second), (a, first), columns, rows
    wanted_a, wanted_b = (*stack, *rows, *over), (*stack, *over, *columns)
    left, right = _arranged(a, first, wanted_a), _arranged(b, second, wanted_b)
    made = infix(left, "@", right, Level.PRODUCT)
    return _arranged(made, (*stack, *rows, *columns), output)


def _tensordot(
    writer: Writer, operands: Pair, inputs: Indexed, output: Indices, over: Indices
) -> Code:
    free = [tuple(i for i in one if i not in over) for one in inputs]
    if output == (*free[1], *free[0]):
        operands, inputs = operands[::-1], inputs[::-1]
        free.reverse()
    pairs = (tuple_of(str(one.index(i)) for i in over) for one in inputs)
    made = call(writer.function("np.tensordot"), *operands, tuple_of(pairs))
    return _arranged(made, (*free[0], *free[1]), output)


def _outer(writer: Writer, operands: Pair, inputs: Indexed, output: Indices) -> Code:
    """Return a product without a sum: np.outer, or `*` with new axes."""
    (a, b), (first, second) = operands, inputs
    if len(first) == len(second) == 1 and first != second:
        pair = (a, b) if output == (*first, *second) else (b, a)
        return call(writer.function("np.outer"), *pair)
    a, b = _aligned(a, first, output), _aligned(b, second, output)
    return infix(a, "*", b, Level.PRODUCT)


def _aligned(x: Code, indices: Indices, output: Indices) -> Code:
    """Return x with its axes in the order of `output`, new ones where it has none."""
    x = _arranged(x, indices, tuple(i for i in output if i in indices))
    keys = [":" if i in indices else "None" for i in output]
    while keys and keys[0] == "None":
        keys.pop(0)
    if "None" not in keys:
        return x
    return Code(f"{wrap(x, Level.ATOM)}[{', '.join(keys)}]")


def _einsum(
    writer: Writer, operands: Sequence[Code], inputs: Sequence[Indices], output: Indices
) -> Code:
    lower = string.ascii_lowercase
    letters = lower[8:] + lower[:8] + string.ascii_uppercase
    terms = ["".join(letters[i] for i in one) for one in (*inputs, output)]
    subscripts = f'"{",".join(terms[:-1])}->{terms[-1]}"'
    return call(writer.function("np.einsum"), subscripts, *operands)


# Formulas.


_MATRIX_PRODUCTS = {
    (((0, 1), (1, 2)), (0, 2)): "{0} {1}",
    (((0, 1), (2, 1)), (0, 2)): "{0} {1}^T",
    (((0, 1), (0, 2)), (1, 2)): "{0}^T {1}",
    (((0, 1), (1,)), (0,)): "{0} {1}",
    (((0,), (0,)), ()): "{0}^T {1}",
}


def latex_of(node: Any, *operands: str) -> str:
    """Return a contraction's formula over those of its operands."""
    inputs, output = node.params
    if (inputs, output) in _MATRIX_PRODUCTS:
        return _MATRIX_PRODUCTS[inputs, output].format(*operands)
    names = "ijklmnpqrstuvw"
    over = sorted({i for one in inputs for i in one} - set(output))
    factors = " ".join(
        rf"\left[{text}\right]_{{{''.join(names[i] for i in one)}}}" if one else text
        for text, one in zip(operands, inputs, strict=True)
    )
    return (rf"\sum_{{{''.join(names[i] for i in over)}}} " if over else "") + factors
