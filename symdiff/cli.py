"""The command line: `symdiff VERB [FILE.py:FUNC ...]`.

In: the words of a command. Out: what its verb prints or writes; exit code 0 when all is
well, 1 when it is not, 2 when something is refused, 3 when it cannot be decided. A verb
is a module of `commands`, imported when it is asked for: `--help` must be quick.
"""

from __future__ import annotations

from importlib import import_module

import click

from .commands.options import traceback_option

__all__ = ["main"]

VERBS = ("check", "compare", "compile", "prove", "show")


class Verbs(click.Group):
    """The group of all verbs."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f".commands.{name}", __package__).verb
        return command


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from . import __version__

        click.echo(f"symdiff {__version__}")
        context.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
@traceback_option
def main() -> None:
    """Compile a loss written in NumPy into a module with its gradient."""
