"""The distributions hold what they must, and each way to install symdiff works."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import symdiff

ROOT = Path(__file__).parents[1]

LOSS = """
import numpy as np

ARGS = {"w": ("d",), "X": ("n", "d")}


def loss(w, X):
    return np.sum(np.square(X @ w)) / 2
"""

USE = """
import sys

import gradient
import numpy as np

w, X = np.array([1.0, -2.0]), np.array([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0]])
np.testing.assert_allclose(gradient.grad(w, X), X.T @ (X @ w))
assert "symdiff" not in sys.modules
"""


def run(*words: object, folder: Path = ROOT) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    return next(distributions.glob("*.whl"))


def new_environment(folder: Path) -> Path:
    """Return the Python of an environment that sees the libraries of this one.

    A .pth file in a folder that another .pth file names is not read: so an editable
    installation of symdiff in this environment is not seen in the new one.
    """
    venv.create(folder, with_pip=False)
    places = {"base": str(folder), "platbase": str(folder)}
    libraries = Path(sysconfig.get_path("purelib", "venv", vars=places))
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return Path(sysconfig.get_path("scripts", "venv", vars=places)) / "python"


def test_the_wheel_holds_the_package_with_its_templates(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in ROOT.glob("symdiff/**/*.py")}
    templates = {f"symdiff/templates/{path.name}" for path in ROOT.glob("templates/*")}
    assert modules
    assert templates
    assert modules | templates <= names
    others = {name for name in names if not name.startswith("symdiff/")}
    information = f"symdiff-{symdiff.__version__}.dist-info"
    assert {name.partition("/")[0] for name in others} == {information}
    assert f"{information}/licenses/LICENSE" in others


def test_the_source_distribution_holds_what_the_tests_need(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("examples", "symdiff", "templates", "tests")
    paths = [path for one in folders for path in ROOT.glob(f"{one}/**/*.py")]
    needed = {str(path.relative_to(ROOT)) for path in paths}
    assert needed | {"README.md", "CHANGELOG.md", "LICENSE", ".ci/run"} <= names


@pytest.mark.parametrize("way", ["wheel", "folder", "editable"])
def test_installed_in_any_way_it_compiles_a_loss_anywhere(
    way: str, wheel: Path, tmp_path: Path
) -> None:
    python = new_environment(tmp_path / "environment")
    what = {"wheel": [wheel], "folder": [ROOT], "editable": ["--editable", ROOT]}[way]
    pip = (sys.executable, "-m", "pip", "--python", python)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--force-reinstall")
    run(*pip, "install", *options, *what)

    work = tmp_path / "work"
    work.mkdir()
    (work / "loss.py").write_text(LOSS)
    (work / "use.py").write_text(USE)
    place = run(python, "-c", "import symdiff; print(symdiff.__file__)", folder=work)
    assert Path(place).is_relative_to(ROOT if way == "editable" else tmp_path)
    command = python.with_name("symdiff")
    run(command, "compile", "loss.py:loss", "-o", "gradient.py", folder=work)
    run(python, "use.py", folder=work)
    assert run(command, "--version") == f"symdiff {symdiff.__version__}\n"
