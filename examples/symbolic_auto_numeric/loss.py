"""The squared error of a network of tanh units that is written out in scalars.

Plain NumPy, nothing of symdiff. `layers[i][j]` are the weights of unit j of layer i. In
`ARGS` there are three layers of two units and one unit at the end; there may be more.
"""

import numpy as np

ARGS = {
    "layers": [[[(), ()], [(), ()]]] * 3 + [[[(), ()]]],
    "x": [(), ()],
    "y": (),
}


def loss(layers, x, y):
    """Return the squared error of the network's output at one input."""
    h = x
    for layer in layers:
        h = [
            np.tanh(sum(w * a for w, a in zip(unit, h, strict=True))) for unit in layer
        ]
    return (h[0] - y) ** 2
