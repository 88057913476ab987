"""The record of a comparison: a row for each method, as a table, as JSON, as a picture.

In: what was measured. Out: `Comparison`, which prints itself as a table. Nothing is
refused here; `plot` refuses a file of a kind that it cannot write.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from dataclasses import dataclass
from typing import Any

__all__ = ["Comparison", "Row"]

# Up to which a gradient is right, by the dtype of what is differentiated.
RIGHT = {"float64": 1e-7, "float32": 1e-2}


@dataclass(frozen=True)
class Row:
    """One method's row: how exact it is, and what it costs.

    value_error, largest_error, median_error: relative, against the reference, at the
    `judged` entries that both have. evaluations: of the loss, for the whole gradient;
    None where a gradient is not made of these. seconds: of one gradient; ratio: to the
    loss's own. sampled: of how many entries the time was measured where not of all, the
    rest being extrapolated. first: seconds until the first gradient, with imports and
    compiling; compiling: of these. memory: bytes at the peak of one gradient, None
    where Python does not know. operations: on numbers, for one gradient. error: what
    the method failed with, empty where it did not.
    """

    method: str
    value_error: float | None = None
    largest_error: float | None = None
    median_error: float | None = None
    judged: int = 0
    evaluations: int | None = None
    seconds: float | None = None
    ratio: float | None = None
    sampled: int | None = None
    first: float | None = None
    compiling: float | None = None
    memory: int | None = None
    operations: int | None = None
    note: str = ""
    error: str = ""


@dataclass(frozen=True)
class Comparison:
    """What gradients of one loss are worth and cost, method by method.

    loss: its name. sizes: the unknown ones' values. entries: the number of those that
    are differentiated. loss_seconds: of one evaluation. reference: how the slopes were
    had that the others are held against. judged: at how many entries. one_thread: whether
    NumPy's linear algebra ran in one thread; seconds are the processor's, of all
    threads. absent: libraries
    that are not installed. known: libraries whose import is in no time, as they had
    been imported before.
    """

    loss: str
    sizes: dict[str, int]
    precision: str
    entries: int
    loss_seconds: float
    reference: str
    judged: int
    rounds: int
    one_thread: bool
    rows: tuple[Row, ...]
    absent: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    def __getitem__(self, method: str) -> Row:
        """Return the row of a method."""
        for row in self.rows:
            if row.method == method:
                return row
        raise KeyError(method)

    def is_right(self, method: str) -> bool:
        """Return whether a method's gradient is the reference's, but for rounding."""
        error = self[method].largest_error
        return error is not None and error <= RIGHT[self.precision]

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON has it: numbers that are not finite are None."""
        return _plain(dataclasses.asdict(self))

    def json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(self.as_dict(), indent=2)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw errors and times; the file's ending says how: .png, .svg or .html.

        Raises
        ------
        FileError
            If the ending is none of these, or the file cannot be written.
        """
        from .plot import plot

        plot(self, path)

    def __str__(self) -> str:
        from .table import as_text

        return as_text(self)

    def __rich__(self) -> Any:
        from .table import as_group

        return as_group(self)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
