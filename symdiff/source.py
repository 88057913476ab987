"""Positions in the user's source: where a value was made, and the text that stands
there.

In: a code object with the index of its running instruction. Out: a `Position`, which
can print itself with its columns underlined. Nothing is refused: where no source is to
be had, or none that Python can read, the text is empty.
"""

from __future__ import annotations

import ast
import linecache
import opcode
import os
import threading
import tokenize
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

__all__ = [
    "Note",
    "Position",
    "Turn",
    "comment_of",
    "columns_of",
    "definition_of",
    "distinct",
    "enclosing",
    "head_of",
    "lines_of",
    "parse",
    "position_of",
    "printable",
    "repeats",
    "statement_of",
    "tree_of",
    "without_comments",
]

WIDEST = 120  # how much of a source line an error shows


@dataclass(frozen=True)
class Position:
    """A stretch of the user's source: lines and columns count as in a traceback,
    columns in bytes from 0.

    turns: the iterations of loops in which it was reached, the outermost loop first.
    function: that of the user's in which it stands, where the loss has called it.
    """

    path: str
    line: int
    end_line: int
    column: int | None = None
    end_column: int | None = None
    turns: tuple[Turn, ...] = field(default=(), compare=False)
    function: str = field(default="", compare=False)

    @property
    def file(self) -> str:
        """The file's name without its folder, so that no path of a machine reaches
        emitted code.
        """
        name = os.path.basename(self.path)
        in_cell = name.startswith("<ipython") or "ipykernel_" in self.path
        return "<notebook>" if in_cell else printable(name)

    @property
    def text(self) -> str:
        """The source line, without its newline; empty where the source is not to be
        had.
        """
        lines = lines_of(self.path)
        return (
            lines[self.line - 1].rstrip("\r\n") if 0 < self.line <= len(lines) else ""
        )

    @property
    def segment(self) -> str:
        """The source text of exactly this stretch, or of its first line where it spans
        several.
        """
        if self.column is None or self.end_column is None:
            return self.text.strip()
        start, stop = self._columns()
        return self.text[start:stop].strip()

    def _columns(self) -> tuple[int, int]:
        """Return where the stretch begins and ends in its first line, in characters."""
        line = self.text.encode(errors="replace")
        start, stop = (
            len(line[:column].decode(errors="replace"))
            for column in (self.column, self.end_column)
        )
        return start, stop if self.end_line == self.line else len(self.text.rstrip())

    def underlined(self) -> str:
        """Two indented lines: the source and carets below its columns; empty without
        source.
        """
        text = "".join(one if one.isprintable() else " " for one in self.text)
        body = text.strip()
        if not body or self.column is None or self.end_column is None:
            return f"    {body[:WIDEST]}" if body else ""
        start, stop = self._columns()
        first, cut = len(text) - len(text.lstrip()), ""
        if stop - first > WIDEST:
            first, cut = start, "... "
        shown = text[first : first + WIDEST].rstrip()
        before = _width(cut + text[first:start])
        under = max(1, _width(text[start : min(stop, first + len(shown))]))
        return f"    {cut}{shown}\n    {' ' * before}{'^' * under}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(eq=False)
class Turn:
    """One iteration of a loop; each is one object.

    head: where the loop says what it runs over. depth: how many calls of the user's it
    runs in. assigned: the names that are given inside of it. index: the value of its
    counting variable, else how many iterations were before. counter: that variable,
    empty where there is none.
    """

    head: Position
    depth: int
    assigned: frozenset[str]
    index: int
    counter: str = ""

    @property
    def loop(self) -> str:
        """The loop's head, or its first line: `for x in X`."""
        text = printable(self.head.segment).removesuffix(":")
        return text if text.startswith(("for ", "while ", "async ")) else f"for {text}"

    def numbers(self, name: str, depth: int) -> bool:
        """Return whether each iteration gives a name again, in a call of a depth."""
        return depth > self.depth or (depth == self.depth and name in self.assigned)

    def __str__(self) -> str:
        return (
            f"{self.counter} = {self.index}"
            if self.counter
            else f"iteration {self.index}"
        )


class Note(NamedTuple):
    """What a pass says of one place of the loss, None where the place is not known."""

    place: Position | None
    text: str

    def __str__(self) -> str:
        return f"{self.place or 'somewhere'}: {self.text}"


