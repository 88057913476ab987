"""The shift by a maximum is dropped from the gradient exactly where it cancels."""

import numpy as np
import pytest
from autograd import grad
from autograd import numpy as anp

import symdiff


def softmax_of_squares(np, z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return np.sum(p**2)


def log_sum_exp(np, z):
    m = np.max(z, axis=1)
    return np.sum(np.log(np.sum(np.exp(z - m[:, None]), axis=1)) + m)


def log_sum_exp_of_all(np, z):
    m = np.max(z)
    return np.log(np.sum(np.exp(z - m))) + m


def log_softmax_at(np, z):
    z = z - np.max(z, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(z)), 1])


def attention(np, z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    a = (e @ np.ones((4, 3))) / np.sum(e, axis=-1, keepdims=True)
    return np.sum(a**2) + np.sum((z / 2) ** 2)


def shifted_by_the_smallest(np, z):
    e = np.exp(-(z - np.min(z, axis=1, keepdims=True)))
    return np.sum((e / np.sum(e, axis=1, keepdims=True)) ** 2)


def transposed(np, z):
    e = np.exp((z - np.max(z, axis=1, keepdims=True)).T)
    return np.sum((e / np.sum(e, axis=0)) ** 2)


def of_the_other_axis(np, z):
    return np.sum(np.log(np.sum(np.exp(z - np.max(z, axis=0)), axis=1)))


def added_twice(np, z):
    m = np.max(z, axis=1)
    return np.sum(np.log(np.sum(np.exp(z - m[:, None]), axis=1)) + 2 * m)


def only_exponential(np, z):
    return np.sum(np.exp(z - np.max(z, axis=1, keepdims=True)))


def compared(np, z):
    u = z - np.max(z, axis=1, keepdims=True)
    return np.sum(np.where(u > -0.5, u, 2 * u))


def rows_in_another_order(np, z):
    m = np.max(z, axis=1)
    total = np.log(np.sum(np.exp(z - m[:, None]), axis=1))
    return np.sum((total + m[np.array([1, 2, 0])]) ** 2)


def squared(np, z):
    u = z - np.max(z, axis=1, keepdims=True)
    return np.sum(np.log(np.sum(np.exp(u), axis=1)) ** 2)


CANCELS = [
    softmax_of_squares,
    log_sum_exp,
    log_sum_exp_of_all,
    log_softmax_at,
    attention,
    shifted_by_the_smallest,
    transposed,
]
STAYS = [
    of_the_other_axis,
    added_twice,
    only_exponential,
    compared,
    rows_in_another_order,
    squared,
]


def compiled(loss):
    rows = 3 if loss is rows_in_another_order else "n"
    return symdiff.compile(lambda z: loss(np, z), {"z": (rows, 4)})


@pytest.mark.parametrize("loss", [*CANCELS, *STAYS], ids=lambda one: one.__name__)
def test_the_gradient_is_autograds(loss):
    z = np.random.default_rng(0).standard_normal((3, 4))
    expected = grad(lambda z: loss(anp, z))(z)
    np.testing.assert_allclose(compiled(loss).grad(z), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("loss", CANCELS, ids=lambda one: one.__name__)
def test_a_shift_that_cancels_has_no_gradient_and_is_named(loss):
    c = compiled(loss)
    assert "==" not in c.source.split("def backward")[1].split("def value_and_grad")[0]
    assert any("cancels" in one.text for one in c.graph.rewrites)
    assert c.graph.corners == ()


@pytest.mark.parametrize("loss", STAYS, ids=lambda one: one.__name__)
def test_a_shift_that_counts_stays(loss):
    assert not any("shift: " in one.text for one in compiled(loss).graph.rewrites)


def test_the_shift_still_prevents_overflow():
    z = np.array([[1000.0, 0.0, 0.0, 0.0]])
    value, gradient = compiled(log_sum_exp).value_and_grad(z)
    assert value == 1000.0
    np.testing.assert_array_equal(gradient, [[1.0, 0.0, 0.0, 0.0]])


def test_many_shifts_compile_in_linear_time():
    def loss(z):
        for _ in range(300):
            e = np.exp(z - z.max(axis=1, keepdims=True))
            z = e / e.sum(axis=1, keepdims=True)
        return (z**2).sum()

    c = symdiff.compile(loss, {"z": ("n", 3)}, verify=False)
    assert len(c.graph.rewrites) == 1
    assert np.isfinite(c.value(np.ones((2, 3))))
