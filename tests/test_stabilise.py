"""Rewrites: each fires, can be switched off, changes no value, is right where the
formula as written is not.
"""

from pathlib import Path

import numpy as np
import pytest
import scipy.special
from cases import Case, case, quiet
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from second_order import check_second_order

import symdiff
from symdiff.cli import main
from symdiff.passes.stabilise import REWRITES

README = Path(__file__).parents[1] / "README.md"

S = "(1 / (1 + np.exp(-x)))"
P = "(np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True))"
VECTOR, MATRIX = {"x": ("n",)}, {"x": ("n", 3)}

# A rewrite, and formulas in which it is found.
FIRES = [
    ("log-sum-exp", "np.log(np.sum(np.exp(x)))", VECTOR),
    ("log-sum-exp", "np.log(np.exp(x).sum(axis=1))", MATRIX),
    ("log-sum-exp", "np.log(np.exp(x).sum(axis=0, keepdims=True))", {"x": (2, 3)}),
    ("log-sum-exp", "np.log(np.mean(np.exp(2 * x.T), axis=0))", MATRIX),
    ("log-sum-exp", "np.log2(np.sum(np.exp2(x), axis=1))", MATRIX),
    ("log-sum-exp", "np.log10(np.sum(10.0**x, axis=1))", MATRIX),
    ("log-sum-exp", "np.log10(np.sum(np.exp(x), axis=-1) / 7)", MATRIX),
    ("log-sum-exp", "2 * np.log(np.exp(x).sum(axis=(0, 2)))", {"x": (2, 4, 3)}),
    ("log-sum-exp", "np.log(np.sqrt(np.sum(np.exp(x), axis=1)))", MATRIX),
    ("log-sum-exp", "np.log(1 / np.sum(np.exp(-x), axis=1))", MATRIX),
    ("log-sum-exp", "np.log(np.sum(np.array([1, 2, 3]) * np.exp(x), axis=1))", MATRIX),
    ("log-sum-exp", "np.log(np.exp(x) @ np.array([1, 2, 3]))", MATRIX),
    ("log-sum-exp", "np.log(np.where(x > -9, np.exp(x), 0).sum(axis=1))", MATRIX),
    ("log-prod", "np.log(np.abs(np.prod(x, axis=1)))", MATRIX),
    ("log-det", "np.log(np.abs(np.linalg.det(x)))", {"x": (3, 3)}),
    ("log-ndtr", "np.log(scipy.special.ndtr(x))", VECTOR),
    ("log-ndtr", "np.log(0.5 * scipy.special.erfc(-x / 2**0.5))", VECTOR),
    ("log-ndtr", "np.log((1 + scipy.special.erf(x)) / 2)", VECTOR),
    ("softmax", P, MATRIX),
    ("softmax", f"{P}.T[1]", MATRIX),
    (
        "softmax",
        "(np.exp(x) @ np.ones((3, 2))) / np.exp(x).sum(axis=1)[:, None]",
        MATRIX,
    ),
    ("softmax", "np.exp(x)[:, 1:] / np.exp(x).sum(axis=1)[:, None]", MATRIX),
    ("log-softmax", "x - np.log(np.sum(np.exp(x), axis=1, keepdims=True))", MATRIX),
    ("log-softmax", "x - np.log(np.sum(np.exp(x), axis=1))[:, None]", MATRIX),
    ("removable-singularity", "np.sin(x) / x", VECTOR),
    ("removable-singularity", "3 * np.expm1(2 * x) / (2 * x)", VECTOR),
    ("hole-filled-by-hand", "np.where(x == 0, 1, np.sin(x) / x)", VECTOR),
    ("log-exp", f"np.log({P})", MATRIX),
    ("log-exp", f"np.log({P})[:, 0]", MATRIX),
    ("log-exp", "np.log(3 * np.exp(x))", VECTOR),
    ("softplus", "np.log(1 + np.exp(x))", VECTOR),
    ("softplus", "np.log(np.exp(-x) + 1.0)", VECTOR),
    ("softplus", "np.log1p(np.exp(x))", VECTOR),
    ("softplus", "np.log2(1 + np.exp(x)[:, None].T)", VECTOR),
    (
        "softplus-by-hand",
        "np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        VECTOR,
    ),
    (
        "softplus-by-hand",
        "np.log1p(np.exp(-np.abs(x))) - 2 * x + np.maximum(0, -x)",
        VECTOR,
    ),
    ("sigmoid", S, VECTOR),
    ("sigmoid", "3 / (np.exp(-2 * x) + 1)", VECTOR),
    ("sigmoid", "np.exp(x) / (1 + np.exp(x))", VECTOR),
    ("sigmoid", f"1 - {S}", VECTOR),
    ("log-sigmoid", f"np.log({S})", VECTOR),
    ("log-sigmoid", f"np.log(1 - {S})", VECTOR),
    ("tanh", "(np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))", VECTOR),
    ("tanh", "(np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)", VECTOR),
    ("tanh", "(1 - np.exp(-2 * x)) / (1 + np.exp(-2 * x))", VECTOR),
    ("tanh", "2 / (1 + np.exp(-2 * x)) - 1", VECTOR),
    ("sinh", "(np.exp(x) - np.exp(-x)) / 2", VECTOR),
    ("sinh", "0.5 * (np.exp(x) + np.exp(-x))", VECTOR),
    ("logaddexp", "np.log(np.exp(x) + np.exp(3 * x))", VECTOR),
    ("log1p", "np.log(1 + x**2)", VECTOR),
    ("expm1", "np.exp(x) - 1", VECTOR),
    ("expm1", "1 - np.exp(x)", VECTOR),
    ("versine", "1 - np.cos(x)", VECTOR),
    ("erfc", "1 - scipy.special.erf(x)", VECTOR),
    ("root-squared", "np.linalg.norm(x) ** 2", VECTOR),
    ("root-of-square", "np.sqrt(x**2)", VECTOR),
    ("hypot", "np.sqrt(x**2 + (x - 2) ** 2)", VECTOR),
    ("norm", "np.sqrt(np.sum(x**2))", VECTOR),
    ("norm", "np.sqrt(x @ x)", VECTOR),
    ("norm", "np.sqrt(np.mean((x - x.mean()) ** 2))", VECTOR),
    ("x-over-x", "x / x", VECTOR),
]
# Formulas of positive numbers.
POSITIVE = [
    ("xlogx", "x * np.log(x)", VECTOR),
    ("xlogx", "-x * np.log(x)", VECTOR),
    ("root-squared", "np.sqrt(x) ** 2", VECTOR),
    ("root-squared", "np.sqrt(x) * np.sqrt(x)", VECTOR),
    ("exp-log", "np.exp(np.log(x))", VECTOR),
    ("log1mexp", "np.log(1 - np.exp(-x))", VECTOR),
    ("log-prod", "np.log(np.prod(x))", VECTOR),
    ("log-det", "np.log(np.linalg.det(np.eye(3) * x))", {"x": (3,)}),
]
CASES = [
    *((name, case(text, **shapes)) for name, text, shapes in FIRES),
    *((name, case(text, "positive", **shapes)) for name, text, shapes in POSITIVE),
    (
        "cross-entropy",
        case(f"-np.log({P}[np.arange(len(y)), y])", x=("n", 3), y=("n", "int64")),
    ),
    (
        "one-hot",
        case(
            f"np.sum(np.eye(3)[y] * np.log({P}), axis=1)", x=("n", 3), y=("n", "int64")
        ),
    ),
    (
        "binary-cross-entropy",
        case(f"-(y * np.log({S}) + (1 - y) * np.log(1 - {S}))", x=("n",), y=("n",)),
    ),
]
IDS = [f"{name} in {one}" for name, one in CASES]


