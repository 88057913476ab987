"""A comparison as a table that is read: numbers in the units of people, and footnotes.

In: a `Comparison`. Out: a table of rich's with the lines below it, or both as text.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from .record import Comparison, Row

__all__ = ["as_group", "as_text", "seconds_text"]

WIDTH = 132  # columns of the text
MISSING = "-"

COLUMNS = (
    "method",
    "error of\nvalue",
    "largest\nerror",
    "median\nerror",
    "evalua-\ntions",
    "\ntime",
    "times\nthe loss",
    "until\nthe first",
    "to\ncompile",
    "\nmemory",
    "opera-\ntions",
)


def as_text(comparison: Comparison) -> str:
    """Return the table and its footnotes as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(as_group(comparison))
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def as_group(comparison: Comparison) -> Group:
    """Return the table and its footnotes for rich."""
    table = Table(
        title=_title(comparison), title_justify="left", box=None, padding=(0, 1)
    )
    for column in COLUMNS:
        left = column == "method"
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    notes: list[str] = []
    for row in comparison.rows:
        table.add_row(*_cells(row, notes), style="red" if row.error else "")
    below = [*_notes(notes), *_lines(comparison)]
    return Group(table, Text(), *(Text(line) for line in below))


def _title(comparison: Comparison) -> str:
    sizes = "".join(f", {name} = {size}" for name, size in comparison.sizes.items())
    return (
        f"Gradients of {comparison.loss}{sizes}: {comparison.entries:,} entries "
        f"of {comparison.precision}, {seconds_text(comparison.loss_seconds)} an evaluation"
    )


def _cells(row: Row, notes: list[str]) -> Iterator[str]:
    """Yield a row's cells; what they cannot say becomes a note."""
    mark = ""
    for text in (_failure(row), row.note):
        if text:
            if text not in notes:
                notes.append(text)
            mark += f" [{notes.index(text) + 1}]"
    yield row.method + mark
    if row.error:
        yield "failed"
        yield from [MISSING] * (len(COLUMNS) - 2)
        return
    yield _error(row.value_error)
    yield _error(row.largest_error)
    yield _error(row.median_error)
    yield MISSING if row.evaluations is None else f"{row.evaluations:,}"
    star = "" if row.sampled is None else "*"
    yield star + seconds_text(row.seconds)
    yield MISSING if row.ratio is None else star + _ratio(row.ratio)
    yield star + seconds_text(row.first)
    yield seconds_text(row.compiling)
    yield _bytes(row.memory)
    yield MISSING if row.operations is None else f"{row.operations:,}"


def _failure(row: Row) -> str:
    return f"{row.method} failed: {row.error}" if row.error else ""


def _notes(notes: list[str]) -> list[str]:
    return [f"[{number}] {text}" for number, text in enumerate(notes, 1)]


def _lines(comparison: Comparison) -> Iterator[str]:
    """Yield what is to be said of the table as a whole."""
    entries = f"{comparison.judged:,} of {comparison.entries:,} entries"
    where = "all entries" if comparison.judged >= comparison.entries else entries
    yield f"Errors are relative, against {comparison.reference}, at {where}."
    yield (
        f"Times are of the processor, medians of {comparison.rounds} rounds in which all "
        "took turns, each beside the loss."
    )
    if not comparison.one_thread:
        yield "They count all threads: with threadpoolctl installed, NumPy would have one."
    yield "Evaluations are of the loss; operations on numbers, for one gradient."
    sampled = {row.method: row.sampled for row in comparison.rows if row.sampled}
    if sampled:
        each = ", ".join(f"{name} {count:,}" for name, count in sampled.items())
        yield f"* measured on some of the entries and extrapolated to all: {each}."
    if comparison.known:
        names = ", ".join(comparison.known)
        yield f"Imported before, so that no import is in the time until the first: {names}."
    if comparison.absent:
        yield f"Not installed, and so not compared: {', '.join(comparison.absent)}."


def _error(error: float | None) -> str:
    if error is None:
        return MISSING
    return "0" if error == 0 else f"{error:.0e}"


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.1f}"


def seconds_text(seconds: float | None) -> str:
    """Return a time in the unit that people would give it in."""
    if seconds is None:
        return MISSING
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    for unit, length in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _bytes(count: int | None) -> str:
    if count is None:
        return MISSING
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"
