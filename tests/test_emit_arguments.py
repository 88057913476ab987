"""What emitted functions accept and refuse: what is wrong is named as it is written."""

import sys
import warnings
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from cases import checks_itself

import symdiff


def loss(W, b, X, labels):
    z = X @ W + b
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


ARGS = {"W": (3, 4), "b": (4,), "X": ("n", 3), "labels": "n:int64"}


@pytest.fixture(scope="module")
def flat():
    return symdiff.compile(loss, ARGS, wrt=("W", "b")).module


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 5)
    return {
        "W": rng.normal(size=(3, 4)),
        "b": rng.normal(size=4),
        "X": rng.normal(size=(5, 3)),
        "labels": labels,
    }


def nested_loss(params, X):
    h = X
    for layer in params["layers"]:
        h = np.tanh(h @ layer["W"] + layer["b"])
    return np.sum(h**2) + params["scale"]


NESTED = {
    "params": {"layers": [{"W": (3, 3), "b": (3,)}] * 2, "scale": ()},
    "X": ("n", 3),
}


@pytest.fixture(scope="module")
def nested():
    return symdiff.compile(nested_loss, NESTED).module


@pytest.fixture
def params():
    rng = np.random.default_rng(1)
    layers = [{"W": rng.normal(size=(3, 3)), "b": rng.normal(size=3)} for _ in range(2)]
    return {"layers": layers, "scale": 0.5}


FUNCTIONS = ("value", "forward", "value_and_grad", "grad")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_fault_20_every_function_checks_its_arguments(flat, data, name):
    data["b"] = np.ones(5)
    with pytest.raises(ValueError, match=r"^b has shape \(5,\), expected \(4,\)$"):
        getattr(flat, name)(**data)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("W", np.ones((3, 5)), r"W has shape \(3, 5\), expected \(3, 4\)"),
        ("W", np.ones(3), r"W has shape \(3,\), expected \(3, 4\)"),
        ("b", np.ones((1, 4)), r"b has shape \(1, 4\), expected \(4,\)"),
        ("b", 1.0, r"b has shape \(\), expected \(4,\)"),
        ("X", np.ones((5, 4)), r"X has shape \(5, 4\), expected \(n, 3\)"),
        ("X", np.ones(3), r"X has shape \(3,\), expected \(n, 3\)"),
    ],
)
def test_fault_20_wrong_shape_is_named(flat, data, argument, value, message):
    data[argument] = value
    with pytest.raises(ValueError, match=f"^{message}$"):
        flat.value(**data)


def test_fault_20_two_arguments_that_disagree_on_a_size_are_both_named(flat, data):
    data["labels"] = data["labels"][:4]
    expected = r"^labels has shape \(4,\), expected \(5,\): n is X.shape\[0\]$"
    with pytest.raises(ValueError, match=expected):
        flat.value(**data)


def test_fault_20_a_size_on_two_axes_of_one_argument():
    made = symdiff.compile(lambda A: np.sum(A @ A), {"A": ("n", "n")}).module
    assert made.value(np.eye(2)) == 2
    message = r"^A has shape \(2, 3\), expected \(2, 2\): n is A.shape\[0\]$"
    with pytest.raises(ValueError, match=message):
        made.value(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.ones(4, complex), "complex128"),
        (np.array(["1"] * 4), "<U1"),
        (["a"] * 4, "<U1"),
        (None, "object"),
        (np.zeros(4, "datetime64[s]"), r"datetime64\[s\]"),
    ],
)
def test_fault_20_wrong_dtype_is_named(flat, data, value, kind):
    data["b"] = value
    with pytest.raises(TypeError, match=f"^b has dtype {kind}, expected float64$"):
        flat.value(**data)


def test_fault_20_real_labels_are_refused(flat, data):
    data["labels"] = data["labels"].astype(float)
    message = "^labels has dtype float64, expected int64$"
    with pytest.raises(TypeError, match=message):
        flat.value(**data)


