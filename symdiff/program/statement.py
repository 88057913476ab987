"""Statements as lines of text: code, and behind it what a reader asks of a value.

In: the code of each value, its shape, what else is said of it. Out: lines of at most 88
columns that `black` leaves alone. The shapes of neighbouring lines stand in one column:
`black` puts a comment two columns behind the code, so that the space is within it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .fitting import STEP, WIDTH, laid_out

__all__ = ["Statement", "laid"]

# A line that is longer than this moves no other's shape.
LONG = 56


@dataclass(frozen=True)
class Statement:
    """One value's lines of code, its shape, what else is said, and what stands above.

    body: the statements of a loop that the lines begin.
    """

    target: str
    lines: tuple[str, ...]
    shape: str
    comment: str = ""
    headings: tuple[str, ...] = ()
    body: tuple[Statement, ...] = ()

    def notes(self, room: int) -> str:
        """Return the comment that says most in the room there is."""
        for parts in ((self.shape, self.comment), (self.shape,)):
            text = "  ".join(filter(None, parts))
            if text and len(text) <= room:
                return text
        return ""

    def __str__(self) -> str:
        return "\n".join(laid([self]))


def laid(statements: Sequence[Statement], indent: int = 0) -> list[str]:
    """Return the lines of statements, which are to be indented by so many columns."""
    room = WIDTH - indent
    return [line for block in _blocks(statements, room) for line in _block(block, room)]


def _blocks(statements: Sequence[Statement], room: int) -> Iterator[list[Statement]]:
    """Yield neighbours between which nothing stands, each of one line."""
    block: list[Statement] = []
    for one in statements:
        if block and (
            one.headings or not (_is_line(one, room) and _is_line(block[-1], room))
        ):
            yield block
            block = []
        block.append(one)
    if block:
        yield block


def _is_line(one: Statement, room: int) -> bool:
    return len(one.lines) == 1 and len(one.lines[0]) <= room and not one.body


def _block(block: Sequence[Statement], room: int) -> list[str]:
    above = [_shortened(f"# {one}", room) if one else "" for one in block[0].headings]
    if block[0].body:
        inside = laid(block[0].body, WIDTH - room + STEP)
        margin = " " * STEP
        return [*above, *block[0].lines, *(f"{margin}{one}".rstrip() for one in inside)]
    if not _is_line(block[0], room):
        return [*above, *_split(block[0], room)]
    lengths = (len(one.lines[0]) for one in block if one.shape or one.comment)
    column = max((one for one in lengths if one <= LONG), default=0)
    return [*above, *(_ended(one.lines[0], one, column, room) for one in block)]


def _ended(line: str, one: Statement, column: int, room: int) -> str:
    """Return a statement's last line, what is said of it from a column on."""
    start = "  # "
    for padded in (line.ljust(column), line):
        if text := one.notes(room - len(padded) - len(start)):
            return f"{line}{start}{padded.removeprefix(line)}{text}"
    return line


def _split(one: Statement, room: int) -> list[str]:
    """Return the lines of a statement that takes several."""
    lines = [part for line in one.lines for part in laid_out(line, room)]
    if len(lines) == len(one.lines):
        return [*lines[:-1], _ended(lines[-1], one, 0, room)]
    text = one.notes(room - len("# "))  # what is said stands above
    return [f"# {text}", *lines] if text else lines


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 4].rstrip()} ..."
