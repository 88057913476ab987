"""Set closed-form calculus beside back-propagation: it is the same gradient.

    symdiff compile losses.py:linear,logistic,softmax -o gradient.py
    python compare.py         # up to 10,000 rows
    python compare.py --full  # up to 1,000,000

Each closed form is shown beside the emitted backward pass, proved to be the gradient at
all arguments and for every size, and timed in turn with the emitted module, which
computes the loss too. Where the loss is a square, calculus says more: the gradient is 0
where X^T X w = X^T y, the normal equations. Their solution is timed against descent by
the emitted gradient.

Theory: for n rows and d weights a gradient takes two passes over X, 2 n d
multiplications and additions each; the normal equations take n d^2 and solving them
d^3 / 3. Where X has independent columns of unit variance, the eigenvalues of X^T X / n
lie within (1 -+ sqrt(d / n))^2 (Marchenko and Pastur 1967). So with as many rows for
each weight descent takes the same number of steps for any d, and beats the normal
equations where there are many weights. Times are the processor's, of one thread.
"""

import argparse
import inspect
from pathlib import Path
from statistics import median
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from threadpoolctl import threadpool_limits

import closed_form
import gradient
import losses
import symdiff

LOSSES = ("linear", "logistic", "softmax")
FEATURES, CLASSES = 30, 10
ROWS_PER_WEIGHT = 10  # of the regressions that are solved
RATE = 1 / (1 + 1 / ROWS_PER_WEIGHT)  # 2 / (the smallest eigenvalue + the largest)
DIGITS = 1e-10  # how far the gradient falls until a descent ends
ROUNDS = 20


def make_data(name, rows, rng):
    """Return weights, a matrix of features and what is to be predicted."""
    X = rng.standard_normal((rows, FEATURES))
    w = rng.standard_normal(FEATURES) / FEATURES**0.5
    if name == "linear":
        return w, X, X @ w + rng.standard_normal(rows)
    if name == "logistic":
        return w, X, (rng.random(rows) < 0.5).astype(float)
    W = rng.standard_normal((FEATURES, CLASSES)) / FEATURES**0.5
    return W, X, rng.integers(CLASSES, size=rows)


def seconds(function, *data):
    """Return the processor's time of one call."""
    start = process_time()
    function(*data)
    return process_time() - start


# The same gradient.


def show(console, name):
    """Print a closed form, the emitted backward pass, and the proof that they agree."""
    start = process_time()
    proof = symdiff.prove(getattr(losses, name), getattr(closed_form, name))
    taken = process_time() - start
    for title, function in {
        "in closed form": getattr(closed_form, name),
        "backward pass as emitted": getattr(gradient, f"{name}_backward"),
    }.items():
        console.print(Rule(f"{name}, {title}", align="left"))
        source = inspect.getsource(function).rstrip()
        console.print(Syntax(source, "python", word_wrap=True))
    console.print(f"\n{proof.verdict}: {proof.explanation} ({taken:.1f} s)\n")


def measure(name, rows):
    """Return both ways' times, their ratio, and the gradients' largest difference."""
    data = make_data(name, rows, np.random.default_rng(0))
    closed = getattr(closed_form, name)
    emitted = getattr(gradient, f"{name}_value_and_grad")
    exact, (_, found) = closed(*data), emitted(*data)
    times = [(seconds(closed, *data), seconds(emitted, *data)) for _ in range(ROUNDS)]
    return {
        "closed form": median(one for one, _ in times),
        "emitted": median(one for _, one in times),
        "ratio": median(second / first for first, second in times),
        "difference": np.abs(found - exact).max() / np.abs(exact).max(),
    }


def by_rows(measured):
    """Return a table of the times by loss and number of rows."""
    table = Table("loss", "rows", "closed form", "emitted", "ratio", "difference")
    for (name, rows), one in measured.items():
        table.add_row(
            name,
            f"{rows:,}",
            *(f"{1e6 * one[each]:,.0f} us" for each in ("closed form", "emitted")),
            f"{one['ratio']:.2f}",
            f"{one['difference']:.0e}",
        )
    table.caption = (
        "emitted: loss and gradient\n"
        "difference: the largest, relative to the largest slope"
    )
    return table


