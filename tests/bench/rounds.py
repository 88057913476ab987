"""Timing in rounds: each implementation in its process, all of them in turn.

In: a workload, a dtype, names of implementations. Out: a `Result`. An implementation
whose gradient is not that of the others is not timed.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from . import workloads

ROOT = Path(__file__).parents[2]
# How far apart two gradients may be, as parts of their norm: rounding may put a ReLU's
# argument on the other side of its corner.
TOLERANCE = {"float64": 1e-9, "float32": 5e-2}


@dataclass(frozen=True)
class Options:
    """How to measure.

    seconds: of one implementation in one round. limit: seconds for it to make ready.
    together: whether all make ready at once, each on processors of its own. pythons:
    interpreters of implementations that need another than this.
    """

    rounds: int = 7
    seconds: float = 0.2
    threads: int = 1
    limit: float = 120.0
    clock: str = "wall"
    tiny: bool = False
    together: bool = False
    pythons: dict = field(default_factory=dict)


@dataclass
class Result:
    """Times of a workload: seconds by implementation, round by round.

    ready: seconds from the start of its process to its first gradient. skipped: why an
    implementation was not timed.
    """

    workload: str
    dtype: str
    threads: int
    sizes: dict
    load: float
    times: dict = field(default_factory=dict)
    ready: dict = field(default_factory=dict)
    skipped: dict = field(default_factory=dict)

    def seconds(self, name):
        return median(self.times[name])

    def ratio(self, name, other):
        """Return how many times faster one is than another: the median of the rounds."""
        pairs = zip(self.times[other], self.times[name], strict=True)
        return median(b / a for b, a in pairs)


class WorkerError(Exception):
    """A worker ended, or took too long."""


class Worker:
    """The process of one implementation."""

    def __init__(self, job, python, options):
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self.started = perf_counter()
        self.process = subprocess.Popen(
            [python, "-m", "tests.bench.worker", json.dumps(job)],
            cwd=ROOT,
            env=environment(options.threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            bufsize=0,
        )

    def answer(self, limit):
        """Return the next answer of the process."""
        readable, _, _ = select.select([self.process.stdout], [], [], limit)
        if not readable:
            raise WorkerError(f"not ready after {limit:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().splitlines()
            raise WorkerError(last[-1] if last else "ended without a word")
        return json.loads(line)

    def time(self, seconds, limit):
        self.process.stdin.write(f"{seconds}\n".encode())
        return self.answer(limit)["seconds"]

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def environment(threads):
    """Return the environment in which every library uses so many threads."""
    names = "OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"
    limits = {f"{name}_NUM_THREADS": str(threads) for name in names}
    xla = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    return {
        **os.environ,
        **limits,
        "XLA_FLAGS": f"{xla} intra_op_parallelism_threads={threads}",
        "JAX_PLATFORMS": "cpu",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait leave the processor to others
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }


def measure(workload, dtype, names, options, sizes=None):
    """Return the result of a workload at its sizes, some of them perhaps changed."""
    sizes = sizes or {}
    if not hasattr(workloads.load(workload), "products"):
        names = [name for name in names if name != "products"]
    result = Result(workload, dtype, options.threads, sizes, os.getloadavg()[0])
    workers = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for place, name in enumerate(names):
                job = {
                    "workload": workload,
                    "implementation": name,
                    "dtype": dtype,
                    "sizes": sizes,
                    "tiny": options.tiny,
                    "processors": processors(place, options),
                    "clock": options.clock,
                    "results": str(Path(folder) / f"{name}.npz"),
                }
                python = options.pythons.get(name, sys.executable)
                workers[name] = Worker(job, python, options)
                if not options.together:
                    await_ready(name, workers, result, options)
            for name in [*workers]:
                if name not in result.times:
                    await_ready(name, workers, result, options)
            compare(workers, folder, result)
            for _ in range(options.rounds):
                for name in [*workers]:
                    timed(name, workers, result, options)
        finally:
            for worker in workers.values():
                worker.close()
    return result


def processors(place, options):
    """Return the processors of an implementation: the first, or its own; none where they
    cannot be told.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    allowed = sorted(os.sched_getaffinity(0))
    parts = max(1, len(allowed) // options.threads) if options.together else 1
    start = place % parts * options.threads
    return allowed[start : start + options.threads]


def await_ready(name, workers, result, options):
    """Wait until a worker has its gradient; or say why it has none."""
    worker = workers[name]
    try:
        first = worker.answer(options.limit)
        if "skipped" in first:
            raise WorkerError(first["skipped"])
        result.ready[name] = perf_counter() - worker.started
        worker.answer(options.limit)
    except WorkerError as failure:
        result.skipped[name] = str(failure)
        workers.pop(name).close()
        return
    result.times[name] = []


def timed(name, workers, result, options):
    """Time one implementation for one round; leave it out if it fails."""
    try:
        seconds = workers[name].time(options.seconds, options.limit)
    except WorkerError as failure:
        dismiss(name, str(failure), workers, result)
        return
    result.times[name].append(seconds)


def compare(workers, folder, result):
    """Leave out whose value and gradient are not those of the first."""
    expected = None
    for name in [*workers]:
        path = Path(folder) / f"{name}.npz"
        if not path.exists():  # it computes none
            continue
        with np.load(path) as file:
            arrays = [file[key].astype(float) for key in file.files]
        if expected is None:
            expected = arrays
        error = distance(arrays, expected)
        if not error <= TOLERANCE[result.dtype]:
            dismiss(name, f"its gradient differs by {error:.1e}", workers, result)


def distance(arrays, expected):
    """Return how far value and gradient are from others, as parts of their norms."""
    if [one.shape for one in arrays] != [one.shape for one in expected]:
        return np.inf
    value = abs(arrays[0] - expected[0]) / abs(expected[0])
    parts = zip(arrays[1:], expected[1:], strict=True)
    off = sum(np.sum((one - other) ** 2) for one, other in parts)
    norm = sum(np.sum(other**2) for other in expected[1:])
    return np.maximum(value, np.sqrt(off / norm))  # NaN if one is


def dismiss(name, reason, workers, result):
    result.skipped[name] = reason
    result.times.pop(name)
    workers.pop(name).close()
