"""What is asked of an array without computing anything: its shape, its size, itself.

Unknown sizes come as integers that know what they stand for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..shapes import axes_of, product
from .handle import Handle, handle_of, traced_size
from .table import reached_by

__all__: list[str] = []


@reached_by(np.copy, method="copy")
def copy(a: Any) -> Handle:
    """The array itself: a traced array never changes."""
    return handle_of(a)


@reached_by(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """The shape, with unknown sizes that know what they are."""
    return handle_of(a).shape


@reached_by(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return handle_of(a).ndim


@reached_by(np.size)
def size_along(a: Any, axis: Any = None) -> int:
    """The number of elements, or of those along axes."""
    a = handle_of(a)
    return traced_size(a.nodes, product(a.sizes[i] for i in axes_of(axis, a.ndim)))


@reached_by(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Whether it is complex: no traced array is."""
    return False


@reached_by(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Whether it is real: every traced array is."""
    return True
