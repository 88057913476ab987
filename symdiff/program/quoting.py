"""What of the user's source stands in comments: his lines, and his own comments once.

In: positions. Out: one line of printable text each, short enough for its place. Nothing
is refused: where no source is to be had the texts are empty.
"""

from __future__ import annotations

import ast
import io
import linecache
import tokenize
from dataclasses import dataclass
from functools import cached_property

from ..source import Position, parse, printable

__all__ = ["Quote", "Quotes", "one_line"]


@dataclass(frozen=True)
class Quote:
    """A statement of the user's: its text without `return`, and what it assigns."""

    text: str
    comment: str
    targets: frozenset[str]


class Quotes:
    """The user's statements by position; each of his comments is given once."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._quotes: dict[tuple[str, int, int], Quote] = {}
        self._told: set[Quote] = set()

    def statement(self, position: Position) -> Quote:
        """Return the statement in which a position stands."""
        if position.path not in self._files:
            self._files[position.path] = _File(position.path)
        file = self._files[position.path]
        first, last = file.span(position.line)
        key = (position.path, first, last)
        if key not in self._quotes:
            self._quotes[key] = file.quote(first, last)
        return self._quotes[key]

    def comment(self, position: Position, name: str) -> str:
        """Return the comment beside the assignment of a name, the first time only."""
        quote = self.statement(position)
        if quote in self._told or (quote.targets and name not in quote.targets):
            return ""
        self._told.add(quote)
        return quote.comment


class _File:
    """One file's lines and the statements that they belong to."""

    def __init__(self, path: str) -> None:
        self.lines = linecache.getlines(path)

    @cached_property
    def statements(self) -> dict[int, ast.stmt]:
        """The innermost statement of each line, if Python can read the file."""
        try:
            tree = parse("".join(self.lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {}
        statements = {}
        for node in ast.walk(tree):  # outer ones first
            if isinstance(node, ast.stmt):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    statements[line] = node
        return statements

    def span(self, line: int) -> tuple[int, int]:
        """Return the first and last line of a statement, or of a loop's head."""
        node = self.statements.get(line)
        if node is None:
            return line, line
        body = getattr(node, "body", None)
        last = node.end_lineno or node.lineno
        return node.lineno, max(node.lineno, body[0].lineno - 1) if body else last

    def quote(self, first: int, last: int) -> Quote:
        node = self.statements.get(first)
        source = "".join(self.lines[first - 1 : last])
        text, comment = one_line(_without_head(source, node))
        return Quote(text.removeprefix("return "), comment, _targets(node))


def _without_head(source: str, node: ast.stmt | None) -> str:
    """Return a statement's source without the `def f(x):` that stands before it."""
    start = 0 if node is None else node.col_offset
    before = source.encode(errors="replace")[:start].decode(errors="replace")
    return source[len(before) :] if before.rstrip().endswith(":") else source


def _targets(node: ast.stmt | None) -> frozenset[str]:
    """Return the names that a statement gives."""
    if isinstance(node, ast.Assign):
        places = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
        places = [node.target]
    else:
        return frozenset()
    names = (one for place in places for one in ast.walk(place))
    return frozenset(one.id for one in names if isinstance(one, ast.Name))


_CLOSING, _OPENING = (")", "]", "}"), ("(", "[", "{")


def one_line(source: str) -> tuple[str, str]:
    """Return a statement on one line, as it is spaced, and its last comment."""
    text, comment, end = "", "", (0, 0)
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.lstrip()).readline):
            if token.type == tokenize.COMMENT:
                beside = token.start[0] == end[0]
                comment = token.string.lstrip("#") if beside else comment
            elif token.string.strip() and token.type != tokenize.INDENT:
                text, end = _joined(text, token, end), token.end
    except (tokenize.TokenError, SyntaxError):
        if not text:  # source that Python reads and tokenize does not
            text = source
    return printable(text.removesuffix(":")), printable(comment)


def _joined(text: str, token: tokenize.TokenInfo, end: tuple[int, int]) -> str:
    """Add a token; what stood on a line of its own comes behind one space, or none."""
    if token.start[0] == end[0]:
        return text + " " * (token.start[1] - end[1]) + token.string
    if token.string in _CLOSING:
        return text.removesuffix(",") + token.string
    bare = not text or text.endswith(_OPENING)
    return text + ("" if bare else " ") + token.string
