"""Measure why gradients are computed by back-propagation.

    symdiff compile loss.py:loss -o gradient.py --dtype float32
    python measure.py            # networks of up to a million parameters
    python measure.py --full     # up to a hundred million
    python measure.py --billion  # and one of a billion, in about 10 GB

Theory: a numerical gradient evaluates the loss once more than there are parameters; a
backward pass costs about two forward passes, so that both cost about three, whatever
the number of parameters. Numerical gradients are timed on some weights, and the time of
all is that of one evaluation times their number.

Times are the processor's, of one thread, so that what else the machine does is not in
them. The loss and its gradient run in turn in every round, so that a change in speed
meets both alike; a ratio is the median of the rounds' own ratios. The work of a
pass is the product of images and weights; with very few images the time goes into
reading the weights and into writing a gradient of their size instead. Hence the table of
ratios by batch, and the batch of 128 for the networks of all sizes.
"""

import argparse
import ctypes
import sys
from pathlib import Path
from statistics import median
from time import process_time
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from threadpoolctl import threadpool_limits

import gradient
import symdiff
from loss import loss

INPUTS, HIDDEN, CLASSES = 784, 256, 10
STEPS = 100_000
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt
BATCHES = (1, 8, 32, 128, 512)
UNITS = (
    ("year", 365.25 * 86400.0),
    ("day", 86400.0),
    ("hour", 3600.0),
    ("min", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
)


class Times(NamedTuple):
    """Median seconds of the loss and of loss and gradient, and the median ratio."""

    parameters: int
    value: float
    both: float
    ratio: float

    @property
    def numerical(self):
        """Seconds of a gradient by forward differences."""
        return (self.parameters + 1) * self.value


def keep_memory():
    """Let freed memory stay with the process, where the C library knows how to.

    In training each gradient takes the place of the last one. Memory that is fresh from
    the system each time costs a page fault for every 4 KiB instead, which on some
    machines takes as long as the arithmetic.
    """
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(M_MMAP_MAX, 0)
            library.mallopt(M_TRIM_THRESHOLD, -1)


def make_params(inputs, hidden, rng):
    """Return random parameters of a network with three hidden layers."""
    sizes = [inputs, hidden, hidden, hidden, CLASSES]
    params = []
    for rows, columns in zip(sizes[:-1], sizes[1:], strict=True):
        W = rng.standard_normal((rows, columns), np.float32)
        W *= np.float32((2 / rows) ** 0.5)
        params.append({"W": W, "b": np.zeros(columns, np.float32)})
    return params


def make_data(inputs, batch, rng):
    """Return random images and labels."""
    X = rng.random((batch, inputs), np.float32)
    return X, rng.integers(CLASSES, size=batch)


def count(params):
    """Return the number of parameters."""
    return sum(array.size for layer in params for array in layer.values())


def widths(parameters):
    """Return inputs and hidden units of a network of about so many parameters.

    They are in the proportion of 784 to 256.
    """
    per_hidden = INPUTS / HIDDEN
    a, b = per_hidden + 2, CLASSES + 3
    hidden = round((-b + (b * b + 4 * a * parameters) ** 0.5) / (2 * a))
    return round(per_hidden * hidden), hidden


def seconds(function, *data):
    """Return the processor's time of one call."""
    start = process_time()
    function(*data)
    return process_time() - start


def measure(params, data, budget):
    """Return the times of some rounds, of at least three."""
    gradient.value_and_grad(params, *data)
    rounds = []
    start = process_time()
    while len(rounds) < 3 or process_time() - start < budget:
        value = seconds(gradient.value, params, *data)
        rounds.append((value, seconds(gradient.value_and_grad, params, *data)))
    values, both = zip(*rounds, strict=True)
    ratio = median(b / v for v, b in rounds)
    return Times(count(params), median(values), median(both), ratio)


def shown(time):
    """Return a time in the unit that suits it."""
    for unit, size in UNITS:
        if time >= size:
            plural = "s" if size >= 3600 else ""
            return f"{time / size:.3g} {unit}{plural}"
    return f"{time:.1g} s"


# One network.


def by_weights(params, data, samples, budget):
    """Return a table of the ways to a gradient of one network."""
    times = measure(params, data, budget)
    exact = gradient.grad(params, *data)
    flat = np.concatenate([part.ravel() for one in exact for part in one.values()])
    rng = np.random.default_rng(1)
    entries = rng.choice(flat.size, samples, replace=False)
    ways = {
        "forward differences": lambda: symdiff.numerical.forward_difference(
            loss, (params, *data), entries=entries
        ),
        "random weights, changes in [-0.1, 0.1]": lambda: (
            symdiff.numerical.one_weight_at_a_time(
                loss, (params, *data), draws=samples, seed=rng
            )
        ),
    }
    table = Table(
        "gradient by", "passes", "a gradient", f"{STEPS:,} gradients", "error"
    )
    table.add_row(
        "back-propagation",
        "1 + 1 back",
        shown(times.both),
        shown(times.both * STEPS),
        "",
    )
    for name, way in ways.items():
        start = process_time()
        found = way()
        time = (process_time() - start) / found.evaluations * found.needed
        error = np.abs(found.slopes - flat[found.entries])
        table.add_row(
            name,
            f"{found.needed:,}",
            shown(time),
            shown(time * STEPS),
            f"{median(error) / np.sqrt(np.mean(flat**2)):.1%}",
        )
    table.add_row(
        "the same at 1 ms a pass",
        f"{flat.size + 1:,}",
        shown(1e-3 * (flat.size + 1)),
        shown(1e-3 * (flat.size + 1) * STEPS),
        "",
    )
    table.caption = (
        f"one pass: {shown(times.value)}; loss and gradient / loss: {times.ratio:.2f}\n"
        f"differences: timed on {samples} weights\n"
        "error: the slopes' median one over the gradient's root mean square, in float32"
    )
    return table


def by_batch(params, budget):
    """Return a table of what the backward pass costs, by the number of images."""
    table = Table("images", "loss", "loss and gradient", "backward / forward", "ratio")
    for batch in BATCHES:
        data = make_data(INPUTS, batch, np.random.default_rng(2))
        times = measure(params, data, budget)
        table.add_row(
            str(batch),
            shown(times.value),
            shown(times.both),
            f"{times.ratio - 1:.2f}",
            f"{times.ratio:.2f}",
        )
    return table


# Networks of all sizes.


def measure_sizes(sizes, batch, budget):
    """Return the times of networks of about so many parameters."""
    found = []
    for size in track(sizes, description="Networks"):
        rng = np.random.default_rng(3)
        inputs, hidden = widths(size)
        params = make_params(inputs, hidden, rng)
        found.append(measure(params, make_data(inputs, batch, rng), budget))
    return found


def by_size(found):
    """Return a table of networks of all sizes."""
    table = Table(
        *("parameters", "loss", "loss and gradient", "ratio"),
        *("a numerical gradient", "numerical / back-propagation"),
    )
    for times in found:
        table.add_row(
            f"{times.parameters:,}",
            shown(times.value),
            shown(times.both),
            f"{times.ratio:.2f}",
            shown(times.numerical),
            f"{times.numerical / times.both:,.0f}",
        )
    return table


def plot(found, path):
    """Write the picture of what a gradient costs by the number of parameters."""
    parameters = [times.parameters for times in found]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    numerical = [times.numerical for times in found]
    left.loglog(parameters, numerical, "o-", label="numerical gradient (extrapolated)")
    left.loglog(parameters, [t.both for t in found], "o-", label="loss and gradient")
    left.loglog(parameters, [t.value for t in found], "o--", label="loss")
    for _, size in UNITS[:5]:
        left.axhline(size, color="grey", linewidth=0.5)
    units = left.secondary_yaxis("right")
    units.set_yticks(
        [size for _, size in UNITS[:5]], [f"1 {unit}" for unit, _ in UNITS[:5]]
    )
    units.minorticks_off()
    left.set(xlabel="parameters", ylabel="seconds", title="Time")
    left.legend(fontsize=8)
    right.loglog(
        parameters, [t.numerical / t.value for t in found], "o-", label="numerical"
    )
    right.loglog(
        parameters, [t.ratio for t in found], "o-", label="by back-propagation"
    )
    right.axhline(3, color="grey", linewidth=1, linestyle="--", label="3")
    right.set(xlabel="parameters", title="Gradient's time / loss's time")
    right.legend(fontsize=8)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Measure what gradients cost.")
    parser.add_argument("--full", action="store_true", help="to 100,000,000 parameters")
    parser.add_argument("--billion", action="store_true", help="to 1,000,000,000")
    parser.add_argument("--batch", type=int, default=128, help="images")
    parser.add_argument(
        "--samples", type=int, default=200, help="weights that are moved"
    )
    parser.add_argument(
        "--budget", type=float, default=1.0, help="seconds for each time"
    )
    parser.add_argument("--most", type=int, default=10**6, help="parameters")
    parser.add_argument("--fresh", action="store_true", help="do not keep freed memory")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("cost.png")
    )
    return parser.parse_args()


def main():
    """Measure one network, then networks of all sizes; print tables, write the picture."""
    options = parse_arguments()
    most = 10**9 if options.billion else 10**8 if options.full else options.most
    if not options.fresh:
        keep_memory()
    sizes = [10**power for power in range(3, 10) if 10**power <= most]
    params = make_params(INPUTS, HIDDEN, np.random.default_rng(0))
    console = Console()
    with threadpool_limits(1, user_api="blas"):
        data = make_data(INPUTS, 32, np.random.default_rng(0))
        table = by_weights(params, data, options.samples, options.budget)
        table.title = f"784-256-256-256-10: {count(params):,} parameters, 32 images"
        console.print(table)
        table = by_batch(params, options.budget)
        table.title = "The same network"
        console.print(table)
        found = measure_sizes(sizes, options.batch, options.budget)
    table = by_size(found)
    table.title = f"Three hidden layers, {options.batch} images"
    console.print(table)
    plot(found, options.out)


if __name__ == "__main__":
    main()
