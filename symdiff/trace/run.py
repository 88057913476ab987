"""From the user's function to a graph: run it on handles, at several values of its
unknown sizes.

In: a function and its `Signature`. Out: a `Graph` whose only output is "value", with
the user's names and places on its nodes, right for every size; or with the outputs that
a reading of its result names. Refused: what depends on values, on chance, or on an
unknown size in a way that no expression describes; a value that is no real scalar.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import linecache
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import ShapeError, SymdiffError, TraceError
from ..graph import Graph, Nodes
from ..ops.handle import Handle, activated
from ..ops.recording import CALLER, LARGEST_CONSTANT, swallowed
from ..shapes import Shape, is_floating, show, size_symbol
from ..source import Position, definition_of
from ..specs import Leaf, Signature
from ..timings import stage
from .differing import explained
from .expressions import NotUnique
from .rebinding import rebound
from .unify import Difference, unify
from .watching import Watcher

__all__ = [
    "Reading",
    "choose_witnesses",
    "compare_at",
    "record",
    "trace",
    "value_of",
]

MOST_RUNS = 8

Witness = Mapping[str, int]

# What a function's result means: (function, result) -> the outputs by their names.
Reading = Callable[[Callable, Any], Mapping[str, Handle]]


def value_of(fn: Callable, result: Any) -> dict[str, Handle]:
    """Return the result of a loss as the output "value", which must be a real scalar."""
    return {"value": _scalar(fn, result)}


@stage("trace")
def trace(
    fn: Callable, signature: Signature, dtype: str, read: Reading = value_of
) -> Graph:
    """Return the graph of a function's value, or of what its result is read as.

    Raises `TraceError` and its kin as this module's docstring says, and whatever `fn`
    raises itself.
    """
    linecache.checkcache()
    return _Trace(fn, signature, dtype, read).graph()


def compare_at(fn: Callable, signature: Signature, dtype: str, sizes: Witness) -> None:
    """Raise `SizeError` where a function that could be traced does something else at
    these sizes than at those that it is traced at.
    """
    runs = _Trace(fn, signature, dtype)
    first, *others = choose_witnesses(signature)
    for witness in (first, sizes, *others):
        runs.run_at(witness)
    with contextlib.suppress(NotUnique):
        runs.common()


class _Trace:
    """Runs of one function, each at its own values of the unknown sizes."""

    def __init__(
        self, fn: Callable, signature: Signature, dtype: str, read: Reading = value_of
    ) -> None:
        self.fn = fn
        self.signature = signature
        self.dtype = dtype
        self.read = read
        self.witnesses: Iterator[Witness] = witnesses(signature)
        self.used: list[Witness] = []
        self.runs: list[Graph] = []

    def graph(self) -> Graph:
        """Return what the runs have in common, after as many of them as it takes."""
        self._start()
        self._run()
        if not self.signature.sizes:
            return self.common()
        if len(self.runs[0].nodes) != len(self.runs[1].nodes):
            # A loop over a size, perhaps: found before it runs for a large one.
            with contextlib.suppress(NotUnique):
                self.common()
        self._run()
        while len(self.runs) < MOST_RUNS:
            try:
                return self.common()
            except NotUnique:
                self._run()
        raise self._explained(
            Difference("numbers that several expressions in the sizes give", None)
        )

    def common(self) -> Graph:
        """Return what the runs have in common; raise the error for where they differ."""
        sizes = {
            size_symbol(name): tuple(one[name] for one in self.used)
            for name in self.signature.sizes
        }
        try:
            return unify(self.runs, sizes)
        except Difference as difference:
            raise self._explained(difference) from None

    def _explained(self, difference: Difference) -> TraceError:
        again = [self._record(self.used[0]) for _ in range(2)]
        return explained(difference, self.runs, again)

    def _start(self) -> None:
        """Make the first run; where it fails, at sizes that many numbers divide."""
        try:
            self._run()
        except Exception as error:
            understood = isinstance(error, SymdiffError)
            if (
                not self.signature.sizes
                or understood
                and not isinstance(error, ShapeError)
            ):
                raise
            self.witnesses, self.used = witnesses(self.signature, 12), []
            try:
                self._run()
            except Exception:  # noqa: BLE001 - the first one is the one to be told
                self.runs = []
            if not self.runs:
                raise

    def _run(self) -> None:
        self.run_at(next(self.witnesses))

    def run_at(self, witness: Witness) -> None:
        """Make one more run, at these sizes."""
        self.runs.append(self._record(witness, first=len(self.runs) < 2))
        self.used.append(witness)

    def _record(self, witness: Witness, *, first: bool = True) -> Graph:
        """Return the graph of one run at these sizes.

        In later runs arrays of an unknown size are large: the first two have found
        those that are too large.
        """
        symbols = {size_symbol(name): value for name, value in witness.items()}
        largest = LARGEST_CONSTANT if first else math.inf
        nodes = Nodes(self.dtype, symbols)
        return record(self.fn, self.signature, nodes, largest, self.read)


def record(
    fn: Callable,
    signature: Signature,
    nodes: Nodes,
    largest: float = math.inf,
    read: Reading = value_of,
) -> Graph:
    """Return the graph of one run of a function, whose operations go to `nodes`.

    Constant arrays of more than `largest` elements are refused.
    """
    accesses = {leaf.name: leaf.access for leaf in signature.leaves}
    observer = Watcher(nodes, record.__code__, accesses)
    with rebound(fn), activated(nodes, observer, largest):
        leaves = [_input(nodes, leaf) for leaf in signature.leaves]
        handles = iter(leaves)
        arguments = [
            argument.unflatten([next(handles) for _ in argument.leaves])
            for argument in signature.arguments
        ]
        try:
            result = signature.bind(fn)(*arguments)
        except Exception as error:
            if refusal := swallowed(error):
                raise refusal from None
            raise
        outputs = {name: one.node for name, one in read(fn, result).items()}
    return Graph(nodes, tuple(handle.node for handle in leaves), outputs)


def choose_witnesses(signature: Signature) -> list[Witness]:
    """Return the values of the unknown sizes at which a function is traced, if all goes
    well.
    """
    return list(itertools.islice(witnesses(signature), 3))


def witnesses(signature: Signature, step: int = 1) -> Iterator[Witness]:
    """Yield values for the unknown sizes, all multiples of a step and none a known
    size.

    They are small and odd, then small, even and in the other order, then large, so that
    parity, order and a comparison with a number show themselves; then mixed. Without
    unknown sizes there is nothing to choose.
    """
    names = signature.sizes
    if not names:
        yield from itertools.repeat({})
    known = {
        one for leaf in signature.leaves for one in leaf.shape if isinstance(one, int)
    }

    def free(candidates: Iterator[int]) -> list[int]:
        usable = (one * step for one in candidates if one * step not in known)
        return list(itertools.islice(usable, len(names)))

    large = max(50, 1600 // (len(names) + 1)) // step
    rows = [
        free(filter(_is_prime, itertools.count(7 if step == 1 else 2))),
        free(itertools.count(12 if step == 1 else 4, 2))[::-1],
        free(filter(_is_prime, itertools.count(large))),
    ]
    for run in itertools.count(3):
        mixed = (20 + (37 * run + 61 * place) % 97 for place in itertools.count())
        if rows:
            yield dict(zip(names, rows.pop(0), strict=True))
        else:
            yield dict(zip(names, free(mixed), strict=True))


def _is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


def _input(nodes: Nodes, leaf: Leaf) -> Handle:
    shape: Shape = tuple(
        size_symbol(one) if isinstance(one, str) else one for one in leaf.shape
    )
    kind = np.dtype(leaf.dtype).kind
    # Integers of every width compute as int64, so that none wraps around.
    dtype = {"i": "int64", "u": "int64", "b": "bool"}.get(kind, leaf.dtype)
    node = nodes.variable(leaf.name, shape, dtype)
    nodes[node].name = leaf.name
    handle = Handle(nodes, node)
    handle.owner = CALLER
    return handle


def _scalar(fn: Callable, result: Any) -> Handle:
    """Return the loss as a real scalar's handle. Raises `ShapeError` or `TraceError`
    otherwise.
    """
    if not isinstance(result, Handle):
        raise _returned(fn, result)
    position = result.nodes[result.node].position
    if result.sizes:
        raise ShapeError(
            f"the loss returns an array of shape {show(result.sizes)}, not a scalar",
            position=position,
            remedy="Return one number: sum or average the array.",
        )
    if not is_floating(result.nodes.dtype(result.node)):
        raise TraceError(
            f"the loss is of dtype {result.dtype}, which has no derivative",
            position=position,
            remedy="Return a real number: one that is computed from real arguments.",
        )
    return result


def _returned(fn: Callable, result: Any) -> TraceError:
    """Return the error for a result that is no traced value."""
    kind = type(result).__name__
    what, remedy = f"a {kind}", "Return one number: a traced scalar."
    if result is None:
        what, remedy = "None", "Does it end with return?"
    elif isinstance(result, int | float | np.generic | np.ndarray):
        what = f"a plain {kind}, in which no argument enters"
        remedy = "Compute it from the arguments with NumPy's functions."
    return TraceError(
        f"the loss returns {what}", position=_definition(fn), remedy=remedy
    )


def _definition(fn: Callable) -> Position | None:
    code = getattr(inspect.unwrap(getattr(fn, "func", fn)), "__code__", None)
    return None if code is None else definition_of(code)
