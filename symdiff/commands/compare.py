"""`symdiff compare FILE.py:FUNC`: all ways to a loss's gradient side by side.

Out: a table on stdout, or JSON; a picture in a file. Exit code 1 where an emitted
gradient, or the one that is given, is not the reference's; 2 where one of these fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import loading, terminal
from ..job import Job
from ..settings import STYLES
from .options import EXIT_CODES, REFUSED, Verb, argument_options

if TYPE_CHECKING:
    from ..comparison import Comparison

__all__ = ["verb"]


def _sizes(
    _: click.Context, __: click.Parameter, words: tuple[str, ...]
) -> dict[str, int]:
    """Return sizes by name, from NAME=NUMBER."""
    sizes = {}
    for word in words:
        name, number = (word.split("=") + [""])[:2]
        if not number.isdecimal():
            raise click.BadParameter(f"{word!r} is not of the form NAME=NUMBER")
        sizes[name.strip()] = int(number)
    return sizes


def _listed(
    _: click.Context, __: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    return None if text is None else tuple(one.strip() for one in text.split(","))


@click.command("compare", cls=Verb)
@click.argument("target", metavar="FILE.py:FUNC")
@argument_options
@click.option("--gradient", metavar="FILE.py:GRAD", help="A gradient of your own.")
@click.option(
    "--size",
    "sizes",
    metavar="NAME=NUMBER",
    multiple=True,
    callback=_sizes,
    help="The value of an unknown size; 100 if left out.",
)
@click.option(
    "--data",
    metavar="FILE.npz",
    help="Arguments to compare at, by name; made up from the specs if left out, or drawn "
    "by a function sample(rng, sizes) beside the loss.",
)
@click.option(
    "--methods",
    metavar="NAME[,NAME...]",
    callback=_listed,
    help="Which methods to compare; all if left out.",
)
@click.option("--rounds", default=7, show_default=True, help="How often each is timed.")
@click.option(
    "--budget",
    default=0.2,
    show_default=True,
    help="Seconds that a run may take; longer ones are extrapolated.",
)
@click.option(
    "--seed", default=0, show_default=True, help="What samples are drawn from."
)
@click.option("--plot", metavar="OUT.png|svg|html", help="File for a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def verb(
    target: str,
    gradient: str | None,
    data: str | None,
    plot: str | None,
    as_json: bool,
    args: dict[str, str],
    static: dict[str, str],
    wrt: str | tuple[str, ...] | None,
    dtype: str,
    **options: Any,
) -> None:
    """Compare the ways to a loss's gradient: how exact they are, and what they cost."""
    from ..comparison import compare
    from ..inputs import load_data

    if plot is not None:
        from ..comparison.plot import check_ending

        check_ending(plot)
    job = Job(target, args=args, static=static, wrt=wrt, dtype=dtype)
    loss = loading.load(target)
    with terminal.progress(f"comparing {target}"), loading.guarded(loss.path):
        comparison = compare(
            loss.function,
            gradient=None if gradient is None else loading.load(gradient).function,
            data=None if data is None else load_data(data),
            **job.arguments(),
            **options,
        )
    if plot is not None:
        comparison.plot(plot)
        terminal.say(f"wrote {plot}", "green")
    text = comparison.json() if as_json else str(comparison)
    terminal.print_text(f"{text}\n", "json" if as_json else "text")
    raise click.exceptions.Exit(_exit_code(comparison))


def _exit_code(comparison: Comparison) -> int:
    """Return the exit code, which is about the emitted gradients and the given one."""
    own = ("given", *(f"symdiff-{style}" for style in STYLES))
    rows = [row for row in comparison.rows if row.method in own]
    wrong = [
        row for row in rows if not row.error and not comparison.is_right(row.method)
    ]
    if wrong:
        return EXIT_CODES["wrong"]
    return REFUSED if any(row.error for row in rows) else EXIT_CODES["right"]