def fired(compiled: symdiff.Compiled) -> set[str]:
    return {line.split(": ")[1] for line in compiled.report.rewrites}


def compiled(one: Case, **options) -> symdiff.Compiled:
    specs = {
        name: symdiff.ArraySpec(shape, one.kinds.get(name))
        for name, shape in one.shapes.items()
    }
    return symdiff.compile(one.loss(), specs, wrt=one.wrt, **options)


@pytest.mark.parametrize(("name", "one"), CASES, ids=IDS)
def test_a_rewrite_fires_and_keeps_the_value(name, one):
    # Compiling verifies value and gradient against the loss itself.
    c = compiled(one, verify=one.domain == "real")
    assert name in fired(c)
    assert name in c.source.split('"""')[1]
    arguments = one.draw({"n": 4}, "float64", seed=1)
    expected = one.loss()(*arguments)
    np.testing.assert_allclose(c.value(*arguments), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_a_rewrite_can_be_switched_off(name):
    one = next(one for row, one in CASES if row == name)
    off = compiled(one, verify=False, no_rewrite=name)
    assert name not in fired(off)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES} - {"x-over-x"}))
def test_second_derivatives_are_right(name):
    check_second_order(next(one for row, one in CASES if row == name))


def test_every_rewrite_has_a_formula():
    named = {name for name, _ in CASES}
    fast = {name for name, row in REWRITES.items() if row.fast or row.style}
    assert named | fast | {"shift", "safe-where"} == set(REWRITES)


