"""Modules that hold no more than a limit: what it costs, and that Python sees it kept."""

import re
from pathlib import Path

import black
import numpy as np
import pytest
from cases import checks_itself
from click.testing import CliRunner
from test_memory import GOLDEN, SIZES, loss_of, peak_of

import symdiff
from symdiff.cli import main
from symdiff.errors import SpecError
from symdiff.project import read_project
from symdiff.verify.sampling import sample

MIB = 2**20
ARGS = {"W": ("d", "d"), "X": ("n", "d")}
AT = {"n": 1000, "d": 100}


def deep(W, X):
    h = X
    for _ in range(12):
        h = np.tanh(h @ W)
    return np.mean(h**2)


def limited(limit, loss=deep, args=ARGS, at=AT, **options):
    return symdiff.compile(
        loss, args, verify=False, memory_limit=limit, at=at, **options
    )


def number(polynomial):
    return int(polynomial.subs({one: AT[one.name] for one in polynomial.free_symbols}))


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(100, 100)) / 10, rng.normal(size=(1000, 100))


def leaves(tree):
    if isinstance(tree, np.ndarray):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree
    return [leaf for part in parts for leaf in leaves(part)]


def assert_kept(made, plain, limit, args):
    """Assert that a limit is kept, and that value and gradient are the same by bits."""
    peak = peak_of(made.module.value_and_grad, *args)
    assert made.report.economy.after * 0.9 < peak <= limit
    (value, gradient), (expected, other) = (
        one.value_and_grad(*args) for one in (made, plain)
    )
    assert value == expected
    for one, right in zip(leaves(gradient), leaves(other), strict=True):
        np.testing.assert_array_equal(one, right)


@pytest.mark.parametrize(("style", "limits"), [("plain", (10, 8)), ("fast", (8, 6))])
def test_the_limit_is_kept_and_the_gradient_the_same(style, limits):
    plain = symdiff.compile(deep, ARGS, verify=False, style=style)
    for limit in limits:
        made = limited(f"{limit}MiB", style=style)
        assert made.report.economy.before > limit * MIB
        assert_kept(made, plain, limit * MIB, arguments())


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("attention", 0.75),
        ("autoencoder", 0.6),
        ("batch_norm", 0.85),
        ("layer_norm", 0.9),
        ("lstm_cell", 0.4),
        ("residual", 0.65),
        ("rnn", 0.65),
    ],
)
def test_limits_of_golden_losses_are_kept(name, part):
    loss, wrt = loss_of(GOLDEN / f"{name}.py")
    sizes = SIZES[name]
    plain = symdiff.compile(loss, wrt=wrt, verify=False)
    limit = int(part * plain.report.peak_bytes(**sizes))
    made = limited(limit, loss, None, sizes, wrt=wrt)
    signature = made.part.scope.signature
    rng = np.random.default_rng(0)
    args = sample(signature, sizes, rng, domain="unit", index_bounds={})
    assert_kept(made, plain, limit, args)


def test_a_limit_that_is_kept_anyway_changes_nothing():
    def code(made):
        return made.source[made.source.index("\ndef ") :]

    made = limited("1GiB")
    assert code(made) == code(symdiff.compile(deep, ARGS, verify=False))
    assert "MiB is within the limit of 1 GiB" in str(made.report.economy)


def test_names_are_deleted_before_anything_is_computed_again():
    made = limited("15MiB")
    assert made.report.economy.part == 0
    assert "recomputed" not in made.source
    assert re.search(r"^    del d_\w+$", made.source, re.M)
    assert "names are deleted" in made.source


def test_what_is_computed_again_stands_under_its_own_line():
    made = limited("8MiB")
    backward = made.source[made.source.index("def backward") :]
    assert "# recomputed: h = np.tanh(h @ W)" in backward
    assert re.search(r"^    h_(\d+) = np\.tanh\(.* @ W\)", backward, re.M)
    economy = made.report.economy
    assert f"recomputed in the backward pass: {economy.names[0]}" in made.source
    assert 0 < economy.part < 0.5
    assert economy.after < 8 * MIB < economy.before
    plain = symdiff.compile(deep, ARGS, verify=False).report
    again, once = (one.backward.multiply_adds for one in (made.report, plain))
    assert number(again) > number(once)


def test_no_more_is_computed_again_than_need_be():
    def chain(w, x):
        for _ in range(40):
            x = np.tanh(w * x)
        return np.mean(x**2)

    economy = limited("336KiB", chain, {"w": (), "x": (1000,)}, {}).report.economy
    assert 0.9 * economy.limit < economy.after <= economy.limit < economy.before


def test_the_emitted_text_is_as_black_has_it_and_right():
    source = limited("8MiB").source
    assert black.format_str(source, mode=black.Mode()) == source
    assert checks_itself(source)
    symdiff.compile(deep, ARGS, memory_limit="8MiB", at=AT)  # verified


def elementwise(W, X):
    a = X @ W
    for _ in range(4):
        a = np.exp(np.sin(a)) * a
    return np.sum(a @ W)


