"""Emitted modules as a reader meets them: losses with their modules beside them.

`pytest --update-goldens` writes the modules anew; read the difference before
committing.
"""

import difflib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import black
import numpy as np
import pytest

import symdiff

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(
    path.stem for path in GOLDEN.glob("*.py") if "_gradient" not in path.stem
)


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def compiled(name: str) -> symdiff.Compiled:
    loss = module(name)
    style = getattr(loss, "STYLE", "plain")
    return symdiff.compile(loss.loss, wrt=getattr(loss, "WRT", None), style=style)


def test_there_are_goldens():
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_the_module_is_the_golden_one(name, request):
    source, path = compiled(name).source, GOLDEN / f"{name}_gradient.py"
    if request.config.getoption("--update-goldens"):
        path.write_text(source, encoding="utf-8", newline="\n")
    golden = path.read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        golden.splitlines(), source.splitlines(), path.name, "emitted now", lineterm=""
    )
    assert source == golden, "\n".join(["the emitted module changed:", *lines])


@pytest.mark.parametrize("name", NAMES)
def test_black_leaves_the_golden_alone(name):
    text = (GOLDEN / f"{name}_gradient.py").read_text(encoding="utf-8")
    assert black.format_str(text, mode=black.Mode()) == text
    assert max(map(len, text.splitlines())) <= 88


def test_ruff_and_mypy_find_nothing_in_the_goldens():
    paths = [str(path) for path in sorted(GOLDEN.glob("*_gradient.py"))]
    for tool in (["ruff", "check", "--isolated"], ["mypy", "--config-file="]):
        command = [sys.executable, "-m", *tool, *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_checks_itself(name):
    path = GOLDEN / f"{name}_gradient.py"
    command = [sys.executable, "-W", "error", str(path), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_imports_nothing_but_numpy(name):
    text = (GOLDEN / f"{name}_gradient.py").read_text(encoding="utf-8")
    imported = {line for line in text.splitlines() if line.startswith("import ")}
    small = getattr(module(name), "STYLE", "plain") == "fast"
    numbers = {"import math"} if small else set()
    assert imported == {"import sys", "import numpy as np"} | numbers


def test_values_are_the_losses_own():
    rng = np.random.default_rng(0)
    made = module("mlp_gradient")
    loss = module("mlp").loss
    arguments = made._made_up(rng)
    assert made.value(*arguments) == pytest.approx(loss(*arguments), rel=1e-14)
