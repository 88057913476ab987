"""What is being recorded in this thread: the nodes that calls add to, and who says
where they stand.

In: `activated(nodes, observer)` around the code whose calls are recorded. Out: what a
traced value is (`Recorded`), and errors that know their place in the user's source.
Refused: traced values outside of a trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Protocol

import sympy

from ..errors import SymdiffError, TraceError
from ..graph import Nodes
from ..shapes import Shape
from ..source import Position

__all__ = [
    "CALLER",
    "Deferred",
    "LARGEST_CONSTANT",
    "Observer",
    "Recorded",
    "Unsized",
    "active_nodes",
    "activated",
    "is_tracing",
    "largest_constant",
    "observed",
    "paused",
    "refused",
    "swallowed",
    "title",
]

LARGEST_CONSTANT = 1000

# Who owns the memory of the loss's arguments.
CALLER = "the caller"

_active: ContextVar[_Active | None] = ContextVar("symdiff_active", default=None)


class Deferred:
    """A value that is computed when it is asked for, once."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self.compute = compute

    @cached_property
    def value(self) -> Any:
        return self.compute()


class Recorded:
    """A value that stands for a node of a graph.

    owner: whose memory it may be: None for its own, another value's, or `CALLER`. lent:
    the values that may be views of it. source, steps: the value that it surely is a
    view of, and the nodes from there to here; None where that is not sure. Its own
    value, where it depends on no argument, is computed when it is asked for.
    """

    __slots__ = (
        "__weakref__",
        "_value",
        "lent",
        "node",
        "nodes",
        "owner",
        "source",
        "steps",
    )

    def __init__(self, nodes: Nodes, node: sympy.Expr, value: Any = None) -> None:
        self.nodes = nodes
        self.node = node
        self.owner: Recorded | str | None = None
        self.lent: MutableMapping[int, Recorded] | None = None
        self.source: Recorded | None = None
        self.steps: tuple[sympy.Expr, ...] = ()
        self._value = value

    @property
    def sizes(self) -> Shape:
        """The shape in sizes, unknown ones as expressions: what rules compute with."""
        return self.nodes.shape(self.node)

    @property
    def is_known(self) -> bool:
        """Whether it depends on no argument of the loss."""
        return self._value is not None

    @property
    def value(self) -> Any:
        """Its value while tracing, or None where it depends on an argument."""
        if isinstance(self._value, Deferred):
            self._value = self._value.value
        return self._value


class Unsized:
    """What stands for an array whose shape depends on values: no handle."""

    __slots__ = ()


class Observer(Protocol):
    """Knows the user's code that runs during a trace."""

    def place(self, values: Sequence[Any]) -> Position | None:
        """Return where the running call stands, having learned names for its operands."""

    def callers(self) -> tuple[Position, ...]:
        """Return the calls through which it was reached, the innermost first."""

    def title(self, value: Any) -> str | None:
        """Return what the user calls a traced value or a plain array, or None."""


class _Active:
    """The nodes that calls in this thread add to, and who looks on while a loss is
    traced.
    """

    def __init__(self, nodes: Nodes, observer: Observer | None, largest: float) -> None:
        self.nodes = nodes
        self.observer = observer
        self.largest = largest
        self.inside = False
        self.refusal: SymdiffError | None = None


@contextmanager
def activated(
    nodes: Nodes, observer: Observer | None = None, largest: float = math.inf
) -> Iterator[None]:
    """Record calls in this thread into `nodes`, under an observer while a loss is
    traced.

    Constant arrays of more than `largest` elements are refused.
    """
    token = _active.set(_Active(nodes, observer, largest))
    try:
        yield
    finally:
        _active.reset(token)


@contextmanager
def paused() -> Iterator[None]:
    """Record nothing in this thread for a while, though it be called from a traced
    function.
    """
    token = _active.set(None)
    try:
        yield
    finally:
        _active.reset(token)


def active_nodes() -> Nodes:
    """Return the nodes that calls add to now. Raises `TraceError` outside of a trace."""
    active = _active.get()
    if active is None:
        raise TraceError(
            "a traced array is used after its trace has ended",
            remedy="Do not keep traced arrays in globals, caches or closures.",
        )
    return active.nodes


def largest_constant() -> float:
    """Return how many elements a constant array may have."""
    active = _active.get()
    return math.inf if active is None else active.largest


def is_tracing() -> bool:
    """Return whether a user's function is being traced in this thread, outside of any
    rule.
    """
    active = _active.get()
    return active is not None and active.observer is not None and not active.inside


@contextmanager
def observed(values: Sequence[Any]) -> Iterator[None]:
    """Mark the nodes made inside with the place of the user's call; what is inside is a
    rule's.
    """
    active = _active.get()
    assert active is not None
    assert active.observer is not None
    observer = active.observer
    with active.nodes.marked(observer.place(values)):
        active.inside = True
        try:
            yield
        except SymdiffError as error:
            error.callers = error.callers or observer.callers()
            raise
        finally:
            active.inside = False


def refused(error: SymdiffError, *values: Any) -> SymdiffError:
    """Return an error with the place of the user's call, where one is being traced."""
    active = _active.get()
    if active is not None and active.observer is not None and not active.inside:
        error.position = error.position or active.observer.place(values)
        error.callers = error.callers or active.observer.callers()
        active.refusal = error
    return error


def swallowed(error: BaseException) -> SymdiffError | None:
    """Return the refusal in whose place compiled code raised another error, if it did."""
    active, trace = _active.get(), error.__traceback__
    refusal = active.refusal if active else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or refusal is None or refusal.position is None:
        return None
    here = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return refusal if here == (refusal.position.path, refusal.position.line) else None


def title(value: Any) -> str:
    """Return what the user calls a value: its variable, or the text that it was
    computed by.
    """
    active = _active.get()
    named = active.observer.title(value) if active and active.observer else None
    kind = (
        type(value.node).__name__ if isinstance(value, Recorded) else "constant array"
    )
    return named or f"a {kind}"
