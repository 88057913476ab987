"""A program as a drawing: a box a statement, an arrow from where a value is made to
where it is read, the forward half and the backward half facing each other.

In: a `Program`. Out: text for Graphviz or Mermaid, or the SVG that Graphviz makes of
it. Refused: a program of more statements than a drawing can show, and an SVG where
Graphviz is not installed.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import FileError, SpecError
from .program.schedule import Program
from .program.statement import Statement
from .source import parse

__all__ = ["dot", "mermaid", "svg"]

MOST = 300  # statements in a drawing

PLAIN = " _.,=+-*/@()[]"  # signs that mean nothing to Mermaid between quotes


@dataclass(frozen=True)
class Box:
    """An argument or a statement: its text, the boxes that it reads, whose gradient it
    is, where there is one.
    """

    text: str
    shape: str
    backward: bool
    reads: tuple[int, ...]
    faces: int | None


def dot(program: Program) -> str:
    """Return the drawing in Graphviz's language.

    Forward values follow each other downwards, gradients upwards beside them.
    """
    boxes = _boxes(program)
    lines = [
        "digraph {",
        "    rankdir=TB; ranksep=0.3; nodesep=0.4",
        '    node [shape=box, style=filled, fontname="monospace", fontsize=10]',
        "    edge [arrowsize=0.6]",
    ]
    for number, box in enumerate(boxes):
        colour = "#fbe3d6" if box.backward else "#dbe9f6"
        label = _dot_text(_label(box))
        lines.append(f'    {number} [label="{label}", fillcolor="{colour}"]')
        for read in box.reads:
            lines.append(f"    {_dot_arrow(read, number, boxes)}")
        if box.faces is not None:
            lines.append(f"    {{ rank=same; {box.faces}; {number} }}")
    return "\n".join([*lines, "}", ""])


def mermaid(program: Program) -> str:
    """Return the drawing in Mermaid's language, a subgraph for each half."""
    boxes = _boxes(program)
    lines = ["flowchart TB"]
    for half, backward in (("forward", False), ("backward", True)):
        lines.append(f"    subgraph {half}")
        lines += [
            f'        b{number}["{_mermaid_text(_label(box))}"]'
            for number, box in enumerate(boxes)
            if box.backward == backward
        ]
        lines.append("    end")
    for number, box in enumerate(boxes):
        for read in box.reads:
            kept = box.backward and not boxes[read].backward
            lines.append(f"    b{read} {'-.->' if kept else '-->'} b{number}")
    return "\n".join([*lines, ""])


def svg(program: Program) -> bytes:
    """Return the drawing as Graphviz's program `dot` makes it.

    Raises
    ------
    FileError
        If there is no such program, or it fails.
    """
    text = dot(program)
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=True
        )
    except FileNotFoundError as error:
        raise FileError(
            "Graphviz's program dot is not installed",
            remedy="Install Graphviz, or show --stage mermaid, which many pages draw.",
        ) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise FileError(f"Graphviz's program dot failed: {said}") from error
    return done.stdout


# The boxes.


def _boxes(program: Program) -> list[Box]:
    """Return a box for each argument that is read and for each statement, in order."""
    statements = [*_halves(program)]
    if len(statements) > MOST:
        raise SpecError(
            f"{len(statements)} statements are too many for a drawing, {MOST} the most",
            remedy="Show the program instead, or a smaller one of its kind.",
        )
    boxes: list[Box] = []
    made: dict[str, int] = {}  # the box that made what a name stands for now
    forward: dict[str, int] = {}
    inputs = {*program.arguments, *([] if program.seed is None else ["cotangent"])}
    for statement, backward in statements:
        names = _names(statement)
        for name in names:
            if name in inputs and name not in made:
                made[name] = len(boxes)
                boxes.append(Box(name, "", name == "cotangent", (), None))
        reads = tuple(dict.fromkeys(made[name] for name in names if name in made))
        faces = forward.pop(statement.target.removeprefix("d_"), None)
        made[statement.target] = len(boxes)
        text = "\n".join(statement.lines)
        boxes.append(
            Box(text, statement.shape, backward, reads, faces if backward else None)
        )
        if not backward:
            forward[statement.target] = len(boxes) - 1
    return boxes


def _halves(program: Program) -> Iterator[tuple[Statement, bool]]:
    """Yield the statements of both passes with their half, results that stand in a
    `return` as statements too.
    """
    for one in (*program.constants, *program.forward):
        yield one, False
    if program.value != "value":
        yield Statement("value", (f"value = {program.value}",), ""), False
    for one in program.backward:
        yield one, True
    for name, text in program.gradients.items():
        if name != text:
            yield Statement(name, (f"{name} = {text}",), ""), True


def _names(statement: Statement) -> list[str]:
    """Return the names in a statement, in order of appearance."""
    nodes = (
        node
        for node in ast.walk(parse("\n".join(statement.lines)))
        if isinstance(node, ast.Name)
    )
    places = {(node.lineno, node.col_offset): node.id for node in nodes}
    found = [places[place] for place in sorted(places)]
    alone = found.count(statement.target) == 1
    return [name for name in found if not alone or name != statement.target]


# The texts.


def _label(box: Box) -> str:
    return f"{box.text}\n{box.shape}" if box.shape else box.text


def _dot_arrow(read: int, number: int, boxes: list[Box]) -> str:
    """Return an arrow; one between gradients is drawn upwards, what is kept for the
    backward pass beside the two halves.
    """
    if not boxes[number].backward:
        return f"{read} -> {number}"
    if boxes[read].backward:
        return f"{number} -> {read} [dir=back]"
    return f"{read} -> {number} [constraint=false, style=dashed, color=gray]"


def _dot_text(text: str) -> str:
    """Return a text as it can stand in a string of Graphviz's, lines to the left."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(f"{line}\\l" for line in plain.split("\n"))


def _mermaid_text(text: str) -> str:
    """Return a text in which Mermaid finds no sign of its own."""
    lines = text.split("\n")
    return "<br>".join("".join(map(_mermaid_sign, line)) for line in lines)


def _mermaid_sign(sign: str) -> str:
    return sign if sign.isalnum() or sign in PLAIN else f"#{ord(sign)};"
