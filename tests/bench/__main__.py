"""The command of the benchmarks.

    python -m tests.bench                       the table
    python -m tests.bench --workloads w1,w4 --implementations symdiff-plain,jax
    python -m tests.bench --python torch=/path/to/python --json OUT.json --plot OUT.svg
    python -m tests.bench scaling --largest 1e8 the time against sizes, of nodes too
    python -m tests.bench lowerings             what each lowering of the fast style gives

Each implementation runs in a process of its own, by the interpreter that `--python`
gives it, all of them in turn in every round. One whose gradient differs, or whose
library is not there (`pip install '.[bench]'`), is left out with a line that says so.
"""

import argparse
import sys

from . import lowerings, scaling, table, workloads
from .implementations import BUILDERS
from .rounds import Options, measure
from .table import remarks


def main():
    options = parse()
    names = chosen_of(options.implementations, BUILDERS)
    how = Options(
        options.rounds,
        options.seconds,
        options.threads,
        options.limit,
        options.clock,
        options.tiny,
        options.together,
        interpreters(options.python, names),
    )
    what = {"table": compared, "scaling": curves, "lowerings": left_out}
    what[options.what](options, names, how)


def compared(options, names, how):
    """Print the table of the workloads."""
    results = []
    for workload, dtype in chosen_workloads(options):
        results.append(measure(workload, dtype, names, how))
        report(remarks(results[-1:]))
    print(table.table(results, names))
    print(f"\nthreads: {how.threads}, load: {max(one.load for one in results):.1f}")
    if options.json:
        table.save(results, options.json)
    if options.plot:
        table.plot(results, names, options.plot)


def left_out(options, names, how):
    """Print how many times faster each lowering makes the workloads."""
    results = []
    for workload, dtype in chosen_workloads(options):
        results.append(lowerings.measured(workload, dtype, how))
        report(remarks(results[-1:]))
    print(lowerings.text(results))
    if options.json:
        table.save(results, options.json)


def chosen_workloads(options):
    """Yield the workloads and dtypes that are asked for."""
    for workload in chosen_of(options.workloads, workloads.NAMES):
        for dtype in workloads.load(workload).DTYPES:
            if options.dtype in (None, dtype):
                yield workload, dtype


def curves(options, names, how):
    """Print the scaling curves."""
    names = [name for name in names if name != "products"]
    drawn = []
    for axis in scaling.CURVES:
        one, left_out = scaling.curve(axis, names, how, options.largest)
        report(left_out)
        print(scaling.text(one), end="\n\n", flush=True)
        drawn.append(one)
    drawn.append(scaling.compile_times())
    print(scaling.text(drawn[-1]))
    if options.json:
        scaling.save(drawn, options.json)
    if options.plot:
        scaling.plot(drawn, options.plot)


def report(lines):
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument(
        "what", nargs="?", choices=["table", "scaling", "lowerings"], default="table"
    )
    parser.add_argument("--workloads", default="", help="names or their beginnings")
    parser.add_argument("--implementations", default="", help=", ".join(BUILDERS))
    parser.add_argument("--dtype", choices=["float32", "float64"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.2, help="a round of each")
    parser.add_argument("--limit", type=float, default=120, help="seconds to get ready")
    parser.add_argument(
        "--clock",
        choices=["wall", "cpu"],
        default="wall",
        help="cpu counts a process's own time: for machines that do other work",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="all make ready at once: for machines with a processor for each",
    )
    parser.add_argument(
        "--largest", type=float, default=1e7, help="parameters in the scaling curves"
    )
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--tiny", action="store_true", help="sizes of the tests")
    parser.add_argument("--json", metavar="OUT")
    parser.add_argument("--plot", metavar="OUT")
    return parser.parse_args()


def chosen_of(text, known):
    """Return the known names that are some or begin with one, by default all of them."""
    given = text.split(",")
    beginnings = tuple(one for one in given if one not in known)
    return [name for name in known if name in given or name.startswith(beginnings)]


def interpreters(pairs, names):
    """Return the interpreter of each implementation whose name begins as told."""
    given = dict(pair.split("=", 1) for pair in pairs)
    return {
        name: path
        for name in names
        for start, path in given.items()
        if name.startswith(start)
    }


if __name__ == "__main__":
    main()
