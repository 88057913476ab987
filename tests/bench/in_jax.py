"""Functions of the losses that JAX does better in a way of its own."""

from jax import lax


def last(step, h, c, X):
    """A loop that stays a loop: unrolled it takes minutes to compile."""
    return lax.scan(lambda state, x: (step(*state, x), None), (h, c), X)[0][0]


def convolve(images, kernels):
    return lax.conv_general_dilated(images, kernels, (1, 1), "VALID")


REPLACED = {"w7_lstm": {"last": last}, "w8_convolutions": {"convolve": convolve}}
