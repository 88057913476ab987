"""A convolution: Goodfellow, Bengio and Courville (2016), Deep Learning, 9.5.

The gradient for the kernel (9.11) and for what is convolved (9.13), image by image; a
rectified unit and a squared error behind it.
"""

import numpy as np

ARGS = {
    "images": ("n", 6, 6, "c"),
    "kernel": (3, 3, "c", "k"),
    "bias": ("k",),
    "target": ("n", 4, 4, "k"),
}
WRT = ("images", "kernel", "bias")


def loss(images, kernel, bias, target):
    rows, columns = target.shape[1:3]
    z = bias
    for i in range(3):
        for j in range(3):
            z = z + images[:, i : i + rows, j : j + columns] @ kernel[i, j]
    error = np.maximum(z, 0) - target
    return np.mean(error**2)


def forward(images, kernel, bias, target):
    rows, columns = target.shape[1:3]
    z = bias
    for i in range(3):
        for j in range(3):
            z = z + images[:, i : i + rows, j : j + columns] @ kernel[i, j]
    error = np.maximum(z, 0) - target
    return np.mean(error**2), (images, kernel, z, error)


def backward(cache):
    images, kernel, z, error = cache
    rows, columns = z.shape[1:3]
    d_z = 2 / error.size * error * (z > 0)
    d_images = np.zeros(images.shape)
    d_kernel = np.zeros(kernel.shape)
    for i in range(3):
        for j in range(3):
            patch = images[:, i : i + rows, j : j + columns]
            d_kernel[i, j] = np.tensordot(patch, d_z, axes=([0, 1, 2], [0, 1, 2]))
            d_images[:, i : i + rows, j : j + columns] += d_z @ kernel[i, j].T
    d_bias = d_z.sum(axis=(0, 1, 2))
    return d_images, d_kernel, d_bias
