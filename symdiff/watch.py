"""Modules kept up to date while their losses are edited.

In: what reads the jobs, what builds some of them. Out: nothing; it goes on until it is
interrupted. A job is due when it is new or changed, or when one of the user's files
that it read last time has another time of change: looked at, because no two operating
systems tell of changes in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from .build import Outcome, Times, times_of_change
from .errors import SymdiffError
from .job import Job

__all__ = ["watch"]

PERIOD = 0.3  # seconds between two looks


def watch(
    read: Callable[[], Sequence[Job]],
    build: Callable[[Sequence[Job]], Sequence[Outcome]],
    refuse: Callable[[SymdiffError], object],
) -> NoReturn:
    """Build all jobs, then those that are due, until interrupted.

    Where the jobs cannot be read any more, `refuse` is told so, and the last ones stay.
    """
    built: dict[str | None, tuple[Job, Times]] = {}
    jobs, said = read(), ""
    while True:
        due = [job for job in jobs if _is_due(job, built.get(job.output))]
        for job, outcome in zip(due, build(due) if due else (), strict=True):
            built[job.output] = job, outcome.sources
        time.sleep(PERIOD)
        try:
            jobs, said = read(), ""
        except SymdiffError as error:
            if str(error) != said:
                refuse(error)
            said = str(error)


def _is_due(job: Job, built: tuple[Job, Times] | None) -> bool:
    if built is None:
        return True
    then, times = built
    return job != then or times != times_of_change(times)
