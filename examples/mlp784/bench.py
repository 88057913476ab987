"""Time the emitted gradient of a ReLU network beside one written by hand.

    symdiff compile loss.py:loss -o gradient.py
    symdiff compile loss.py:loss -o gradient32.py --dtype float32
    python bench.py

Theory: a gradient by back-propagation costs about three times the loss, whatever the
number of parameters. All candidates run in turn in every round, so that a change in the
machine's speed meets them alike; a ratio is the median of the rounds' own ratios.
"""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from threadpoolctl import threadpool_limits

import by_hand
import gradient
import gradient32
from loss import ARGS

EMITTED = {"float64": gradient, "float32": gradient32}


def make_data(dtype, batch, rng):
    """Return random parameters, images and labels."""
    params = [
        {
            "W": rng.normal(scale=(2 / layer["W"][0]) ** 0.5, size=layer["W"]),
            "b": np.zeros(layer["b"]),
        }
        for layer in ARGS["params"]
    ]
    params = [{name: w.astype(dtype) for name, w in layer.items()} for layer in params]
    X = rng.random((batch, 784)).astype(dtype)
    return params, X, rng.integers(10, size=batch)


def check(emitted, data, tolerance):
    """Raise an AssertionError if the two gradients differ: only equals are timed."""
    value, layers = emitted.value_and_grad(*data)
    expected_value, expected_layers = by_hand.value_and_grad(*data)
    np.testing.assert_allclose(value, expected_value, rtol=tolerance)
    for layer, expected in zip(layers, expected_layers, strict=True):
        for name, d_w in expected.items():
            error = np.abs(layer[name] - d_w).max()
            assert error <= tolerance * np.abs(d_w).max(), (name, error)


def seconds(function, data):
    """Return how long one call takes."""
    start = perf_counter()
    function(*data)
    return perf_counter() - start


def measure(candidates, data, rounds, description):
    """Return each candidate's seconds, round by round."""
    for function in candidates.values():
        function(*data)
    times = {name: [] for name in candidates}
    for _ in track(range(rounds), description=description):
        for name, function in candidates.items():
            times[name].append(seconds(function, data))
    return times


def median_ratio(times, others):
    """Return the median of the rounds' ratios of two candidates' times."""
    return median(a / b for a, b in zip(times, others, strict=True))


def add_row(table, dtype, options):
    """Measure at one dtype and add its row to the table."""
    data = make_data(dtype, options.batch, np.random.default_rng(0))
    check(EMITTED[dtype], data, 1e-12 if dtype == "float64" else 1e-4)
    candidates = {
        "value": EMITTED[dtype].value,
        "both": EMITTED[dtype].value_and_grad,
        "by hand": by_hand.value_and_grad,
    }
    times = measure(candidates, data, options.rounds, dtype)
    table.add_row(
        dtype,
        *(f"{1000 * median(rounds):.2f} ms" for rounds in times.values()),
        f"{median_ratio(times['both'], times['value']):.2f}",
        f"{median_ratio(times['both'], times['by hand']):.2f}",
    )


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Time the gradient of a network.")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1, help="threads of the BLAS")
    return parser.parse_args()


def main():
    """Measure at both dtypes and print the table."""
    options = parse_arguments()
    table = Table(
        "dtype",
        "value",
        "both",
        "by hand",
        "both / value",
        "both / by hand",
        title=f"784-256-256-256-10, batch {options.batch}, "
        f"BLAS threads: {options.threads}",
        caption=f"both: value_and_grad; medians of {options.rounds} rounds",
    )
    with threadpool_limits(options.threads, user_api="blas"):
        for dtype in EMITTED:
            add_row(table, dtype, options)
    Console().print(table)


if __name__ == "__main__":
    main()
