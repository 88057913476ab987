"""`symdiff check FILE.py:FUNC [FILE.py:GRADIENT]`: whether the gradient is right.

Out: the record of the check on stdout, in words or as JSON. Exit code 0 where the
gradient is right, 1 where it is wrong, 3 where the differences do not decide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .. import loading, terminal
from ..job import Job
from ..settings import Settings
from .options import EXIT_CODES, Verb, job, loss_options

if TYPE_CHECKING:
    from ..checkup import Checkup

__all__ = ["verb"]


@click.command("check", cls=Verb)
@click.argument("target", metavar="FILE.py:FUNC")
@click.argument("gradient", metavar="[FILE.py:GRADIENT]", required=False)
@loss_options
@click.option(
    "--data",
    metavar="FILE.npz",
    help="Arguments to check at, by name; made up from the specs if left out, or drawn "
    "by a function sample(rng, sizes) beside the loss.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of what is drawn."
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def verb(
    gradient: str | None, data: str | None, seed: int, as_json: bool, **loss: Any
) -> None:
    """Check the gradient of the loss, emitted or your own, against differences.

    Exits with 0 if it is right, 1 if it is wrong, 3 if that cannot be decided.
    """
    asked = job(**loss, verify=False)
    if gradient is not None and asked.settings != Settings():
        raise click.UsageError("options of compiling go without FILE.py:GRADIENT.")
    with terminal.progress(f"checking {asked.target}"):
        found = _found(asked, gradient, data, seed)
    text = json.dumps(found.as_dict(), indent=2) if as_json else str(found)
    terminal.print_text(text + "\n", "json" if as_json else "text")
    raise click.exceptions.Exit(EXIT_CODES[found.outcome])


def _found(asked: Job, gradient: str | None, data: str | None, seed: int) -> Checkup:
    from ..checkup import check
    from ..inputs import load_data

    loss = loading.load(asked.target)
    options: dict[str, Any] = {**asked.arguments(), "seed": seed}
    if gradient is None:
        options |= vars(asked.settings)
    else:
        options["gradient"] = loading.load(gradient).function
    if data is not None:
        options["data"] = load_data(data)
    with loading.guarded(loss.path):
        return check(loss.function, **options)
