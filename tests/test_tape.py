"""The recorder: values as NumPy's, gradients as others have them, and what it shows."""

from __future__ import annotations

import functools
import math
import warnings
from types import SimpleNamespace
from typing import NamedTuple

import autograd
import autograd.numpy
import numpy as np
import pytest
import test_random_programs
import test_rows_elementwise
import test_rows_folding
import test_rows_layout
import test_rows_linalg
import test_rows_reductions
import test_rows_special
from cases import differences, over, quiet

import symdiff
from symdiff import tape

ROWS = (
    *(test_rows_elementwise, test_rows_folding, test_rows_layout),
    *(test_rows_linalg, test_rows_reductions, test_rows_special),
)
SAMPLES = [one for rows in ROWS for one in rows.CASES[::5]]
RNG = np.random.default_rng(0)
W, B = RNG.normal(size=(3, 2)), RNG.normal(size=2)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))


def network(W, b, X, Y, np=np):
    h = np.tanh(X @ W + b)
    return np.mean((h - Y) ** 2)


# Against other sources.


@over(SAMPLES)
def test_value_and_gradient(case):
    sizes = {name: 2 + place for place, name in enumerate(case.sizes)}
    arguments, loss = case.draw(sizes, "float64"), case.loss()
    with quiet():
        recorded = tape.record(loss, *arguments, wrt=case.wrt)
        gradient = recorded.backward()
        np.testing.assert_allclose(recorded.value, loss(*arguments), 1e-12, 1e-12)
        for name, part in zip(case.wrt, gradient, strict=True):
            place = list(case.shapes).index(name)
            slope = differences(loss, arguments, place)
            np.testing.assert_allclose(part, slope, 1e-7, 1e-7, err_msg=str(recorded))


def test_gradient_of_a_network_is_autograds():
    loss = functools.partial(network, np=autograd.numpy)
    expected = autograd.grad(loss, (0, 1))(W, B, X, Y)
    value, gradient = tape.value_and_grad(network, wrt=("W", "b"))(W, B, X, Y)
    assert value == network(W, B, X, Y)
    assert gradient._fields == ("W", "b")
    np.testing.assert_allclose(gradient.W, expected[0], 1e-12)
    np.testing.assert_allclose(gradient.b, expected[1], 1e-12)


def test_gradient_is_that_of_the_compiled_module():
    compiled = symdiff.compile(network, {"W": W, "b": B, "X": X, "Y": Y})
    recorded = tape.record(network, W, B, X, Y)
    np.testing.assert_allclose(recorded.backward(), compiled.grad(W, B, X, Y), 1e-13)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_programs_have_the_right_gradient(first):
    found = []
    for seed in range(first, first + 20):
        program = test_random_programs.draw(seed)
        loss, wrt = program.loss(), tuple(program.shapes)
        recorder = SimpleNamespace(value_and_grad=tape.value_and_grad(loss, wrt))
        with quiet():
            found += [
                test_random_programs.judged(program, loss, recorder, length, seed)
                for length in (5, 1)
            ]
    wrong = [one for one in found if one not in ("right", "kink")]
    assert not wrong, "\n\n".join(wrong)
    assert found.count("right") >= 30


def test_a_mean_of_nothing_is_nan_as_numpys():
    with quiet():
        recorded = tape.record(lambda x: x[1:].mean() + x.sum(), np.ones(1))
        assert np.isnan(recorded.value)
        np.testing.assert_array_equal(recorded.backward(), [1])


def test_a_thousand_operations_in_a_chain():
    def chain(x):
        for _ in range(500):
            x = np.sin(x) * 1.01
        return x

    recorded = tape.record(chain, 0.7)
    x, slope = 0.7, 1.0
    for _ in range(500):
        x, slope = np.sin(x) * 1.01, slope * np.cos(x) * 1.01
    assert recorded.value == x
    assert len(recorded.steps) == 1000
    np.testing.assert_allclose(recorded.backward(), slope, 1e-10)


# What runs is recorded, whatever decides it.


def descent(x):
    """Halve what is even, as long as the value asks for it."""
    while x > 1:
        x = x / 2 if int(x) % 2 == 0 else x - 0.7
    return x


@pytest.mark.parametrize("start", [0.5, 6.5, 7.25, 111.37])
def test_loops_and_branches_may_ask_for_values(start):
    value, slope = tape.value_and_grad(descent)(start)
    assert value == descent(start)
    halvings = differences(descent, [np.array(start)], 0)
    np.testing.assert_allclose(slope, halvings, 1e-9)


def test_comparing_functions_of_python_choose_a_value():
    def loss(x):
        return max(x) * 2 + min(x[0], x[1]) + sorted(x, key=abs)[0]

    recorded = tape.record(loss, np.array([3.0, -5.0, 0.5]))
    assert recorded.value == 6 - 5 + 0.5
    np.testing.assert_array_equal(recorded.backward(), [2, 1, 1])


