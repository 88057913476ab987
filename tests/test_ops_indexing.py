"""Indexing by slices, integers and integer arrays, and its gradient, which adds up."""

import numpy as np
import pytest
from cases import case, check, check_at, over, passes_of

import symdiff
from symdiff.errors import ShapeError, SizeError, UnsupportedError

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

SLICES = [
    *("0", "-1", "2", "1, 2", "-1, -2", "np.int64(1)", "np.array(1)", "()"),
    *("0:2", "1:", "-2:", ":-1", "::2", "1::2", "1:1", "5:", "-100:2"),
    *("::-1", "::-2", "-1:0:-1", "3:1:-1", "4::-1", "slice(None, None, -1), 1"),
    *(":2, 1", ":, 0", ":, -1", ":, 1:", ":, ::-1", "1:, 0"),
    *(":, None", "None", ":, None, :", "None, ..., None", "...", "..., 0", "0, ..."),
    *("..., None", "0, ..., 0", "..., 1:, 0"),
]
ARRAYS = [
    *("[0, 2, 0]", "[0, -1]", "np.array([1, 1, 1])", "[[0, 1], [2, 0]]", "[]"),
    *(":, [0, 1]", ":, [[0, 1], [1, 0]]", "[0, 1], [1, 0]", "[0, 0], [1, 1]"),
    *("[0, 1], :", "1:, [0, 0]", "[0, 1], 1:", "[0, 1], None", "None, [0, 1]"),
    *("[0, 1], 0", "0, [0, 1]", "[[0], [1]], [0, 1]", "(0, 1)", "[0, 1], ..., 0"),
    *("np.arange(3)", "np.arange(3), [0, 1, 0]", "-np.arange(3)"),
]
UNKNOWN = [
    *("0:2", "1:", "-2:", ":-1", "::2", "1::2", "::-1", "::-2", ":2, 1", ":, 0"),
    *(":, ::-1", ":, None", "..., 0", "[0, -1]", "0", "-1", ":, [0, 2, 0]"),
    *("len(x) - 1", "len(x) // 2", "-len(x)", "x.shape[0] - 1"),
    *("1 : x.shape[0]", ": x.shape[0] - 1", "x.shape[0] // 2 :"),
    *("np.arange(len(x))", "np.arange(len(x))[::-1]", "::2, 1:", "None, 1:"),
    "np.arange(len(x)), np.arange(len(x)) % 3",
]
BY_DATA = [
    *("k", "k[:2]", "k, 1", "1, k", "k, k", ":, k", "k, :", "k, None", "None, k"),
    *("k, 1:", "k[:, None], k", "k[::-1]", "0, k", "k, 0:2", "-k", "k - 1", "k[0]"),
    *("k[0], 1", "k[None]", "..., k", "k[:0]", "k, ..., 0"),
]
INDEXED = [case(f"x[{key}]", x=(4, 3, 2)) for key in SLICES + ARRAYS]
INDEXED += [case(f"x[{key}]", x=(3, 3)) for key in SLICES[:-1]]
INDEXED += [case(f"x[{key}]", x=("n", 3)) for key in UNKNOWN]
TAKEN = [case(f"x[{key}]", x=(3, 3, 3), k=(4, "int64")) for key in BY_DATA]
TAKEN += [
    case("x[np.arange(len(k)), k]", x=("n", 3), k=("n", "int64")),
    case("x[k]", x=("n", 3), k=("n", "int64"), below=1),
    case("x[k[:, None], k]", x=("n", "n"), k=("m", "int64"), below=1),
    case("x[k, j]", x=("n", 3), k=("m", "int64"), j=("m", "int64"), below=1),
    case("x[k, :, j]", x=(3, 2, 3), k=("m", "int64"), j=("m", "int64")),
    case("x[:, k, :, j]", x=(2, 3, 2, 3), k=("m", "int64"), j=("m", "int64")),
    case("x[k, :, 0]", x=(3, 2, 3), k=("m", "int64")),
    case("x[0, :, k]", x=(3, 2, 3), k=("m", "int64")),
    case("x[k, None, 0]", x=(3, 2, 3), k=("m", "int64")),
    case("x[k]", x=(3, 2), k=("m", 2, "int64")),
    case("x[k]", x=(3, 2), k=("int64",)),
    case("x[k, k]", x=(3, 3), k=("int64",)),
    case("x[:, k]", x=(3, 3), k=("uint8",)),
    case("x[k, 1]", x=(3, 3), k=("m", "int32")),
    case("np.take(x, k)", x=(3, 3), k=("m", "int64")),
    case("np.take(x, k, axis=0)", x=(3, 3), k=("m", "int64")),
    case("x.take(k, 1)", x=(3, 3), k=("m", "int64")),
    case("np.take(x, k, axis=-1)", x=(3, 3), k=("m", 2, "int64")),
    case("x * np.eye(3)[k]", x=("n", 3), k=("n", "int64")),
    case("-x[np.arange(len(k)), k] + x.max(axis=1)", x=("n", 3), k=("n", "int64")),
    case("(x - x.mean())[[0, 1, 0]] * np.arange(3)", x=(3,)),
    case("(x - x.mean())[np.arange(len(k)), k]", x=("n", 3), k=("n", "int64")),
]
TOGETHER = [
    case("x[:, :2] @ x[:2]", x=(3, 3)),
    case("x[0] * x[1] + x[2] * x[-1]", x=(3, 3)),
    case("x[1:] - x[:-1]", x=("n", 2)),
    case("x[::2] * x[1::2]", x=(4, 2)),
    case("x[:2] * x[1:]", x=(3, 2)),
    case("x[:, 0] * x[0]", x=(3, 3)),
    case("x[::-1] * x[:1] * x", x=("n", 2)),
    case("x[k] + x[0] + x.sum(axis=0)", x=(3, 2), k=("n", "int64")),
    case("x[k] * x[k + 1]", x=(4, 2), k=("n", "int64")),
    case("x[k] * x[1:2]", x=(4, 2), k=("n", "int64")),
    case("np.tanh(x[:6].reshape(2, 3) @ x[6:9] + x[9:11])", x=(11,)),
    case("x[0] * np.exp(-x[1]) + x[2]", x=(3,)),
    case("sum(a * a for a in x)", x=(3,)),
    case("x[1:][::-1][0]", x=(4, 2)),
    case("x[k][:, 0]", x=(3, 2), k=("n", "int64")),
    case("x[0][0] * x[0, 1]", x=(2, 2)),
    case("np.sum(x[:2]) * x[1:]", x=(3, 2)),
]