def distinct(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return notes without those that say the same of the same line again."""
    return tuple({str(one): one for one in notes}.values())


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


Columns = tuple[int | None, int | None, int | None, int | None]


def position_of(
    code: CodeType, columns: Columns, turns: tuple[Turn, ...] = (), function: str = ""
) -> Position:
    """Return the position of an instruction, whose lines and columns `co_positions`
    gives.
    """
    line, end_line, column, end_column = columns
    first = code.co_firstlineno if line is None else line
    last, path = end_line or first, code.co_filename
    return Position(path, first, last, column, end_column, turns, function)


def columns_of(code: CodeType) -> tuple[Columns, ...]:
    """Return the lines and columns of each instruction; of a loop only its head's."""
    lines = lines_of(code.co_filename)
    columns = list(code.co_positions())
    for number, (line, end_line, column, _) in enumerate(columns):
        if line and end_line and line < end_line and line <= len(lines):
            name = opcode.opname[code.co_code[2 * number]]
            if name in ("GET_ITER", "FOR_ITER"):
                head = lines[line - 1].rstrip().removesuffix(":")
                columns[number] = (line, line, column, len(head.encode()))
    return tuple(columns)


def definition_of(code: CodeType) -> Position:
    """Return where a function is defined, behind its decorators."""
    first = code.co_firstlineno
    for line, text in enumerate(lines_of(code.co_filename)[first - 1 :], first):
        if text.lstrip().startswith(("def ", "async def ")):
            return Position(code.co_filename, line, line)
        if not text.lstrip().startswith(("@", "#")):
            break
    return Position(code.co_filename, first, first)


def lines_of(path: str) -> list[str]:
    """Return the source's lines; none where they are not to be had."""
    try:
        return linecache.getlines(path)
    except (OSError, ValueError, SyntaxError):
        return []


# What stands around a position.


def enclosing(
    position: Position | None, kinds: tuple[type[ast.AST], ...]
) -> Position | None:
    """Return the head of the innermost statement or comprehension of these kinds around
    a position.
    """
    tree = None if position is None else tree_of(lines_of(position.path))
    if tree is None or position is None:
        return None
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, kinds) and repeats(node, position)
    ]
    if not around:
        return None
    return head_of(position.path, max(around, key=lambda node: (node.lineno, node.col_offset)))  # type: ignore[attr-defined]


_parsing = threading.Lock()


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a text, as `ast.parse` does.

    One thread at a time: before 3.12 Python's own count of the tree's depth is one for
    all threads, which then end with "AST constructor recursion depth mismatch".
    """
    with _parsing:
        return ast.parse(text)


def tree_of(lines: list[str]) -> ast.Module | None:
    """Return the syntax tree of source lines, None where Python can't read them."""
    try:
        return parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def repeats(node: ast.AST, position: Position) -> bool:
    """Whether a position is in what a loop repeats or a branch chooses."""
    parts = [
        getattr(node, name, None) for name in ("body", "orelse", "elt", "key", "value")
    ]
    inside = [
        one for part in parts for one in (part if isinstance(part, list) else [part])
    ]
    return any(one is not None and _spans(one, position) for one in inside)


def _spans(node: ast.AST, position: Position) -> bool:
    first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    if not first <= position.line <= position.end_line <= last:
        return False
    if position.column is None or position.end_column is None:
        return True
    before = first == position.line and position.column < node.col_offset  # type: ignore[attr-defined]
    after = last == position.end_line and position.end_column > node.end_col_offset  # type: ignore[attr-defined]
    return not before and not after


def head_of(path: str, node: Any) -> Position:
    """Return the part of a loop or branch that decides: `for i in range(n)`, `n > 3`."""
    generator = next(iter(getattr(node, "generators", ())), None)
    last = getattr(generator or node, "iter", None) or node.test
    first = generator.target if generator else last if hasattr(node, "test") else node
    if isinstance(node, ast.While):
        first = node
    return Position(
        path, first.lineno, last.end_lineno, first.col_offset, last.end_col_offset
    )


class _Comment(NamedTuple):
    """A comment: the column of its sign, and its text."""

    column: int
    text: str


# The comments of each file, by line, with the lines that they were found in.
_found: dict[str, tuple[list[str], dict[int, _Comment]]] = {}


def _comment(path: str, line: int) -> _Comment | None:
    lines = lines_of(path)
    if path not in _found or _found[path][0] is not lines:
        _found[path] = (lines, _comments(lines))
    return _found[path][1].get(line)


def _comments(lines: list[str]) -> dict[int, _Comment]:
    """Return the comments of a source, by line, as far as Python can read it."""
    found = {}
    try:
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                found[line] = _Comment(column, printable(token.string.lstrip("#")))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        pass
    return found


def comment_of(position: Position) -> str:
    """Return the user's comment at the end of a position's last line, without its sign."""
    comment = _comment(position.path, position.end_line)
    return comment.text if comment else ""


def without_comments(source: str) -> str:
    """Return source without comments and empty lines, as far as Python can read it."""
    lines = source.splitlines(keepends=True)
    for line, comment in _comments(lines).items():
        lines[line - 1] = lines[line - 1][: comment.column]
    return "\n".join(filter(None, map(str.rstrip, lines)))


def statement_of(position: Position) -> str:
    """Return the user's line at a position, without its comment and return; empty
    without source.
    """
    text, comment = position.text, _comment(position.path, position.line)
    if comment:
        text = text[: comment.column]
    return printable(text.strip().removeprefix("return "))


def printable(text: str, *, strip: bool = True) -> str:
    """Return text as one line that a comment can hold: no control characters, no
    direction marks.
    """
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return text.strip() if strip else text


def _shown(one: str) -> str:
    """Return a character as it is, or what a comment holds in its place."""
    if one.isprintable():
        return one
    return " " if one.isspace() else one.encode("unicode_escape").decode()
