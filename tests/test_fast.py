"""The fast style: what the plain one computes, in arrays that are used again and again."""

import gc
import math
import sys
import threading
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import test_passes_agree
import test_random_programs
from cases import quiet

import symdiff
from symdiff.errors import SpecError
from symdiff.settings import ASKED, LOWERINGS

LOSSES = test_passes_agree.LOSSES
MLP = {
    "W": (6, 5),
    "b": (5,),
    "v": (5,),
    "X": ("n", 6),
    "y": ("n",),
}


def mlp(W, b, v, X, y):
    h = np.tanh(X @ W + b)
    return np.mean((h @ v - y) ** 2)


def fast(loss=mlp, args=MLP, wrt=("W", "b", "v"), **options):
    return symdiff.compile(loss, args, wrt=wrt, style="fast", **options).module


def given(n, seed=0):
    rng = np.random.default_rng(seed)
    shapes = ([n if one == "n" else one for one in shape] for shape in MLP.values())
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


PLAIN = symdiff.compile(mlp, MLP, wrt=("W", "b", "v")).module
FAST = fast()


def assert_plain(result, arguments):
    value, gradient = result
    expected, slopes = PLAIN.value_and_grad(*arguments)
    np.testing.assert_allclose(value, expected, 1e-13)
    for part, slope in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(part, slope, 1e-12, 1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_every_golden_loss_has_the_gradient_of_the_plain_style(name):
    loss, committed = map(test_passes_agree.module, LOSSES[name])
    wrt, dtype = getattr(loss, "WRT", None), test_passes_agree.dtype(committed)
    tolerances = {"float64": (1e-10, 1e-12), "float32": (1e-4, 1e-6)}[dtype]
    made = symdiff.compile(loss.loss, wrt=wrt, dtype=dtype, style="fast", verify=False)
    for seed in range(3):
        arguments = committed._made_up(np.random.default_rng(seed))
        expected, slopes = committed.value_and_grad(*arguments)
        value, gradient = made.value_and_grad(*arguments)
        np.testing.assert_allclose(value, expected, tolerances[0] / 100)
        pairs = map(test_passes_agree.arrays, (gradient, slopes))
        for one, other in zip(*pairs, strict=True):
            np.testing.assert_allclose(one, other, *tolerances)


# How long a random program's unknown axis is: unknown, so small that arrays are plain
# numbers, so large that they go through blocks of rows.
LENGTHS = {None: (7, 4, 7), 3: (3, 3), 500: (500, 500)}


@pytest.mark.parametrize("known", LENGTHS)
@pytest.mark.parametrize("seed", range(700_000, 700_040))
def test_random_programs_have_the_gradient_of_the_plain_style(seed, known):
    program = test_random_programs.draw(seed)
    if known == 500 and any(one.count("n") > 1 for one in program.shapes.values()):
        known = 60
    args = {
        name: tuple(known if one == "n" and known else one for one in shape)
        for name, shape in program.shapes.items()
    }
    args["k"] = symdiff.ArraySpec((known or "n",), "int64")
    wrt = tuple(program.shapes)
    plain, made = (
        symdiff.compile(program.loss(), args, wrt=wrt, style=style, verify=False)
        for style in ("plain", "fast")
    )
    for seed_of_call, length in enumerate(LENGTHS.get(known, (known, known))):
        arguments = program.arguments(length, seed_of_call)
        with quiet():
            expected, slopes = plain.value_and_grad(*arguments)
            value, gradient = made.value_and_grad(*arguments)
        np.testing.assert_allclose(value, expected, 1e-11)
        for one, other in zip(gradient, slopes, strict=True):
            scale = np.abs(other).max(initial=1e-300)
            np.testing.assert_allclose(one / scale, other / scale, 1e-9, 1e-11)


def test_an_element_of_an_array_is_read_when_it_is_there():
    def loss(x):
        y = np.tanh(x)
        last = y[-1]
        return np.sum(y * last) + np.sin(last)

    made = fast(loss, {"x": ("n",)}, "x")
    for seed in range(2):
        x = np.random.default_rng(seed).normal(size=5)
        value, gradient = made.value_and_grad(x)
        y, slope = np.tanh(x), 1 - np.tanh(x) ** 2
        expected = y[-1] * slope
        expected[-1] += (y.sum() + np.cos(y[-1])) * slope[-1]
        assert value == pytest.approx(loss(x), rel=1e-14)
        np.testing.assert_allclose(gradient, expected, 1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sizes_follow_each_other_in_any_order(dtype):
    made = fast(dtype=dtype)
    plain = symdiff.compile(mlp, MLP, wrt=("W", "b", "v"), dtype=dtype).module
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the mean of nothing
        for n in (7, 0, 1, 7, 3, 2, 5, 0, 7):
            arguments = [one.astype(dtype) for one in given(n, n)]
            value, gradient = made.value_and_grad(*arguments)
            expected, slopes = plain.value_and_grad(*arguments)
            np.testing.assert_allclose(value, expected, 1e-6)
            assert type(value) is type(expected)
            for part, slope in zip(gradient, slopes, strict=True):
                assert part.dtype == dtype
                np.testing.assert_allclose(part, slope, 1e-4, 1e-5)


def test_both_passes_by_themselves_agree_with_both_as_one():
    arguments = given(4)
    _, cache = FAST.forward(*arguments)
    FAST.value_and_grad(*given(4, 1))
    assert_plain((FAST.value(*arguments), FAST.backward(cache)), arguments)
    assert_plain((FAST.value(*arguments), FAST.grad(*arguments)), arguments)


def test_a_gradient_is_the_callers_own():
    arguments = given(5)
    first = FAST.value_and_grad(*arguments)
    FAST.value_and_grad(*given(5, 1))
    assert_plain(first, arguments)
    again = FAST.value_and_grad(*arguments)
    buffers = FAST._workspace.kept[(5,)]
    for place, part in enumerate(again[1]):
        assert part.base is None
        others = [*arguments, *buffers, *first[1], *again[1][:place]]
        assert not any(np.shares_memory(part, other) for other in others)


def test_arguments_are_not_written_into():
    arguments = given(5)
    for one in arguments:
        one.setflags(write=False)
    assert_plain(FAST.value_and_grad(*arguments), arguments)


def test_out_is_written_into_and_returned():
    _, gradient = FAST.value_and_grad(*given(5, 1))
    arguments = given(5)
    value, again = FAST.value_and_grad(*arguments, out=gradient)
    assert all(one is other for one, other in zip(again, gradient, strict=True))
    assert_plain((value, gradient), arguments)


def test_out_may_be_views_of_one_vector():
    arguments = given(5)
    flat = np.empty(40)
    parts = FAST.Gradient(flat[:30].reshape(6, 5), flat[30:35], flat[35:])
    assert_plain(FAST.value_and_grad(*arguments, out=parts), arguments)


def nested(layers, scale, X):
    h = X
    for layer in layers:
        h = np.tanh(h @ layer["W"]) * scale
    return np.sum(h**2)


NESTED = {"layers": [{"W": (3, 3)}] * 2, "scale": (), "X": ("n", 3)}


@pytest.mark.parametrize("wrt", ["layers", "X", "scale", ("layers", "scale")])
def test_out_has_the_structure_of_the_gradient(wrt):
    made = fast(nested, NESTED, wrt)
    rng = np.random.default_rng(0)
    layers = [{"W": rng.normal(size=(3, 3))} for _ in range(2)]
    arguments = layers, np.array(1.5), rng.normal(size=(4, 3))
    _, first = made.value_and_grad(*arguments)
    expected = [one.copy() for one in test_passes_agree.arrays(first)]
    for one in test_passes_agree.arrays(first):
        one[...] = np.nan
    _, again = made.value_and_grad(*arguments, out=first)
    found = test_passes_agree.arrays(first), test_passes_agree.arrays(again)
    for one, same, right in zip(*found, expected, strict=True):
        assert one is same
        np.testing.assert_array_equal(one, right)


def test_out_of_another_form_is_refused():
    arguments = given(5)
    _, good = FAST.value_and_grad(*arguments)
    fixed = np.empty(5)
    fixed.setflags(write=False)
    for bad in (np.empty(4), np.empty(5, "float32"), fixed, [0.0] * 5):
        with pytest.raises(ValueError, match=r"out\.b is not a writeable, contiguous"):
            FAST.value_and_grad(*arguments, out=good._replace(b=bad))


def test_out_that_shares_memory_is_refused():
    arguments = given(5)
    _, good = FAST.value_and_grad(*arguments)
    b = arguments[1]
    for bad in (
        good._replace(b=b),
        good._replace(b=arguments[2]),
        good._replace(b=good.v),
    ):
        with pytest.raises(ValueError, match="share memory"):
            FAST.value_and_grad(*arguments, out=bad)
    assert_plain(FAST.value_and_grad(*arguments), arguments)


def test_an_exception_leaves_a_workspace_usable():
    made = fast(
        lambda x, k: np.sum(np.exp(x)[k] ** 2), {"x": ("n",), "k": "n:int64"}, "x"
    )
    x = np.arange(3.0)
    workspace = made.Workspace()
    for bad in ([0, 1, 3], [0, 0, -4]):
        with pytest.raises(IndexError):
            made.value_and_grad(x, bad, workspace=workspace)
        value, d_x = made.value_and_grad(x, [0, 0, 2], workspace=workspace)
        assert np.isclose(value, 2 + np.exp(4))
        np.testing.assert_allclose(d_x, [4, 0, 2 * np.exp(4)])


def test_a_workspace_keeps_the_arrays_of_its_last_sizes():
    workspace = FAST.Workspace(3)
    (kept,) = workspace.kept.values()
    assert_plain(FAST.value_and_grad(*given(3), workspace=workspace), given(3))
    assert all(
        one is other for one, other in zip(workspace.kept[(3,)], kept, strict=True)
    )
    for n in (4, 5, 3, 6, 7):
        FAST.value_and_grad(*given(n), workspace=workspace)
    assert list(workspace.kept) == [(5,), (3,), (6,), (7,)]


def test_a_call_within_a_call_has_other_arrays():
    taken = FAST._workspace.take(4)
    assert_plain(FAST.value_and_grad(*given(4)), given(4))
    assert not any(
        np.shares_memory(one, other)
        for one in taken
        for other in FAST._workspace.kept[(4,)]
    )
    FAST._workspace.give_back(taken, 4)


@pytest.mark.parametrize("workspace", [FAST._workspace, FAST.Workspace(6)])
def test_fault_34_threads_have_arrays_of_their_own(workspace):
    inputs = [given(6 + seed % 2, seed) for seed in range(8)]
    expected = [PLAIN.value_and_grad(*one) for one in inputs]
    start, wrong = threading.Barrier(8), []

    def work(which):
        start.wait()
        for _ in range(200):
            value, gradient = FAST.value_and_grad(*inputs[which], workspace=workspace)
            right, slopes = expected[which]
            if not np.isclose(value, right, 1e-12) or not all(
                map(np.allclose, gradient, slopes)
            ):
                wrong.append(which)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work, args=(which,)) for which in range(8)]
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


