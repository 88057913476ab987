"""W8: convolutions with pooling and a dense layer."""

import numpy as np


def windows(images):
    return np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(2, 3))


def halved(images):
    """The blocks of 2 x 2 pixels; an odd row or column is left out."""
    n, channels, rows, columns = images.shape
    rows, columns = rows // 2, columns // 2
    blocks = images[:, :, : 2 * rows, : 2 * columns]
    return blocks.reshape(n, channels, rows, 2, columns, 2)


def spread(d_pooled, images, pooled):
    """The gradient of the images: of each block's largest, which random data has once."""
    d_images = np.zeros_like(images)
    largest = halved(images) == pooled[:, :, :, None, :, None]
    halved(d_images)[...] = largest * d_pooled[:, :, :, None, :, None]
    return d_images


def cross_entropy(z, labels):
    """The mean cross-entropy and its gradient."""
    rows = np.arange(len(z))
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    sums = e.sum(axis=1, keepdims=True)
    value = np.mean(np.log(sums[:, 0]) - z[rows, labels])
    d_z = e / sums
    d_z[rows, labels] -= 1
    return value, d_z / len(z)


def plain(K1, b1, K2, b2, W, b, X, labels):
    first = np.einsum("nchwij,kcij->nkhw", windows(X), K1, optimize=True)
    active1 = np.maximum(first + b1[:, None, None], 0)
    h1 = halved(active1).max(axis=(3, 5))
    second = np.einsum("nchwij,kcij->nkhw", windows(h1), K2, optimize=True)
    active2 = np.maximum(second + b2[:, None, None], 0)
    h2 = halved(active2).max(axis=(3, 5))
    flat = h2.reshape(len(X), -1)
    value, d_z = cross_entropy(flat @ W + b, labels)

    d_flat = d_z @ W.T
    d_second = spread(d_flat.reshape(h2.shape), active2, h2) * (active2 > 0)
    d_K2 = np.einsum("nchwij,nkhw->kcij", windows(h1), d_second, optimize=True)
    padded = np.pad(d_second, ((0, 0), (0, 0), (2, 2), (2, 2)))
    flipped = K2[:, :, ::-1, ::-1]
    d_h1 = np.einsum("nkhwij,kcij->nchw", windows(padded), flipped, optimize=True)
    d_first = spread(d_h1, active1, h1) * (active1 > 0)
    d_K1 = np.einsum("nchwij,nkhw->kcij", windows(X), d_first, optimize=True)
    d_b1, d_b2 = d_first.sum(axis=(0, 2, 3)), d_second.sum(axis=(0, 2, 3))
    return value, (d_K1, d_b1, d_K2, d_b2, flat.T @ d_z, d_z.sum(axis=0))


class Layer:
    """A convolution, pooling, bias and ReLU: channels first, images last.

    Pooling comes first: what is added to all pixels alike, and a monotone function,
    commute with the maximum.
    """

    def __init__(self, channels, side, batch, kernels, dtype):
        self.inside = inside = side - 2
        self.half = half = inside // 2
        self.columns = np.empty((channels, 3, 3, inside, inside, batch), dtype)
        self.flat = self.columns.reshape(9 * channels, -1)
        self.result = np.empty((kernels, inside, inside, batch), dtype)
        self.largest = np.empty((kernels, half, inside, batch), dtype)
        self.pooled = np.empty((kernels, half, half, batch), dtype)
        self.mask = np.empty(self.pooled.shape, bool)
        self.d_input = np.empty((channels, side, side, batch), dtype)
        self.ones = np.ones(half * half * batch, dtype)

    def forward(self, images, K, b):
        size, half = self.inside, 2 * self.half
        for i in range(3):
            for j in range(3):
                self.columns[:, i, j] = images[:, i : i + size, j : j + size]
        K = K.reshape(len(K), -1)
        np.dot(K, self.flat, out=self.result.reshape(len(K), -1))
        upper, lower = self.result[:, 0:half:2], self.result[:, 1:half:2]
        np.maximum(upper, lower, out=self.largest)
        left, right = self.largest[:, :, 0:half:2], self.largest[:, :, 1:half:2]
        np.maximum(left, right, out=self.pooled)
        self.active = self.pooled + b[:, None, None, None]
        return np.maximum(self.active, 0, out=self.active)

    def backward(self, d_active, K, wanted):
        half, count = 2 * self.half, len(K)
        d_pooled = np.multiply(d_active, self.active > 0, out=d_active)
        d_b = np.dot(d_pooled.reshape(count, -1), self.ones)
        pixels, mask = self.result, self.mask
        pixels[:, half:] = 0
        pixels[:, :, half:] = 0
        for row in range(2):
            for column in range(2):
                place = pixels[:, row:half:2, column:half:2]
                np.equal(place, self.pooled, out=mask)
                np.multiply(mask, d_pooled, out=place)
        flat = pixels.reshape(count, -1)
        d_K = np.dot(flat, self.flat.T).reshape(K.shape)
        if not wanted:
            return d_K, d_b, None
        size = self.inside
        np.dot(K.reshape(count, -1).T, flat, out=self.flat)
        self.d_input.fill(0)
        for i in range(3):
            for j in range(3):
                part = self.d_input[:, i : i + size, j : j + size]
                np.add(part, self.columns[:, i, j], out=part)
        return d_K, d_b, self.d_input


def tuned(K1, b1, K2, b2, W, b, X, labels):
    batch, channels, side, _ = X.shape
    first = Layer(channels, side, batch, len(K1), X.dtype)
    second = Layer(len(K1), first.half, batch, len(K2), X.dtype)

    def value_and_grad(K1, b1, K2, b2, W, b, X, labels):
        images = np.ascontiguousarray(X.transpose(1, 2, 3, 0))
        h = second.forward(first.forward(images, K1, b1), K2, b2)
        flat = h.reshape(-1, batch)
        value, d_z = cross_entropy(np.dot(flat.T, W) + b, labels)

        d_h = np.dot(W, d_z.T).reshape(h.shape)
        d_W, d_b = np.dot(flat, d_z), d_z.sum(axis=0)
        d_K2, d_b2, d_h = second.backward(d_h, K2, wanted=True)
        d_K1, d_b1, _ = first.backward(d_h, K1, wanted=False)
        return value, (d_K1, d_b1, d_K2, d_b2, d_W, d_b)

    return value_and_grad
