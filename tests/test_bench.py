"""The benchmarks: what is timed computes the same; the command gives a table."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench import by_hand, scaling, workloads
from bench.__main__ import chosen_of
from bench.implementations import BUILDERS
from bench.rounds import Options, distance

ROOT = Path(__file__).parents[1]


def gradient(name: str, implementation: str, dtype: str) -> list[np.ndarray]:
    """Return value and gradient at tiny sizes, of the second call."""
    module = workloads.load(name)
    arguments = workloads.draw(module, module.TINY, dtype)
    run = BUILDERS[implementation](name, module.TINY, arguments, dtype)
    run()
    value, parts = run()
    return [np.asarray(one) for one in [value, *workloads.leaves(parts)]]


@pytest.mark.parametrize("name", workloads.NAMES)
def test_all_that_is_timed_computes_the_same_gradient(name):
    dtype = workloads.load(name).DTYPES[-1]
    expected = gradient(name, "autograd", dtype)
    styles = [name for name in BUILDERS if name.startswith("symdiff")]
    for implementation in *styles, "by-hand", "tuned":
        found = gradient(name, implementation, dtype)
        assert distance(found, expected) < (1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("name", workloads.NAMES)
def test_a_tuned_gradient_follows_its_arguments(name):
    module = workloads.load(name)
    module_by_hand = __import__(f"{by_hand.__name__}.{name}", fromlist=[name])
    rng = np.random.default_rng(1)
    first, second = (module.arguments(rng, **module.TINY) for _ in range(2))
    tuned = module_by_hand.tuned(*first.values())
    tuned(*first.values())
    found = [np.copy(one) for one in workloads.leaves([*tuned(*second.values())])]
    expected = workloads.leaves([*module_by_hand.plain(*second.values())])
    assert distance(found, [np.asarray(one) for one in expected]) < 1e-12


def test_products_are_those_of_both_passes():
    found = [*workloads.load("w1_classifier").products(batch=2, widths=(3, 4, 5))]
    assert found == [(2, 3, 4), (3, 2, 4), (2, 4, 5), (4, 2, 5), (2, 5, 4)]


def test_the_curve_of_parameters_has_so_many():
    workload, points = scaling.CURVES["parameters"]
    count, sizes = [*points.items()][0]
    params = workloads.load(workload).arguments(np.random.default_rng(0), **sizes)
    assert sum(one.size for one in workloads.leaves(params["params"])) == count


def test_the_command_gives_a_table_and_results(tmp_path):
    out, picture = tmp_path / "out.json", tmp_path / "out.svg"
    command = [sys.executable, "-m", "tests.bench", "--tiny", "--rounds", "2"]
    command += ["--seconds", "0.01", "--workloads", "w9", "--json", str(out)]
    command += ["--implementations", "by-hand,tuned,products", "--plot", str(picture)]
    command += ["--together"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| w9_transformer float32 | none |" in done.stdout
    (result,) = json.loads(out.read_text())
    assert {*result["times"]} == {"by-hand", "tuned", "products"}
    assert all(len(times) == 2 for times in result["times"].values())
    assert not result["skipped"]
    assert picture.read_text().lstrip().startswith("<?xml")


def test_the_curve_of_parameters_ends_where_it_is_told_to():
    one, left_out = scaling.curve("parameters", ["tuned"], Options(1, 0.001), 2e3)
    assert one.points == [1088]
    assert not left_out
    assert scaling.text(one).startswith("| parameters | tuned |")


def test_an_implementation_is_chosen_by_its_name_or_by_how_names_begin():
    names = ["torch", "torch-compile", "tuned"]
    assert chosen_of("torch", names) == ["torch"]
    assert chosen_of("torch,tu", names) == ["torch", "tuned"]
    assert chosen_of("t", names) == chosen_of("", names) == names


def test_the_command_tells_what_each_lowering_gives():
    command = [sys.executable, "-m", "tests.bench", "lowerings", "--tiny"]
    command += ["--rounds", "1", "--seconds", "0.01", "--workloads", "w2_log"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| without | W2 float64 |" in done.stdout
    assert "| `unroll` | " in done.stdout


def test_a_wrong_gradient_is_far_away():
    right = [np.array(1.0), np.ones((2, 3))]
    assert distance([np.array(1.0), np.ones((3, 2))], right) == np.inf
    assert distance([np.array(2.0), np.ones((2, 3))], right) == 1
    assert distance([np.array(1.0), -np.ones((2, 3))], right) == 2
    assert np.isnan(distance([np.array(1.0), np.full((2, 3), np.nan)], right))
