"""W8: 3 x 3 convolutions of 8 and 16 channels on 28 x 28 images, each with ReLU and
pooling, then a dense layer; batch 32.
"""

import numpy as np

WRT = ("K1", "b1", "K2", "b2", "W", "b")
DTYPES = ("float32",)
SIZES = {"batch": 32, "side": 28, "channels": (1, 8, 16), "classes": 10}
TINY = {"batch": 3, "side": 12, "channels": (2, 3, 4), "classes": 3}


def arguments(rng, batch, side, channels, classes):
    before, middle, after = channels
    left = ((side - 2) // 2 - 2) // 2  # of the side, after both poolings
    features = after * left**2
    return {
        "K1": rng.normal(size=(middle, before, 3, 3)) * (2 / (9 * before)) ** 0.5,
        "b1": rng.normal(size=middle),
        "K2": rng.normal(size=(after, middle, 3, 3)) * (2 / (9 * middle)) ** 0.5,
        "b2": rng.normal(size=after),
        "W": rng.normal(size=(features, classes)) / features**0.5,
        "b": np.zeros(classes),
        "X": rng.normal(size=(batch, before, side, side)),
        "labels": rng.integers(classes, size=batch),
    }


def convolve(images, kernels):
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,kcij->nkhw", windows, kernels)


def pool(images):
    """The largest of each 2 x 2 pixels; an odd row or column is left out."""
    n, channels, rows, columns = images.shape
    rows, columns = rows // 2, columns // 2
    blocks = images[:, :, : 2 * rows, : 2 * columns]
    return blocks.reshape(n, channels, rows, 2, columns, 2).max(axis=(3, 5))


def loss(K1, b1, K2, b2, W, b, X, labels):
    h = pool(np.maximum(convolve(X, K1) + b1[:, None, None], 0))
    h = pool(np.maximum(convolve(h, K2) + b2[:, None, None], 0))
    z = h.reshape(h.shape[0], -1) @ W + b
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def products(batch, side, channels, classes):
    """The matrix products of both passes: (rows, inner, columns)."""
    for place, (before, after) in enumerate(
        zip(channels[:-1], channels[1:], strict=True)
    ):
        pixels = batch * (side - 2) ** 2
        yield after, 9 * before, pixels
        yield after, pixels, 9 * before
        if place:
            yield 9 * before, after, pixels
        side = (side - 2) // 2
    features = channels[-1] * side**2
    yield batch, features, classes
    yield features, batch, classes
    yield batch, classes, features
