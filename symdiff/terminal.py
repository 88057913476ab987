"""What a command says, and where: its text on stdout, all else on stderr.

In: texts and errors. Out: coloured lines on a terminal, plain ones in a pipe or a file.
`rich` is imported only where there is something to say.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size

import click

from .errors import SymdiffError
from .loading import last_position

__all__ = [
    "bar",
    "described",
    "print_text",
    "progress",
    "report",
    "say",
    "say_error",
    "show",
]


def print_text(text: str, language: str) -> None:
    """Print a text in colour on a terminal, its bare bytes into a pipe or a file."""
    if sys.stdout.isatty():
        click.echo(_coloured(text, language), nl=False)
    else:
        click.echo(text.encode(), nl=False)


def show(text: str, language: str) -> None:
    """Print a text as `print_text` does, in a pager where it is longer than the screen."""
    if sys.stdout.isatty() and text.count("\n") >= get_terminal_size().lines:
        click.echo_via_pager(_coloured(text, language), color=True)
    else:
        print_text(text, language)


def _coloured(text: str, language: str) -> str:
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console()
    with console.capture() as captured:
        coloured = Syntax("", language, background_color="default").highlight(text)
        console.print(coloured, soft_wrap=True, end="")
    return captured.get()


def say(text: str, style: str, rest: str = "") -> None:
    """Print a line on stderr: `text` in a style, the rest without."""
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble((text, style), rest)
    Console(stderr=True).print(line, soft_wrap=True)


def report(error: BaseException, path: str | os.PathLike[str], whole: bool) -> None:
    """Print what is wrong, and where in the user's file.

    The traceback is printed if the `whole` of it is asked for, and where the error is
    neither one of symdiff's nor one of the user's file: then it is symdiff's fault.
    """
    say_error(described(error, path, whole))


def say_error(text: str) -> None:
    """Print on stderr what `described` gives."""
    kind, colon, rest = text.partition(":")
    say(kind, "bold red", colon + rest)


def described(error: BaseException, path: str | os.PathLike[str], whole: bool) -> str:
    """Return what `report` would print."""
    text = "" if whole else _description(error, path)
    if text:
        return f"{type(error).__name__}: {text}"
    return "".join(traceback.format_exception(error)).rstrip()


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show on a terminal that work is under way."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(text)):
        yield


@contextmanager
def bar(text: str, total: int) -> Iterator[Callable[[], object]]:
    """Show on a terminal how much is done; yields what is called for each part."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(text, total=total)
        yield lambda: shown.advance(task)


def _description(error: BaseException, path: str | os.PathLike[str]) -> str:
    if isinstance(error, SymdiffError):
        return str(error)
    position = last_position(error, path)
    if position is None:
        return ""
    return f"{position}: {error}\n{position.underlined()}".rstrip()
