"""What `[tool.symdiff]` of a pyproject.toml asks for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symdiff.errors import FileError, SpecError, SymdiffError
from symdiff.job import Job
from symdiff.project import read_project
from symdiff.settings import Settings

LEAST = """
[[tool.symdiff.compile]]
target = "loss.py:loss"
output = "gradient.py"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, folder: Path = Path()) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def test_what_is_left_out_is_as_on_the_command_line(folder: Path) -> None:
    write(LEAST)
    assert read_project().jobs == (Job("loss.py:loss", "gradient.py"),)


def test_every_setting_is_read(folder: Path) -> None:
    write("""
[[tool.symdiff.compile]]
target = "src/loss.py:loss"
output = "src/gradient.py"
wrt = ["params", "b"]
dtype = "float32"
rewrites = "none"
no-rewrite = ["softplus", "norm"]
rewrite = "tanh"
style = "fast"
corners = "jax"
simplify = false
share = false
verify = false

[tool.symdiff.compile.args]
X = "n, 784"
params = [{ W = "3,4", b = "4" }]

[tool.symdiff.compile.static]
depth = 3
mode = "relu"
digits = "3"
scales = [1, 0.5]
""")
    (job,) = read_project().jobs
    assert job == Job(
        target=os.path.join("src", "loss.py:loss"),
        output=os.path.join("src", "gradient.py"),
        args={"X": "n, 784", "params": "[{'W': '3,4', 'b': '4'}]"},
        static={"depth": "3", "mode": "relu", "digits": "'3'", "scales": "[1, 0.5]"},
        wrt=("params", "b"),
        dtype="float32",
        verify=False,
        settings=Settings(
            "none",
            ("norm", "softplus"),
            *("jax", False, False, "fast"),
            rewrite=("tanh",),
        ),
    )


def test_the_nearest_file_with_the_table_counts(folder: Path) -> None:
    write(LEAST)
    write('[project]\nname = "inner"\n', folder / "inner")
    project = read_project(folder / "inner")
    assert project.path == folder / "pyproject.toml"
    (job,) = project.jobs
    assert (job.target, job.output) == (
        os.path.join("..", "loss.py:loss"),
        os.path.join("..", "gradient.py"),
    )
    write(LEAST.replace("loss.py", "own.py"), folder / "inner")
    assert read_project(folder / "inner").jobs[0].target == "own.py:loss"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", SpecError, "no pyproject.toml here or above says what to compile"),
        ("[tool.symdiff", FileError, "cannot be read"),
        ("[tool.symdiff]\n", SpecError, "lists nothing to compile"),
        ("[tool.symdiff]\ncompile = 'loss.py'\n", SpecError, "lists nothing"),
        ("[tool]\nsymdiff = 1\n", SpecError, "is no table"),
        ("[tool.symdiff]\ncompiled = []\n", SpecError, "Did you mean compile"),
        (LEAST + "corner = 'jax'\n", SpecError, "Did you mean corners"),
        (LEAST + "wrt = 3\n", SpecError, "wrt is 3, not a text or a list of texts"),
        (LEAST + "wrt = ['w', 3]\n", SpecError, "not a text or a list of texts"),
        (LEAST + "share = 'no'\n", SpecError, "share is 'no', not true or false"),
        (LEAST + "dtype = 'float16'\n", SpecError, "dtype float16 is no float"),
        (LEAST + "corners = 'matlab'\n", SpecError, "corners='matlab' is no choice"),
        (LEAST + "args = { X = ['n', 784] }\n", SpecError, "spec of X holds 784"),
        (LEAST + "args = { X = 0.5 }\n", SpecError, 'Write a shape as a text: "n,784"'),
        (LEAST + "static = { a = nan }\n", SpecError, "static a holds nan"),
        (LEAST + "static = { a = [2020-01-01] }\n", SpecError, "holds 2020-01-01"),
        (LEAST.replace("target", "#"), SpecError, "number 1 of pyproject.toml has no"),
        (LEAST.replace("output", "#"), SpecError, "has no output"),
        (LEAST + LEAST, SpecError, "2 tables of pyproject.toml have the output"),
    ],
)
def test_what_is_not_understood_is_refused(
    folder: Path, text: str, error: type[SymdiffError], said: str
) -> None:
    write(text)
    with pytest.raises(error) as caught:
        read_project()
    assert said in str(caught.value)