def peak(call):
    """The most memory that a call has beyond what there was, in bytes."""
    call()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_nothing_but_the_gradient_is_allocated():
    arguments = given(40_000)
    _, gradient = FAST.value_and_grad(*arguments)
    # A (n, 5) is 1,600 kB, a (n,) 320 kB; NumPy's own buffers of a broadcast are 64 kB.
    assert peak(lambda: FAST.value_and_grad(*arguments)) < 200_000
    assert peak(lambda: FAST.value_and_grad(*arguments, out=gradient)) < 200_000
    assert peak(lambda: PLAIN.value_and_grad(*arguments)) > 3_200_000


@pytest.mark.parametrize("name", ["out", "workspace", "arrays", "given", "Workspace"])
def test_a_users_name_stays_his_own(name):
    source = (
        f"def loss({name}, x):\n    out = np.tanh({name})\n    return np.sum(out * x)"
    )
    space = {"np": np}
    exec(source, space)
    made = fast(space["loss"], {name: ("n",), "x": ("n",)}, name)
    x = np.arange(3.0)
    value, slope = made.value_and_grad(x, x)
    assert np.isclose(value, np.tanh(x) @ x)
    np.testing.assert_allclose(slope, x * (1 - np.tanh(x) ** 2))
    _, again = made.value_and_grad(**{name: x, "x": x})
    np.testing.assert_array_equal(again, slope)


