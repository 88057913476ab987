"""`symdiff prove FILE.py:LOSS FILE.py:GRADIENT`: whether the gradient is the gradient.

Out: the verdict on stdout, in words or as JSON. Exit code 0 where it is proved to be
equal, 1 where it is different, 3 where it is neither.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .. import loading, terminal
from ..job import Job
from .options import EXIT_CODES, Verb, argument_options

if TYPE_CHECKING:
    from ..proof import Proof

__all__ = ["verb"]


@click.command("prove", cls=Verb)
@click.argument("target", metavar="FILE.py:LOSS")
@click.argument("other", metavar="FILE.py:GRADIENT")
@argument_options
@click.option("--same", is_flag=True, help="Compare the two functions themselves.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def verb(other: str, same: bool, as_json: bool, **loss: Any) -> None:
    """Prove that a gradient is the loss's, or find where it is not.

    Exits with 0 if they are equal, 1 if they are different, 3 if that is undecided.
    """
    asked = Job(**loss)
    with terminal.progress(f"proving {other}"):
        found = _found(asked, other, same)
    text = json.dumps(found.as_dict(), indent=2) if as_json else str(found)
    terminal.print_text(text + "\n", "json" if as_json else "text")
    raise click.exceptions.Exit(EXIT_CODES[found.verdict])


def _found(asked: Job, other: str, same: bool) -> Proof:
    from ..proof import prove

    loss, second = loading.load(asked.target), loading.load(other)
    with loading.guarded(loss.path):
        return prove(loss.function, second.function, **asked.arguments(), same=same)
