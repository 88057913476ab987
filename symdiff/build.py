"""Many modules brought up to date at once, each in a process of its own.

In: `Job`s with outputs. Out: an `Outcome` each: the file was fresh, is stale, was
written, or the job was refused. Every job is compiled anew, which takes about a tenth
of a second: no record of what a loss was made of could be sure to name all that it
reads. Only what differs from its file is written.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import NamedTuple
from unittest.mock import patch

from . import files, terminal
from .errors import FileError
from .job import Job

__all__ = [
    "FRESH",
    "REFUSED",
    "STALE",
    "WRITTEN",
    "Outcome",
    "Times",
    "build",
    "times_of_change",
]

FRESH, STALE, WRITTEN, REFUSED = "fresh", "stale", "written", "refused"


Times = dict[str, int | None]


class Outcome(NamedTuple):
    """What became of a job.

    text: the difference of what is stale, the error of what is refused. sources: the
    user's files that were read, each with the time of its last change.
    """

    state: str
    text: str
    sources: Times


def build(
    jobs: Sequence[Job],
    *,
    check: bool = False,
    force: bool = False,
    whole: bool = False,
    advance: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Return the outcomes of jobs, in their order; one that fails stops no other.

    `check` writes nothing, `force` also replaces files that symdiff did not write,
    `whole` gives errors with their traceback; `advance` is called after each job.

    Two losses may import different modules of one name, and a loss may bring Python
    down: no process has a second job.
    """
    context, place = _context(), Place(os.getcwd(), dict(os.environ))
    words = (place, check, force, whole)
    with _same_imports(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = [pool.submit(_in_process, context, job, words) for job in jobs]
        try:
            for _ in as_completed(running):
                advance()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [one.result() for one in running]


class Place(NamedTuple):
    """Where a job runs: the folder, the variables of the environment."""

    folder: str
    environment: dict[str, str]


@contextmanager
def _same_imports() -> Iterator[None]:
    """Let new processes of Python import what this one does.

    By themselves they would look in the current folder first, where a user's random.py
    may lie, and for symdiff perhaps in another place.
    """
    paths = os.pathsep.join(filter(None, sys.path))
    with patch.dict(os.environ, PYTHONPATH=paths, PYTHONSAFEPATH="1"):
        yield


def _context() -> BaseContext:
    """Return how processes are made: where they can be, forked from one that has
    imported the compiler.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["symdiff.pipeline"])
    return context


def _in_process(
    context: BaseContext, job: Job, words: tuple[Place, bool, bool, bool]
) -> Outcome:
    """Return the outcome of a job in a new process, whatever becomes of the process."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, job, *words))  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    try:
        outcome = ours.recv()
    except EOFError:
        outcome = None
    process.join()
    if outcome is None:
        error = FileError(f"{job.target} ended Python, exit code {process.exitcode}")
        text = terminal.described(error, job.path, whole=False)
        return Outcome(REFUSED, text, times_of_change([str(job.path)]))
    return outcome


def _run(
    result: Connection, job: Job, place: Place, check: bool, force: bool, whole: bool
) -> None:
    """Compile a job; write its output, or compare it with the file that is there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted process says nothing
    os.environ.clear()
    os.environ.update(place.environment)
    os.chdir(place.folder)
    before = times_of_change([str(job.path)])  # an edit from now on comes after
    try:
        state, text = _brought_up_to_date(job, check, force)
    except (Exception, SystemExit) as error:
        state, text = REFUSED, terminal.described(error, job.path, whole)
    result.send(Outcome(state, text, times_of_change(_sources()) | before))


def _brought_up_to_date(job: Job, check: bool, force: bool) -> tuple[str, str]:
    assert job.output is not None
    if not check:
        job.check_output(force=force)
    text = job.text()
    difference = files.difference(files.read_text(job.output), text, job.output)
    if difference and not check:
        files.write(job.output, text, force=force)
        return WRITTEN, ""
    return (STALE, difference) if difference else (FRESH, "")


def times_of_change(paths: Iterable[str]) -> Times:
    """Return when each of some files was changed last, None where there is none."""
    times: Times = {}
    for path in paths:
        try:
            times[path] = os.stat(path).st_mtime_ns
        except OSError:
            times[path] = None
    return times


def _sources() -> list[str]:
    """Return the files of loaded modules that nobody installed: the user's own."""
    installed = tuple(f"{os.path.realpath(one)}{os.sep}" for one in _folders())
    found = (getattr(one, "__file__", None) for one in list(sys.modules.values()))
    return sorted(
        {
            one
            for one in found
            if one and not os.path.realpath(one).startswith(installed)
        }
    )


def _folders() -> set[str]:
    paths = sysconfig.get_paths()
    return {paths[one] for one in ("stdlib", "platstdlib", "purelib", "platlib")}
