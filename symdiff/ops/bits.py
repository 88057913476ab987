"""Rows of whole numbers: their bits, and their divisors.

None has a gradient. Masks of bools have the logic of `choices` instead. Refused: bits
of real numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..code import Code, Level, Writer, wrap
from ..errors import ShapeError
from ..graph import Elementwise
from .choices import infix_writing
from .elementwise import apply, dtype_of, same_rule
from .handle import Handle, handle_of
from .table import FUNCTIONS, reached_by, row

__all__: list[str] = []


class BitAnd(Elementwise):
    """The bits that both have."""


class BitOr(Elementwise):
    """The bits that one has."""


class BitXor(Elementwise):
    """The bits that one alone has."""


class BitNot(Elementwise):
    """The bits that it has not."""


class LeftShift(Elementwise):
    """a times 2**b."""


class RightShift(Elementwise):
    """a over 2**b, rounded down."""


class BitCount(Elementwise):
    """How many bits |x| has."""


class Gcd(Elementwise):
    """The greatest common divisor."""


class Lcm(Elementwise):
    """The least common multiple."""


def _write_not(writer: Writer, node: Any, x: Code) -> Code:
    return Code(f"~{wrap(x, Level.UNARY)}", Level.UNARY)


def _whole(cls: type, ufunc: np.ufunc) -> Callable:
    """Return the function of whole numbers, and of bools where `choices` has it."""
    of_bools = FUNCTIONS.get(ufunc)

    def build(*x: Any) -> Handle:
        operands = [handle_of(one) for one in x]
        kinds = {dtype_of(one) for one in operands}
        if of_bools is not None and kinds == {"bool"}:
            return of_bools(*operands)
        if not kinds <= {"bool", "int", "int64"}:
            raise ShapeError(f"np.{ufunc.__name__} takes whole numbers, not reals")
        return apply(cls, *operands)

    return build


for _cls, _ufunc, _writing in (
    (BitAnd, np.bitwise_and, infix_writing("&", Level.AND)),
    (BitOr, np.bitwise_or, infix_writing("|", Level.OR)),
    (BitXor, np.bitwise_xor, "np.bitwise_xor"),
    (BitNot, np.invert, _write_not),
    (LeftShift, np.left_shift, "np.left_shift"),
    (RightShift, np.right_shift, "np.right_shift"),
    (BitCount, np.bitwise_count, "np.bitwise_count"),
    (Gcd, np.gcd, "np.gcd"),
    (Lcm, np.lcm, "np.lcm"),
):
    row(_cls, kind="elementwise", shape=same_rule, write=_writing)
    reached_by(_ufunc)(_whole(_cls, _ufunc))
