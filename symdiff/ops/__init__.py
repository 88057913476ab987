"""The table of operations: importing it adds every row."""

from . import contraction, elementwise, indexing, layout, making, reductions, special

__all__ = [
    "contraction",
    "elementwise",
    "indexing",
    "layout",
    "making",
    "reductions",
    "special",
]
