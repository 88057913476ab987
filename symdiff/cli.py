"""The command line: `symdiff VERB FILE.py:FUNC ...`.

In: the words of a command. Out: a generated module on stdout or in a file, or a stage
of compiling in readable form; exit code 0 when all is well, 1 when a committed file is
stale, 2 when something is refused. What is refused is said in a few lines on stderr,
without a traceback unless `--traceback` asks for it.

A verb is a function below `@main.command()`; `@_loss_options` gives it the options that
describe a loss. Libraries are imported where they are used: `--help` must be quick.
"""

from __future__ import annotations

import ast
import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import files, loading, terminal
from .settings import CORNERS, REWRITES, Settings, names

if TYPE_CHECKING:
    from .pipeline import Compiled

__all__ = ["main"]

STALE, REFUSED, INTERRUPTED = 1, 2, 130

STAGES: dict[str, Callable[[Compiled], str]] = {
    "graph": lambda compiled: str(compiled.graph),
    "program": lambda compiled: str(compiled.program),
    "latex": lambda compiled: compiled.latex(),
    "source": lambda compiled: compiled.source,
    "corners": lambda compiled: "\n".join(compiled.report.corners or ("none",)),
}

Decorated = TypeVar("Decorated", bound=Callable[..., object])


def _ask_traceback(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.meta["traceback"] = True  # seen by all contexts of one invocation


_traceback_option = click.option(
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
        _traceback_option(self)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            context.exit(INTERRUPTED)
        except (Exception, SystemExit) as error:
            path, _ = loading.split_target(context.params["target"])
            terminal.report(error, path, whole="traceback" in context.meta)
            context.exit(REFUSED)


class Verbs(click.Group):
    """The group of all verbs."""

    command_class = Verb


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
@_traceback_option
def main() -> None:
    """Compile a loss written in NumPy into a module with its gradient."""


# Options that describe a loss.


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


_LOSS_OPTIONS = (
    click.argument("target", metavar="FILE.py:FUNC"),
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
        "--corners",
        type=click.Choice(CORNERS),
        default="least-norm",
        show_default=True,
        help="The slope where the loss has no derivative.",
    ),
    click.option("--no-simplify", is_flag=True, help="Leave the gradient as it is."),
    click.option("--no-share", is_flag=True, help="Compute again what is used twice."),
)


def _loss_options(function: Decorated) -> Decorated:
    """Give a verb the argument and the options that `_compiled` takes."""
    for option in reversed(_LOSS_OPTIONS):
        function = option(function)
    return function


# The verbs.


@main.command("compile")
@_loss_options
@click.option(
    "-o", "--output", metavar="OUT.py", help="File to write; stdout if left out."
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with 1 and the difference if OUT.py is stale.",
)
@click.option(
    "--force", is_flag=True, help="Replace OUT.py even if symdiff did not write it."
)
@click.option("--no-verify", is_flag=True, help="Do not run the module to verify it.")
def compile_command(
    output: str | None, check: bool, force: bool, no_verify: bool, **loss: Any
) -> None:
    """Write the module with the loss's value and gradient."""
    if check and output is None:
        raise click.UsageError("--check needs -o OUT.py, the file to check.")
    if output is not None and not check:
        _check_output(output, loss["target"], force)
    compiled = _compiled(**loss, verify=not no_verify, output=output)
    if output is None:
        terminal.print_text(compiled.source, "python")
    elif check:
        _check(output, compiled.source)
    else:
        files.write(output, compiled.source, force=force)
        terminal.say(f"wrote {output}", "green")


@main.command("show")
@_loss_options
@click.option(
    "--stage",
    type=click.Choice(list(STAGES)),
    default="program",
    show_default=True,
    help="What to show.",
)
def show_command(stage: str, **loss: Any) -> None:
    """Show a stage of compiling the loss."""
    text = STAGES[stage](_compiled(**loss, verify=False))
    language = {"source": "python", "latex": "latex"}.get(stage, "text")
    terminal.print_text(text.rstrip("\n") + "\n", language)


def _compiled(
    target: str,
    args: dict[str, str],
    static: dict[str, str],
    wrt: str | tuple[str, ...] | None,
    dtype: str,
    verify: bool,
    rewrites: str,
    no_rewrite: tuple[str, ...],
    corners: str,
    no_simplify: bool,
    no_share: bool,
    output: str | None = None,
) -> Compiled:
    """Return what the user's loss compiles to."""
    settings = Settings(
        rewrites, names(no_rewrite), corners, not no_simplify, not no_share
    )
    with terminal.progress(f"compiling {target}"):
        from . import pipeline

        loss = loading.load(target)
        with loading.guarded(loss.path):
            return pipeline.compile(
                loss.function,
                {name: _spec(text) for name, text in args.items()},
                static={name: _value(text) for name, text in static.items()},
                wrt=wrt,
                dtype=dtype,
                verify=verify,
                command=_command(loss, args, static, wrt, dtype, settings, output),
                **vars(settings),
            )


def _check(output: str, text: str) -> None:
    difference = files.difference(files.read_text(output), text, output)
    if difference:
        terminal.print_text(difference, "diff")
        terminal.say(f"{output} is stale", "red")
        raise click.exceptions.Exit(STALE)
    terminal.say(f"{output} is fresh", "green")


def _check_output(output: str, target: str, force: bool) -> None:
    """Refuse before the work what `files.write` would refuse after it."""
    path, _ = loading.split_target(target)
    if os.path.realpath(path) == os.path.realpath(output):
        raise click.UsageError(f"-o {output} would replace the loss itself.")
    files.check_output(output, force=force)


# The words of the command, read and written again.


def _spec(text: str) -> object:
    """Return a spec: Python's literal if it is a nested one, else the text itself."""
    return _value(text) if text[0] in "([{" else text


def _value(text: str) -> object:
    """Return the value that Python reads in a text, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _spec_text(text: str) -> str:
    return _value_text(text) if text[0] in "([{" else "".join(text.split())


def _value_text(text: str) -> str:
    """Return the text as Python writes its value: one line, plainly spaced."""
    try:
        ast.literal_eval(text)
        return ast.unparse(ast.parse(text, mode="eval"))
    except (ValueError, SyntaxError):
        return text if text.isprintable() else repr(text)


def _command(
    loss: loading.Loaded,
    args: dict[str, str],
    static: dict[str, str],
    wrt: str | tuple[str, ...] | None,
    dtype: str,
    settings: Settings,
    output: str | None,
) -> str:
    """Return the command that makes the text again, in the folder of its files.

    It is the same however the options were ordered and spaced, and from wherever the
    command was given.
    """
    words = ["symdiff", "compile", f"{loss.path.name}:{loss.name}"]
    if output is not None:
        words += ["-o", os.path.basename(output)]
    for name, text in args.items():
        words += ["--arg", f"{name}={_spec_text(text)}"]
    for name, text in static.items():
        words += ["--static", f"{name}={_value_text(text)}"]
    if wrt is not None:
        words += ["--wrt", wrt if isinstance(wrt, str) else ",".join(wrt)]
    if isinstance(wrt, tuple) and len(wrt) == 1:
        words[-1] += ","
    if dtype != "float64":
        words += ["--dtype", dtype]
    return shlex.join([*words, *settings.words()])
