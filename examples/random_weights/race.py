"""Train one network in many ways, from one random weight at a time to RMSprop.

    symdiff compile loss.py:loss -o gradient.py
    python race.py [--full]

Prints what each reached on held-out digits after how many forward passes and seconds,
and draws both. What came before back-propagation stands beside it: the perceptron's
rule, and a restricted Boltzmann machine trained by contrastive divergence. Times are the
processor's, of one thread.
"""

import argparse
from pathlib import Path
from time import process_time

import matplotlib
import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from loss import WEIGHTS, logits
from methods import BY_GRADIENT, METHODS, Task

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402 (after the choice of Agg)

LOOKS = 40  # accuracies of one curve


def split_digits(rng):
    """Return images and labels to train on, then those of a held-out fifth."""
    images, labels = load_digits(return_X_y=True)
    images = images / 16.0  # grey levels are 0 to 16
    held_out, kept = np.split(rng.permutation(len(labels)), [len(labels) // 5])
    return images[kept], labels[kept], images[held_out], labels[held_out]


def train(method, data, passes, seed):
    """Return forward passes, seconds and held-out accuracies, looked at now and then."""
    images, labels, held_images, held_labels = data
    task = Task(images, labels, np.random.default_rng(seed))
    looks = np.geomspace(3, passes, LOOKS)
    curve, seconds, begun = [], 0.0, process_time()
    for w in METHODS[method](task):
        if task.passes >= looks[len(curve)]:
            seconds += process_time() - begun
            hits = logits(w, held_images).argmax(axis=1) == held_labels
            curve.append((task.passes, seconds, hits.mean()))
            while len(curve) < LOOKS and looks[len(curve)] <= task.passes:
                curve.append(curve[-1])
            if len(curve) == LOOKS:
                return np.array(curve)
            begun = process_time()


def before(data, seed):
    """Return seconds and held-out accuracy of what came before back-propagation."""
    images, labels, held_images, held_labels = data
    boltzmann = BernoulliRBM(n_components=100, learning_rate=0.06, random_state=seed)
    models = {
        "perceptron's rule": Perceptron(random_state=seed),
        "Boltzmann machine": make_pipeline(
            boltzmann, LogisticRegression(C=100, max_iter=1000)
        ),
    }
    for name, model in models.items():
        begun = process_time()
        model.fit(images, labels)
        seconds = process_time() - begun
        yield name, seconds, model.score(held_images, held_labels)


def print_table(curves, earlier):
    """Print the end of each curve."""
    table = Table(title=f"{WEIGHTS:,} weights, held-out digits")
    for title in ("method", "forward passes", "seconds", "accuracy"):
        table.add_column(title, justify="left" if title == "method" else "right")
    for method, curve in curves.items():
        passes, seconds, accuracy = curve[-1]
        table.add_row(method, f"{passes:,.0f}", f"{seconds:.1f}", f"{accuracy:.1%}")
    table.add_section()
    for method, seconds, accuracy in earlier:
        table.add_row(method, "", f"{seconds:.1f}", f"{accuracy:.1%}")
    Console(width=88).print(table)


def plot(curves, path):
    """Write the picture of accuracy against passes and against time."""
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 4), sharey=True, layout="constrained"
    )
    for method, curve in curves.items():
        style = "-" if method in BY_GRADIENT else "--"
        for axis, column in zip(axes, curve.T, strict=False):
            axis.semilogx(column, 100 * curve[:, 2], style, label=method)
    axes[0].set(xlabel="forward passes over the training images", ylabel="accuracy, %")
    axes[1].set(xlabel="seconds")
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Train one network in many ways.")
    parser.add_argument("--passes", type=int, default=1_000, help="for each method")
    parser.add_argument("--full", action="store_true", help="100,000 passes for each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("race.png")
    )
    return parser.parse_args()


def main():
    """Train in all ways, print the table, write the picture."""
    options = parse_arguments()
    passes = 100_000 if options.full else options.passes
    data = split_digits(np.random.default_rng(options.seed))
    with threadpool_limits(1, user_api="blas"):
        curves = {name: train(name, data, passes, options.seed) for name in METHODS}
        print_table(curves, before(data, options.seed))
    plot(curves, options.out)


if __name__ == "__main__":
    main()
