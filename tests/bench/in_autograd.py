"""Functions of the losses for which autograd needs another form."""

import autograd.numpy as np


def convolve(images, kernels):
    """The windows as slices: autograd has no `sliding_window_view`."""
    rows, columns = images.shape[2] - 2, images.shape[3] - 2
    slices = [
        images[:, :, i : i + rows, j : j + columns] for i in range(3) for j in range(3)
    ]
    flat = kernels.reshape(*kernels.shape[:2], 9)
    return np.einsum("snchw,kcs->nkhw", np.stack(slices), flat)


REPLACED = {"w8_convolutions": {"convolve": convolve}}