def test_several_functions_have_workspaces_of_their_own():
    def error(W, b, X):
        return np.sum(np.exp(X @ W + b))

    made = symdiff.compile_module(
        [mlp, error], MLP, wrt=("W", "b"), style="fast"
    ).module
    W, b, v, X, y = given(5)
    value, gradient = made.mlp_value_and_grad(W, b, v, X, y)
    assert np.isclose(value, mlp(W, b, v, X, y))
    value, gradient = made.error_value_and_grad(
        W, b, X, out=gradient, workspace=made.ErrorWorkspace(5)
    )
    np.testing.assert_allclose(gradient.b, np.exp(X @ W + b).sum(axis=0))


STEPS = {
    "sin": lambda x: np.sin(x),
    "log-softmax": lambda x: x - np.log(np.sum(np.exp(x))),
    "unit": lambda x: x / np.sqrt(np.sum(x**2)) + 0.1,
    "square": lambda x: x**2 / 2,
}


@pytest.mark.parametrize("name", STEPS)
def test_a_deep_loss_compiles(name):
    def deep(x):
        for _ in range(400):
            x = STEPS[name](x)
        return np.sum(x[:2])

    made = fast(deep, {"x": ("n",)}, "x", verify=False)
    x = np.linspace(1.8, 2, 3)
    plain = symdiff.compile(deep, {"x": ("n",)}, verify=False)
    np.testing.assert_allclose(made.value_and_grad(x)[1], plain.grad(x), 1e-9, 1e-12)