def test_the_same_branch_is_refused_where_one_path_is_to_hold_for_all_values():
    with pytest.raises(symdiff.ValueDependenceError, match="condition"):
        symdiff.compile(descent, {"x": ()})


def test_values_can_be_looked_at_while_they_are_recorded(capsys):
    def loss(x):
        half = x / 2
        print(f"{half:.2f}")
        print(half * 3)
        return half**2

    tape.record(loss, 3.0)
    assert capsys.readouterr().out == "1.50\n<traced Mul: float64[] = 4.5>\n"


# Arguments.


def test_nested_arguments_give_nested_gradients():
    class Layer(NamedTuple):
        W: np.ndarray
        scale: float

    def loss(layers, X):
        for layer in layers["net"]:
            X = np.tanh(X @ layer.W) * layer.scale
        return X.sum() + layers["shift"]

    layers = {"shift": 1.5, "net": [Layer(W, 2.0), Layer(W.T, 0.5)]}
    gradient = tape.record(loss, layers, X).backward()
    assert list(gradient) == ["shift", "net"]
    assert gradient["shift"] == 1
    inner = np.tanh(X @ W)
    outer = np.tanh(2 * inner @ W.T)
    np.testing.assert_allclose(gradient["net"][1].scale, outer.sum())
    np.testing.assert_allclose(
        gradient["net"][1].W, (2 * inner).T @ (0.5 * (1 - outer**2)), 1e-12
    )


def test_flags_counts_and_shapes_are_handed_on():
    def loss(x, shape, power, *more, name="cos", scale=2.0):
        assert type(power) is int
        y = scale * getattr(np, name)(x.reshape(shape)[0]) ** power
        return sum(map(np.sum, more), np.sum(y))

    recorded = tape.record(loss, np.arange(6.0), (2, 3), 3, W, B, name="sin")
    x = np.arange(3.0)
    expected = [*(6 * np.sin(x) ** 2 * np.cos(x)), 0, 0, 0]
    np.testing.assert_allclose(recorded.backward(), expected, 1e-12)


def test_specs_beside_the_loss_do_not_matter(tmp_path):
    space = {"np": np, "ARGS": {"x": (3,), "scale": ()}}
    exec("def loss(x, scale=2.0):\n    return scale * np.sum(x**2)", space)
    np.testing.assert_array_equal(
        tape.record(space["loss"], np.ones(5)).backward(), np.full(5, 4.0)
    )


def test_single_precision_stays():
    single = [one.astype("float32") for one in (W, B, X, Y)]
    recorded = tape.record(network, *single)
    assert {step.value.dtype.name for step in recorded.steps[:5]} == {"float32"}
    assert recorded.backward().dtype == "float32"


def test_arrays_of_two_precisions_meet_as_numpys():
    def loss(x, y):
        return np.sum(x * y + np.ones(2))

    x, y = np.ones(2, np.float32), np.ones(2)
    recorded = tape.record(loss, x, y, wrt=("x", "y"))
    assert recorded.value.dtype == loss(x, y).dtype == "float64"
    assert [part.dtype for part in recorded.backward()] == ["float32", "float64"]


def test_a_loss_that_does_not_depend_on_an_argument_has_slope_zero():
    gradient = tape.record(lambda x, y: np.sum(y) * 1.0, X, Y).backward()
    np.testing.assert_array_equal(gradient, np.zeros_like(X))


def test_the_callers_arrays_are_read_once_and_never_written():
    x = np.array([1.0, 2.0])
    recorded = tape.record(lambda x: np.sum(x**3), x)
    x[:] = 100.0
    gradient = recorded.backward()
    np.testing.assert_array_equal(gradient, [3.0, 12.0])
    gradient[:] = 0
    np.testing.assert_array_equal(recorded.backward(), [3.0, 12.0])


def test_what_the_loss_writes_into_its_own_arrays_is_recorded():
    def loss(x):
        y = np.zeros(3)
        y[:2] = x
        y[1:] += x**2
        return np.prod(y + 1)

    x = np.array([0.5, 2.0])
    recorded = tape.record(loss, x)
    assert recorded.value == loss(x)
    np.testing.assert_allclose(recorded.backward(), differences(loss, [x], 0), 1e-9)


def test_the_gradient_is_as_often_and_as_large_as_asked_for():
    recorded = tape.record(network, W, B, X, Y)
    once, listing = recorded.backward(), str(recorded)
    np.testing.assert_allclose(recorded.backward(0.5), once / 2, 1e-15)
    np.testing.assert_array_equal(recorded.backward(), once)
    assert str(recorded) == listing


# What is refused.


def asks_for_a_float(x):
    return x * math.exp(x)


def makes_a_plain_array(x):
    return np.vectorize(lambda one: one**2)(x).sum()


