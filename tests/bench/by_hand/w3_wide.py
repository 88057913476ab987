"""W3: W1 at other sizes."""

from .w1_classifier import plain, tuned

__all__ = ["plain", "tuned"]
