"""Layout, joining and making of arrays: what moves elements and computes nothing."""

import pytest
from cases import case, check, over

from symdiff.errors import ShapeError, UnsupportedError

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

METHODS = [
    (("n", 6), "reshape(-1)"),
    (("n", 6), "reshape(-1, 3)"),
    (("n", 6), "reshape((-1, 2, 3))"),
    (("n", 6), "reshape(len(x), 2, 3)"),
    (("n", 6), "reshape([len(x), 2, -1])"),
    ((2, 3), "reshape(3, 2)"),
    ((2, 3), "reshape(6)"),
    ((2, 3), "reshape(1, 2, 3, 1)"),
    ((2, 3), "reshape(-1, order='C')"),
    ((), "reshape(1)"),
    ((), "reshape(1, 1)"),
    ((), "reshape(-1)"),
    ((1,), "reshape(())"),
    ((1, 1), "reshape(())"),
    (("n", 2, 3), "reshape(x.shape[0], -1)"),
    (("n", 2, 3), "reshape(x.shape[0] * 2, 3)"),
    (("n", 2, 3), "reshape(x.size)"),
    (("n", "m"), "reshape(-1)"),
    (("n", "m"), "reshape(x.shape[1], x.shape[0])"),
    (("n", 3), "ravel()"),
    (("n", 3), "flatten()"),
    ((), "ravel()"),
    (("n", 1), "squeeze(1)"),
    (("n", 1), "squeeze(axis=-1)"),
    ((1, 3, 1), "squeeze()"),
    ((1, 3, 1), "squeeze((0, 2))"),
    (("n", 3), "T"),
    ((3,), "T"),
    ((), "T"),
    (("n", 3), "transpose()"),
    (("n", 3), "transpose(None)"),
    (("n", 3, 2), "transpose(1, 0, 2)"),
    (("n", 3, 2), "transpose((2, 0, 1))"),
    (("n", 3, 2), "transpose([-1, 0, 1])"),
    (("n", 3, 2), "swapaxes(0, 2)"),
    (("n", 3, 2), "swapaxes(-1, 1)"),
    (("n", 3, 2), "mT"),
    (("n", 2, 3), "T.reshape(-1)"),
    (("n", 3), "copy()"),
    (("n", 3), "astype(float)"),
    (("n", 3), "astype(np.float64, copy=False)"),
]
FUNCTIONS = [
    (("n", 6), "np.reshape(x, (-1, 3))"),
    (("n", 3), "np.ravel(x)"),
    (("n", 3, 2), "np.transpose(x)"),
    (("n", 3, 2), "np.transpose(x, (1, 2, 0))"),
    (("n", 3, 2), "np.transpose(x, axes=[2, 1, 0])"),
    (("n", 3, 2), "np.permute_dims(x, (1, 0, 2))"),
    (("n", 3, 2), "np.swapaxes(x, 0, -1)"),
    (("n", 3, 2), "np.matrix_transpose(x)"),
    (("n", 3, 2), "np.moveaxis(x, 0, -1)"),
    (("n", 3, 2), "np.moveaxis(x, [0, 1], [-1, 0])"),
    (("n", 3, 2), "np.moveaxis(x, (0, 2), (1, 0))"),
    ((2, 3, 4, 5), "np.moveaxis(x, [3, 0, 1], [0, 2, -1])"),
    (("n", 3), "np.expand_dims(x, 0)"),
    (("n", 3), "np.expand_dims(x, -1)"),
    (("n", 3), "np.expand_dims(x, (0, 2, -1))"),
    (("n", 3), "np.expand_dims(x, axis=[1])"),
    ((1, "n", 1), "np.squeeze(x, 0)"),
    ((1, "n", 1), "np.squeeze(x, axis=(0, -1))"),
    ((3,), "np.broadcast_to(x, (2, 3))"),
    ((3,), "np.broadcast_to(x, (4, 2, 3))"),
    (("n", 1), "np.broadcast_to(x, (len(x), 3))"),
    ((), "np.broadcast_to(x, (2, 3))"),
    ((), "np.broadcast_to(x, 3)"),
    ((1,), "np.broadcast_to(x, 3)"),
    ((1, 1), "np.broadcast_to(x, (2, 1, 3))"),
    (("n", 3), "np.broadcast_to(x, x.shape)"),
    (("n", 3), "np.copy(x)"),
]
JOINED = [
    (("n", 3), "np.concatenate([x, x])"),
    (("n", 3), "np.concatenate((x, 2 * x), axis=1)"),
    (("n", 3), "np.concatenate([x, x * x], -1)"),
    (("n", 3), "np.concatenate([x, x], axis=None)"),
    (("n", 3), "np.concatenate([x])"),
    (("n", 3), "np.concat([x, x])"),
    (("n", 3), "np.concatenate([x, np.ones((2, 3))])"),
    (("n", 3), "np.concatenate([x, np.zeros((len(x), 1))], axis=1)"),
    (("n", 3), "np.concatenate([x, np.arange(3)[None]])"),
    (("n", 3), "np.stack([x, x * 2])"),
    (("n", 3), "np.stack([x, x], axis=1)"),
    (("n", 3), "np.stack((x, x), -1)"),
    (("n", 3), "np.stack([x])"),
    ((), "np.stack([x, x * 2, 1.0])"),
    ((), "np.stack([1, x, 2.5])"),
]
MADE = [
    (("n", 3), "x + np.zeros((len(x), 3))"),
    (("n", 3), "x * np.ones(3)"),
    (("n", 3), "x + np.full((len(x), 3), 1.5)"),
    (("n", 3), "x * np.full(x.shape, 2)"),
    (("n", 3), "x + np.full((len(x), 3), x[:1] * 2)"),
    (("n", 3), "np.zeros_like(x) + x"),
    (("n", 3), "np.ones_like(x) * x"),
    (("n", 3), "np.full_like(x, 2.5) * x"),
    (("n", 3), "np.full_like(x, np.sum(x)) * x"),
    (("n", 3), "x + np.arange(3)"),
    (("n", 3), "x + np.arange(6, 0, -2)"),
    (("n", 3), "x * np.arange(len(x))[:, None]"),
    (("n", 3), "x * np.arange(1, len(x) + 1)[:, None]"),
    (("n", "n"), "x * np.eye(len(x))"),
    (("n", "n"), "x * np.tri(len(x))"),
    (("n", "n"), "x + np.identity(len(x))"),
    (("n", 3), "x @ np.eye(3, 4, k=1)"),
    (("n", 3), "x * np.linspace(0, 1, 3)"),
    (("n",), "x * np.linspace(0, 1, len(x))"),
    (("n",), "x * np.linspace(-1, 2, len(x), endpoint=False)"),
    ((3,), "x * np.array([1.0, 2.0, 3.0])"),
    ((3,), "x @ np.array([[1, 2], [3, 4], [5, 6]])"),
    ((3,), "x * np.array(2.0)"),
]
ASKED = [
    (("n", 3), "x * np.shape(x)[0]"),
    (("n", 3), "x * np.size(x)"),
    (("n", 3), "x / np.size(x, 1)"),
    (("n", 3), "x * np.ndim(x) * x.ndim"),
    (("n", 3), "x * (x.size / len(x))"),
]