# Where the formula as written is not right: text, argument, value and gradient of the
# loss sum(text), from closed forms.
HARD = [
    ("np.linalg.norm(x) ** 2", [0.0, 0.0], 0, [0, 0]),
    ("np.sqrt(x) ** 2", [0.0, 2.0], 2, [1, 1]),
    ("np.sqrt(np.sum(x**2))", [0.0, 0.0], 0, [0, 0]),
    ("np.sqrt(x**2)", [0.0, -2.0], 2, [0, -1]),
    ("x**0", [0.0, 2.0], 2, [0, 0]),
    ("x / x", [0.0, 2.0], 2, [0, 0]),
    ("np.log(1 + np.exp(x))", [800.0, -800.0], 800, [1, 0]),
    ("np.log(1 + np.exp(x))", [1e5], 1e5, [1]),
    ("np.log(1 + np.exp(x))", [-40.0], np.exp(-40), [np.exp(-40)]),
    ("1 / (1 + np.exp(-x))", [-800.0, 800.0], 1, [0, 0]),
    ("1 / (1 + np.exp(-x))", [-700.0], np.exp(-700), [np.exp(-700)]),
    ("1 / (1 + np.exp(-x))", [40.0], 1, [np.exp(-40)]),
    ("np.exp(x) / (1 + np.exp(x))", [1e3, -1e3], 1, [0, 0]),
    ("1 - 1 / (1 + np.exp(-x))", [60.0], np.exp(-60), [-np.exp(-60)]),
    ("np.log(1 / (1 + np.exp(-x)))", [-1e3, 0.0], -1e3 - np.log(2), [1, 0.5]),
    ("np.log(1 - 1 / (1 + np.exp(-x)))", [1e3], -1e3, [-1]),
    ("np.log(1 - 1 / (1 + np.exp(-x)))", [-50.0], -np.exp(-50), [-np.exp(-50)]),
    ("np.log(np.sum(np.exp(x)))", [1000.0, 0.0], 1000, [1, 0]),
    ("np.log(np.sum(np.exp(x)))", [-1e5, -1e5], -1e5 + np.log(2), [0.5, 0.5]),
    ("np.log(np.sum(np.exp(x)))", [-np.inf, 3.0], 3, [0, 1]),
    ("np.log2(np.sum(np.exp2(x)))", [3000.0, 3000.0], 3001, [0.5, 0.5]),
    ("np.log10(np.mean(10.0**x))", [400.0, 400.0], 400, [0.5, 0.5]),
    ("(np.exp(x) / np.sum(np.exp(x)))[0]", [1000.0, 0.0], 1, [0, 0]),
    ("-np.log((np.exp(x) / np.sum(np.exp(x)))[1])", [1000.0, 0.0], 1000, [1, -1]),
    ("-np.log(np.exp(x)[1] / np.sum(np.exp(x)))", [1000.0, 0.0], 1000, [1, -1]),
    ("(x - np.log(np.sum(np.exp(x))))[1]", [1e5, 0.0], -1e5, [-1, 1]),
    ("np.log(np.exp(x) + np.exp(-x))", [1e4, -1e4], 2e4, [1, -1]),
    ("np.log(np.exp(x))", [1e4, -1e4], 0, [1, 1]),
    ("np.log(1 + x)", [1e-20], 1e-20, [1]),
    ("np.exp(x) - 1", [1e-20], 1e-20, [1]),
    ("1 - np.cos(x)", [1e-9], 5e-19, [1e-9]),
    (
        "1 - scipy.special.erf(x)",
        [12.0],
        1.3562611692059042e-64,
        [-2 / np.pi**0.5 / np.exp(144)],
    ),
    ("x * np.log(x)", [0.0, 1.0], 0, [-np.inf, 1]),
    ("np.exp(np.log(x))", [0.0, 3.0], 3, [1, 1]),
    ("np.log(1 - np.exp(-x))", [1e-20], np.log(1e-20), [1e20]),
    ("np.log(1 - np.exp(-x))", [50.0], -np.exp(-50), [np.exp(-50)]),
    ("np.sqrt(x**2 + x[::-1] ** 2)", [1e200, 1e200], 2**1.5 * 1e200, [2**0.5, 2**0.5]),
    ("(np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)", [1e3, -1e3], 0, [0, 0]),
    ("(np.exp(x) - np.exp(-x)) / 2", [1e-20], 1e-20, [1]),
    ("np.var(x) ** 0.5", [3.0, 3.0], 0, [0, 0]),
    ("np.log(np.prod(x))", [1e-200, 1e-200], 2 * np.log(1e-200), [1e200, 1e200]),
    ("np.log(np.prod(x))", [-1e200, -1e200], 2 * np.log(1e200), [-1e-200, -1e-200]),
    ("np.log(np.prod(x))", [-1.0, 1.0], np.nan, [-1, 1]),
    ("np.log(np.prod(x))", [0.0, 1.0], -np.inf, [np.inf, 1]),
    (
        "np.log(np.linalg.det(np.diag(x)))",
        [1e200, 1e200],
        np.log(1e200) * 2,
        [1e-200] * 2,
    ),
    (
        "np.log(scipy.special.erfc(x))",
        [30.0],
        -903.97411711064388,
        [-60.033296398756228],
    ),
    ("np.log(np.sum(np.array([2, 0]) * np.exp(x)))", [900, 0], 900 + np.log(2), [1, 0]),
    ("np.logaddexp.reduce(x)", [900, 0], 900, [1, 0]),
]


