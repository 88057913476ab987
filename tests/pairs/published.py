"""Functions with hand-written derivatives that have been published, in words of our own.

All are of SciPy's benchmark suite, benchmarks/benchmarks/test_functions.py: test
functions of minimisers, with the derivatives that these are given. That of Ackley's is
wrong: its radius lacks the factor 1/2 under the root that the function's has.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ACKLEY", "RIGHT"]


def ackley(x):
    radius = np.sqrt(0.5 * (x[0] ** 2 + x[1] ** 2))
    waves = 0.5 * (np.cos(2 * np.pi * x[0]) + np.cos(2 * np.pi * x[1]))
    return 20 + np.e - 20 * np.exp(-0.2 * radius) - np.exp(waves)


def ackley_published(x):
    radius = np.sqrt(x[0] ** 2 + x[1] ** 2)
    waves = 0.5 * (np.cos(2 * np.pi * x[0]) + np.cos(2 * np.pi * x[1]))
    slope = -20 * np.exp(-0.2 * radius) * (-0.2 * 0.5 / radius)
    return 2 * slope * x + np.exp(waves) * np.pi * np.sin(2 * np.pi * x)


def ackley_mended(x):
    radius = np.sqrt(0.5 * (x[0] ** 2 + x[1] ** 2))
    waves = 0.5 * (np.cos(2 * np.pi * x[0]) + np.cos(2 * np.pi * x[1]))
    slope = -20 * np.exp(-0.2 * radius) * (-0.2 * 0.5 / radius)
    return slope * x + np.exp(waves) * np.pi * np.sin(2 * np.pi * x)


def levi(x):
    first, second = np.sin(3 * np.pi * x[1]), np.sin(2 * np.pi * x[1])
    rest = (x[0] - 1) ** 2 * (1 + first**2) + (x[1] - 1) ** 2 * (1 + second**2)
    return np.sin(3 * np.pi * x[0]) ** 2 + rest


def levi_published(x):
    first, second = np.sin(3 * np.pi * x[1]), np.sin(2 * np.pi * x[1])
    slope = 6 * np.pi * np.cos(3 * np.pi * x[0]) * np.sin(3 * np.pi * x[0])
    dx = slope + 2 * (x[0] - 1) * (1 + first**2)
    dy = (x[0] - 1) ** 2 * 6 * np.pi * np.cos(3 * np.pi * x[1]) * first
    dy = dy + 2 * (x[1] - 1) * (1 + second**2)
    dy = dy + (x[1] - 1) ** 2 * 4 * np.pi * np.cos(2 * np.pi * x[1]) * second
    return np.array([dx, dy])


def beale(x):
    a, b = x
    terms = (1.5 - a + a * b, 2.25 - a + a * b**2, 2.625 - a + a * b**3)
    return terms[0] ** 2 + terms[1] ** 2 + terms[2] ** 2


def beale_published(x):
    a, b = x
    u, v, w = 1.5 - a + a * b, 2.25 - a + a * b**2, 2.625 - a + a * b**3
    da = 2 * u * (b - 1) + 2 * v * (b**2 - 1) + 2 * w * (b**3 - 1)
    return np.array([da, 2 * u * a + 4 * v * a * b + 6 * w * a * b**2])


def booth(x):
    a, b = x
    return (a + 2 * b - 7) ** 2 + (2 * a + b - 5) ** 2


def booth_published(x):
    a, b = x
    u, v = a + 2 * b - 7, 2 * a + b - 5
    return np.array([2 * u + 4 * v, 4 * u + 2 * v])


def lennard_jones(r, sigma, eps):
    return 4 * eps * ((sigma / r) ** 12 - (sigma / r) ** 6)


def lennard_jones_published(r, sigma, eps):
    attraction = 6 / sigma * (sigma / r) ** 7
    return 4 * eps * (attraction - 12 / sigma * (sigma / r) ** 13)


POINT = {"x": (2,)}
ACKLEY = (ackley, ackley_published, POINT)
RIGHT = {
    "Ackley, mended": (ackley, ackley_mended, POINT),
    "Levi": (levi, levi_published, POINT),
    "Beale": (beale, beale_published, POINT),
    "Booth": (booth, booth_published, POINT),
    "Lennard-Jones": (
        lennard_jones,
        lennard_jones_published,
        {"r": (), "sigma": (), "eps": ()},
    ),
}