def lowered(W, b, X, labels):
    h = np.maximum(X @ W + b, 0) ** 3
    s = np.log(1 + np.exp(h)) + h * np.outer(np.arange(len(X)), b)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    both = np.concatenate([np.exp(X @ W), np.cos(X @ W)])
    return -np.mean(log_p[np.arange(len(X)), labels]) * 0.5 + np.sum(np.tanh(both))


def test_the_guide_lists_the_lowerings():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- lowerings -->\n")[1].split("\n<!-- end -->")[0]
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert {name.strip("| `"): what for name, what, _ in rows} == LOWERINGS


# Small losses and large arrays have tests of their own.
@pytest.mark.parametrize("name", sorted(LOWERINGS.keys() - {"unroll", "blocks"}))
def test_each_lowering_can_be_left_out(name):
    args = {"W": (6, 64), "b": (64,), "X": ("n", 6), "labels": "n:int64"}
    texts, results = [], []
    rng = np.random.default_rng(0)
    arguments = [
        0.1 * rng.normal(size=(6, 64)),
        0.1 * rng.normal(size=64),
        rng.normal(size=(5, 6)),
        rng.integers(0, 64, 5),
    ]
    for left_out in ((), (name,)):
        made = symdiff.compile(
            lowered,
            args,
            wrt=("W", "b"),
            style="fast",
            no_rewrite=left_out,
            rewrite=ASKED,
            verify=False,
        )
        texts.append(made.source)
        results.append(made.value_and_grad(*arguments))
    (value, gradient), (same, slopes) = results
    np.testing.assert_allclose(value, same, 1e-13)
    for one, other in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(one, other, 1e-10, 1e-14)
    assert texts[0] != texts[1]


