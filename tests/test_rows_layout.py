"""Rows of layout: arrays moved, repeated, joined, split, padded, their diagonals."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from cases import case, check, over
from rows import row
from second_order import check_second_order

import symdiff


def turned(k):
    return lambda x: np.rot90(x, k) ** 2


def grid(indexing, sparse):
    def function(x, y):
        first, second = np.meshgrid(x, y, indexing=indexing, sparse=sparse)
        return np.exp(first) * second

    return function


def padded(widths, mode):
    return lambda x: np.pad(x, widths, mode=mode) ** 2


windows = np.lib.stride_tricks.sliding_window_view

MOVED = [
    row("flip", lambda x: np.flip(x) ** 2, ("n", 3)),
    row("flip_axis", lambda x: np.flip(x, -1) ** 2, ("n", 3)),
    row("flip_axes", lambda x: np.flip(x, (0, 2)) ** 2, (2, "n", 3)),
    row("flip_scalar", lambda x: np.flip(x) ** 2, ()),
    row("flipud", lambda x: np.flipud(x) ** 2, ("n", 3)),
    row("fliplr", lambda x: np.fliplr(x) ** 2, ("n", 3)),
    row("roll", lambda x: np.roll(x, 2) ** 2, ("n",)),
    row("roll_flat", lambda x: np.roll(x, 2) ** 2, ("n", 3)),
    row("roll_axis", lambda x: np.roll(x, -1, axis=1) ** 2, ("n", 3)),
    row("roll_axes", lambda x: np.roll(x, (1, 2), axis=(0, -1)) ** 2, ("n", 3)),
    row("roll_one_shift", lambda x: np.roll(x, 1, axis=(0, 1)) ** 2, ("n", 3)),
    row("roll_by_size", lambda x: np.roll(x, x.shape[0] - 1) ** 2, ("n",)),
    *(row(f"rot90_{k}", turned(k), ("n", 3)) for k in (-1, 0, 1, 2, 3)),
    row("rot90_axes", lambda x: np.rot90(x, axes=(2, 0)) ** 2, (2, "n", 3)),
    row("tile", lambda x: np.tile(x, 3) ** 2, ("n",)),
    row("tile_more_axes", lambda x: np.tile(x, (2, 1, 2)) ** 2, ("n", 3)),
    row("tile_fewer", lambda x: np.tile(x, 2) ** 2, ("n", 3)),
    row("tile_by_size", lambda x, y: np.tile(x, (len(y), 1)) * y, (3,), ("n", 3)),
    row("tile_scalar", lambda x: np.tile(x, (2, 3)) ** 2, ()),
    row("repeat", lambda x: np.repeat(x, 3) ** 2, ("n", 2)),
    row("repeat_axis", lambda x: np.repeat(x, 2, axis=1) ** 2, ("n", 3)),
    row("repeat_method", lambda x: x.repeat(2, axis=0) ** 2, ("n", 3)),
    row("repeat_each", lambda x: np.repeat(x, [1, 0, 2], axis=1) ** 2, ("n", 3)),
    row("rollaxis", lambda x: np.rollaxis(x, 2) ** 2, (2, "n", 3)),
    row("rollaxis_start", lambda x: np.rollaxis(x, 0, 3) ** 2, (2, "n", 3)),
    row("atleast_1d", lambda x: np.atleast_1d(x) ** 2, ()),
    row("atleast_2d", lambda x: np.atleast_2d(x) ** 2, ("n",)),
    row("atleast_3d", lambda x: np.atleast_3d(x) ** 2, ("n", 2)),
    row("atleast_each", lambda x, y: np.atleast_2d(x, y)[0] * y, ("n",), (1, "n")),
    row("fftshift", lambda x: np.fft.fftshift(x) ** 2 * x, ("n", 3)),
    row("ifftshift", lambda x: np.fft.ifftshift(x, axes=0) ** 2 * x, ("n", 3)),
    row("along axis", lambda x: np.apply_along_axis(np.cumsum, 0, x) ** 2, (4, 3)),
    row(
        "along axis to matrices",
        lambda x: np.apply_along_axis(np.outer, 1, x, np.array([1.0, 2])) ** 2,
        (2, 3),
    ),
    row(
        "along axis to numbers", lambda x: np.apply_along_axis(np.sum, -1, x), (3, "n")
    ),
    row("over axes", lambda x: np.apply_over_axes(np.sum, x, [0, 2]) ** 2, (2, "n", 3)),
    row(
        "squeeze", lambda x: np.squeeze(x[None], 0) * x[..., None].squeeze(-1), ("n", 3)
    ),
    row("expand_dims", lambda x: np.expand_dims(x, (0, -1)) ** 2, ("n", 3)),
    row("moveaxis", lambda x: np.moveaxis(x, [0, 1], [-1, 0]) ** 2, (2, "n", 3)),
    row("permute_dims", lambda x: np.permute_dims(x, (1, 2, 0)) ** 2, (2, "n", 3)),
    row("transpose", lambda x: x.transpose(2, 0, 1) ** 2, (2, "n", 3)),
    row("flatten", lambda x: x.flatten() ** 2, ("n", 3)),
]

JOINED = [
    row("hstack", lambda x, y: np.hstack([x, y]) ** 2, ("n", 2), ("n", 3)),
    row("hstack_vectors", lambda x, y: np.hstack((x, y)) ** 2, ("n",), (2,)),
    row("hstack_scalars", lambda x, y: np.hstack([x, y]) ** 2, (), ()),
    row("vstack", lambda x, y: np.vstack([x, y]) ** 2, ("n", 3), (3,)),
    row("vstack_vectors", lambda x, y: np.vstack([x, y]) ** 2, ("n",), ("n",)),
    row("dstack", lambda x, y: np.dstack([x, y]) ** 2, ("n", 3), ("n", 3)),
    row("column_stack", lambda x, y: np.column_stack([x, y]) ** 2, ("n",), ("n", 2)),
    row("column_vectors", lambda x, y: np.column_stack([x, y]) ** 2, ("n",), ("n",)),
    row(
        "block",
        lambda A, b, c: np.block([[A, b[:, None]], [b[None, :], c]]) ** 2,
        ("n", "n"),
        ("n",),
        (),
    ),
    row("append", lambda x, y: np.append(x, y) ** 2, ("n", 2), (3,)),
    row("append_axis", lambda x, y: np.append(x, y, axis=0) ** 2, ("n", 2), (3, 2)),
    row("split", lambda x: np.split(x, 3, axis=1)[1] ** 2, ("n", 6)),
    row("split_at", lambda x: np.split(x, [1, 4])[1] ** 2, (6, "n")),
    row("array_split", lambda x: np.array_split(x, 3)[0] ** 2, (7, "n")),
    row("array_split_n", lambda x: np.array_split(x, 2)[1] ** 2, ("n",)),
    row("unstack", lambda x: np.unstack(x, axis=1)[1] ** 2, ("n", 3)),
    row("hsplit", lambda x: np.hsplit(x, 2)[0] * np.hsplit(x, 2)[1], ("n", 4)),
    row("vsplit", lambda x: np.vsplit(x, [2])[0] ** 2, (5, "n")),
    row("dsplit", lambda x: np.dsplit(x, 2)[1] ** 2, ("n", 2, 4)),
    row("insert", lambda x, v: np.insert(x, 1, v) ** 2, (4,), ()),
    row("insert_row", lambda x, v: np.insert(x, 1, v, axis=0) ** 2, (3, "n"), ("n",)),
    row("insert_column", lambda x, v: np.insert(x, 0, v, axis=1) ** 2, ("n", 3), ()),
    row("insert_many", lambda x, v: np.insert(x, [3, 0, 3], v) ** 2, (4,), (3,)),
    row("insert_last", lambda x, v: np.insert(x, -1, v) ** 2, (4,), (2,)),
    row("delete", lambda x: np.delete(x, 1, axis=0) ** 2, (4, "n")),
    row("delete_many", lambda x: np.delete(x, [0, -1, 2], axis=0) ** 2, (6, "n")),
    row("delete_slice", lambda x: np.delete(x, slice(1, 6, 2)) ** 2, (7,)),
    row("delete_last", lambda x: np.delete(x, -1) ** 2, (4,)),
    row("resize", lambda x: np.resize(x, (3, 3)) ** 2, (2, 2)),
    row(
        "broadcast_arrays",
        lambda x, y: np.broadcast_arrays(x, y)[0] * np.exp(y),
        (3,),
        ("n", 1),
    ),
    *(
        row(
            f"meshgrid_{indexing}_{sparse}",
            grid(indexing, sparse),
            (2,),
            (3,),
        )
        for indexing in ("xy", "ij")
        for sparse in (False, True)
    ),
    row("ix", lambda x, i: x[np.ix_(i, [0, 2])] ** 2, (3, 3), (2, "int64")),
]

DIAGONALS = [
    row("tril", lambda x: np.tril(x) ** 2, ("n", "n")),
    row("tril_k", lambda x: np.tril(x, -1) ** 2, (2, "n", 3)),
    row("tril_vector", lambda x: np.tril(x) ** 2, (3,)),
    row("triu", lambda x: np.triu(x, k=1) ** 2, ("n", 3)),
    row("diag", lambda x: np.diag(x) ** 2, ("n", "n")),
    row("diag_k", lambda x: np.diag(x, 1) ** 2, (3, 3)),
    row("diag_wide", lambda x: np.diag(x, -1) ** 2, (3, 5)),
    row("diag_tall", lambda x: np.diag(x, 1) ** 2, (5, 3)),
    row("diag_of_vector", lambda x: np.diag(x) ** 2, ("n",)),
    row("diag_of_vector_k", lambda x: np.diag(x, -2) ** 2, ("n",)),
    row("diagflat", lambda x: np.diagflat(x, 1) ** 2, (2, "n")),
    row("diagonal", lambda x: np.diagonal(x, 1, -1, 0) ** 2, (4, "n", 3)),
    row("diagonal_stacked", lambda x: np.diagonal(x, 0, 1, 2) ** 2, ("n", 3, 3)),
    row("diagonal_method", lambda x: x.diagonal() ** 2, ("n", "n")),
    row("linalg_diagonal", lambda x: np.linalg.diagonal(x) ** 2, ("n", 2, 3)),
    row("trace", lambda x: np.trace(x) ** 2, ("n", "n")),
    row("trace_offset", lambda x: np.trace(x, 1) ** 2, (3, 4)),
    row("trace_wide", lambda x: x.trace() ** 2, (3, 4)),
    row("trace_axes", lambda x: np.trace(x, -1, 2, 0) ** 2, (3, "n", 3)),
    row("linalg_trace", lambda x: np.linalg.trace(x) ** 2, ("n", 3, 3)),
]

PADDED = [
    row("pad", lambda x: np.pad(x, 1) ** 2, ("n", 3)),
    row("pad_sides", lambda x: np.pad(x, (0, 2), constant_values=3) ** 2, ("n", 2)),
    row("pad_axes", lambda x: np.pad(x, ((1, 0), (2, 1))) ** 2, ("n", 3)),
    row("pad_mapping", lambda x: np.pad(x, {-1: (1, 2)}) ** 2, ("n", 3)),
    row("pad_by_size", lambda x: np.pad(x, (0, x.shape[0])) ** 2, ("n",)),
    *(
        row(f"pad_{mode}_{name}", padded(widths, mode), shape)
        for mode in ("edge", "reflect", "symmetric", "wrap")
        for name, widths, shape in (
            ("one_side", (0, 2), (4,)),
            ("n", (1, 1), ("n",)),
            ("axes", ((1, 0), (2, 1)), (3, 4)),
            ("wide", (5, 4), (3,)),
        )
    ),
]

WINDOWS = [
    row("windows", lambda x: windows(x, 3) ** 2, (7,)),
    row("windows_n", lambda x: windows(x, 2, axis=-1) ** 2, ("n", 3)),
    row("windows_along_n", lambda x: windows(np.pad(x, 1), 3, 0) ** 2, ("n", 2)),
    row("windows_axes", lambda x: windows(x, (2, 3), axis=(2, 1)) ** 2, (2, 5, 4)),
    row("windows_all", lambda x: windows(x, (2, 3)) ** 2, (4, 5)),
    row("windows_twice", lambda x: windows(x, (2, 3), axis=(0, 0)) ** 2, (6,)),
    row(
        "windows_of_channels",
        lambda x, k: np.einsum("nhwcij,ijcf->nhwf", windows(x, (2, 2), (1, 2)), k),
        ("n", 3, 4, 2),
        (2, 2, 2, 3),
    ),
    row("windows_of_signals", lambda x, k: windows(x, 3, 1) @ k, ("n", 5), (3,)),
    row(
        "windows_of_rows",
        lambda x, k: np.einsum("fw,nhw->nhf", k, windows(x, 2, -1)),
        ("n", 4),
        (3, 2),
    ),
    row(
        "windows_of_images",
        lambda x, k: np.einsum("nhwij,ij->nhw", windows(x, (2, 2), (1, 2)), k),
        ("n", 4, 3),
        (2, 2),
    ),
]

PICKED = [
    row("take", lambda x, i: np.take(x, i) ** 2, (3, 2), (4, "int64")),
    row("take_axis", lambda x, i: x.take(i, axis=-1) ** 2, ("n", 3), (2, 2, "int64")),
    row(
        "take_wrap",
        lambda x, i: np.take(x, i - 5, mode="wrap") ** 2,
        (3,),
        (4, "int64"),
    ),
    row(
        "take_clip",
        lambda x, i: np.take(x, i + 1, axis=0, mode="clip") ** 2,
        (3, "n"),
        (4, "int64"),
    ),
    row(
        "take_along_axis",
        lambda x, i: np.take_along_axis(x, i, axis=1) ** 2,
        ("n", 3),
        ("n", 2, "int64"),
    ),
    row(
        "take_along_rows",
        lambda x, i: np.take_along_axis(x, i, 0) ** 2,
        (3, "n"),
        (2, 1, "int64"),
    ),
    row(
        "take_along_flat",
        lambda x, i: np.take_along_axis(x, i, None) ** 2,
        (3, 2),
        (4, "int64"),
    ),
    row("mask", lambda x: x[np.array([True, False, True])] ** 2, (3, "n")),
    row("mask_list", lambda x: x[:, [True, False, True]] ** 2, ("n", 3)),
    row("mask_of_two_axes", lambda x: x[np.eye(3) > 0] ** 2, (3, 3, "n")),
    row("mask_last", lambda x: x[..., np.arange(4) % 2 == 0] ** 2, ("n", 4)),
    row("mask_beside", lambda x: x[np.arange(3) > 0, None, 1] ** 2, (3, 2)),
    row("compress", lambda x: np.compress([True, False, True], x, 1) ** 2, ("n", 3)),
    row("compress_method", lambda x: x.compress(np.array([0, 1, 1])) ** 2, (2, 2)),
    row("extract", lambda x: np.extract(np.eye(3) > 0, x) ** 2, (3, 3)),
    row(
        "choose",
        lambda i, x, y: np.choose(i, [x, y, x * y]) ** 2,
        ("n", 3, "int64"),
        ("n", 3),
        (3,),
    ),
    row(
        "unravel_index",
        lambda x: x * np.unravel_index(np.argmax(x, axis=1), (2, 2))[0][:, None],
        ("n", 3),
    ),
    row(
        "ravel_multi_index",
        lambda x, k: np.ravel(x)[np.ravel_multi_index((k, k), x.shape)] ** 2,
        (3, 4),
        ("n", "int64"),
    ),
]

MADE = [
    row("asarray", lambda x: np.asarray(x) * np.asanyarray([x, x])[0], ("n",)),
    row("ascontiguousarray", lambda x: np.ascontiguousarray(x.T) ** 2, ("n", 3)),
    row("ones", lambda x: x * np.ones(x.size) + np.ones_like(x), ("n",)),
    row("full_like", lambda x: x * np.full_like(x, x[0] ** 2), (4,)),
    row("identity", lambda x: x * np.identity(x.shape[0])[0] * np.ndim(x), ("n",)),
    row("tri", lambda x: x @ np.tri(x.shape[0], 3, 1) * np.size(x), ("n",)),
    row("linspace", lambda x: np.linspace(x[0], x[1], 4) ** 2, (2,)),
    row("logspace", lambda x: np.logspace(x[0], x[1], 4, base=2.0), (2,)),
    row(
        "logspace of a base",
        lambda x: np.logspace(0, 2, 3, base=x),
        (),
        domain="positive",
    ),
    row("geomspace", lambda x: np.geomspace(-x[0], -x[1], 4), (2,), domain="positive"),
    row("vander", lambda x: np.vander(x, 4) ** 2, ("n",)),
    row("vander, increasing", lambda x: np.vander(x, increasing=True) ** 2, (3,)),
    row("diag_indices_from", lambda x: x[np.diag_indices_from(x)] ** 2, ("n", "n")),
    row("tril_indices_from", lambda x: x[np.tril_indices_from(x, -1)] ** 2, (3, 4)),
    row("triu_indices_from", lambda x: x[np.triu_indices_from(x)] ** 2, (3, 4)),
]

CASES = [*MOVED, *JOINED, *DIAGONALS, *PADDED, *WINDOWS, *PICKED, *MADE]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64")


@over(CASES)
def test_single_precision(case):
    check(case, "float32")


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)


WITNESSED = [
    case("np.roll(x, 2, axis=0) ** 2", x=("n", 3)),
    case("np.rot90(x, 3) ** 2", x=("n", 3)),
    case("np.flipud(x) ** 2", x=("n", 3)),
    case("np.tile(x, (2, 3)) ** 2", x=("n", 3)),
    case("np.repeat(x, 2, axis=0) ** 2", x=("n", 3)),
    case("np.hstack((x, y)) ** 2", x=("n", 3), y=("n", 2)),
    case("np.vstack((x, y)) ** 2", x=("n", 3), y=(2, 3)),
    case("np.column_stack((x, y)) ** 2", x=("n",), y=("n",)),
    case("np.array_split(x, 2)[0] ** 2", x=("n", 3)),
    case("np.split(x, 3, 1)[2] ** 2", x=("n", 3)),
    case("np.tril(x, 1) * np.triu(x)", x=("n", "n")),
    case("np.diag(x) ** 2", x=("n",)),
    case("np.diagonal(x, 0, -1, -2) ** 2", x=("n", 3, 3)),
    case("np.pad(x, 2, mode='constant') ** 2", x=("n", 3)),
    case("np.append(x, y) ** 2", x=("n", 3), y=("n",)),
    case("np.trace(x, 1) ** 2", x=(3, 3)),
]


@over(WITNESSED)
def test_gradient_is_autograds(case):
    compiled, arguments = case.compiled(), case.draw({"n": 4}, "float64")
    gradient = compiled.grad(*arguments)
    for place, part in enumerate(gradient):
        expected = autograd.grad(case.loss(anp), place)(*arguments)
        np.testing.assert_allclose(part, expected, 1e-11, 1e-12)


REFUSED = [
    (lambda x: np.split(x, 2)[0].sum(), ("n",), "multiple"),
    (lambda x: np.split(x, 2)[0].sum(), (3,), "no multiple"),
    (lambda x: np.rot90(x, axes=(0, 0)).sum(), (3, 3), "different"),
    (lambda x: np.roll(x, (1, 2, 3), (0, 1)).sum(), (3, 3), "do not fit"),
    (lambda x: np.repeat(x, [1, 2]).sum(), ("n",), "unknown size"),
    (lambda x: np.repeat(x, [1, 2]).sum(), (3,), "do not fit"),
    (lambda x: np.block([[x], x]).sum(), (3, 3), "depths"),
    (lambda x: np.resize(x, (3, 3)).sum(), ("n",), "unknown sizes"),
    (lambda x: np.delete(x, 7).sum(), (3,), "out of bounds"),
    (lambda x: np.meshgrid(x, x, indexing="yx")[0].sum(), (3,), "'xy' or 'ij'"),
    (lambda x: np.diag(x).sum(), (3, 3, 3), "np.diag"),
    (lambda x: np.trace(x, 0, 1, 1), (3, 3), "different axes"),
    (lambda x: np.diag(x, 4).sum(), (3, 3), "no diagonal 4"),
    (lambda x: np.pad(x, 1, mode="empty").sum(), (3,), "'empty'"),
    (lambda x: np.pad(x, 1, mode="reflect", reflect_type="odd").sum(), (3,), "odd"),
    (lambda x: np.r_["0,2", x, x].sum(), (3,), "np.column_stack"),
    (lambda x: np.pad(x, -1).sum(), (3,), "not negative"),
    (lambda x: np.pad(x, (1, 2, 3)).sum(), (3,), "for 1 axes"),
    (lambda x: windows(x, 4).sum(), (3,), "do not fit"),
    (lambda x: windows(x, (2, 2)).sum(), (3,), "along 1 axes"),
    (lambda x: np.take(x, [0], mode="near").sum(), (3,), "'near'"),
    (lambda x: x[np.array([True, False])].sum(), (3,), "a mask of shape"),
    (lambda x: np.compress(x[0] > 0, x, 1).sum(), (2, 2), "computed mask"),
    (lambda x: np.take_along_axis(x, np.zeros(2, int), 1).sum(), (3, 3), "rank"),
]


@pytest.mark.parametrize(("loss", "shape", "message"), REFUSED)
def test_what_does_not_fit_is_refused(loss, shape, message):
    with pytest.raises(symdiff.SymdiffError, match=message):
        symdiff.compile(loss, {"x": shape}, verify=False)


FORTRAN = [
    case("np.reshape(x, (3, 2), order='F')", x=(2, 3)),
    case("np.reshape(x, (-1, 2), 'F')", x=("n", 2, 3)),
    case("x.reshape(3, -1, order='F')", x=("n", 3)),
    case("x.ravel(order='F')", x=("n", 3)),
    case("x.flatten('F')", x=("n", 2, 2)),
]
BESIDE = [
    case(f"np.pad(x, {options}) ** 2", x=(4, 3))
    for options in (
        "1, constant_values=(1.0, 2.0)",
        "((1, 2), (0, 1)), constant_values=((1, 2), (3, 4))",
        "2, 'linear_ramp'",
        "((1, 2), (0, 3)), 'linear_ramp', end_values=((1, 2), (3, 4))",
        "2, 'mean'",
        "2, 'median'",
        "((0, 1), (2, 0)), 'maximum'",
        "1, 'minimum', stat_length=2",
        "2, 'mean', stat_length=((1, 2), (2, 3))",
    )
]
BESIDE += [
    case("np.pad(x, (1, 2), constant_values=(1, 2)) ** 2", x=("n",)),
    case("np.pad(x, 2, 'linear_ramp', end_values=1) ** 2", x=("n",)),
    case("np.pad(x, (1, 2), 'mean')[1:] ** 2", x=("n", 2)),
]
SEVERAL = [
    case("np.r_[x, 1.0, y] ** 2", x=("n",), y=("m",)),
    case("np.r_[x, y] ** 2", x=(2, 3), y=("n", 3)),
    case("np.r_[x, 0:3, y[0]] ** 2", x=("n",), y=(2,)),
    case("np.c_[x, y, np.ones((2, 3))] ** 2", x=(2,), y=(2, 2)),
    case("np.c_[x, y] ** 2", x=("n",), y=("n",)),
    case("np.linspace(x, y, 5) ** 2", x=("n",), y=("n",)),
    case("np.linspace(x, y, 4, False, axis=-1) ** 2", x=("n", 2), y=(2,)),
    case("np.linspace(x, 1, 5, retstep=True)[1] ** 2", x=(2,)),
    case("np.linspace(x[0], x[1], 5, retstep=True)[0] ** 2", x=(2,)),
    case("x * np.fromfunction(lambda i, j: i + 2 * j, (2, 3))", x=(2, 3)),
    case(
        "x * np.fromfunction(lambda i, j: i == j, np.shape(x), dtype=int)", x=("n", 3)
    ),
    case("np.array([[x[0], 1.0], [y[1], x[1] * y[0]]]) ** 2", x=(2,), y=(2,)),
    case("x * np.arange(0.0, 1.0, 0.25)", x=(4,)),
    case("np.cross(x, y) ** 2", x=("n", 2), y=(3,)),
    case("np.cross(x, y) ** 2", x=(3,), y=("n", 2)),
]
SERIES = {
    "polynomial": "polyval",
    "chebyshev": "chebval",
    "legendre": "legval",
    "hermite": "hermval",
    "hermite_e": "hermeval",
    "laguerre": "lagval",
}
SERIES_CASES = [
    case(f"np.polynomial.{module}.{name}(x, c)", x=("n",), c=(5,))
    for module, name in SERIES.items()
]
SERIES_CASES += [
    case("np.polynomial.legendre.legval(x, c)", x=("n",), c=(3, 2)),
    case("np.polynomial.legendre.legval(x, c, tensor=False)", x=(2,), c=(3, 2)),
    case("np.polynomial.polynomial.polyval(x, [2.0])", x=("n", 2)),
]


@over(FORTRAN + BESIDE + SEVERAL + SERIES_CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_elements_in_other_orders_and_made_arrays(case, dtype):
    check(case, dtype)


@over([FORTRAN[2], BESIDE[-2], SEVERAL[0], SERIES_CASES[2]])
def test_second_derivatives_of_what_is_joined(case):
    check_second_order(case)


def test_what_makes_arrays_may_be_imported_by_name():
    from numpy import arange, array, asarray, c_, linspace, r_, sqrt, zeros

    def loss(x, y):
        pair = array([x, sqrt(asarray([y[0], 2.0, y[1]]))])
        both = r_[x, y, zeros(1)] * arange(6)
        return np.sum(pair**2) + np.sum(c_[x, x] ** 3) + both @ linspace(both, 1, 6)[2]

    x, y = np.array([0.3, 1.2, -0.7]), np.array([1.5, 0.4])
    compiled = symdiff.compile(loss, {"x": (3,), "y": (2,)})
    np.testing.assert_allclose(compiled.value(x, y), loss(x, y), 1e-13)
