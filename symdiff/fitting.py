"""Bracketed texts laid out as `black` lays them out: on one line where they fit, else an item a line.

In: texts and groups of them between brackets. Out: lines. An exploded group ends with a comma, by which `black`
keeps it exploded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Group", "fitted", "tuple_group", "unpacked"]

WIDTH = 88
STEP = 4


@dataclass(frozen=True)
class Group:
    """Items between brackets; each has a text before it: a key, a keyword, or nothing."""

    opening: str
    items: tuple[tuple[str, str | Group], ...]
    closing: str
    lone_comma: bool = False

    def __str__(self) -> str:
        inside = ", ".join(f"{before}{item}" for before, item in self.items)
        comma = "," if self.lone_comma and len(self.items) == 1 else ""
        return f"{self.opening}{inside}{comma}{self.closing}"


def tuple_group(items: Iterable[str | Group]) -> Group:
    """Return a tuple's text."""
    return Group("(", tuple(("", item) for item in items), ")", lone_comma=True)


def fitted(
    before: str, item: str | Group, after: str = "", width: int = WIDTH - STEP
) -> list[str]:
    """Return the lines of `before item after`, none wider than `width` where a group can be split."""
    flat = f"{before}{item}{after}"
    if isinstance(item, str) or not item.items or len(flat) <= width:
        return [flat]
    lines = [f"{before}{item.opening}"]
    for key, one in item.items:
        lines += [" " * STEP + line for line in fitted(key, one, ",", width - STEP)]
    return [*lines, f"{item.closing}{after}"]


def unpacked(names: Sequence[str], value: str, width: int = WIDTH - STEP) -> list[str]:
    """Return the lines that take a tuple apart; none where there is nothing to take."""
    if not names:
        return []
    flat = (
        f"{', '.join(names)} = {value}"
        if len(names) > 1
        else f"({names[0]},) = {value}"
    )
    return (
        [flat]
        if len(flat) <= width
        else fitted("", tuple_group(names), f" = {value}", 0)
    )
