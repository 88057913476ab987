"""Methods timed in turn, so that what else the machine does falls on all alike.

In: methods that are ready to run. Out: the seconds of a run of each and their ratio to
the loss's, medians over rounds; the memory that a run takes at its peak. Seconds are the
processor's, in which there is no waiting for other programs. Nothing is refused: a
method that has run once is taken to run again.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from ..timings import uncollected
from .method import Method

__all__ = ["Times", "in_turn", "one_thread", "peak_memory", "shortest"]

SHORTEST = 2e-3  # seconds that the clock is asked for: shorter runs are repeated


class Times(NamedTuple):
    """The median seconds of a run, and the median of its ratios to the loss's beside it."""

    seconds: float
    ratio: float


@contextmanager
def one_thread() -> Iterator[bool]:
    """Let NumPy's linear algebra run in one thread inside, if threadpoolctl is there.

    Whether it is comes out. Threads that wait for each other take the processor's time.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        yield False
        return
    with threadpool_limits(1, user_api="blas"):
        yield True


def in_turn(
    loss: Callable[[], Any],
    loss_seconds: float,
    methods: Mapping[str, tuple[Method, float]],
    rounds: int,
) -> tuple[float, dict[str, Times]]:
    """Return the median seconds of the loss, and the times of each method by its name.

    Each has about the seconds of a run beside it. The loss is run before every run of
    a method.
    """
    beside: list[float] = []
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    with uncollected():
        for _ in range(rounds):
            for name, (method, about) in methods.items():
                beside.append(_seconds(loss, loss_seconds))
                with method.context():
                    seconds = _seconds(method.run, about)
                found[name].append((seconds, seconds / beside[-1]))
    times = {
        name: Times(*np.median(pairs, axis=0).tolist()) for name, pairs in found.items()
    }
    return float(np.median(beside or [loss_seconds])), times


def shortest(run: Callable[[], Any], times: int = 3) -> float:
    """Return the seconds of the shortest of a few runs."""
    return min(_seconds(run, SHORTEST) for _ in range(times))


def _seconds(run: Callable[[], Any], about: float) -> float:
    """Return the seconds of a run, which takes about some: short ones are repeated."""
    count = max(1, int(SHORTEST / max(about, 1e-7)))
    start = process_time()
    for _ in range(count):
        run()
    return (process_time() - start) / count


def peak_memory(method: Method) -> int:
    """Return the bytes that a run takes at its peak, beside what was there."""
    traced_before = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        with method.context():
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            method.run()
            return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced_before:
            tracemalloc.stop()
