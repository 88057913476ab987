"""What a frame of the user's code is running: which call, which step of a loop.

In: a frame. Out: facts on its running instruction, by its bytecode and its columns.
"""

from __future__ import annotations

import builtins
import dis
import opcode
from types import FrameType

__all__ = ["called_name", "calls_builtin", "fetches"]

_NEXT = opcode.opmap["FOR_ITER"]


def fetches(frame: FrameType) -> bool:
    """Return whether a frame's loop is asking for its next value."""
    return frame.f_code.co_code[frame.f_lasti] == _NEXT


def calls_builtin(frame: FrameType) -> bool:
    """Return whether a frame calls one of Python's own functions: `sum`, `max`."""
    name = called_name(frame)
    return name is not None and hasattr(builtins, name)


def called_name(frame: FrameType) -> str | None:
    """Return the name or attribute that a frame's running call calls, None for other
    expressions.

    It tells the user's own calls from those of compiled code that he calls, which has
    no frame.
    """
    *before, call = (
        one for one in dis.get_instructions(frame.f_code) if one.offset <= frame.f_lasti
    )
    start, end = _extent(call)
    # What is called begins where its call does, and ends before it.
    parts = [
        one for one in before if _extent(one)[0] == start and _extent(one)[1] < end
    ]
    if not parts:
        return None
    function = max(parts, key=lambda one: _extent(one)[1])
    is_name = function.opname.startswith("LOAD") and function.opname != "LOAD_CONST"
    return function.argval if is_name else None


def _extent(instruction: dis.Instruction) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where an instruction's text begins and ends; where that is not known,
    before all.
    """
    at = instruction.positions
    if at is None or None in (
        at.lineno,
        at.col_offset,
        at.end_lineno,
        at.end_col_offset,
    ):
        return (-1, -1), (-1, -1)
    return (at.lineno, at.col_offset), (at.end_lineno, at.end_col_offset)  # type: ignore[return-value]
