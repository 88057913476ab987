"""A comparison as a picture: what a gradient takes, and how far it is off.

In: a `Comparison`, a file's name. Out: the picture, PNG or SVG, or a page of HTML with
the picture and the table. Refused with a `FileError`: another ending, a file that cannot
be written; with matplotlib's absence, what Python says.
"""

from __future__ import annotations

import html
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import files
from ..errors import FileError
from .record import Comparison, Row
from .table import as_text, seconds_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["check_ending", "plot"]

ENDINGS = (".html", ".png", ".svg")
COLOUR, EXTRAPOLATED = "#33658a", "#9fb8cc"
SMALLEST = 1e-19  # an error of 0 is drawn as this

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Gradients of {title}</title>
<body style="font-family: sans-serif; margin: 2em">
<h1>Gradients of {title}</h1>
{picture}
<pre>{table}</pre>
</body>
</html>
"""


def check_ending(path: str | os.PathLike[str]) -> str:
    """Return a picture's ending. Raises `FileError` where it is none of a picture's."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise FileError(
            f"{os.fspath(path)!r} is no picture",
            remedy=f"Its name is to end in {', '.join(ENDINGS)}.",
        )
    return ending


def plot(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Draw a comparison into a file."""
    ending = check_ending(path)
    figure = _figure(comparison)
    if ending != ".html":
        files.write_bytes(path, _saved(figure, ending[1:]))
        return
    _, _, picture = _saved(figure, "svg").decode().partition("<svg")
    page = _PAGE.format(
        title=html.escape(comparison.loss),
        picture=f"<svg{picture}",
        table=html.escape(as_text(comparison)),
    )
    files.write_bytes(path, page.encode())


def _saved(figure: Figure, kind: str) -> bytes:
    """Return the picture's bytes: the same for the same comparison."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "symdiff", "svg.fonttype": "none"}):
        undated = {"Date": None} if kind == "svg" else None
        figure.savefig(buffer, format=kind, dpi=110, metadata=undated)
    return buffer.getvalue()


def _figure(comparison: Comparison) -> Figure:
    from matplotlib.figure import Figure

    rows = [row for row in comparison.rows if not row.error][::-1]
    figure = Figure(figsize=(11, 1.6 + 0.36 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle(f"{comparison.loss}: {comparison.entries:,} entries")
    _bars(left, rows, [row.ratio for row in rows])
    left.set_xlabel("time of a gradient, in evaluations of the loss")
    left.axvline(1, color="black", linewidth=0.8)
    for place, row in enumerate(rows):
        left.annotate(
            f" {seconds_text(row.seconds)}",
            (row.ratio or 1, place),
            va="center",
            fontsize=8,
        )
    _bars(right, rows, [max(row.largest_error or 0, SMALLEST) for row in rows])
    right.set_xlabel("largest relative error")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.15)
    if any(row.sampled for row in rows):
        figure.supxlabel("pale: extrapolated from a sample of entries", fontsize=8)
    return figure


def _bars(axes: Axes, rows: list[Row], lengths: list[Any]) -> None:
    colours = [EXTRAPOLATED if row.sampled else COLOUR for row in rows]
    axes.barh([row.method for row in rows], lengths, color=colours)
