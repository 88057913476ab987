"""Scaling curves: the time of a gradient against what makes it larger, and the time of
compiling against the nodes of the graph.
"""

import gc
import json
import math
from dataclasses import asdict, dataclass
from time import perf_counter

from . import workloads
from .rounds import measure
from .table import readable, remarks

# By what a curve is drawn over: the workload, the dtype, and its sizes at each point.
CURVES = {
    "batch": (
        "w1_classifier",
        {n: {"batch": n} for n in (1, 4, 16, 64, 256, 1024, 4096)},
    ),
    "width": (
        "w5_deep",
        {n: {"width": n, "depth": 8} for n in (4, 16, 64, 256, 1024)},
    ),
    "depth": (
        "w5_deep",
        {n: {"width": 32, "depth": n} for n in (1, 4, 16, 64, 256)},
    ),
    "parameters": (
        "w5_deep",
        {
            4 * n * (n + 1): {"width": n, "depth": 4, "batch": 32}
            for n in (16, 50, 158, 500, 1581, 5000)
        },
    ),
}
DTYPE = "float32"
DEPTHS = (10, 30, 100, 300, 1000, 3000)  # of the networks that are compiled


@dataclass
class Curve:
    """Seconds by implementation, at each point of an axis."""

    axis: str
    points: list
    seconds: dict
    ready: dict


def curve(axis, names, options, largest=math.inf):
    """Return one curve, and a line for each implementation that it leaves out.

    largest: the most parameters of a point.
    """
    workload, sizes = CURVES[axis]
    if axis == "parameters":
        sizes = {count: one for count, one in sizes.items() if count <= 1.01 * largest}
    results = [measure(workload, DTYPE, names, options, one) for one in sizes.values()]
    seconds = {
        name: [one.seconds(name) if name in one.times else None for one in results]
        for name in names
    }
    ready = {name: [one.ready.get(name) for one in results] for name in names}
    return Curve(axis, list(sizes), seconds, ready), remarks(results)


def compile_times():
    """Return the curve of symdiff's own time over the nodes of its graph."""
    import symdiff

    module = workloads.load("w5_deep")
    nodes, seconds = [], []
    # The first compilation imports the compiler: it is done twice.
    for depth in (DEPTHS[0], *DEPTHS):
        sizes = {"batch": 2, "width": 2, "depth": depth}
        arguments = workloads.draw(module, sizes, DTYPE)
        gc.collect()
        start = perf_counter()
        made = symdiff.compile(
            module.loss, arguments, wrt=module.WRT, dtype=DTYPE, verify=False
        )
        seconds.append(perf_counter() - start)
        nodes.append(len(made.graph.walk()))
    return Curve("nodes", nodes[1:], {"symdiff.compile": seconds[1:]}, {})


def text(curve):
    """Return a curve as a table in Markdown."""
    names = [name for name, times in curve.seconds.items() if any(times)]
    lines = [f"| {curve.axis} | " + " | ".join(names) + " |", "|---" * (len(names) + 1)]
    lines[-1] += "|"
    for place, point in enumerate(curve.points):
        times = [curve.seconds[name][place] for name in names]
        cells = ["" if time is None else readable(time) for time in times]
        lines.append(f"| {point:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def save(curves, path):
    """Write the curves as JSON."""
    with open(path, "w") as file:
        json.dump([asdict(one) for one in curves], file, indent=1)


def plot(curves, path):
    """Draw the curves, one beside the other."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1,
        len(curves),
        figsize=(4 * len(curves), 4),
        layout="constrained",
        squeeze=False,
    )
    for axes, one in zip(panels[0], curves, strict=True):
        for name, times in one.seconds.items():
            known = [(x, y) for x, y in zip(one.points, times, strict=True) if y]
            axes.loglog(*zip(*known, strict=True), marker=".", label=name)
        axes.set_xlabel(one.axis)
        axes.set_ylabel("seconds")
        axes.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