def test_what_is_less_is_subtracted_and_takes_no_array_of_its_own():
    made = fast(
        lambda x, z: np.sum(np.exp(-z + np.sin(x))), {"x": ("n",), "z": ("n",)}, "x"
    )
    x, z = np.linspace(0, 1, 5), np.linspace(2, 3, 5)
    _, gradient = made.value_and_grad(x, z)
    np.testing.assert_allclose(gradient, np.exp(np.sin(x) - z) * np.cos(x), 1e-14)
    out = np.empty(100_000)
    arguments = np.ones(100_000), np.ones(100_000)
    made.value_and_grad(*arguments, out=out)
    tracemalloc.start()
    made.value_and_grad(*arguments, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000


def tanh_by_exp(dtype="float64", **options):
    def loss(x, w):
        return np.sum(np.tanh(x) * w)

    args = {"x": ("n",), "w": ("n",)}
    return symdiff.compile(
        loss, args, wrt=("x", "w"), style="fast", dtype=dtype, **options
    )


@pytest.mark.filterwarnings("error")
def test_tanh_by_exp_is_right_to_the_last_digits_of_one():
    made = tanh_by_exp(rewrite="tanh")
    assert "np.tanh(x, out" not in made.source
    ends = [0, 1e-300, 1e-17, 1e-8, 18, 19.9, 20.1, 354, 355, 710, 1e308, np.inf]
    x = np.array([*np.linspace(-3, 3, 4001), *np.arange(-700.0, 701), *ends])
    x = np.concatenate([x, -x])
    right = np.array([*map(math.tanh, x)])
    _, gradient = made.value_and_grad(x, np.ones_like(x))
    np.testing.assert_allclose(gradient.w, right, 0, 5e-16)
    slopes = 1 / np.cosh(np.clip(x, -300, 300)) ** 2
    np.testing.assert_allclose(gradient.x, slopes, 0, 1e-15)
    np.testing.assert_array_equal(gradient.w[abs(x) > 20], np.sign(x[abs(x) > 20]))
    assert np.isnan(made.grad(np.full(1, np.nan), np.ones(1)).w).all()
    x, w, along = (np.random.default_rng(seed).normal(size=9) for seed in range(3))
    above, below = (
        made.value_and_grad(x + step * along, w)[0] for step in (1e-5, -1e-5)
    )
    slope = np.vdot(made.grad(x, w).x, along)
    assert slope == pytest.approx((above - below) / 2e-5, rel=1e-8)


def test_tanh_by_exp_is_made_in_double_precision_and_where_it_is_asked_for():
    for options in ({}, {"rewrites": "fast"}, {"rewrite": "tanh", "dtype": "float32"}):
        assert "np.tanh(x, out" in tanh_by_exp(**options).source
    with pytest.raises(SpecError, match="rewrite='sinh' is no choice"):
        tanh_by_exp(rewrite=("tanh", "sinh"))
    with pytest.raises(SpecError, match="tanh is made in the fast style alone"):
        symdiff.compile(np.tanh, {"x": ()}, rewrite="tanh")


def test_arguments_of_known_sizes_pass_one_test_or_are_looked_at():
    args = {"w": (3,), "X": (100, 3), "type_": (100,)}

    def loss(w, X, type_):
        type = X @ w
        return np.mean(np.logaddexp(0, type) - type_ * type)

    made, plain = (
        symdiff.compile(loss, args, style=style) for style in ("fast", "plain")
    )
    rng = np.random.default_rng(0)
    w, X, y = (rng.normal(size=shape) for shape in args.values())
    for one in (w, w.tolist(), w.astype("float32"), w.astype(">f8")):
        expected = plain.grad(one, X, y)
        np.testing.assert_allclose(made.grad(one, X, y), expected, 1e-12)
    for wrong in (w[:2], w[:, None], w.astype(complex), w.view(np.recarray), "w"):
        errors = []
        for module in (made, plain):
            with pytest.raises((TypeError, ValueError)) as caught:
                module.value_and_grad(wrong, X, y)
            errors.append((caught.type, str(caught.value)))
        assert errors[0] == errors[1]
