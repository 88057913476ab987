"""W3: the loss of W1 for a 512-768-768-10 network of 992,266 weights, batch 32."""

from .w1_classifier import DTYPES, TINY, WRT, arguments, loss, products

__all__ = ["DTYPES", "SIZES", "TINY", "WRT", "arguments", "loss", "products"]

SIZES = {"batch": 32, "widths": (512, 768, 768, 10)}
