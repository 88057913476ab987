"""Many modules at once: rebuilt where they are stale, checked, watched."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import symdiff.watch
from symdiff.build import Outcome, times_of_change
from symdiff.cli import main
from symdiff.errors import SpecError, SymdiffError
from symdiff.job import Job
from symdiff.watch import watch

ROOT = Path(__file__).parents[1]

LOSS = """\
import numpy as np
from shapes_of_this import scale

ARGS = {"w": (3,), "X": ("n", 3)}


def loss(w, X):
    return np.mean((X @ w) ** 2) * scale
"""

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two losses of one name, beside modules of one name."""
    monkeypatch.chdir(tmp_path)
    settings = ""
    for place, scale in (("one", 3), ("two", 5)):
        inner = tmp_path / place
        inner.mkdir()
        (inner / "loss.py").write_text(LOSS)
        (inner / "shapes_of_this.py").write_text(f"scale = {scale}\n")
        settings += entry(f"{place}/loss.py:loss", f"{place}/gradient.py")
    (tmp_path / "pyproject.toml").write_text(settings)
    return tmp_path


def entry(target: str, output: str) -> str:
    return f'[[tool.symdiff.compile]]\ntarget = "{target}"\noutput = "{output}"\n'


def path(*parts: str) -> str:
    return os.path.join(*parts)


@pytest.fixture
def run(folder: Path) -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, words, prog_name="symdiff")

    return invoke


def test_every_module_is_written_and_then_fresh(folder: Path, run: Run) -> None:
    result = run("compile")
    assert result.exit_code == 0, result.stderr
    one, two = path("one", "gradient.py"), path("two", "gradient.py")
    assert result.stderr == f"wrote {one}\nwrote {two}\n"
    texts = [(folder / place / "gradient.py").read_text() for place in ("one", "two")]
    scales = [re.search(r"\.mean\(\) \* (\d)", text) for text in texts]
    assert [scale and scale[1] for scale in scales] == ["3", "5"]
    header = (
        "# Do not edit; regenerate with\n#     symdiff compile loss.py:loss -o grad"
    )
    assert header in texts[0]
    times = [(folder / place / "gradient.py").stat() for place in ("one", "two")]
    for words in (("compile",), ("compile", "--check")):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"{one} is fresh\n{two} is fresh\n"
    # A file that is fresh is left alone.
    assert times == [
        (folder / place / "gradient.py").stat() for place in ("one", "two")
    ]


def test_a_module_in_the_current_folder_hides_none_of_pythons(folder: Path) -> None:
    for name in ("random", "signal", "tokenize"):
        (folder / f"{name}.py").write_text("raise RuntimeError\n")
    # As the command `symdiff` does, which does not look in the current folder.
    script = "import sys; sys.path.remove(''); from symdiff.cli import main; main()"
    command = [sys.executable, "-c", script, "compile"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_change_of_what_the_loss_imports_makes_it_stale(
    folder: Path, run: Run
) -> None:
    run("compile")
    (folder / "two" / "shapes_of_this.py").write_text("scale = 7\n")
    result = run("compile", "--check")
    assert result.exit_code == 1
    assert f"{path('one', 'gradient.py')} is fresh" in result.stderr
    assert f"{path('two', 'gradient.py')} is stale" in result.stderr
    assert re.search(r"^\+ .* \* 7", result.stdout, re.MULTILINE)
    assert "* 5" in (folder / "two" / "gradient.py").read_text()
    assert run("compile").stderr.endswith(f"wrote {path('two', 'gradient.py')}\n")
    assert run("compile", "--check").exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def loss(x):\n    return float(x)\n", "ValueDependenceError: loss.py:2: "),
        ("def loss(x):\n    return [][x.ndim]\n", "IndexError: loss.py:2: "),
        ("import os\nos._exit(3)\n", "loss.py:loss ended Python, exit code 3"),
        (None, "FileError: there is no file "),
    ],
)
def test_what_is_refused_stops_no_other(
    folder: Path, run: Run, text: str | None, said: str
) -> None:
    if text is None:
        (folder / "one" / "loss.py").unlink()
    else:
        (folder / "one" / "loss.py").write_text(text)
    settings = (folder / "pyproject.toml").read_text()
    settings = settings.replace("\n[[", '\nargs = { x = "()" }\n[[', 1)
    (folder / "pyproject.toml").write_text(settings)
    result = run("compile")
    assert result.exit_code == 2
    assert said in result.stderr
    assert f"{path('one', 'gradient.py')} is refused\n" in result.stderr
    assert f"wrote {path('two', 'gradient.py')}\n" in result.stderr
    assert not (folder / "one" / "gradient.py").exists()
    assert run("compile", "--check").exit_code == 2


def test_a_file_of_the_users_is_never_replaced_unless_forced(
    folder: Path, run: Run
) -> None:
    (folder / "one" / "gradient.py").write_text("mine = 1\n")
    result = run("compile")
    assert result.exit_code == 2
    assert "was not generated by symdiff" in result.stderr
    assert (folder / "one" / "gradient.py").read_text() == "mine = 1\n"
    assert run("compile", "--force").exit_code == 0
    assert "mine" not in (folder / "one" / "gradient.py").read_text()


