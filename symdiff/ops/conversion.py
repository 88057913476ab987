"""Rows of `np.array` and its kin on what holds traced arrays: themselves, copies, or
stacks of them.

NumPy's protocols do not hand these on: see `rebinding`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .handle import Handle, handle_of
from .table import METHODS, reached_by

__all__ = ["CONVERTERS"]


def _converted(value: Any, dtype: Any) -> Handle:
    made = handle_of(value)
    return made if dtype is None else METHODS["astype"](made, dtype)


@reached_by(np.array)
def array(value: Any, dtype: Any = None, copy: Any = None) -> Handle:
    return _converted(value, dtype)


@reached_by(np.asarray, np.asanyarray, np.ascontiguousarray)
def asarray(value: Any, dtype: Any = None) -> Handle:
    return _converted(value, dtype)


# NumPy's functions that make arrays of what they are given.
CONVERTERS = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray)
