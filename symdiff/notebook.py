"""A compiled loss as a notebook shows it: formula, table of costs, highlighted source.

In: the formula in LaTeX, the report, the module's text. Out: HTML, in which all of
these are data: nothing in them can become a tag or a script. Nothing is refused.
"""

from __future__ import annotations

from html import escape
from io import StringIO

from .report import Report

__all__ = ["page"]


def page(formula: str, facts: Report, source: str) -> str:
    """Return the loss as HTML."""
    return (
        f"<div>$${escape(formula)}$$</div>\n{_table(facts)}\n"
        f"<details><summary>source</summary>{_coloured(source)}</details>"
    )


def _coloured(source: str) -> str:
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console(file=StringIO(), record=True, width=88)
    text = Syntax("", "python", theme="default").highlight(source)
    console.print(text, soft_wrap=True)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


def _table(facts: Report) -> str:
    head, *rows = facts.rows()
    cells = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = [f"<tr>{cells}</tr>"]
    for title, *counts in rows:
        cells = "".join(f"<td>{escape(text)}</td>" for text in counts)
        lines.append(f"<tr><th>{escape(title.strip())}</th>{cells}</tr>")
    return "\n".join(["<table>", *lines, "</table>"])
