"""The user's code while it runs under a trace: where it stands, and what it calls its
values.

In: the frames of the running thread. Out: positions of calls and names of values, the
first name of each. Code of Python's, NumPy's, SciPy's and symdiff's own is looked
through.
"""

from __future__ import annotations

import dis
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from ..graph import Nodes, Variable
from ..ops.recording import LARGEST_CONSTANT, Recorded
from ..source import Columns, Position, columns_of, position_of

__all__ = ["Watcher", "called_name", "is_library"]

DEEPEST_LOOK = 30
LONGEST_TITLE = 40
MOST_CALLERS = 3

# Code that runs in a frame of its own within one line of the user's.
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")

_INSTALLED = ("numpy", "opt_einsum", "optree", "scipy", "sympy", "symdiff")
_FOLDERS = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    os.path.dirname(os.path.abspath(np.__file__)) + os.sep,
    "<__array_function__",
)
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


def is_library(path: str) -> bool:
    """Return whether a file is Python's, NumPy's, SciPy's or symdiff's own, not the
    user's.
    """
    _, installed, inside = path.rpartition(f"-packages{os.sep}")
    if installed:
        return inside.partition(os.sep)[0] in _INSTALLED
    return path.startswith((*_FOLDERS, _STANDARD, "<frozen "))


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
    return function.argval if function.opname.startswith("LOAD") else None


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


class _Code(NamedTuple):
    """What is known of a code object, which is kept so that its id stays its own."""

    code: CodeType
    is_users: bool
    columns: tuple[Columns, ...]


class _Array(NamedTuple):
    """A plain array, which is kept so that its id stays its own, and the variable that
    holds it.
    """

    array: np.ndarray
    name: str | None


class Watcher:
    """Observes one trace: the frames above the one that runs `floor`.

    `accesses` gives the text by which the user reaches each input: `params[0]["W"]`.
    """

    def __init__(
        self, nodes: Nodes, floor: CodeType, accesses: Mapping[str, str]
    ) -> None:
        self.nodes = nodes
        self.floor = floor
        self.accesses = accesses
        self._codes: dict[int, _Code] = {}
        self._arrays: dict[int, _Array] = {}

    def place(self, values: Sequence[Any]) -> Position | None:
        """Return where the user's running call stands, having learned names for its
        operands.
        """
        frames = self._frames()
        if not frames:
            return None
        unnamed = [
            one
            for one in values
            if isinstance(one, Recorded)
            and one.nodes is self.nodes
            and self.nodes[one.node].name is None
        ]
        if unnamed:
            self._name(unnamed, frames)
        position = self._position(frames[0])
        if len(values) > len(unnamed):
            with self.nodes.marked(position):
                self._name_constants(values, frames)
        return position

    def callers(self) -> tuple[Position, ...]:
        """Return the calls through which the running one was reached, the innermost
        first.
        """
        frames = self._frames()
        outer = [
            caller
            for callee, caller in pairwise(frames)
            if callee.f_code.co_name not in _COMPREHENSIONS
        ]
        return tuple(map(self._position, outer[:MOST_CALLERS]))

    def title(self, value: Any) -> str | None:
        """Return what the user calls a value, or the text that it was computed by."""
        if isinstance(value, np.ndarray):
            self._name_constants([value], self._frames())
            return self._arrays[id(value)].name
        if isinstance(value.node, Variable):
            return self.accesses[value.node.name]
        info = self.nodes[value.node]
        if info.name is None:
            self._name([value], self._frames())
        text = info.position.segment if info.position else ""
        return info.name or (text if len(text) <= LONGEST_TITLE else None) or None

    def _frames(self) -> list[FrameType]:
        """Return the frames of the user's code under the trace, the innermost first."""
        frames: list[FrameType] = []
        frame = sys._getframe(1)
        while frame is not None and len(frames) < DEEPEST_LOOK:
            if frame.f_code is self.floor:
                break
            if self._code(frame.f_code).is_users:
                frames.append(frame)
            frame = frame.f_back  # type: ignore[assignment]
        return frames

    def _code(self, code: CodeType) -> _Code:
        known = self._codes.get(id(code))
        if known is None:
            is_users = not is_library(code.co_filename)
            columns = columns_of(code) if is_users else ()
            known = self._codes[id(code)] = _Code(code, is_users, columns)
        return known

    def _position(self, frame: FrameType) -> Position:
        columns = self._code(frame.f_code).columns
        return position_of(frame.f_code, columns[frame.f_lasti // 2])

    def _name(self, values: Sequence[Recorded], frames: Sequence[FrameType]) -> None:
        """Name values by the variables that hold them, those of the outermost function
        first.
        """
        for frame in reversed(frames):
            local = frame.f_locals
            for value in values:
                info = self.nodes[value.node]
                if info.name is None:
                    info.name = _holder(local, value)

    def _name_constants(
        self, values: Sequence[Any], frames: Sequence[FrameType]
    ) -> None:
        for array in values:
            if isinstance(array, np.ndarray) and id(array) not in self._arrays:
                names = (_holder(scope, array) for scope in _scopes(frames))
                name = next(filter(None, names), None)
                self._arrays[id(array)] = _Array(array, name)
                if name is not None and _is_constant(array):
                    self.nodes[self.nodes.array(array)].name = name


def _holder(scope: Mapping[str, Any], value: Any) -> str | None:
    """Return the variable of a scope that holds a value."""
    for name, one in scope.items():
        if one is value and name.isidentifier():
            return name
    return None


def _scopes(frames: Sequence[FrameType]) -> Iterator[Mapping[str, Any]]:
    for frame in reversed(frames):
        yield frame.f_locals
    for frame in frames:
        yield frame.f_globals


def _is_constant(array: np.ndarray) -> bool:
    """Whether an array is one that a graph may hold."""
    return array.dtype.kind in "biuf" and array.size <= LARGEST_CONSTANT
