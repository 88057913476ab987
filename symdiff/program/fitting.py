"""Statements laid out as `black` lays them out: on a line where they fit, else split.

In: texts and groups of them between brackets. Out: lines. An exploded group ends with a
comma, by which `black` keeps it exploded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "STEP",
    "WIDTH",
    "Group",
    "Text",
    "assigned",
    "bare",
    "exploded",
    "fitted",
    "group",
    "in_rows",
    "laid_out",
    "packed",
    "repeated",
    "tuple_group",
]

WIDTH = 88
STEP = 4


@dataclass(frozen=True)
class Group:
    """Items between brackets, each behind a key, a keyword, or nothing."""

    opening: str
    items: tuple[tuple[str, str | Group], ...]
    closing: str
    lone_comma: bool = False

    def __str__(self) -> str:
        inside = ", ".join(f"{before}{item}" for before, item in self.items)
        comma = "," if self.lone_comma and len(self.items) == 1 else ""
        return f"{self.opening}{inside}{comma}{self.closing}"


Text = str | Group


def group(opening: str, items: Iterable[tuple[str, Text]], closing: str) -> Group:
    """Return items between brackets."""
    return Group(opening, tuple(items), closing)


def tuple_group(items: Iterable[Text]) -> Group:
    """Return a tuple's text."""
    return Group("(", tuple(("", item) for item in items), ")", lone_comma=True)


def repeated(text: Text) -> str | Group:
    """Return a list's text, `[item] * count` where all items are the same."""
    if not isinstance(text, Group) or text.opening != "[" or len(text.items) < 2:
        return text
    same = len({str(item) for _, item in text.items}) == 1
    return f"[{text.items[0][1]}] * {len(text.items)}" if same else text


def fitted(
    before: str, item: Text, after: str = "", width: int = WIDTH - STEP
) -> list[str]:
    """Return the lines of `before item after`, groups split where too wide.

    Arguments of a call stand on one line where they fit there.
    """
    flat = f"{before}{item}{after}"
    if isinstance(item, str) or not item.items or len(flat) <= width:
        return [flat]
    inside = str(item).removeprefix(item.opening).removesuffix(item.closing)
    call = re.search(r"\w\($", f"{before}{item.opening}")
    if call and len(inside) <= width - STEP:
        first, last = f"{before}{item.opening}", f"{item.closing}{after}"
        return [first, " " * STEP + inside, last]
    return exploded(before, item, after, width)


def exploded(
    before: str, whole: Group, after: str = "", width: int = WIDTH - STEP
) -> list[str]:
    """Return the lines of a group, each item on lines of its own."""
    lines = [f"{before}{whole.opening}"]
    for key, one in whole.items:
        lines += [" " * STEP + line for line in fitted(key, one, ",", width - STEP)]
    return [*lines, f"{whole.closing}{after}"]


def packed(names: Sequence[str], given: Collection[str], room: int) -> Text:
    """Return a tuple of names; where it is long, a tuple of tuples a line each.

    `given` are those of the names that come first then.
    """
    flat, given = tuple_group(names), frozenset(given)
    if len(str(flat)) <= room:
        return flat
    first = [name for name in names if name in given]
    others = [name for name in names if name not in given]
    rows = [row for part in (first, others) for row in in_rows(part)]
    if len(rows) == 1:
        half = len(names) // 2
        rows = [rows[0][:half], rows[0][half:]]
    return tuple_group(map(tuple_group, rows))


def bare(text: Text) -> str:
    """Return a tuple's text without its outer brackets."""
    inside = str(text)
    alone = isinstance(text, str) or len(text.items) < 2
    return inside if alone else inside[1:-1]


def assigned(names: Text, value: Text) -> list[str]:
    """Return the lines that take a tuple apart, or a call whose results are one."""
    flat = f"{bare(names)} = {value}"
    if len(flat) <= WIDTH - STEP:
        return [flat]
    if len(bare(names)) + len(str(value).partition("(")[0]) + 4 <= WIDTH - STEP:
        return fitted(f"{bare(names)} = ", value)
    if isinstance(names, str):
        return fitted(f"{names} = ", value)
    *before, last = exploded("", names)
    return [*before, *fitted(f"{last} = ", value)]


def in_rows(names: Sequence[str]) -> list[list[str]]:
    """Return names in rows that fit between brackets on an indented line."""
    rows: list[list[str]] = []
    length = WIDTH
    for name in names:
        length += len(name) + 2
        if length > WIDTH - 2 * STEP - 2:
            rows.append([])
            length = len(name) + 2
        rows[-1].append(name)
    return rows


def laid_out(line: str, room: int) -> list[str]:
    """Return a statement's lines: `black` splits it where it is wider than the room."""
    if len(line) <= room:
        return [line]
    import black  # a third of a second, and seldom needed

    statement = line.lstrip()
    margin = line.removesuffix(statement)
    mode = black.Mode(line_length=room - len(margin))
    return [
        f"{margin}{one}" for one in black.format_str(statement, mode=mode).splitlines()
    ]
