"""Positions in the user's source: where a value was made, and the text that stands there.

In: a code object with the index of its running instruction. Out: a `Position`, which can print itself with
its columns underlined. Nothing is refused: where no source is to be had the text is empty.
"""

from __future__ import annotations

import ast
import linecache
import os
import tokenize
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

__all__ = [
    "Position",
    "comment_of",
    "enclosing_loop",
    "position_of",
    "printable",
    "statement_of",
]


@dataclass(frozen=True)
class Position:
    """A stretch of the user's source: lines and columns count as in a traceback, columns in bytes from 0."""

    path: str
    line: int
    end_line: int
    column: int | None
    end_column: int | None

    @property
    def file(self) -> str:
        """The file's name without its folder, so that no path of a machine reaches emitted code."""
        name = os.path.basename(self.path)
        return (
            "<notebook>"
            if name.startswith("<ipython") or _is_notebook_cell(self.path)
            else name
        )

    @property
    def text(self) -> str:
        """The source line, without its newline; empty where the source is not to be had."""
        return linecache.getline(self.path, self.line).rstrip("\r\n")

    @property
    def segment(self) -> str:
        """The source text of exactly this stretch, or of its first line where it spans several."""
        if self.column is None or self.end_column is None:
            return self.text.strip()
        line = self.text.encode()
        end = self.end_column if self.end_line == self.line else len(line)
        return line[self.column : end].decode(errors="replace").strip()

    def underlined(self) -> str:
        """Two indented lines: the source and carets below its columns; empty without source."""
        text = self.text
        if not text.strip():
            return ""
        body = text.lstrip()
        if self.column is None or self.end_column is None:
            return f"    {body.rstrip()}"
        start = len(text.encode()[: self.column].decode(errors="replace"))
        if self.end_line == self.line:
            stop = len(text.encode()[: self.end_column].decode(errors="replace"))
        else:
            stop = len(text.rstrip())
        indent = len(text) - len(body)
        carets = " " * (start - indent) + "^" * max(1, stop - start)
        return f"    {body.rstrip()}\n    {carets}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def position_of(code: CodeType, instruction: int) -> Position:
    """Return the position of a code object's instruction, given as `frame.f_lasti`."""
    line, end_line, column, end_column = _positions(code)[instruction // 2]
    first = line if line is not None else code.co_firstlineno
    return Position(code.co_filename, first, end_line or first, column, end_column)


@lru_cache(maxsize=512)
def _positions(
    code: CodeType,
) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
    return tuple(code.co_positions())


def _is_notebook_cell(path: str) -> bool:
    return "ipykernel_" in path


def enclosing_loop(position: Position | None) -> Position | None:
    """Return the head of the innermost `for` or `while` around a position, or None."""
    if position is None:
        return None
    try:
        tree = ast.parse("".join(linecache.getlines(position.path)))
    except SyntaxError:
        return None
    loops = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.For | ast.While)
        and node.body[0].lineno <= position.line <= (node.end_lineno or node.lineno)
    ]
    if not loops:
        return None
    head = max(loops, key=lambda node: node.lineno)
    last = head.iter if isinstance(head, ast.For) else head.test
    return Position(
        position.path, head.lineno, head.lineno, head.col_offset, last.end_col_offset
    )


def comment_of(position: Position) -> str:
    """Return the user's comment at the end of a position's last line, without its sign."""
    line = linecache.getline(position.path, position.end_line)
    try:
        for token in tokenize.generate_tokens(iter([line]).__next__):
            if token.type == tokenize.COMMENT:
                return printable(token.string.lstrip("#"))
    except (tokenize.TokenError, IndentationError, StopIteration, SyntaxError):
        pass
    return ""


def statement_of(position: Position) -> str:
    """Return the user's line at a position, without its comment and return; empty without source."""
    text = position.text.strip()
    comment = comment_of(position)
    if comment and position.end_line == position.line:
        text = text[: text.rindex("#")]
    return printable(text.removeprefix("return "))


def printable(text: str, *, strip: bool = True) -> str:
    """Return text as one line that a comment can hold: no control characters, no direction marks."""
    line = "".join(
        (
            one
            if one.isprintable()
            else " " if one.isspace() else one.encode("unicode_escape").decode()
        )
        for one in text
    )
    return line.strip() if strip else line
