"""A method tried for the first time, and the row that comes of it.

In: what makes a method, the problem. Out: a `Trial`; with the reference and the times a
`Row`. Nothing is refused: what a method fails with stays in its row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import numpy as np

from .method import Absent, Costs, Found, Imports, Method, Sampling
from .problem import Problem
from .record import Row
from .reference import Reference
from .timing import Times, peak_memory

__all__ = ["Maker", "Trial", "tried"]

Maker = Callable[[Problem, Costs, Sampling], Method]

LONGEST = 200  # characters of an error that a row shows


@dataclass(frozen=True)
class Trial:
    """What became of a method: it and what it found, or an error, or a missing library.

    seconds: of its first run. first: seconds until that was done, with imports.
    """

    name: str
    costs: Costs
    method: Method | None = None
    found: Found | None = None
    seconds: float = 0.0
    first: float = 0.0
    error: str = ""
    absent: str = ""

    def row(self, reference: Reference, times: Times | None) -> Row:
        """Return the row of the method, given the reference and the times of a run."""
        if self.method is None or self.found is None or times is None:
            return Row(self.name, error=self.error)
        found = self.found
        errors = reference.errors(found.entries, found.slopes)
        gap = None
        if found.value is not None:
            want = reference.value
            gap = float(abs(found.value - want) / (abs(want) or 1.0))
        return Row(
            method=self.name,
            value_error=gap,
            largest_error=float(np.max(errors)),
            median_error=float(np.median(errors)),
            judged=len(errors),
            evaluations=found.evaluations,
            seconds=found.scale * times.seconds,
            ratio=found.scale * times.ratio,
            sampled=len(found.entries) if found.scale > 1 else None,
            first=self.first + (found.scale - 1) * self.seconds,
            compiling=self.costs.compiling,
            memory=peak_memory(self.method) if self.method.traced else None,
            operations=self.method.operations,
            note=self.method.note,
        )


def tried(
    name: str, make: Maker, problem: Problem, sampling: Sampling, imports: Imports
) -> Trial:
    """Return what becomes of a method that is made and run once."""
    costs = Costs(imports)
    start = process_time()
    try:
        method = make(problem, costs, sampling)
        with method.context():
            ready = process_time()
            result = method.run()
        done = process_time()
        found = method.read(result)
    except Absent as library:
        return Trial(name, costs, absent=str(library))
    except Exception as error:  # noqa: BLE001 - whatever a library makes of the loss
        return Trial(name, costs, error=_said(error))
    first = done - start - costs.waited + costs.importing
    return Trial(name, costs, method, found, done - ready, first)


def _said(error: Exception) -> str:
    """Return the first line of what an error says."""
    line = next(iter(str(error).strip().splitlines()), "")
    text = f"{type(error).__name__}: {line}".rstrip(": ")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
