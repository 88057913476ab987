"""From the user's function to a graph: run it on handles, at several witnesses of its unknown sizes.

In: a function and its `Signature`. Out: a `Graph` whose only output is "value", with the user's names and
places on its nodes, right for every size. Refused: what depends on values, on chance, or on an unknown size
in a way that no expression describes; a result that is no real scalar.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

import numpy as np

from .errors import NondeterminismError, ShapeError, SizeError, TraceError
from .graph import Graph, Nodes
from .ops.handle import Handle, activated, handle_of
from .rebinding import rebound
from .shapes import Shape, is_floating, show, size_symbol
from .source import Position, enclosing_loop, position_of
from .specs import Leaf, Signature
from .unify import Difference, unify

__all__ = ["trace"]

DEEPEST_LOOK = 30


def trace(fn: Callable, signature: Signature, dtype: str) -> Graph:
    """Return the graph of a function's value.

    Raises `TraceError` and its kin as this module's docstring says, and whatever `fn` raises itself.
    """
    witnesses = choose_witnesses(signature)
    runs = [_record(fn, signature, dtype, witness) for witness in witnesses]
    sizes = {
        size_symbol(name): tuple(one[name] for one in witnesses)
        for name in signature.sizes
    }
    try:
        return unify(runs, sizes, dtype)
    except Difference as difference:
        again = _record(fn, signature, dtype, witnesses[0])
        raise _explained(difference, runs[0], again, dtype, bool(sizes)) from None


def choose_witnesses(signature: Signature) -> list[dict[str, int]]:
    """Return values for the unknown sizes: small distinct primes that no known size has.

    Three sets where there are unknown sizes, so that an expression found from two is tested on the
    third; two runs of the same where there are none, which finds chance.
    """
    names = signature.sizes
    if not names:
        return [{}, {}]
    taken = {
        one for leaf in signature.leaves for one in leaf.shape if isinstance(one, int)
    }
    primes = (
        p for p in range(5, 10**6) if p not in taken and all(p % d for d in range(2, p))
    )
    return [{name: next(primes) for name in names} for _ in range(3)]


def _explained(
    difference: Difference, first: Graph, again: Graph, dtype: str, unknown: bool
) -> TraceError:
    """Return the error for traces that differ: by chance, or by their sizes."""
    try:
        unify([first, again], {}, dtype)
    except Difference as chance:
        return NondeterminismError(
            f"two runs of the loss differ here: {chance.what}",
            position=chance.position,
            remedy="Draw random numbers outside of the loss and pass them as an argument; keep "
            "no state between calls.",
        )
    if not unknown:
        return NondeterminismError(
            f"two runs of the loss differ: {difference.what}",
            position=difference.position,
            remedy="A loss must do the same at every call: keep no state between calls.",
        )
    loop = enclosing_loop(difference.position)
    if loop is not None:
        return SizeError(
            "how often this loop runs depends on an unknown size",
            position=loop,
            remedy="Write it over the whole array without the loop, or give the size as a number.",
        )
    return SizeError(
        f"this depends on an unknown size in a way that is not understood: {difference.what}",
        position=difference.position,
        remedy="Use x.shape and len(x) in plain arithmetic, make no branch on them, or give the "
        "size as a number.",
    )


def _record(
    fn: Callable, signature: Signature, dtype: str, witness: Mapping[str, int]
) -> Graph:
    """Return the graph of one run."""
    nodes = Nodes(dtype, {size_symbol(name): value for name, value in witness.items()})
    observer = _Observer(nodes)
    with rebound(fn), activated(nodes, observer):
        leaves = [_input(nodes, leaf) for leaf in signature.leaves]
        handles = iter(leaves)
        arguments = [
            argument.unflatten([next(handles) for _ in argument.leaves])
            for argument in signature.arguments
        ]
        result = signature.bind(fn)(*arguments)
        value = _scalar(result)
    return Graph(nodes, tuple(handle.node for handle in leaves), {"value": value.node})


def _input(nodes: Nodes, leaf: Leaf) -> Handle:
    shape: Shape = tuple(
        size_symbol(one) if isinstance(one, str) else one for one in leaf.shape
    )
    kind = np.dtype(leaf.dtype).kind
    # Integers of every width compute as int64, so that none wraps around.
    dtype = {"i": "int64", "u": "int64", "b": "bool"}.get(kind, leaf.dtype)
    node = nodes.variable(leaf.name, shape, dtype)
    nodes[node].name = leaf.name
    return Handle(nodes, node)


def _scalar(result: Any) -> Handle:
    """Return the loss as a real scalar's handle. Raises `ShapeError` or `TraceError` otherwise."""
    if isinstance(result, tuple | list | dict | None.__class__ | str):
        raise TraceError(
            f"the loss returns {_described(result)}, not a scalar",
            remedy="Return one number: a 0-d array or a float.",
        )
    value = handle_of(result)
    if value.sizes:
        raise ShapeError(
            f"the loss returns an array of shape {show(value.sizes)}, not a scalar",
            position=value.nodes[value.node].position,
            remedy="Return one number: sum or average the array.",
        )
    dtype = value.nodes.dtype(value.node)
    if not is_floating(dtype) and value.value is None:
        raise TraceError(
            f"the loss has dtype {dtype}, not a real one",
            position=value.nodes[value.node].position,
        )
    return value


def _described(result: Any) -> str:
    return "None" if result is None else f"a {type(result).__name__}"


class _Observer:
    """Says where in the user's source a call stands, and learns the names of his values."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    def __call__(self, handles: Sequence[Handle]) -> Position | None:
        frames = _user_frames(sys._getframe(2))
        if not frames:
            return None
        unnamed = [one for one in handles if self.nodes[one.node].name is None]
        if unnamed:
            self._learn_names(unnamed, frames)
        return position_of(frames[0].f_code, frames[0].f_lasti)

    def _learn_names(
        self, handles: Sequence[Handle], frames: Sequence[FrameType]
    ) -> None:
        """Name values by the variables that hold them, those of the outermost function first."""
        for frame in reversed(frames):
            local = frame.f_locals
            for handle in handles:
                if self.nodes[handle.node].name is None:
                    self.nodes[handle.node].name = next(
                        (
                            name
                            for name, value in local.items()
                            if value is handle and name.isidentifier()
                        ),
                        None,
                    )


def _user_frames(frame: FrameType | None) -> list[FrameType]:
    """Return the frames of the user's code under the trace, the innermost first."""
    frames: list[FrameType] = []
    while frame is not None and len(frames) < DEEPEST_LOOK:
        code = frame.f_code
        if code is _record.__code__:
            break
        if not _is_library(code):
            frames.append(frame)
        frame = frame.f_back
    return frames


_FOLDERS = tuple(
    os.path.dirname(os.path.abspath(path)) + os.sep for path in (__file__, np.__file__)
)
_STANDARD = os.path.dirname(os.__file__) + os.sep
_known: dict[CodeType, bool] = {}


def _is_library(code: CodeType) -> bool:
    if code not in _known:
        path = code.co_filename
        installed = f"{os.sep}site-packages{os.sep}" in path
        _known[code] = (
            path.startswith(_FOLDERS)
            or path.startswith("<__array_function__")
            or (installed and f"{os.sep}scipy{os.sep}" in path)
            or (path.startswith(_STANDARD) and not installed)
        )
    return _known[code]
