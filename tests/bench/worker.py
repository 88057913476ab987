"""One implementation of one workload, in a process of its own.

    python -m tests.bench.worker '{"workload": ..., "implementation": ..., ...}'

It makes the gradient's function, runs it once, writes value and gradient to a file, and
says so in a line of JSON. For each line with a number of seconds that it reads, it calls
the function for about as long, and answers with the median time of a call.
"""

import json
import os
import sys
from itertools import repeat
from statistics import median
from time import perf_counter, process_time

import numpy as np

from . import workloads
from .implementations import builder

# Calls that are shorter than so many seconds are timed several together.
SAMPLE = 1e-3
CLOCKS = {"wall": perf_counter, "cpu": process_time}


def main():
    job = json.loads(sys.argv[1])
    # What a peer prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if job["processors"]:
        os.sched_setaffinity(0, job["processors"])

    def answer(**said):
        print(json.dumps(said), file=answers, flush=True)

    start = perf_counter()
    try:
        run = prepare(job)
    except ModuleNotFoundError as error:
        answer(skipped=str(error))
        return
    result = run()
    answer(prepared=perf_counter() - start)
    if result is not None:
        np.savez(job["results"], *flat(result))
    answer(saved=result is not None)
    clock = CLOCKS[job["clock"]]
    for line in sys.stdin:
        answer(seconds=timed(run, clock, float(line)))


def prepare(job):
    """Return the function to time."""
    module, dtype = workloads.load(job["workload"]), job["dtype"]
    sizes = {**(module.TINY if job["tiny"] else module.SIZES), **job["sizes"]}
    arguments = workloads.draw(module, sizes, dtype)
    build = builder(job["implementation"])
    return build(job["workload"], sizes, arguments, dtype)


def flat(result):
    """Return the value and the arrays of the gradient in order."""
    value, gradient = result
    return [np.asarray(value), *map(np.asarray, workloads.leaves(gradient))]


def timed(run, clock, seconds):
    """Return the median time of a call, of those that fit into some seconds."""
    start = perf_counter()
    run()
    calls = max(1, round(SAMPLE / (perf_counter() - start)))
    times, end = [], start + seconds
    while not times or perf_counter() < end:
        start = clock()
        for _ in repeat(None, calls):
            run()
        times.append((clock() - start) / calls)
    return median(times)


if __name__ == "__main__":
    main()
