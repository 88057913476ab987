"""Which iteration of which loop the user's code is in.

In: the frames of his code whenever one of them calls NumPy. Out: a `Turn` for each
`for`, `while` and comprehension around the running call. Python counts no iterations: a
new one is told by another value of the loop's variable, or by code that runs again.
Refused: nothing; without source there are no loops.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from ..source import Position, Turn, head_of, lines_of, repeats, tree_of
from .instructions import calls_builtin, fetches

__all__ = ["Loops"]

_KINDS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, eq=False)
class _Loop:
    """A loop: its place, its variables, and the other names given inside of it."""

    node: Any
    head: Position
    variables: tuple[str, ...]
    assigned: frozenset[str]


@dataclass
class _Progress:
    """How far a loop is.

    values: what its variables hold, kept so that no other value has the same id.
    fetching: whether these are still those of the iteration before.
    """

    turn: Turn
    values: tuple
    fetching: bool


@dataclass
class _Call:
    """A running call of the user's code: where it stands, and how far its loops are."""

    frame: int
    instruction: int
    loops: dict[_Loop, _Progress] = field(default_factory=dict)

    def stands_as(self, other: _Call) -> bool:
        """Return whether a call has not moved on between two looks at it."""
        turns = [one.turn for one in self.loops.values()]
        same = turns == [one.turn for one in other.loops.values()]
        return same and self.instruction == other.instruction


class Loops:
    """Counts the iterations of the loops that run during one trace."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._files: dict[str, tuple[_Loop, ...]] = {}
        self._around: dict[tuple[int, int], tuple[_Loop, ...]] = {}

    def turns(
        self, frames: Sequence[FrameType], place: Callable[[FrameType], Position]
    ) -> tuple[Turn, ...]:
        """Return the iterations that the first of some frames, the innermost, is in.

        The outermost loop's comes first. `place` tells where a frame stands; its code
        is to be kept while this is.
        """
        before, self._calls = self._calls, []
        turns: list[Turn] = []
        for frame in reversed(frames):
            depth = len(self._calls)
            last = before[depth] if depth < len(before) else None
            if last is not None and last.frame != id(frame):
                last = None
            loops = self._loops(frame, place)
            call = _moved(last, frame, loops, depth, innermost=frame is frames[0])
            self._calls.append(call)
            turns += (one.turn for one in call.loops.values())
            if last is None or not call.stands_as(last):
                before = []  # what it had called then has returned
        # A generator waits while its values are added up.
        self._calls += before[len(frames) :]
        return tuple(turns)

    def _loops(
        self, frame: FrameType, place: Callable[[FrameType], Position]
    ) -> tuple[_Loop, ...]:
        """Return the loops around a frame's instruction, the outermost first."""
        key = (id(frame.f_code), frame.f_lasti)
        if key not in self._around:
            position = place(frame)
            first, next_one = frame.f_code.co_firstlineno, fetches(frame)
            self._around[key] = tuple(
                loop
                for loop in self._of_file(position.path)
                if loop.node.lineno >= first
                and (
                    repeats(loop.node, position)
                    or (next_one and loop.head.line == position.line)
                )
            )
        return self._around[key]

    def _of_file(self, path: str) -> tuple[_Loop, ...]:
        if path not in self._files:
            tree = tree_of(lines_of(path))
            nodes = [] if tree is None else ast.walk(tree)
            found = [_loop(path, one) for one in nodes if isinstance(one, _KINDS)]
            self._files[path] = tuple(found)
        return self._files[path]


def _loop(path: str, node: Any) -> _Loop:
    targets = [
        one.target
        for one in getattr(node, "generators", (node,))
        if hasattr(one, "target")
    ]
    variables = [name for one in targets for name in _given(one)]
    assigned = {name for one in getattr(node, "body", ()) for name in _given(one)}
    return _Loop(
        node,
        head_of(path, node),
        tuple(variables),
        frozenset(assigned.difference(variables)),
    )


def _given(node: ast.AST) -> list[str]:
    """Return the names that code gives, in order."""
    stored = (
        one
        for one in ast.walk(node)
        if isinstance(getattr(one, "ctx", None), ast.Store)
    )
    names = (getattr(one, "id", getattr(one, "attr", None)) for one in stored)
    return [name for name in names if name is not None]


def _moved(
    last: _Call | None,
    frame: FrameType,
    loops: Sequence[_Loop],
    depth: int,
    *,
    innermost: bool,
) -> _Call:
    """Return a call as it stands now, with a new turn for each iteration that began."""
    call = _Call(id(frame), frame.f_lasti)
    again = innermost and last is not None and _runs_again(frame, last.instruction)
    began = last is None
    for loop in loops:
        inner = loop is loops[-1]
        values = tuple(frame.f_locals.get(name) for name in loop.variables)
        fetching = inner and fetches(frame)
        known = last.loops.get(loop) if last is not None and not began else None
        began = known is None or _began(known, values, fetching, again and inner)
        turn = known.turn if known is not None else None
        if turn is None or began:
            index = 0 if turn is None else turn.index + 1
            turn = Turn(loop.head, depth, loop.assigned, index)
        if not fetching:
            _settle(turn, loop, values)
        call.loops[loop] = _Progress(turn, values, fetching)
    return call


def _runs_again(frame: FrameType, before: int) -> bool:
    """Return whether a frame went back in its code; one call may look in many times."""
    return frame.f_lasti < before or (
        frame.f_lasti == before and not calls_builtin(frame)
    )


def _began(known: _Progress, values: tuple, fetching: bool, again: bool) -> bool:
    """Return whether an iteration began since a loop was last looked at."""
    same = all(one is other for one, other in zip(known.values, values, strict=True))
    if known.fetching:
        return fetching and not same
    return fetching or not same or again


def _settle(turn: Turn, loop: _Loop, values: tuple) -> None:
    """Number an iteration as the user does, where he has a variable that counts."""
    if values and type(values[0]) is int and values[0] >= 0:
        turn.index, turn.counter = values[0], loop.variables[0]