def test_the_traceback_is_shown_where_it_is_asked_for(folder: Path, run: Run) -> None:
    (folder / "one" / "loss.py").write_text("x = [][0]\n")
    assert "Traceback" not in run("compile").stderr
    assert "Traceback (most recent call last)" in run("compile", "--traceback").stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--wrt", "w"],
        ["-o", "gradient.py"],
        ["--no-verify"],
        ["--corners", "jax"],
        ["--check", "--watch"],
        ["one/loss.py", "--watch"],
    ],
)
def test_options_of_one_loss_need_it(run: Run, words: list[str]) -> None:
    result = run("compile", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


# The hook of pre-commit.


def hook() -> dict[str, str]:
    """The entries of the project's only hook; the file is kept to one line each."""
    lines = (ROOT / ".pre-commit-hooks.yaml").read_text().splitlines()
    assert lines[0].startswith("- id: ")
    assert all(line.startswith("  ") for line in lines[1:])
    pairs = [line.lstrip("- ").split(": ", 1) for line in lines]
    return dict(pairs)


def test_the_hook_of_pre_commit_checks_what_the_project_lists(
    folder: Path, run: Run
) -> None:
    entries = hook()
    assert entries["id"] == "symdiff"
    assert entries["language"] == "python"
    # The command takes no names of changed files: a helper's change counts as well.
    assert entries["pass_filenames"] == "false"
    program, *words = shlex.split(entries["entry"])
    assert program == "symdiff"
    assert run(*words).exit_code == 1
    assert run("compile").exit_code == 0
    assert run(*words).exit_code == 0


# Watching.


class Watched:
    """Stands for the building of jobs, and edits files between two looks."""

    def __init__(self, steps: Sequence[Callable[[], object]]) -> None:
        self.steps = list(steps)
        self.built: list[list[str | None]] = []
        self.refused: list[str] = []

    def build(self, jobs: Sequence[Job]) -> list[Outcome]:
        self.built.append([job.output for job in jobs])
        inner = [job.path.with_name("shapes_of_this.py") for job in jobs]
        return [
            Outcome("written", "", times_of_change([str(job.path), str(helper)]))
            for job, helper in zip(jobs, inner, strict=True)
        ]

    def look(self, _: float) -> None:
        if not self.steps:
            raise KeyboardInterrupt
        self.steps.pop(0)()

    def run(
        self, monkeypatch: pytest.MonkeyPatch, read: Callable[[], Sequence[Job]]
    ) -> None:
        monkeypatch.setattr(symdiff.watch.time, "sleep", self.look)
        with pytest.raises(KeyboardInterrupt):
            watch(read, self.build, lambda error: self.refused.append(str(error)))


def edit(place: str) -> None:
    """Give a file another time of change, and no other content."""
    os.utime(place, ns=(0, os.stat(place).st_mtime_ns + 1))


def test_what_a_change_touches_is_built_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [Job(f"{one}/loss.py:loss", one) for one in ("one", "two")]
    steps = [
        lambda: edit("two/loss.py"),
        lambda: None,
        lambda: edit("one/shapes_of_this.py"),
        lambda: os.remove("two/loss.py"),
        lambda: jobs.append(Job("one/loss.py:loss", "three")),
        lambda: jobs.__setitem__(0, Job("one/loss.py:loss", "one", wrt="X")),
    ]
    watched = Watched(steps)
    watched.run(monkeypatch, lambda: jobs)
    expected = [["one", "two"], ["two"], ["one"], ["two"], ["three"], ["one"]]
    assert watched.built == expected


def test_jobs_that_cannot_be_read_for_a_while_are_told_of_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[SymdiffError] = []

    def read() -> list[Job]:
        if faults:
            raise faults[0]
        return [Job("one/loss.py:loss", "one")]

    steps: list[Callable[[], Any]] = [
        lambda: faults.append(SpecError("wrong")),
        lambda: edit("one/loss.py"),
        faults.clear,
    ]
    watched = Watched(steps)
    watched.run(monkeypatch, read)
    assert watched.refused == ["wrong"]
    assert watched.built == [["one"], ["one"]]


def test_watching_compiles_on_a_change_and_ends_cleanly(folder: Path) -> None:
    (folder / "pyproject.toml").unlink()
    words = ["compile", "one/loss.py:loss", "-o", "one/gradient.py", "--watch"]
    command = [sys.executable, "-m", "symdiff", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stderr.readline() == "wrote one/gradient.py\n"
        (folder / "one" / "shapes_of_this.py").write_text("scale = 7\n")
        assert process.stderr.readline() == "wrote one/gradient.py\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "stopped\n"
        watchdog.cancel()
    assert process.returncode == 0
    assert "* 7" in (folder / "one" / "gradient.py").read_text()