@DTYPES
@over(INDEXED)
def test_indexing(case, dtype):
    check(case, dtype)


@DTYPES
@over(TAKEN)
def test_indexing_by_data(case, dtype):
    check(case, dtype)


@DTYPES
@over(TOGETHER)
def test_several_parts_of_one_array(case, dtype):
    check(case, dtype)


def gradient_text(text, **shapes):
    return passes_of(case(text, **shapes).compiled().source)


def test_disjoint_parts_are_assigned_into_one_array():
    text = gradient_text("np.sum(x[:3]) * np.sum(x[3:] ** 2)", x=("n",))
    assert text.count("np.zeros") == 1
    assert "d_x[:3] = " in text
    assert "d_x[3:] = " in text


def test_overlapping_parts_are_added_into_one_array():
    text = gradient_text("np.sum(x[1:] * x[:-1])", x=("n",))
    assert text.count("np.zeros") == 1
    assert text.count("] += ") == 1


def test_only_indices_that_may_repeat_are_added_one_by_one():
    assert "np.add.at" in gradient_text("x[k]", x=(3,), k=("n", "int64"))
    assert "np.add.at" in gradient_text("x[[0, -3]]", x=(3,))
    assert "np.add.at" not in gradient_text("x[[0, 2]]", x=(3,))
    rows = "x[np.arange(len(k)), k]"
    assert "np.add.at" not in gradient_text(rows, x=("n", 3), k=("n", "int64"))


