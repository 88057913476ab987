"""W2: a function of ten numbers."""

import numpy as np

WRT = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
DTYPES = ("float64",)
SIZES = TINY = {}


def arguments(rng):
    return {name: rng.normal() for name in WRT}


def loss(a, b, c, d, e, f, g, h, i, j):
    wave = np.sin(a * b) + np.exp(-(c**2))
    growth = np.log(1 + d**2) + np.sqrt(1 + e**2)
    switch = np.tanh(f * g + h)
    return wave * growth + switch * (i - j) ** 2