def rows(pairs, before=""):
    return [case(before + text, x=shape) for shape, text in pairs]


@DTYPES
@over(rows(METHODS, "x.") + rows(FUNCTIONS))
def test_layout(case, dtype):
    check(case, dtype)


@DTYPES
@over(rows(JOINED))
def test_joining(case, dtype):
    check(case, dtype)


@DTYPES
@over(
    [
        case("np.concatenate([x, y])", x=("n", 3), y=("m", 3)),
        case("np.concatenate([x, y, z], axis=1)", x=("n", 3), y=("n", 1), z=("n", "m")),
        case("np.concatenate([x.T, y.T], axis=-1)", x=("n", 3), y=("m", 3)),
    ]
    + [
        case(text, x=("n", 3), k=("n", 3, kind))
        for kind in ("int64", "uint8", "bool")
        for text in ("np.concatenate([x, k])", "np.stack([k, x], axis=1)")
    ]
)
def test_joining_of_several(case, dtype):
    check(case, dtype)


@DTYPES
@over(rows(MADE) + rows(ASKED))
def test_made_arrays_and_sizes(case, dtype):
    check(case, dtype)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x.reshape(5, 2)", ShapeError),
        ("x.reshape(-1, -1)", ShapeError),
        ("x.reshape(-1, 4)", ShapeError),
        ("x.transpose(0, 0)", ShapeError),
        ("np.moveaxis(x, [0, 0], [1, 0])", ShapeError),
        ("np.squeeze(x, 0)", ShapeError),
        ("np.expand_dims(x, 3)", ShapeError),
        ("np.broadcast_to(x, (3, 2))", ShapeError),
        ("np.concatenate([x, x.T])", ShapeError),
        ("np.concatenate([x, x[0]])", ShapeError),
        ("np.concatenate([x[0, 0], x[0, 1]])", ShapeError),
        ("np.stack([x, x.T])", ShapeError),
        ("x.astype(complex)", UnsupportedError),
        ("x.astype(np.float16)", UnsupportedError),
    ],
)
def test_what_does_not_fit_is_refused(text, error):
    with pytest.raises(error):
        case(text, x=(2, 3)).compiled()


def test_an_explicit_single_precision_is_taken():
    compiled = case("x.astype(np.float32) * 0.1", x=(3,)).compiled()
    assert "np.float32" in compiled.source
    assert compiled.grad([0.1, 0.2, 0.3]).x.dtype == "float64"
