"""What the verbs share: how they refuse, and the options that describe a loss.

In: the words of a command. Out: the `Job` that they ask for; or exit code 2 and a few
lines on stderr, where something is refused, without a traceback unless `--traceback`
asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .. import loading, terminal
from ..job import Job
from ..settings import (
    CORNERS,
    REWRITES,
    STYLES,
    Settings,
    limit_text,
    names,
    sizes_at,
)

__all__ = [
    "EXIT_CODES",
    "REFUSED",
    "Verb",
    "job",
    "loss_options",
    "traceback_option",
]

REFUSED, INTERRUPTED = 2, 130

# By what is found of a gradient, or of two.
EXIT_CODES = {"right": 0, "equal": 0, "wrong": 1, "different": 1, "undecided": 3}

Decorated = TypeVar("Decorated", bound=Callable[..., object])


def _ask_traceback(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.meta["traceback"] = True  # seen by all contexts of one invocation


traceback_option = click.option(
    "--traceback",
    is_flag=True,
    expose_value=False,
    callback=_ask_traceback,
    help="Show the whole traceback of an error.",
)


class Verb(click.Command):
    """A command that says in a few lines what is refused, and why."""

    def __init__(self, *words: Any, **settings: Any) -> None:
        super().__init__(*words, **settings)
        traceback_option(self)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            context.exit(INTERRUPTED)
        except (Exception, SystemExit) as error:
            path, _ = loading.split_target(context.params["target"] or "")
            terminal.report(error, path, whole="traceback" in context.meta)
            context.exit(REFUSED)


def _pairs(
    _: click.Context, parameter: click.Parameter, words: tuple[str, ...]
) -> dict[str, str]:
    """Return the texts of `NAME=TEXT` by name, in the order of the names."""
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not (name and equals and text):
            raise click.BadParameter(f"{word!r} is not of the form {parameter.metavar}")
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice")
        pairs[name] = text
    return dict(sorted(pairs.items()))


def _names(
    _: click.Context, __: click.Parameter, text: str | None
) -> str | tuple[str, ...] | None:
    """Return one name as it is, several (or one with a comma) as a tuple."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.removesuffix(",").split(","))
    if not all(names):
        raise click.BadParameter(f"{text!r} has an empty name")
    return names if "," in text else names[0]


_ARGUMENTS = (
    click.option(
        "--arg",
        "args",
        metavar="NAME=SPEC",
        multiple=True,
        callback=_pairs,
        help="Shape and dtype of an argument: X=n,784 or labels=n:int64 or b=() for a "
        'scalar; or nested, as Python writes it: \'params=[{"W": "3,4"}]\'. '
        "Overrides ARGS and annotations.",
    ),
    click.option(
        "--static",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_pairs,
        help="Value of an argument that is baked in: depth=3.",
    ),
    click.option(
        "--wrt",
        metavar="NAME[,NAME...]",
        callback=_names,
        help="Arguments to differentiate; several, or one with a comma, give a named "
        "tuple. The first argument if left out.",
    ),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "float64"]),
        default="float64",
        show_default=True,
        help="Dtype of arguments whose spec has none.",
    ),
)

_SETTINGS = (
    click.option(
        "--rewrites",
        type=click.Choice(REWRITES),
        default="safe",
        show_default=True,
        help="Which rewrites may change how the loss is computed.",
    ),
    click.option(
        "--no-rewrite",
        metavar="NAME",
        multiple=True,
        help="A rewrite to leave out.",
    ),
    click.option(
        "--rewrite",
        metavar="NAME",
        multiple=True,
        help="A rewrite that is made only if asked for: tanh.",
    ),
    click.option(
        "--corners",
        type=click.Choice(CORNERS),
        default="least-norm",
        show_default=True,
        help="The slope where the loss has no derivative.",
    ),
    click.option(
        "--style",
        type=click.Choice(STYLES),
        default="plain",
        show_default=True,
        help="How the module is written; textbook: an operation a line, with its rule; "
        "fast: it computes in arrays that it keeps.",
    ),
    click.option(
        "--memory-limit",
        metavar="SIZE",
        default="",
        help="The most that a call of value_and_grad may hold beside its arguments: "
        "512MiB. What is cheap to compute is computed again rather than kept.",
    ),
    click.option(
        "--at",
        metavar="NAME=SIZE",
        multiple=True,
        callback=_pairs,
        help="Value of an unknown size for which the limit holds: n=4096.",
    ),
    click.option("--no-simplify", is_flag=True, help="Leave the gradient as it is."),
    click.option("--no-share", is_flag=True, help="Compute again what is used twice."),
)


def argument_options(function: Decorated) -> Decorated:
    """Give a verb the options that describe the arguments of a loss."""
    for option in reversed(_ARGUMENTS):
        function = option(function)
    return function


def loss_options(function: Decorated) -> Decorated:
    """Give a verb the options that `job` takes."""
    for option in reversed(_SETTINGS):
        function = option(function)
    return argument_options(function)


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def job(
    rewrites: str,
    no_rewrite: tuple[str, ...],
    rewrite: tuple[str, ...],
    corners: str,
    no_simplify: bool,
    no_share: bool,
    style: str,
    memory_limit: str,
    at: dict[str, str],
    **words: Any,
) -> Job:
    """Return the job that the words of a command ask for."""
    settings = Settings(
        rewrites,
        names(no_rewrite),
        corners,
        not no_simplify,
        not no_share,
        style,
        limit_text(memory_limit),
        sizes_at({name: _number(text) for name, text in at.items()}),
        names(rewrite),
    )
    return Job(**words, settings=settings)