def test_fault_20_missing_argument(flat, data):
    del data["b"]
    with pytest.raises(TypeError, match="'b'"):
        flat.value(**data)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda p: p.pop("scale"),
            ValueError,
            r"params has keys \['layers'\], expected",
        ),
        (lambda p: p.update(extra=1), ValueError, r"params has keys .*'extra'\]"),
        (lambda p: p["layers"].pop(), ValueError, r"params\['layers'\] has 1 items"),
        (
            lambda p: p["layers"].append({}),
            ValueError,
            r"params\['layers'\] has 3 items, expected 2",
        ),
        (
            lambda p: p.update(layers=np.ones(2)),
            TypeError,
            r"params\['layers'\] is a ndarray, expected a list",
        ),
        (
            lambda p: p["layers"].__setitem__(1, [1, 2]),
            TypeError,
            r"params\['layers'\]\[1\] is a list, expected a dict",
        ),
        (
            lambda p: p["layers"][1].update(W=np.ones((2, 3))),
            ValueError,
            r'params\["layers"\]\[1\]\["W"\] has shape \(2, 3\), expected \(3, 3\)',
        ),
        (
            lambda p: p["layers"][0].update(b=np.ones(3, complex)),
            TypeError,
            r'params\["layers"\]\[0\]\["b"\] has dtype complex128',
        ),
    ],
)
def test_fault_20_nested_arguments_are_named_as_written(
    nested, params, change, error, message
):
    change(params)
    with pytest.raises(error, match=f"^{message}"):
        nested.value(params, np.ones((2, 3)))


def test_fault_20_containers_that_are_much_the_same_are_accepted(nested, params):
    value = nested.value(params, np.ones((2, 3)))
    params["layers"] = tuple(OrderedDict(layer) for layer in params["layers"])
    assert nested.value(params, np.ones((2, 3))) == value


class Point(NamedTuple):
    """Two numbers."""

    x: float
    y: float


class Other(NamedTuple):
    """Two other numbers."""

    u: float
    v: float


def test_named_tuples_are_the_users_own_nested_too():
    spec = {"p": {"points": [Point((), (2,)), Point((), (2,))]}}

    def total(p):
        return sum(one.x * np.sum(one.y**2) for one in p["points"])

    made = symdiff.compile(total, spec).module
    points = [Point(2.0, np.array([1.0, 2.0])), Point(3.0, np.array([0.0, 1.0]))]
    gradient = made.grad({"points": points})
    assert all(type(one) is Point for one in gradient["points"])
    assert gradient["points"][0].x == 5
    np.testing.assert_array_equal(gradient["points"][1].y, [0.0, 6.0])
    with pytest.raises(TypeError, match=r"^p\['points'\]\[0\] has fields \('u', 'v'\)"):
        made.value({"points": [Other(1.0, [1.0, 2.0]), points[1]]})
    with pytest.raises(TypeError, match=r"p\['points'\]\[1\] has fields tuple"):
        made.value({"points": [points[0], (1.0, [1.0, 2.0])]})


def test_fault_23_lists_and_python_numbers_are_accepted(flat, data):
    value = flat.value(**data)
    lists = {name: array.tolist() for name, array in data.items()}
    assert flat.value(**lists) == value
    whole = {**data, "b": [1, 0, 2, 1]}
    assert flat.value(**whole) == flat.value(**{**data, "b": [1.0, 0.0, 2.0, 1.0]})


@pytest.mark.parametrize(
    "number",
    [2, 2.0, True + 1, np.array(2.0), np.float32(2), np.float64(2), np.int8(2)],
)
def test_fault_23_numbers_of_all_kinds(number):
    made = symdiff.compile(lambda x: x**3, {"x": ()}).module
    value, gradient = made.value_and_grad(number)
    assert (float(value), float(gradient)) == (8.0, 12.0)
    assert isinstance(gradient, np.ndarray)
    assert gradient.shape == ()
    assert gradient.dtype == np.float64
    _, (kept,) = made.forward(number)
    assert type(kept) is np.float64


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (lambda: [2.0], r"^x has shape \(1,\), expected \(\)$"),
        (lambda: np.ones((1, 1)), r"^x has shape \(1, 1\), expected \(\)$"),
        (lambda: 2j, "^x has dtype complex128, expected float64$"),
        (lambda: np.longdouble(2), r"^x has dtype \w+, expected float64$"),
        (lambda: np.ma.masked_array(2.0), "^x is a MaskedArray, expected a plain"),
    ],
)
def test_fault_24_what_is_no_real_number_is_refused(kind, message):
    made = symdiff.compile(lambda x: x**3, {"x": ()}, verify=False).module
    with pytest.raises((TypeError, ValueError), match=message):
        made.value_and_grad(kind())


