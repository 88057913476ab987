"""The user's code while it runs under a trace: where it stands, and what it calls its
values.

In: the frames of the running thread. Out: positions of calls and names of values, the
first name of each. Code of Python's, NumPy's, SciPy's and symdiff's own is looked
through.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..graph import Nodes, Variable
from ..ops.recording import LARGEST_CONSTANT, Recorded
from ..source import Columns, Position, Turn, columns_of, position_of
from .loops import Loops

__all__ = ["Watcher", "is_library"]

DEEPEST_LOOK = 30
LONGEST_TITLE = 40
MOST_CALLERS = 3
MOST_PARTS = 32  # of a list in which a value is looked for

# Code that runs in a frame of its own within one line of the user's.
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")

_INSTALLED = (
    *("array_api_compat", "beartype", "einops", "jaxtyping", "numpy", "opt_einsum"),
    *("optree", "scipy", "sympy", "symdiff", "typeguard"),
)
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
        self._loops = Loops()

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
        turns = self._loops.turns(frames, self._position)
        function = _called_function(frames)
        position = self._position(frames[0], turns, function)
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
        if not isinstance(value, Recorded):
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

    def _position(
        self, frame: FrameType, turns: tuple[Turn, ...] = (), function: str = ""
    ) -> Position:
        columns = self._code(frame.f_code).columns[frame.f_lasti // 2]
        return position_of(frame.f_code, columns, turns, function)

    def _name(self, values: Sequence[Recorded], frames: Sequence[FrameType]) -> None:
        """Name values by the variables that hold them, those of the outermost function
        first; else by the lists and objects that do, the innermost first.
        """
        calls = list(enumerate(reversed(frames)))
        for look, order in ((_holder, calls), (_part, calls[::-1])):
            for depth, frame in order:
                local = frame.f_locals
                for value in values:
                    info = self.nodes[value.node]
                    if info.name is None and (name := look(local, value)):
                        info.name = name
                        turns = info.position.turns if info.position else ()
                        info.turns = tuple(t for t in turns if t.numbers(name, depth))

    def _name_constants(
        self, values: Sequence[Any], frames: Sequence[FrameType]
    ) -> None:
        for array in values:
            if id(array) not in self._arrays and not isinstance(array, Recorded):
                names = (_holder(scope, array) for scope in _scopes(frames))
                name = next(filter(None, names), None)
                self._arrays[id(array)] = _Array(array, name)
                if name is not None and _is_constant(array):
                    self.nodes[self.nodes.array(array)].name = name


def _called_function(frames: Sequence[FrameType]) -> str:
    """Return the name of the function that runs; of the outermost one nothing."""
    names = [one.f_code.co_name for one in frames[:-1]]
    return next((one for one in names if one not in _COMPREHENSIONS), "")


def _holder(scope: Mapping[str, Any], value: Any) -> str | None:
    """Return the variable of a scope that holds a value."""
    for name, one in scope.items():
        if one is value and name.isidentifier():
            return name
    return None


def _part(scope: Mapping[str, Any], value: Any) -> str | None:
    """Return a name from the variable whose list, dict or object holds a value."""
    for name, holder in scope.items():
        for key, one in _parts(holder):
            if one is value and name.isidentifier():
                return key if hasattr(holder, "__dict__") else f"{name}_{key}"
    return None


def _parts(holder: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a list, dict or object holds, by the name that each part has there."""
    if isinstance(holder, Recorded | type | ModuleType):
        return
    if isinstance(holder, list | tuple) and len(holder) <= MOST_PARTS:
        yield from ((str(place), one) for place, one in enumerate(holder))
    elif isinstance(holder, dict) and len(holder) <= MOST_PARTS:
        words = (key for key in holder if type(key) is str and f"_{key}".isidentifier())
        yield from ((word, holder[word]) for word in words)
    elif hasattr(holder, "__dict__"):
        yield from vars(holder).items()


def _scopes(frames: Sequence[FrameType]) -> Iterator[Mapping[str, Any]]:
    for frame in reversed(frames):
        yield frame.f_locals
    for frame in frames:
        yield frame.f_globals


def _is_constant(array: np.ndarray) -> bool:
    """Whether an array is one that a graph may hold."""
    return array.dtype.kind in "biuf" and array.size <= LARGEST_CONSTANT
