"""Drawings of programs, and compiled losses as notebooks show them."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import symdiff
from symdiff.drawing import dot, mermaid, svg
from symdiff.errors import FileError, SpecError
from symdiff.pipeline import Compiled
from symdiff.program.schedule import Program
from symdiff.program.statement import Statement

ARROW = re.compile(r"^    (\d+) -> (\d+)(.*)$", re.MULTILINE)
BOX = re.compile(r'^    (\d+) \[label="(.*)", fillcolor="(.*)"\]$', re.MULTILINE)


def network(W, v, X, y):
    h = np.tanh(X @ W)
    error = h @ v - y
    return np.mean(error**2)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    args = {"W": ("d", "k"), "v": "k", "X": ("n", "d"), "y": "n"}
    return symdiff.compile(network, args, wrt=("W", "v"), verify=False)


def boxes(text: str) -> dict[int, str]:
    return {int(number): label for number, label, _ in BOX.findall(text)}


def number_of(text: str, start: str) -> int:
    return next(one for one, label in boxes(text).items() if label.startswith(start))


def test_a_statement_is_a_box_and_what_it_reads_an_arrow(compiled: Compiled) -> None:
    text = dot(compiled.program)
    assert {"h = np.tanh(X @ W)\\l(n, k)\\l", "W\\l"} <= set(boxes(text).values())
    program = compiled.program
    inputs = ["X", "W", "v", "y", "cotangent"]
    count = len(program.forward) + len(program.backward) + len(inputs)
    assert len(boxes(text)) == count
    h, error = number_of(text, "h = "), number_of(text, "error = ")
    arrows = {(int(a), int(b)): rest for a, b, rest in ARROW.findall(text)}
    assert arrows[number_of(text, "X"), h] == ""
    assert arrows[h, error] == ""
    # Gradients are laid out upwards; what the forward pass keeps for them pulls nothing.
    d_error, d_v = number_of(text, "d_error = "), number_of(text, "d_v = ")
    assert arrows[d_v, d_error] == " [dir=back]"
    assert "constraint=false" in arrows[h, d_v]


def test_a_gradient_faces_its_value(compiled: Compiled) -> None:
    text = dot(compiled.program)
    pair = f"{number_of(text, 'error = ')}; {number_of(text, 'd_error = ')}"
    assert f"    {{ rank=same; {pair} }}\n" in text


def test_the_layout_has_no_circle(compiled: Compiled) -> None:
    below: dict[int, set[int]] = {}
    for a, b, rest in ARROW.findall(dot(compiled.program)):
        if "constraint=false" not in rest:
            below.setdefault(int(a), set()).add(int(b))
    placed: set[int] = set()
    left = set(below)
    while left:
        free = {one for one in left if not below[one] & left}
        assert free, "a circle"
        placed |= free
        left -= free


def test_both_languages_draw_the_same(compiled: Compiled) -> None:
    text = mermaid(compiled.program)
    halves = text.partition("subgraph backward")
    assert "h = np.tanh(X @ W)<br>(n, k)" in halves[0]
    assert "d_v = " in halves[2]
    drawn = {
        frozenset(pair) for pair in re.findall(r"^    b(\d+) \S+ b(\d+)$", text, re.M)
    }
    arrows = ARROW.findall(dot(compiled.program))
    assert drawn == {frozenset(arrow[:2]) for arrow in arrows}


def with_forward(program: Program, *lines: str) -> Program:
    statements = tuple(Statement(f"t{i}", (line,), "") for i, line in enumerate(lines))
    return dataclasses.replace(program, forward=statements)


def test_texts_stay_texts(compiled: Compiled) -> None:
    hostile = """t0 = X["\\"]; 9 -> 9 [URL=evil]; # %% <b> `"]"""
    program = with_forward(compiled.program, hostile)
    shown = number_of(dot(program), "t0 = ")
    label = boxes(dot(program))[shown]
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', label)
    assert label.replace('\\"', '"').replace("\\\\", "\\") == hostile + "\\l"
    (line,) = [line for line in mermaid(program).split("\n") if "t0 = " in line]
    inside = re.fullmatch(r' +b\d+\["(.*)"\]', line)
    assert inside
    assert not set(re.sub(r"#\d+;", "", inside[1])) & set('"#;%<>`&{}')


def test_a_very_large_program_is_refused(compiled: Compiled) -> None:
    program = with_forward(compiled.program, *["t0 = X"] * 1000)
    for draw in (dot, mermaid):
        with pytest.raises(SpecError, match=r"100\d statements are too many"):
            draw(program)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the only one in which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(path: Path, body: str) -> None:
    program = path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    program.chmod(0o755)


def test_graphviz_makes_the_svg(path: Path, compiled: Compiled) -> None:
    install(path, "print(sys.argv[1:], len(sys.stdin.read()))")
    size = len(dot(compiled.program))
    assert svg(compiled.program).decode() == f"['-Tsvg'] {size}\n"


def test_without_graphviz_the_remedy_is_said(path: Path, compiled: Compiled) -> None:
    with pytest.raises(FileError, match="Install Graphviz, or show --stage mermaid"):
        svg(compiled.program)
    install(path, "sys.exit('syntax error')")
    with pytest.raises(FileError, match="dot failed: syntax error"):
        svg(compiled.program)


# In a notebook.


class Tags(HTMLParser):
    """Collects the tags of a page and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attributes} <= {"style"}

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(x):
    y = x * 2  # </pre><script>alert(1)</script>
    return np.sum(y * (y < 3))


def test_a_notebook_shows_formula_costs_and_source() -> None:
    compiled = symdiff.compile(hostile, {"x": "n"}, verify=False)
    read = Tags()
    read.feed(compiled._repr_html_())
    tags = {"details", "div", "pre", "span", "summary", "table", "td", "th", "tr"}
    assert read.tags <= tags
    assert f"$${compiled.latex()}$$" in read.text
    assert compiled.source in read.text
    assert "</pre><script>alert(1)</script>" in read.text
    for count in compiled.report.forward.texts():
        assert count in read.text
    assert compiled._repr_latex_() == f"$${compiled.latex()}$$"


# In a terminal.


def test_a_long_text_is_paged_in_a_terminal_only(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    script = (
        "import sys\n"
        "from symdiff.terminal import show\n"
        "show('x = 1\\n' * int(sys.argv[1]), 'python')\n"
    )
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged\ncat\n")
    pager.chmod(0o755)
    environment = {**os.environ, "TERM": "xterm", "LINES": "9", "PAGER": str(pager)}

    def shown(lines: int, **streams: int) -> None:
        command = [sys.executable, "-c", script, str(lines)]
        subprocess.run(command, check=True, env=environment, **streams)

    ours, theirs = pty.openpty()
    for lines, paged in ((3, False), (30, True)):
        shown(lines, stdin=theirs, stdout=theirs)
        text = os.read(ours, 100_000)
        assert (b"paged" in text, text.count(b"\x1b[") >= lines) == (paged, True)
    os.close(theirs)
    os.close(ours)