@pytest.mark.parametrize("kind", [float, np.float64, np.array])
def test_fault_28_numbers_divide_as_numpys(kind):
    made = symdiff.compile(lambda x, y: y / x, {"x": (), "y": ()}, verify=False).module
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        value, gradient = made.value_and_grad(kind(0.0), kind(1.0))
    assert (value, gradient) == (np.inf, -np.inf)


@pytest.mark.parametrize("style", ["plain", "fast"])
def test_fault_32_gradients_of_numbers_are_owned(style):
    args = {"x": (), "y": ()}
    made = symdiff.compile(lambda x, y: x * y, args, wrt=("x", "y"), style=style)
    x, y = np.array(2.0), np.array(3.0)
    gradient = made.value_and_grad(x, y)[1]
    gradient.x[...], gradient.y[...] = 7, 8
    assert (x, y) == (2, 3)
    y[...] = 5  # the next call sees it
    assert made.value(x, y) == 10


@pytest.mark.parametrize(
    "array",
    [
        np.matrix(np.ones((3, 4))),
        np.ma.masked_array(np.ones((3, 4))),
        np.ones((3, 4)).view(np.recarray),
    ],
)
def test_fault_24_subclasses_are_refused(flat, data, array):
    data["W"] = array
    with pytest.raises(TypeError, match=r"^W is a \w+, expected a plain array$"):
        flat.value(**data)


def test_fault_24_object_arrays_are_refused(flat, data):
    data["W"] = data["W"].astype(object)
    with pytest.raises(TypeError, match=r"^W has dtype object, expected float64$"):
        flat.value(**data)


def test_fault_24_memory_maps_are_accepted(flat, data, tmp_path):
    value = flat.value(**data)
    np.save(tmp_path / "X.npy", data["X"])
    data["X"] = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert type(data["X"]) is np.memmap
    assert flat.value(**data) == value


def test_fault_25_any_layout_in_memory(flat, data):
    expected = flat.value_and_grad(**data)
    wide = np.zeros((10, 6))
    wide[::2, ::2] = data["X"]
    zero_stride = np.broadcast_to(data["b"][0], (4,))
    for change in (
        {"X": wide[::2, ::2]},
        {"W": np.asfortranarray(data["W"])},
        {"X": data["X"][::-1][::-1]},
        {"X": data["X"].astype(">f8")},
    ):
        value, gradient = flat.value_and_grad(**{**data, **change})
        assert value == pytest.approx(expected[0], rel=1e-14)
        np.testing.assert_allclose(gradient.W, expected[1].W, rtol=1e-12)
    assert np.isfinite(flat.value(**{**data, "b": zero_stride}))


def test_fault_25_read_only_arrays(flat, data):
    for array in data.values():
        array.setflags(write=False)
    gradient = flat.grad(**data)
    assert gradient.W.flags.writeable


