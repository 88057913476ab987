"""Results as a table, as JSON, as a plot."""

import json
from dataclasses import asdict

PEERS = ("jax", "torch", "torch-compile")


def best_peer(result):
    """Return the fastest of the compilers that a result knows, or None."""
    known = [name for name in PEERS if name in result.times]
    return min(known, key=result.seconds, default=None)


def table(results, names):
    """Return a table in Markdown: for each workload the best peer's time, and how many
    times faster than that each implementation is.
    """
    lines = [
        "| workload | best peer | " + " | ".join(names) + " |",
        "|---" * (len(names) + 2) + "|",
    ]
    for result in results:
        peer = best_peer(result)
        head = f"{result.workload} {result.dtype}"
        best = f"{peer} {readable(result.seconds(peer))}" if peer else "none"
        cells = [cell(result, name, peer) for name in names]
        lines.append("| " + " | ".join([head, best, *cells]) + " |")
    return "\n".join(lines)


def cell(result, name, peer):
    """Return an implementation's ratio to the best peer, its time where there is none."""
    if name not in result.times:
        return ""
    if peer is None:
        return readable(result.seconds(name))
    return f"{result.ratio(name, peer):.2f}x"


def readable(seconds):
    """Return a time with its unit."""
    for unit, size in ("s", 1), ("ms", 1e-3):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds / 1e-6:.2f} us"


def remarks(results):
    """Return a line for each implementation that was not timed, with the reason."""
    return [
        f"{result.workload} {result.dtype}: {name} left out: {reason}"
        for result in results
        for name, reason in result.skipped.items()
    ]


def save(results, path):
    """Write the results as JSON."""
    with open(path, "w") as file:
        json.dump([asdict(result) for result in results], file, indent=1)


def plot(results, names, path):
    """Draw how many times faster than the best peer each implementation is."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(12, 5), layout="constrained")
    results = [result for result in results if best_peer(result)]
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        timed = [(x, one) for x, one in enumerate(results) if name in one.times]
        left = [x + place * width for x, _ in timed]
        heights = [one.ratio(name, best_peer(one)) for _, one in timed]
        above = [height - 1 for height in heights]
        axes.bar(left, above, width, bottom=1, align="edge", label=name)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylabel("best peer's time / time")
    names = (one.workload.replace("_", "\n", 1) for one in results)
    labels = [f"{name}\n{one.dtype}" for name, one in zip(names, results, strict=True)]
    axes.set_xticks([x + 0.4 for x in range(len(results))], labels, fontsize=7)
    axes.legend(ncols=4, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
