"""The energy of points in space: springs along bonds, a soft repulsion of all pairs."""

import numpy as np

ARGS = {
    "position": ("n", 3),
    "first": "m:int64",
    "second": "m:int64",
    "rest": ("m",),
}


def loss(position, first, second, rest):
    bond = position[second] - position[first]
    stretch = np.sqrt(np.sum(bond**2, axis=1)) - rest
    apart = position[:, None] - position
    square = np.sum(apart**2, axis=-1)
    return 0.5 * np.sum(stretch**2) + 0.1 * np.sum(np.exp(-square))
