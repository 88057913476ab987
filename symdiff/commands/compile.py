"""`symdiff compile [FILE.py:FUNC]`: the module with a loss's value and gradient.

Out: a generated module on stdout or in a file; or all those of a project, each made in
a process of its own. Exit code 1 where `--check` finds a committed file stale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .. import files, terminal
from ..job import Job
from ..timings import recorded, table
from . import options

if TYPE_CHECKING:
    from ..build import Outcome

__all__ = ["verb"]

STALE = 1


@click.command("compile", cls=options.Verb)
@click.argument("target", metavar="[FILE.py:FUNC[,FUNC...]]", required=False)
@options.loss_options
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
@click.option("--timings", is_flag=True, help="Say how long each stage takes.")
def verb(
    check: bool, watch: bool, force: bool, no_verify: bool, timings: bool, **loss: Any
) -> None:
    """Write the module with the loss's value and gradient.

    Without FILE.py:FUNC: all that [tool.symdiff] of the pyproject.toml here or above
    lists.
    """
    if watch and (check or timings):
        other = "check" if check else "timings"
        raise click.UsageError(f"--{other} and --watch do not go together.")
    if loss["target"] is None:
        _refuse_options_of_a_loss(*loss, "no_verify", "timings")
        _compile_all(_jobs_of_project, check, watch, force)
        return
    job = options.job(**loss, verify=not no_verify)
    if (check or watch) and job.output is None:
        raise click.UsageError(f"--{'check' if check else 'watch'} needs -o OUT.py.")
    if watch:
        _compile_all(lambda: [job], check, watch, force)
    elif timings:
        with recorded() as seconds:
            _compile_one(job, check, force)
        terminal.say("\n".join(table(seconds)), "")
    else:
        _compile_one(job, check, force)


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


def _refuse_options_of_a_loss(*names: str) -> None:
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(one for one in context.command.params if one.name == name)
            raise click.UsageError(f"{option.opts[-1]} needs FILE.py:FUNC.")


def _jobs_of_project() -> Sequence[Job]:
    from ..project import read_project

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
        raise click.exceptions.Exit(options.REFUSED if "refused" in states else STALE)


def _watch(read: Callable[[], Sequence[Job]], force: bool) -> None:
    from ..watch import watch

    try:
        watch(
            read,
            lambda jobs: _build(jobs, False, force),
            lambda error: terminal.report(error, "", whole=False),
        )
    except KeyboardInterrupt:
        terminal.say("stopped", "")


def _build(jobs: Sequence[Job], check: bool, force: bool) -> Sequence[Outcome]:
    from ..build import build

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