# The same solution.


def normal_equations(X, y):
    """Return the weights at which the gradient is 0."""
    return np.linalg.solve(X.T @ X, X.T @ y)


def descend(X, y):
    """Return the weights to which the emitted gradient leads, and the steps."""
    w, first, steps = np.zeros(X.shape[1]), None, 0
    while True:
        d_w = gradient.linear_grad(w, X, y)
        size = np.linalg.norm(d_w)
        first = first or size
        if size <= DIGITS * first:
            return w, steps
        w, steps = w - RATE * d_w, steps + 1


def solve(weights):
    """Return the times of both ways to a regression's weights, how far they are apart."""
    rng = np.random.default_rng(weights)
    X = rng.standard_normal((ROWS_PER_WEIGHT * weights, weights))
    y = X @ rng.standard_normal(weights) + rng.standard_normal(len(X))
    exact, (found, steps) = normal_equations(X, y), descend(X, y)
    rounds = range(3)
    times = [(seconds(normal_equations, X, y), seconds(descend, X, y)) for _ in rounds]
    solved, descended = (median(one) for one in zip(*times, strict=True))
    return {
        "normal equations": solved,
        "descent": descended,
        "steps": steps,
        "apart": np.abs(found - exact).max() / np.abs(exact).max(),
    }


def by_weights(solved):
    """Return a table of both ways by the number of weights."""
    table = Table("weights", "rows", "normal equations", "descent", "steps", "apart")
    for weights, one in solved.items():
        table.add_row(
            f"{weights:,}",
            f"{ROWS_PER_WEIGHT * weights:,}",
            *(f"{1e3 * one[each]:,.2f} ms" for each in ("normal equations", "descent")),
            str(one["steps"]),
            f"{one['apart']:.0e}",
        )
    return table


def plot(measured, solved, path):
    """Write the picture of both: a gradient by rows, a solution by weights."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4), sharey=True, layout="constrained"
    )
    for number, name in enumerate(LOSSES):
        rows = [rows for one, rows in measured if one == name]
        for each, style in {"closed form": "o-", "emitted": "x--"}.items():
            times = [measured[name, one][each] for one in rows]
            left.loglog(rows, times, style, color=f"C{number}", label=f"{name}, {each}")
    for each, style in {"normal equations": "o-", "descent": "x--"}.items():
        times = [one[each] for one in solved.values()]
        right.loglog([*solved], times, style, color="C3", label=each)
    left.set(title="A gradient", xlabel="rows", ylabel="seconds")
    right.set(title="The solution of linear regression", xlabel="weights")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Closed forms and back-propagation.")
    parser.add_argument(
        "--full", action="store_true", help="1,000,000 rows, 2,000 weights"
    )
    parser.add_argument("--rows", type=int, default=10_000, help="at most")
    parser.add_argument("--weights", type=int, default=500, help="at most")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("times.png")
    )
    return parser.parse_args()


def main():
    """Show and prove the gradients, print both tables, write the picture."""
    options = parse_arguments()
    rows = 1_000_000 if options.full else options.rows
    weights = 2_000 if options.full else options.weights
    sizes = [one for one in (100, 1_000, 10_000, 100_000, 1_000_000) if one <= rows]
    console = Console()
    for name in LOSSES:
        show(console, name)
    with threadpool_limits(1, user_api="blas"):
        measured = {(name, n): measure(name, n) for name in LOSSES for n in sizes}
        sizes = [one for one in (20, 50, 100, 200, 500, 1_000, 2_000) if one <= weights]
        solved = {one: solve(one) for one in sizes}
    table = by_rows(measured)
    table.title = f"A gradient, {FEATURES} features, {CLASSES} classes"
    console.print(table)
    table = by_weights(solved)
    table.title = "The solution of linear regression"
    console.print(table)
    plot(measured, solved, options.out)


if __name__ == "__main__":
    main()
