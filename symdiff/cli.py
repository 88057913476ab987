"""The command line: `symdiff VERB [FILE.py:FUNC ...]`.

In: the words of a command. Out: a generated module on stdout or in a file, or a stage
of compiling in readable form; exit code 0 when all is well, 1 when a committed file is
stale, 2 when something is refused. What is refused is said in a few lines on stderr,
without a traceback unless `--traceback` asks for it.

A verb is a function below `@main.command()`; `@_loss_options` gives it the options that
describe a loss. Libraries are imported where they are used: `--help` must be quick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from . import files, loading, terminal
from .job import Job
from .settings import CORNERS, REWRITES, STYLES, Settings, names

if TYPE_CHECKING:
    from .build import Outcome
    from .pipeline import Compiled

__all__ = ["main"]

STALE, REFUSED, INTERRUPTED = 1, 2, 130


def _gradient(compiled: Compiled) -> str:
    """Return the part of the graph that computes gradients."""
    gradients = [name for name in compiled.graph.outputs if name != "value"]
    return compiled.graph.listing(gradients, known=["value"])


def _drawing(language: str) -> Callable[[Compiled], str]:
    def draw(compiled: Compiled) -> str:
        from . import drawing

        return getattr(drawing, language)(compiled.program)

    return draw


STAGES: dict[str, Callable[[Compiled], str]] = {
    "graph": lambda compiled: str(compiled.graph),
    "gradient": _gradient,
    "program": lambda compiled: str(compiled.program),
    "source": lambda compiled: compiled.source,
    "latex": lambda compiled: compiled.latex(),
    "dot": _drawing("dot"),
    "mermaid": _drawing("mermaid"),
    "cost": lambda compiled: "\n".join(compiled.report.table()),
    "rewrites": lambda compiled: "\n".join(compiled.report.rewrites or ("none",)),
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
            path, _ = loading.split_target(context.params["target"] or "")
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
    click.option(
        "--style",
        type=click.Choice(STYLES),
        default="plain",
        show_default=True,
        help="How the module is written; textbook: an operation a line, with its rule.",
    ),
    click.option("--no-simplify", is_flag=True, help="Leave the gradient as it is."),
    click.option("--no-share", is_flag=True, help="Compute again what is used twice."),
)


def _loss_options(function: Decorated) -> Decorated:
    """Give a verb the options that `_job` takes."""
    for option in reversed(_LOSS_OPTIONS):
        function = option(function)
    return function


# The verbs.


@main.command("compile")
@click.argument("target", metavar="[FILE.py:FUNC[,FUNC...]]", required=False)
@_loss_options
@click.option(
    "-o", "--output", metavar="OUT.py", help="File to write; stdout if left out."
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with 1 and the difference if OUT.py is stale.",
)
@click.option("--watch", is_flag=True, help="Compile again whenever a file changes.")
@click.option(
    "--force", is_flag=True, help="Replace OUT.py even if symdiff did not write it."
)
@click.option("--no-verify", is_flag=True, help="Do not run the module to verify it.")
def compile_command(
    check: bool, watch: bool, force: bool, no_verify: bool, **loss: Any
) -> None:
    """Write the module with the loss's value and gradient.

    Without FILE.py:FUNC: all that [tool.symdiff] of the pyproject.toml here or above
    lists.
    """
    if check and watch:
        raise click.UsageError("--check and --watch do not go together.")
    if loss["target"] is None:
        _refuse_options_of_a_loss(*loss, "no_verify")
        _compile_all(_jobs_of_project, check, watch, force)
        return
    job = _job(**loss, verify=not no_verify)
    if (check or watch) and job.output is None:
        raise click.UsageError(f"--{'check' if check else 'watch'} needs -o OUT.py.")
    if watch:
        _compile_all(lambda: [job], check, watch, force)
    else:
        _compile_one(job, check, force)


@main.command("show")
@click.argument("target", metavar="FILE.py:FUNC")
@_loss_options
@click.option(
    "--stage",
    type=click.Choice(list(STAGES)),
    default="program",
    show_default=True,
    help="What to show.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT.svg",
    help="File for the drawing that Graphviz makes.",
)
def show_command(stage: str, output: str | None, **loss: Any) -> None:
    """Show a stage of compiling the loss."""
    if output is not None and (stage != "dot" or not output.endswith(".svg")):
        raise click.UsageError("-o OUT.svg goes with --stage dot.")
    if "," in loading.split_target(loss["target"])[1]:
        raise click.UsageError("show takes one function.")
    job = _job(**loss, verify=False)
    with terminal.progress(f"compiling {job.target}"):
        compiled = job.compile()
    if output is not None:
        from . import drawing

        files.write_bytes(output, drawing.svg(compiled.program))
        terminal.say(f"wrote {output}", "green")
        return
    text = STAGES[stage](compiled).rstrip("\n") + "\n"
    language = {"source": "python", "program": "python", "latex": "latex"}
    terminal.show(text, language.get(stage, "text"))


def _job(
    rewrites: str,
    no_rewrite: tuple[str, ...],
    corners: str,
    no_simplify: bool,
    no_share: bool,
    style: str,
    **words: Any,
) -> Job:
    """Return the job that the words of a command ask for."""
    settings = Settings(
        rewrites, names(no_rewrite), corners, not no_simplify, not no_share, style
    )
    return Job(**words, settings=settings)


# One module, in this process.


def _compile_one(job: Job, check: bool, force: bool) -> None:
    if job.output is not None and not check:
        job.check_output(force=force)
    with terminal.progress(f"compiling {job.target}"):
        text = job.text()
    if job.output is None:
        terminal.print_text(text, "python")
    elif not check:
        files.write(job.output, text, force=force)
        _tell(job.output, "written")
    elif difference := files.difference(files.read_text(job.output), text, job.output):
        terminal.print_text(difference, "diff")
        _tell(job.output, "stale")
        raise click.exceptions.Exit(STALE)
    else:
        _tell(job.output, "fresh")


def _tell(output: str, state: str) -> None:
    line = f"wrote {output}" if state == "written" else f"{output} is {state}"
    terminal.say(line, "green" if state in ("fresh", "written") else "red")


# All modules of a project, each in a process of its own.


def _refuse_options_of_a_loss(*options: str) -> None:
    context = click.get_current_context()
    for name in options:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(one for one in context.command.params if one.name == name)
            raise click.UsageError(f"{option.opts[-1]} needs FILE.py:FUNC.")


def _jobs_of_project() -> Sequence[Job]:
    from .project import read_project

    return read_project().jobs


def _compile_all(
    read: Callable[[], Sequence[Job]], check: bool, watch: bool, force: bool
) -> None:
    """Bring the outputs of all jobs up to date; exit with the gravest of their codes."""
    if watch:
        _watch(read, force)
        return
    states = {one.state for one in _build(read(), check, force)}
    if states & {"refused", "stale"}:
        raise click.exceptions.Exit(REFUSED if "refused" in states else STALE)


def _watch(read: Callable[[], Sequence[Job]], force: bool) -> None:
    from .watch import watch

    try:
        watch(
            read,
            lambda jobs: _build(jobs, False, force),
            lambda error: terminal.report(error, "", whole=False),
        )
    except KeyboardInterrupt:
        terminal.say("stopped", "")


def _build(jobs: Sequence[Job], check: bool, force: bool) -> Sequence[Outcome]:
    from .build import build

    whole = "traceback" in click.get_current_context().meta
    with terminal.bar("compiling", len(jobs)) as advance:
        outcomes = build(jobs, check=check, force=force, whole=whole, advance=advance)
    for job, outcome in zip(jobs, outcomes, strict=True):
        assert job.output is not None
        if outcome.state == "refused":
            terminal.say_error(outcome.text)
        elif outcome.text:
            terminal.print_text(outcome.text, "diff")
        _tell(job.output, outcome.state)
    return outcomes