@pytest.mark.parametrize(
    ("loss", "argument", "error", "message"),
    [
        (asks_for_a_float, 1.0, symdiff.ValueDependenceError, "lost to the gradient"),
        (makes_a_plain_array, X, symdiff.TraceError, "plain array of a traced one"),
        (lambda x: x.tolist()[0], X, symdiff.ValueDependenceError, "lost"),
        (lambda x: x[x > 0] @ x, B, symdiff.UnsupportedError, "depends on values"),
        (lambda x: np.roots(x).sum(), B, symdiff.UnsupportedError, "np.roots"),
        (lambda x: x * 2, B, symdiff.ShapeError, "not a scalar"),
        (lambda x: 1.0, B, symdiff.TraceError, "no argument enters"),
        (lambda x: x, 3, symdiff.SpecError, "cannot be differentiated"),
        (lambda x: x["a"], {"a": 1.0, "b": (2, 3)}, symdiff.SpecError, 'x["b"]'),
    ],
)
def test_what_cannot_be_recorded_is_refused(loss, argument, error, message):
    with pytest.raises(error, match=message.replace("[", r"\[")):
        tape.record(loss, argument)


def test_an_error_of_the_users_own_passes_through():
    with pytest.raises(ZeroDivisionError):
        tape.record(lambda x: x * (1 // 0), 1.0)
    with pytest.raises(np.linalg.LinAlgError):
        tape.record(lambda x: np.linalg.inv(x).sum(), np.zeros((2, 2)))


def test_formulas_are_not_rewritten():
    """What recording alone gives at a hard point, at which `compile` has the slope 1."""

    def softplus(x):
        return np.log(1 + np.exp(x))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(tape.record(softplus, 800.0).backward())
    assert symdiff.compile(softplus, {"x": ()}).grad(800.0) == 1


# What it shows.


def example(w, x):
    h = w * x
    if h.sum() > 1:
        h = np.tanh(h)
    return np.sum(h * x)


LINE = example.__code__.co_firstlineno
FORWARD = """\
    w                   (2,)  [0.5, 2. ]
    x                   (2,)  [1., 3.]
 1  h    = w * x        (2,)  [0.5, 6. ]        test_tape.py:{1}
 2  v2   = h.sum()      ()    6.5               test_tape.py:{2}
 3  v3   = v2 > 1       ()    True              test_tape.py:{2}
 4  h_1  = np.tanh(h)   (2,)  [0.4621, 1.    ]  test_tape.py:{3}
 5  v5   = h_1 * x      (2,)  [0.4621, 3.    ]  test_tape.py:{4}
 6  v6   = v5.sum()     ()    3.462             test_tape.py:{4}
""".format(*range(LINE, LINE + 5))
BACK = """\

    d_v6   = cotangent                 ()    1
 7  d_v5   = np.full((2,), cotangent)  (2,)  [1., 1.]
 8  d_h_1  = d_v5 * x                  (2,)  [1., 3.]
 9  v9     = h_1**2                    (2,)  [0.2136, 1.    ]
10  v10    = 1 - v9                    (2,)  [7.8645e-01, 2.4577e-05]
11  d_h    = d_h_1 * v10               (2,)  [7.8645e-01, 7.3730e-05]
12  d_w    = d_h * x                   (2,)  [7.8645e-01, 2.2119e-04]
"""


def spaced(text):
    """The words of each line; columns are as wide as what stands in them."""
    return [line.split() for line in text.splitlines()]


def test_the_listing_names_operations_values_and_places():
    recorded = tape.record(example, np.array([0.5, 2.0]), np.array([1.0, 3.0]))
    assert spaced(str(recorded)) == spaced(FORWARD)
    recorded.backward()
    assert spaced(str(recorded)) == spaced(FORWARD + BACK)


def test_columns_stand_below_each_other():
    lines = str(tape.record(network, W, B, X, Y)).splitlines()
    assert len({line.index("(") for line in lines if line.endswith(")")}) == 1


def test_each_operation_knows_its_cotangent_once_the_gradient_is_asked_for():
    recorded = tape.record(example, np.array([0.5, 2.0]), np.array([1.0, 3.0]))
    assert all(step.cotangent is None for step in recorded.steps)
    recorded.backward()
    h, total, asked, h_1, *_ = recorded.steps
    assert total.cotangent is asked.cotangent is None
    np.testing.assert_array_equal(h_1.cotangent, [1, 3])
    np.testing.assert_allclose(h.cotangent, [1, 3] * (1 - np.tanh(h.value) ** 2))


def test_differences_and_quotients_are_one_operation():
    def loss(x):
        return -np.sum((x - 1) / x)

    recorded = tape.record(loss, np.array([2.0, 4.0]))
    shown = [step.operation for step in recorded.steps]
    assert shown == ["x - 1", "v1 / x", "v2.sum()", "-v3"]
    np.testing.assert_allclose(recorded.backward(), [-1 / 4, -1 / 16])
    assert "d_v1" in str(recorded)


def test_arrays_of_the_loss_and_elements_of_arguments_have_their_names():
    table = np.arange(3.0)
    shown = str(
        tape.record(lambda p: p["a b"] @ table + p["c"][0], {"a b": table, "c": [1.0]})
    )
    assert '= p["a b"] @ table' in shown
    assert '+ p["c"][0]' in shown
