"""How long each stage of a compilation takes, and what would fall on one by chance.

In: stages, marked where they are defined with `@stage("name")`. Out: seconds by stage,
for whoever wants a record; without one a mark costs next to nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

__all__ = ["recorded", "stage", "table", "uncollected"]


class _Record:
    """Seconds by stage, in the order in which stages begin."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.inner = 0.0


_current: ContextVar[_Record | None] = ContextVar("record", default=None)


@contextmanager
def recorded() -> Iterator[Mapping[str, float]]:
    """Yield seconds by stage, which grow as stages run within the block."""
    record = _Record()
    token = _current.set(record)
    try:
        yield record.seconds
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time of a block or of a function; a stage within it counts for itself."""
    record = _current.get()
    if record is None:
        yield
        return
    record.seconds.setdefault(name, 0.0)
    outer, record.inner = record.inner, 0.0
    start = perf_counter()
    try:
        yield
    finally:
        elapsed = perf_counter() - start
        record.seconds[name] += elapsed - record.inner
        record.inner = outer + elapsed


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the search for circles of objects, in a block or a function.

    It falls on one run of many that are timed. In a compilation, which makes no circles,
    it would walk over all nodes again and again: a third of the time for a thousand
    layers.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def table(seconds: Mapping[str, float]) -> list[str]:
    """Return lines: each stage's seconds and its part of the whole."""
    whole = sum(seconds.values())
    width = max(map(len, [*seconds, "together"]))
    rows = {**seconds, "together": whole}
    return [
        f"{name:{width}}  {one:7.3f} s  {one / (whole or 1):4.0%}"
        for name, one in rows.items()
    ]
