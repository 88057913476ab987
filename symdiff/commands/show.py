"""`symdiff show FILE.py:FUNC`: a stage of compiling a loss, in readable form.

Out: text on stdout, or Graphviz's drawing in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .. import files, loading, terminal
from .options import Verb, job, loss_options

if TYPE_CHECKING:
    from ..pipeline import Compiled

__all__ = ["STAGES", "verb"]


def _gradient(compiled: Compiled) -> str:
    """Return the part of the graph that computes gradients."""
    gradients = [name for name in compiled.graph.outputs if name != "value"]
    return compiled.graph.listing(gradients, known=["value"])


def _drawing(language: str) -> Callable[[Compiled], str]:
    def draw(compiled: Compiled) -> str:
        from .. import drawing

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


@click.command("show", cls=Verb)
@click.argument("target", metavar="FILE.py:FUNC")
@loss_options
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
def verb(stage: str, output: str | None, **loss: Any) -> None:
    """Show a stage of compiling the loss."""
    if output is not None and (stage != "dot" or not output.endswith(".svg")):
        raise click.UsageError("-o OUT.svg goes with --stage dot.")
    if "," in loading.split_target(loss["target"])[1]:
        raise click.UsageError("show takes one function.")
    asked = job(**loss, verify=False)
    with terminal.progress(f"compiling {asked.target}"):
        compiled = asked.compile()
    if output is not None:
        from .. import drawing

        files.write_bytes(output, drawing.svg(compiled.program))
        terminal.say(f"wrote {output}", "green")
        return
    text = STAGES[stage](compiled).rstrip("\n") + "\n"
    language = {"source": "python", "program": "python", "latex": "latex"}
    terminal.show(text, language.get(stage, "text"))
