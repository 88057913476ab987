"""What each lowering of the fast style gives: its time without it over that with it."""

from symdiff.passes.stabilise.table import REWRITES
from symdiff.settings import LOWERINGS

from . import workloads
from .implementations import WITHOUT, compiled
from .rounds import measure

__all__ = ["NAMES", "measured", "text"]

FAST = "symdiff-fast"
NAMES = [
    *LOWERINGS,
    *(name for name, row in REWRITES.items() if row.fast or row.style == "fast"),
]


def measured(workload, dtype, options):
    """Return a workload's times with all lowerings, and without each that does something."""
    module = workloads.load(workload)
    sizes = module.TINY if options.tiny else module.SIZES
    arguments = workloads.draw(module, sizes, dtype)
    whole = compiled(workload, arguments, dtype, "fast").source
    differing = [
        name
        for name in NAMES
        if compiled(workload, arguments, dtype, "fast", name).source != whole
    ]
    names = [FAST, *(f"{WITHOUT}{name}" for name in differing)]
    return measure(workload, dtype, names, options)


def text(results):
    """Return a table in Markdown: how many times slower a workload is without each."""
    heads = [f"{one.workload.partition('_')[0].upper()} {one.dtype}" for one in results]
    lines = ["| without | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name in NAMES:
        cells = [_cell(one, f"{WITHOUT}{name}") for one in results]
        if any(cells):
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(result, name):
    return f"{result.ratio(FAST, name):.2f}x" if name in result.times else ""
