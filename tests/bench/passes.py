"""Time of compiling with and without passes, each as a ratio to compiling with all.

    python tests/bench/passes.py

The candidates take turns; the least of three times counts.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import symdiff

CHOICES: dict[str, dict[str, bool]] = {
    "all": {},
    "no share": {"share": False},
    "no simplify": {"simplify": False},
    "neither": {"simplify": False, "share": False},
}

LAYER = {"W": (8, 8), "b": (8,)}


def network(layers, X):
    h = X
    for layer in layers:
        h = np.tanh(h @ layer["W"] + layer["b"])
    return np.sum(h**2)


def lstm(W, b, X):
    h = c = np.zeros((X.shape[1], 8))
    for x in X:
        i, f, o, z = np.split(np.concatenate([x, h], axis=1) @ W + b, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(z) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    return np.sum(h**2)


LOSSES: dict[str, tuple[Callable, dict[str, Any], tuple[str, ...]]] = {
    "network of 64 layers": (
        network,
        {"layers": [LAYER] * 64, "X": ("n", 8)},
        ("layers",),
    ),
    "LSTM of 50 steps": (
        lstm,
        {"W": (12, 32), "b": (32,), "X": (50, "n", 4)},
        ("W", "b"),
    ),
}


def seconds(name: str, options: dict[str, bool]) -> float:
    """Return the time that a loss takes to compile."""
    loss, args, wrt = LOSSES[name]
    start = time.process_time()
    symdiff.compile(loss, args, wrt=wrt, verify=False, **options)
    return time.process_time() - start


def main() -> None:
    """Print a row for each loss."""
    for name in LOSSES:
        rounds = [[seconds(name, one) for one in CHOICES.values()] for _ in range(3)]
        best = [min(times) for times in zip(*rounds, strict=True)]
        ratios = zip(CHOICES, best, strict=True)
        texts = (f"{choice} {time / best[0]:.2f}" for choice, time in ratios)
        print(f"{name}: {best[0]:.2f} s; {', '.join(texts)}")


if __name__ == "__main__":
    main()