def test_fault_29_labels_out_of_range_raise_as_in_numpy():
    labels = {"x": ("n", 3), "k": symdiff.ArraySpec(("n",), "int64")}
    compiled = symdiff.compile(
        lambda x, k: np.sum(x[np.arange(len(k)), k]), labels, verify=False
    )
    with pytest.raises(IndexError):
        compiled.value(np.ones((2, 3)), np.array([0, 3]))


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("0, 0, 0", ShapeError),
        ("3", ShapeError),
        ("..., ...", ShapeError),
        ("::0", ShapeError),
        ("x > 0", UnsupportedError),
        ("True", UnsupportedError),
        ("x", ShapeError),
        ("[0.5]", ShapeError),
    ],
)
def test_keys_that_do_not_fit_are_refused(key, error):
    with pytest.raises(error):
        case(f"x[{key}]", x=(3, 2)).compiled()


@pytest.mark.parametrize(
    "key",
    [
        *(":3", "3:", ":-3", "-3:", "2:4", "4:2", "-4:-2", "-2:-4", "-4:3", "1:-2"),
        *("2::3", ":-2:2", "1:6:2", "-5::2", "1:, 2:", "::-1, :2", "3:0", "2:1:1"),
        *("2::-1", ":2:-1", "-2::-1", ":-3:-1", "5:1:-2", "-2:0:-1", ":0:-1"),
        *(":-1:-1", "-1::-2", "x.shape[0] // 2 ::-1", "-3:-1", "-1:1:-1"),
    ],
)
def test_a_slice_of_an_unknown_size_is_as_long_as_numpys(key):
    space = {"np": np}
    exec(f"def loss(x): y = x[{key}]; return y.size + np.sum(y**2) / 3", space)
    compiled = symdiff.compile(space["loss"], {"x": ("n", 4)}, verify=False)
    for length in range(1, 9):
        x = np.random.default_rng(length).standard_normal((length, 4))
        taken = np.zeros_like(x)
        exec(f"taken[{key}] = 1", {"taken": taken, "x": x})
        value, gradient = compiled.value_and_grad(x)
        np.testing.assert_allclose(value, space["loss"](x), 1e-13)
        np.testing.assert_allclose(gradient, 2 / 3 * x * taken, 1e-13)


@over(
    [
        *(case(f"np.diff(x, {times}) ** 2", x=("n",)) for times in (1, 2)),
        case("x[2:] - 2 * x[1:-1] + x[:-2]", x=("n", 2)),
        case("np.concatenate([x[2:], x[:2]]) * np.arange(x.shape[0])", x=("n",)),
        case("np.outer(x[2:], x[:-3:-1])", x=("n",)),
        case("x[1:][1:] - np.diff(x[::-1][1:])", x=("n",)),
        case("np.ones(len(x) - 2) * x[2:]", x=("n",)),
        case("np.trapezoid(x[::2])", x=("n",)),
    ]
)
@DTYPES
def test_slices_of_unknown_sizes_fit_each_other(case, dtype):
    compiled = case.compiled(dtype)
    for length in (2, 3, 6):
        check_at(case, compiled, {"n": length}, dtype)


def test_the_length_of_what_may_be_shorter_than_its_slice_is_no_plain_number():
    def loss(x):
        return np.sum(x[:2]) / len(x[:2])

    with pytest.raises(
        SizeError, match=r"len\(\) of an axis of size min\(2, n\)"
    ) as raised:
        symdiff.compile(loss, {"x": ("n",)})
    assert raised.value.position.segment == "len(x[:2])"


def test_the_shape_of_what_may_be_shorter_than_its_slice_is_right():
    def loss(x):
        y = x[2:]
        assert y.shape == (len(x) - 2,)
        return np.sum(x[:3]) / x[:3].shape[0]

    compiled = symdiff.compile(loss, {"x": ("n",)})
    for length in (2, 3, 5):
        x = np.arange(1.0, length + 1)
        np.testing.assert_allclose(compiled.value(x), x[:3].mean())
