"""Set the emitted gradient of logistic regression beside its closed form.

On the breast-cancer data that scikit-learn ships: 569 patients, 30 features. Both
gradients train a model from the same start, and their largest difference is shown.

    symdiff compile loss.py:loss -o gradient.py
    python compare.py
"""

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import expit
from sklearn.datasets import load_breast_cancer

import gradient


def closed_form(w, X, y):
    """Return the gradient that a page of calculus gives."""
    error = expit(X @ w) - y
    return X.T.dot(error) / X.shape[0]


def read_data():
    """Return the standardised features, with a column of ones, and the labels."""
    features, labels = load_breast_cancer(return_X_y=True)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    bias = np.ones((len(labels), 1))
    return np.hstack([features, bias]), labels.astype(np.float64)


def train(gradient_of, X, y, *, steps, rate):
    """Return the weights of every step of w <- w - a * dL/dw, from zero on."""
    w = np.zeros(X.shape[1])
    path = [w]
    for _ in range(steps):
        w = w - rate * gradient_of(w, X, y)
        path.append(w)
    return path


def accuracy(w, X, y):
    """Return the fraction of patients whose label has the larger probability."""
    return np.mean((X @ w > 0) == y)


def compare(X, y, *, steps, rate):
    """Return a table of the gradients at some steps, and their largest difference."""
    emitted_path = train(gradient.grad, X, y, steps=steps, rate=rate)
    closed_path = train(closed_form, X, y, steps=steps, rate=rate)
    table = Table("step", "loss", "largest |dL/dw|", "largest difference", "accuracy")
    differences = []
    for step in np.linspace(0, steps, 6).astype(int):
        w = emitted_path[step]
        emitted, closed = gradient.grad(w, X, y), closed_form(w, X, y)
        differences.append(np.abs(emitted - closed).max())
        table.add_row(
            str(step),
            f"{gradient.value(w, X, y):.6f}",
            f"{np.abs(closed).max():.3e}",
            f"{differences[-1]:.1e}",
            f"{accuracy(w, X, y):.2%}",
        )
    apart = np.abs(emitted_path[-1] - closed_path[-1]).max()
    table.caption = f"after {steps} steps the two models are {apart:.1e} apart"
    return table, max(differences)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Compare with the closed form.")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rate", type=float, default=0.5, help="a in w - a * dL/dw")
    return parser.parse_args()


def main():
    """Train with both gradients and print them side by side."""
    options = parse_arguments()
    X, y = read_data()
    table, difference = compare(X, y, steps=options.steps, rate=options.rate)
    table.title = f"Logistic regression, {X.shape[0]} patients, {X.shape[1]} weights"
    Console().print(table)
    print(f"largest difference: {difference:.1e}")


if __name__ == "__main__":
    main()
