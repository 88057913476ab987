"""Measure a gradient of a million weights: a million and one forward passes, or two.

    symdiff compile loss.py:loss -o gradient.py --wrt W1,b1,W2,b2
    symdiff compile loss.py:loss -o gradient32.py --wrt W1,b1,W2,b2 --dtype float32
    python measure.py         # slopes by some weights
    python measure.py --full  # by more of them

Theory: a forward difference is wrong by eps C'' / 2, as it leaves out the curvature, and
by the rounding of C over eps, as it subtracts nearly equal numbers: a U over eps, at best
at about the root of the rounding error, with half of the digits. The complex step
subtracts nothing. The weights are float32 numbers, so that both precisions are at the
same point; the slopes there are held against the complex step in extended precision. Times are the
processor's, of one thread.
"""

import argparse
import ctypes
import sys
from itertools import zip_longest
from pathlib import Path
from statistics import median
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import gradient
import gradient32
from loss import WRT, loss
from symdiff.numerical import central_difference, complex_step, forward_difference

CLASSES = 10
EMITTED = {"float32": gradient32, "float64": gradient}
FINEST = {"float32": 8, "float64": 16}  # the smallest eps, as a power of ten
ROUNDS = 30
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt
TIMED = 50  # weights by which numerical slopes are timed
FEW = 8  # images at which slopes are held against extended precision, which is slow


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


def make_data(inputs, hidden, batch, rng):
    """Return random weights, images and labels, numbers of single precision."""
    return (
        rng.standard_normal((inputs, hidden), np.float32) / np.float32(inputs**0.5),
        np.zeros(hidden, np.float32),
        rng.standard_normal((hidden, CLASSES), np.float32) / np.float32(hidden**0.5),
        np.zeros(CLASSES, np.float32),
        rng.random((batch, inputs), np.float32),
        rng.integers(CLASSES, size=batch),
    )


def converted(data, dtype):
    """Return the same numbers in another precision."""
    *arrays, labels = data
    return (*(array.astype(dtype) for array in arrays), labels)


def count(data):
    """Return the number of weights."""
    return sum(array.size for array in data[: len(WRT)])


def emitted_slopes(data, dtype, entries):
    """Return the slopes by some weights that the emitted gradient has."""
    parts = EMITTED[dtype].grad(*converted(data, dtype))
    return np.concatenate([part.ravel() for part in parts])[entries]


def error(slopes, exact):
    """Return the root mean square of the errors, relative to that of the slopes."""
    gap = slopes.astype(exact.dtype) - exact
    return float(np.sqrt(np.mean(gap**2) / np.mean(exact**2)))


# Time.


def seconds(function, *data, **options):
    """Return the processor's time of one call, and what it returns."""
    start = process_time()
    result = function(*data, **options)
    return process_time() - start, result


def by_passes(data, rng):
    """Return a table of forward passes and time that a gradient takes."""
    data = converted(data, "float64")
    entries = rng.choice(count(data), TIMED, replace=False)
    rounds = []
    for _ in range(ROUNDS):
        one, _ = seconds(gradient.value, *data)
        both, _ = seconds(gradient.value_and_grad, *data)
        rounds.append((one, both))
    one, both = (median(times) for times in zip(*rounds, strict=True))
    ratio = median(both / one for one, both in rounds)
    table = Table("gradient by", "forward passes", "one pass", "a gradient")
    for method in (forward_difference, central_difference, complex_step):
        time, found = seconds(method, loss, data, wrt=WRT, entries=entries)
        each = time / found.evaluations
        table.add_row(
            method.__name__.replace("_", " "),
            f"{found.needed:,}",
            f"{1000 * each:.2f} ms",
            f"{each * found.needed / 3600:.2f} hours",
        )
    table.add_row(
        "back-propagation",
        "1 + 1 back",
        f"{1000 * one:.2f} ms",
        f"{1000 * both:.2f} ms",
    )
    table.caption = (
        f"numerical gradients: timed on {TIMED} weights.\n"
        f"loss and gradient take {ratio:.2f} times as long as the loss"
    )
    return table


# Error.


def measure_errors(data, entries):
    """Return the errors by precision: of differences by eps, of complex step, emitted."""
    extended = converted(data, np.longdouble)
    exact = complex_step(loss, extended, wrt=WRT, entries=entries).slopes
    found = {}
    for dtype in EMITTED:
        point = converted(data, dtype)
        steps = 10.0 ** -np.arange(1, FINEST[dtype] + 0.5, 0.5)
        slopes = [
            forward_difference(loss, point, wrt=WRT, eps=eps, entries=entries).slopes
            for eps in steps
        ]
        by_eps = {
            eps: error(one, exact) for eps, one in zip(steps, slopes, strict=True)
        }
        imaginary = complex_step(loss, point, wrt=WRT, entries=entries).slopes
        emitted = emitted_slopes(data, dtype, entries)
        found[dtype] = by_eps, error(imaginary, exact), error(emitted, exact)
    return found


def by_eps(found):
    """Return a table of the errors."""
    table = Table("slopes by", "eps", *found)
    columns = ([*errors.values()][::2] for errors, _, _ in found.values())
    for power, row in enumerate(zip_longest(*columns), 1):
        cells = ("" if one is None else f"{one:.1e}" for one in row)
        table.add_row("forward difference", f"1e-{power:02}", *cells)
    table.add_row("complex step", "", *(f"{one:.1e}" for _, one, _ in found.values()))
    table.add_row(
        "emitted gradient", "", *(f"{one:.1e}" for _, _, one in found.values())
    )
    return table


def plot(found, path):
    """Write the picture of the errors by eps."""
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    for number, (dtype, (errors, imaginary, emitted)) in enumerate(found.items()):
        color = f"C{number}"
        label = f"forward difference, {dtype}"
        axes.loglog([*errors], [*errors.values()], "o-", color=color, label=label)
        axes.axhline(imaginary, color=color, ls=":", label=f"complex step, {dtype}")
        axes.axhline(emitted, color=color, ls="--", label=f"emitted gradient, {dtype}")
    axes.set(xlabel="eps", ylabel="relative error of the slopes")
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside right upper")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="A gradient of a million weights.")
    parser.add_argument("--full", action="store_true", help="by 100 weights, not by 5")
    parser.add_argument("--inputs", type=int, default=802)
    parser.add_argument("--hidden", type=int, default=1230, help="hidden units")
    parser.add_argument("--batch", type=int, default=128, help="images")
    parser.add_argument("--fresh", action="store_true", help="do not keep freed memory")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("error.png")
    )
    return parser.parse_args()


def main():
    """Measure time and errors, print both tables, write the picture."""
    options = parse_arguments()
    if not options.fresh:
        keep_memory()
    rng = np.random.default_rng(0)
    data = make_data(options.inputs, options.hidden, options.batch, rng)
    size = count(data)
    entries = rng.choice(size, 100 if options.full else 5, replace=False)
    console = Console()
    with threadpool_limits(1, user_api="blas"):
        table = by_passes(data, rng)
        table.title = f"{size:,} weights, {options.batch} images, float64"
        console.print(table)
        *weights, X, labels = data
        found = measure_errors((*weights, X[:FEW], labels[:FEW]), entries)
    table = by_eps(found)
    table.title = f"Relative errors of slopes by {len(entries)} weights, {FEW} images"
    console.print(table)
    plot(found, options.out)


if __name__ == "__main__":
    main()