def test_operations_on_elements_are_computed_again_before_products():
    plain = symdiff.compile(elementwise, ARGS, verify=False).report
    made = limited(int(0.75 * plain.peak_bytes(**AT)), elementwise).report
    assert made.economy.part > 0
    assert made.backward.multiply_adds == plain.backward.multiply_adds
    again, once = (one.backward.transcendental for one in (made, plain))
    assert number(again) > number(once)


@pytest.mark.parametrize("length", [64, 256])
def test_a_long_chain_takes_the_square_root_of_its_length(length):
    def chain(x):
        y = x
        for _ in range(length):
            y = 1.01 * np.sin(y)
        return np.mean(y)

    size = 10_000
    limit = int((2 * length**0.5 + 7) * 8 * size * 1.02) + 2**16
    made = limited(limit, chain, {"x": ("n",)}, {"n": size})
    economy = made.report.economy
    assert economy.before > length * 8 * size
    assert economy.part < 0.5
    assert peak_of(made.module.grad, np.ones(size)) <= limit


def test_a_limit_below_all_that_can_be_reached_names_the_smallest_peak():
    with pytest.raises(SpecError, match=r"1 MiB do not suffice at d = 100") as error:
        limited("1MiB")
    (text,) = re.findall(r"can be reached is ([\d.]+) MiB", str(error.value))
    assert limited(int(float(text) * 1.03 * MIB + 2**16)).report.economy.after


def test_examples_give_the_sizes():
    W, X = arguments()
    made = limited("10MiB", args={"W": W, "X": X}, at=None)
    assert "the peak falls from" in str(made.report.economy)


@pytest.mark.parametrize(
    ("limit", "at", "problem"),
    [
        ("10MiB", {"d": 100}, "nothing says what it should hold for: n may be"),
        ("10MiB", None, "nothing says what it should hold for: d, n may be"),
        ("10MiB", {**AT, "m": 3}, "there is no unknown size 'm'"),
        ("10MiB", {"n": 0, "d": 1}, "the size n is 0, no positive integer"),
        (None, AT, "there is no limit"),
        ("much", AT, "memory_limit='much' is no number of bytes"),
        (-1, AT, "memory_limit=-1 is no number of bytes"),
        (True, AT, "memory_limit=True is no number of bytes"),
    ],
)
def test_what_is_no_limit_or_no_size_is_refused(limit, at, problem):
    with pytest.raises(SpecError, match=re.escape(problem)):
        limited(limit, at=at)


@pytest.mark.parametrize("text", ["1.5GB", "1500 MB", 1_500_000_000, "1500000000"])
def test_limits_are_read_in_all_units(text):
    assert limited(text).report.economy.limit == 1_500_000_000


def test_each_function_of_a_module_has_the_limit():
    def shallow(W, X):
        return np.mean(np.tanh(X @ W))

    made = symdiff.compile_module(
        [deep, shallow], ARGS, verify=False, memory_limit="10MiB", at=AT
    )
    first, second = (one.report.economy for one in made.parts.values())
    assert first.part > 0
    assert second.before == second.after


def test_small_losses_are_in_numbers_where_the_limit_allows_it():
    def small(W, x):
        return np.sum(np.tanh(W @ x) ** 2)

    args = {"W": (6, 6), "x": (6,)}
    given = np.eye(6), np.ones(6)
    expected = symdiff.compile(small, args, verify=False).grad(*given)
    for limit, in_numbers in (("64KiB", True), (10_000, True), (7000, False)):
        made = limited(limit, small, args, None, style="fast")
        assert ("import math" in made.source) == in_numbers
        economy = made.report.economy
        assert economy.after == economy.before == made.report.peak_bytes()
        assert peak_of(made.module.value_and_grad, *given) <= economy.limit
        np.testing.assert_allclose(made.grad(*given), expected, 1e-13)
    with pytest.raises(SpecError, match="4 KiB do not suffice; the smallest peak"):
        limited("4KiB", small, args, None, style="fast")


LOSS = f'''"""A loss."""
import numpy as np

ARGS = {ARGS}


def loss(W, X):
    h = X
    for _ in range(12):
        h = np.tanh(h @ W)
    return np.mean(h**2)
'''


def test_the_command_line_and_a_projects_settings_take_a_limit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("loss.py").write_text(LOSS)
    words = ["compile", "loss.py:loss", "-o", "gradient.py", "--no-verify"]
    words += ["--memory-limit", "8192 KiB", "--at", "n=1000", "--at", "d=100"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    text = Path("gradient.py").read_text()
    header = " ".join(re.findall(r"^#\s+(.*?)\s*\\?$", text, re.M))
    assert "--memory-limit 8MiB --at d=100 --at n=1000" in header
    assert "recomputed in the backward pass" in text
    Path("pyproject.toml").write_text("""
[[tool.symdiff.compile]]
target = "loss.py:loss"
output = "gradient.py"
verify = false
memory-limit = "8MiB"
at = { n = 1000, d = 100 }
""")
    (job,) = read_project().jobs
    assert job.text() == text
    refused = CliRunner().invoke(main, [*words[:-1], "d=many"])
    assert refused.exit_code == 2
    assert "the size d is 'many'" in refused.output