@pytest.mark.parametrize(("text", "x", "value", "slope"), HARD, ids=str)
def test_hard_points_are_right(text, x, value, slope):
    space = {"np": np, "scipy": scipy}
    loss = eval(f"lambda x: np.sum({text})", space)
    c = symdiff.compile(loss, {"x": (len(x),)}, verify=False)
    with quiet():
        found, gradient = c.value_and_grad(np.array(x))
    np.testing.assert_allclose(found, value, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9)


def naive(z, labels):
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


NAIVE = {
    dtype: symdiff.compile(
        naive, {"z": ("n", 3), "labels": "n:int64"}, dtype=dtype, verify=False
    )
    for dtype in ("float32", "float64")
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_softmax_cross_entropy_at_extreme_logits(dtype, data):
    size = st.floats(-(2.0**17), 2.0**17, width=32)
    z = np.array(data.draw(st.lists(size, min_size=3, max_size=3)), dtype)[None]
    label = np.array([data.draw(st.integers(0, 2))])
    value, gradient = NAIVE[dtype].value_and_grad(z, label)
    below = z.astype("longdouble") - z.max()
    p = np.exp(below) / np.exp(below).sum()
    log_p = below[0, label[0]] - np.log(np.exp(below).sum())
    close = 1e-6 if dtype == "float32" else 1e-14
    assert value.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(value, float(-log_p), rtol=close, atol=close)
    expected = (p - np.eye(3)[label]).astype(float)
    np.testing.assert_allclose(gradient, expected, rtol=100 * close, atol=close)


# What only looks like a formula of the table.
NEAR_MISSES = [
    "np.log(2 + np.exp(x))",
    "np.log(np.sum(np.exp(x)) + 1e-12)",
    "np.exp(x) / np.sum(np.exp(y))",
    "np.log(np.exp(x) + y)",
    "np.log(x + 1e-12)",
    "1 / (2 + np.exp(-x))",
    "(np.exp(x) - np.exp(y)) / (np.exp(x) + np.exp(2 * y))",
    "(np.exp(x) - np.exp(-x)) / 3",
    "np.exp(x) + 1",
    "np.exp(x) - 2",
    "2 - np.cos(x)",
    "x * np.log(y)",
    "x / y",
    "np.sqrt(x**2 + y**3)",
    "np.sqrt(np.sum(x**2) + 1e-12)",
    "np.sqrt(np.sum(x**2) - np.sum(y**2))",
    "np.sqrt(x**3)",
    "np.sum(np.exp(x)) + np.log(np.sum(np.exp(x)))",
]


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_a_near_miss_is_left_alone(text):
    assert not fired(compiled(case(text, x=("n",), y=("n",)), verify=False))


@pytest.mark.parametrize(
    "text",
    [
        "np.log(np.exp(x)[:, :2].sum(axis=1)) - np.log(np.exp(x).sum(axis=1))",
        "np.exp(x).sum(axis=0).sum() / np.exp(x)[:, :1].sum()",
        "np.exp(x).sum(axis=1)[:, None] / np.exp(x).sum(axis=0)",
    ],
)
def test_sums_that_may_be_far_smaller_than_the_largest_term_are_left_alone(text):
    assert not fired(compiled(case(text, x=(4, 3)), verify=False))


def test_the_users_own_shift_is_not_repeated():
    for text in (
        "np.log(np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1))",
        "np.log(np.exp((x - x.max(axis=1)[:, None]) / 3).sum(axis=1))",
        "np.log(np.exp(-(x - x.min(axis=1)[:, None])).sum(axis=1))",
    ):
        source = compiled(case(text, x=("n", 3)), verify=False).source
        assert "isfinite" not in source


def test_nan_stays_and_infinite_logits_are_no_nan():
    def compiled(text):
        return symdiff.compile(
            eval(f"lambda x: np.sum({text})", {"np": np}), {"x": "n"}
        )

    with quiet():
        for text in ("1 / (1 + np.exp(-x))", "np.log(1 + np.exp(x))", "x / x"):
            assert np.isnan(compiled(text).value(np.array([np.nan, 1.0])))
        c = compiled("np.log(np.sum(np.exp(x)))")
        assert c.value(np.array([-np.inf, -np.inf])) == -np.inf
        assert c.value(np.array([np.inf, 0.0])) == np.inf
        assert np.isnan(c.value(np.array([np.nan, 0.0])))


# Settings.


def test_none_keeps_the_forward_pass_bit_for_bit():
    for _, one in CASES:
        c = compiled(one, verify=False, rewrites="none")
        arguments = one.draw({"n": 5}, "float64", seed=3)
        assert c.value(*arguments) == one.loss()(*arguments), str(one)
        assert not fired(c)


def test_fast_adds_rewrites():
    one = case("x**2 - y**2", x=("n",), y=("n",))
    assert not fired(compiled(one))
    assert fired(compiled(one, rewrites="fast")) == {"difference-of-squares"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sigmoid_is_scipys_at_every_hard_point(dtype, sign):
    made = symdiff.compile(
        lambda x: np.sum(1 / (1 + np.exp(-sign * x))), {"x": (1,)}, dtype=dtype
    )
    x = np.array([-np.inf, -800, -80, -1, -0.0, 0, 1, 80, 800, np.inf, np.nan], dtype)
    with quiet():
        values = [made.value(one) for one in x[:, None]]
    expected = scipy.special.expit(sign * x)
    np.testing.assert_allclose(values, expected, rtol=4 * np.finfo(dtype).eps)


def test_a_sigmoid_by_tanh_is_right_but_for_the_last_digits():
    one = case(f"({S}) * x", x=("n",))
    by_tanh = compiled(one, rewrites="fast")
    assert "sigmoid-by-tanh" in fired(by_tanh)
    x = np.array([-700.0, -30.0, -1.0, 0.0, 2.0, 700.0])
    for found, exact in zip(
        by_tanh.value_and_grad(x), compiled(one).value_and_grad(x), strict=True
    ):
        np.testing.assert_allclose(found, exact, atol=1e-13)


def test_a_logarithm_of_a_sigmoid_is_found_before_that_is_a_tanh():
    one = case(f"np.log({S})", x=("n",))
    assert fired(compiled(one, rewrites="fast")) == {"log-sigmoid"}


def test_an_unknown_name_is_refused():
    with pytest.raises(symdiff.SpecError, match="no rewrite 'softmux'") as caught:
        compiled(CASES[0][1], no_rewrite="softmux")
    assert "softmax" in caught.value.remedy


def test_rewrites_are_named_where_they_are(tmp_path):
    path = tmp_path / "loss.py"
    path.write_text(
        'import numpy as np\nARGS = {"x": "n"}\n'
        "def f(x):\n    return np.log(np.sum(np.exp(x)))\n"
    )

    def show(stage, *options):
        words = ["show", f"{path}:f", "--stage", stage, *options]
        return CliRunner().invoke(main, words).output

    assert show("rewrites").startswith("loss.py:4: log-sum-exp: log(sum(exp(x))) =")
    assert "    # log-sum-exp: np.log(np.sum(np.exp(x)))\n" in show("source")
    assert show("rewrites", "--no-rewrite", "log-sum-exp") == "none\n"


def test_the_guide_lists_the_rewrites():
    text = README.read_text()
    table = text.split("<!-- rewrites -->\n")[1].split("\n<!-- end -->")[0]
    rows = ["| name | what is rewritten | where it holds |", "|---|---|---|"]
    for row in REWRITES.values():
        identity = row.identity.replace("|", "\\|")
        name = f"`{row.name}`" + (" (`fast` only)" if row.fast else "")
        name += f" (style `{row.style}`)" if row.style else ""
        rows.append(f"| {name} | `{identity}` | {row.domain} |")
    assert table.splitlines() == rows


def test_many_rewrites_compile_in_linear_time():
    def loss(x):
        for _ in range(300):
            x = np.exp(x) / np.exp(x).sum()
        return np.log(1 + np.exp(x)).sum()

    c = symdiff.compile(loss, {"x": (3,)}, verify=False)
    assert np.isfinite(c.value(np.ones(3)))


@pytest.mark.parametrize("corners", ["least-norm", "jax", "torch", "zero", "nan"])
def test_a_softplus_guarded_by_hand_has_no_corner(corners):
    compiled = symdiff.compile(
        lambda x: np.sum(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
        {"x": ("n",)},
        corners=corners,
    )
    x = np.array([-800.0, 0.0, 1.0, 800.0])
    expected = [0.0, 0.5, 1 / (1 + np.exp(-1.0)), 1.0]
    np.testing.assert_allclose(compiled.grad(x), expected, rtol=1e-15)
    assert "Corners: none" in compiled.source