def test_fault_26_batch_of_none():
    made = symdiff.compile(
        lambda w, X: np.sum((X @ w) ** 2), {"w": (3,), "X": ("n", 3)}
    )
    value, gradient = made.value_and_grad(np.ones(3), np.ones((0, 3)))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_fault_26_mean_of_none_is_numpys(flat, data):
    data["X"], data["labels"] = data["X"][:0], data["labels"][:0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(loss(**data))
        value, gradient = flat.value_and_grad(**data)
    assert np.isnan(value)
    assert gradient.W.shape == (3, 4)


def test_fault_26_an_empty_list_of_labels(flat, data):
    data["X"], data["labels"] = data["X"][:0], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(flat.value(**data))


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_fault_27_batches_never_traced(flat, data, n):
    rng = np.random.default_rng(n)
    data["X"], data["labels"] = rng.normal(size=(n, 3)), rng.integers(0, 4, n)
    assert flat.value(**data) == pytest.approx(loss(**data), rel=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_fault_28_nan_and_infinity_propagate(flat, data, bad):
    data["X"][2, 1] = bad
    with np.errstate(all="ignore"):
        value, gradient = flat.value_and_grad(**data)
        assert np.isnan(value)
        assert np.isnan(loss(**data))
    assert np.isnan(gradient.W[1]).any()


def test_fault_29_labels_out_of_range(flat, data):
    data["labels"][0] = 4
    with pytest.raises(IndexError):
        flat.value(**data)


def test_fault_29_negative_labels_count_from_the_end(flat, data):
    data["labels"][:] = -1
    expected = flat.grad(**{**data, "labels": np.full(5, 3)})
    np.testing.assert_array_equal(flat.grad(**data).W, expected.W)


def test_fault_21_small_integers_do_not_wrap():
    made = symdiff.compile(
        lambda w, k: np.sum(w * (-k - k**2)),
        {"w": ("n",), "k": "n:uint8"},
        verify=False,  # in NumPy, uint8 wraps around
    )
    w, k = np.ones(3), np.array([0, 200, 255], np.uint8)
    wide = k.astype(np.int64)
    assert made.value(w, k) == np.sum(-wide - wide**2)
    np.testing.assert_array_equal(made.grad(w, k), -wide - wide**2)
    assert made.value(w, k.tolist()) == made.value(w, k)


@pytest.mark.parametrize("dtype", ["uint64", "uint16", "int32", "bool"])
def test_fault_21_integers_of_all_widths(dtype):
    made = symdiff.compile(lambda w, k: np.sum(w * k), {"w": ("n",), "k": f"n:{dtype}"})
    k = np.array([0, 1, 1]).astype(dtype)
    assert made.value(np.ones(3), k) == 2
    assert checks_itself(made.source)


@pytest.mark.parametrize("kind", [float, np.float32, np.array])
def test_fault_22_numbers_in_float32_stay(kind):
    made = symdiff.compile(lambda x: 3 * x**2, {"x": ()}, dtype="float32").module
    number = np.float32(1.5) if kind is np.array else 1.5
    value, gradient = made.value_and_grad(kind(number))
    assert (value.dtype, gradient.dtype) == (np.float32, np.float32)
    assert (value, gradient) == (6.75, 9.0)


def test_fault_22_float32_stays():
    made = symdiff.compile(loss, ARGS, wrt=("W", "b"), dtype="float32").module
    rng = np.random.default_rng(0)
    single = [rng.normal(size=s).astype(np.float32) for s in ((3, 4), (4,), (5, 3))]
    value, gradient = made.value_and_grad(*single, rng.integers(0, 4, 5))
    assert value.dtype == gradient.W.dtype == gradient.b.dtype == np.float32
    cache = made.forward(*single, rng.integers(0, 4, 5))[1]
    assert made.backward(cache, np.float64(2)).W.dtype == np.float32
    with pytest.raises(TypeError, match="^W has dtype float64, expected float32$"):
        made.value(single[0].astype(float), *single[1:], rng.integers(0, 4, 5))


def with_all_kinds(a, /, b, *, c, d=3.0):
    return np.sum(a * b) + c * d


def test_calls_are_as_the_functions_own():
    compiled = symdiff.compile(
        with_all_kinds, {"a": (2,), "b": (2,), "c": (), "d": ()}, wrt=("b", "c")
    )
    made = compiled.module
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert made.value(a, b, c=1.0, d=2.0) == 13
    assert made.value(a, b=b, d=2.0, c=1.0) == 13
    assert made.grad(a, b, c=1.0, d=2.0).c == 2
    for wrong in (
        lambda: made.value(a, b, 1.0, 2.0),
        lambda: made.value(a=a, b=b, c=1, d=2),
    ):
        with pytest.raises(TypeError):
            wrong()
    assert checks_itself(compiled.source)


def test_the_check_of_arrays_that_fit_calls_little(flat, data):
    calls = []
    sys.setprofile(lambda frame, event, called: calls.append(event))
    try:
        flat._check(**data)
    finally:
        sys.setprofile(None)
    # `_check` itself; one `_array` for each argument, and nothing of NumPy's: in Python
    # neither the comparison of dtypes nor that of unknown sizes calls anything.
    assert calls.count("call") <= 1 + len(data)
