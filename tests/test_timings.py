"""Each stage of a compilation is timed, where that is asked for."""

from __future__ import annotations

import re
from time import sleep

import numpy as np
import pytest
from click.testing import CliRunner

import symdiff
from symdiff.cli import main
from symdiff.timings import recorded, stage, table

LOSS = """\
import numpy as np

ARGS = {"x": ("n",)}


def loss(x):
    return np.sum(np.tanh(x))


def other(x):
    return np.sum(x)
"""
STAGES = ["trace", "reverse", "simplify", "share", "schedule", "emit", "verify"]


@stage("inner")
def inner() -> None:
    sleep(0.02)


@stage("outer")
def outer() -> None:
    sleep(0.01)
    inner()
    inner()


def test_a_stage_within_another_counts_for_itself():
    with recorded() as seconds:
        outer()
    assert list(seconds) == ["outer", "inner"]
    assert seconds["inner"] >= 0.04
    assert 0.01 <= seconds["outer"] < seconds["inner"]


def test_what_fails_is_timed_too():
    @stage("refused")
    def refuse() -> None:
        raise ArithmeticError

    with recorded() as seconds, pytest.raises(ArithmeticError):
        refuse()
    assert seconds["refused"] > 0


def test_nothing_is_recorded_outside():
    with recorded() as seconds:
        pass
    outer()
    assert not seconds


def test_the_table_adds_up():
    lines = table({"trace": 1.0, "emit": 3.0})
    assert [line.split() for line in lines] == [
        ["trace", "1.000", "s", "25%"],
        ["emit", "3.000", "s", "75%"],
        ["together", "4.000", "s", "100%"],
    ]


def test_a_compilation_is_timed_by_its_stages():
    with recorded() as seconds:
        symdiff.compile(lambda x: np.sum(np.tanh(x)), {"x": (3,)})
    named = [name for name in seconds if name in STAGES]
    assert named == STAGES
    assert all(one > 0 for one in seconds.values())


@pytest.mark.parametrize("functions", ["loss", "loss,other"])
def test_the_command_says_the_stages_beside_the_module(
    functions, tmp_path, monkeypatch
):
    (tmp_path / "loss.py").write_text(LOSS)
    monkeypatch.chdir(tmp_path)
    words = ["compile", f"loss.py:{functions}"]
    plain = CliRunner().invoke(main, words)
    timed = CliRunner().invoke(main, [*words, "--timings"])
    assert timed.exit_code == 0
    assert timed.stdout == plain.stdout
    told = re.findall(r"^(.*?) +\d+\.\d{3} s +\d+%$", timed.stderr, re.MULTILINE)
    assert set(STAGES) < set(told)
    assert told[-1] == "together"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--timings"], "--timings needs FILE.py:FUNC"),
        (
            ["loss.py:loss", "-o", "g.py", "--timings", "--watch"],
            "--timings and --watch",
        ),
    ],
)
def test_what_cannot_be_timed_is_refused(words, message):
    result = CliRunner().invoke(main, ["compile", *words])
    assert result.exit_code == 2
    assert message in result.stderr
