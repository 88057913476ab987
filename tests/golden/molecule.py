"""The energy of two charged atoms, a function of numbers, in the fast style."""

import numpy as np

ARGS = dict.fromkeys(("distance", "depth", "width", "charge"), ())
WRT = ("distance", "width", "charge")
STYLE = "fast"


def loss(distance, depth, width, charge):
    stretch = 1 - np.exp(-width * (distance - 1))
    bond = depth * stretch**2  # Morse's potential
    return bond + charge**2 / distance
