"""What an emitted module returns: its structure, shapes, dtypes and memory."""

from __future__ import annotations

import inspect
import types
from typing import NamedTuple

import numpy as np
import pytest
from handmade import check, handmade, nested_args, nested_gradient, nested_loss

from symdiff.errors import VerificationError
from symdiff.specs import read_signature
from symdiff.verify import verify


def check_nested(wrong):
    module = handmade(nested_loss, nested_gradient, structured=wrong)
    return check(module, nested_loss, nested_args(2), ("params",), single=True)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda g: {"layers": tuple(g["layers"]), "scale": g["scale"]},
        lambda g: {"layers": g["layers"][:-1], "scale": g["scale"]},
        lambda g: {"layers": g["layers"]},
        lambda g: list(g.values()),
    ],
)
def test_wrong_structure_is_found(wrong):
    with pytest.raises(VerificationError, match="not built as params is"):
        check_nested(wrong)


def test_a_scalars_gradient_has_to_be_an_array():
    def wrong(gradient):
        return {**gradient, "scale": float(gradient["scale"])}

    with pytest.raises(VerificationError, match="a float, expected an array"):
        check_nested(wrong)


def test_module_level_buffers_share_memory_between_calls():
    buffer = np.empty(4)

    def gradient(x, cotangent):
        np.multiply(2 * cotangent, x, out=buffer)
        return buffer

    module = handmade(lambda x: np.sum(x**2), gradient)
    with pytest.raises(VerificationError, match="shares memory"):
        check(module, lambda x: np.sum(x**2), {"x": (4,)}, ("x",), single=True)


def test_gradient_that_is_the_other_argument_shares_its_memory():
    def loss(x, y):
        return np.sum(x * y)

    module = handmade(loss, lambda x, y, cotangent: y)
    with pytest.raises(VerificationError, match=r"of x .* with the argument y"):
        check(module, loss, {"x": (4,), "y": (4,)}, ("x",), single=True)


def test_gradient_that_is_a_view_of_the_cache_shares_memory():
    def forward(x):
        y = np.exp(x)
        return np.sum(y), y

    module = handmade(lambda x: np.sum(np.exp(x)), None)
    module.forward = forward
    module.backward = lambda y, cotangent=1.0: y if cotangent == 1.0 else y * cotangent
    module.value_and_grad = lambda x: (module.value(x), np.exp(x))
    module.grad = np.exp
    loss = lambda x: np.sum(np.exp(x))  # noqa: E731
    check(module, loss, {"x": (4,)}, ("x",), single=True)
    module.backward = lambda y, cotangent=1.0: y
    with pytest.raises(VerificationError, match="shares memory"):
        check(module, loss, {"x": (4,)}, ("x",), single=True)


def test_fault_33_inputs_cannot_be_written():
    def value(x):
        x.sort()
        return x[-1]

    loss = np.max
    module = handmade(value, lambda x, c: c * (x == x.max()))
    with pytest.raises(VerificationError, match="raised ValueError.*read-only"):
        check(module, lambda x: loss(x), {"x": (5,)}, ("x",), single=True)


def test_keyword_only_and_static_arguments():
    def loss(x, /, y, *, z, power):
        return np.sum(x * y**power * z)

    signature = read_signature(
        loss, {"x": (3,), "y": (3,), "z": (3,)}, {"power": 2}, "float64"
    )

    class Gradient(NamedTuple):
        z: np.ndarray
        x: np.ndarray

    module = types.ModuleType("gradient")
    module.value = lambda x, /, y, *, z: np.sum(x * y**2 * z)
    module.forward = lambda x, /, y, *, z: (module.value(x, y, z=z), (x, y, z))

    def backward(cache, cotangent=1.0):
        x, y, z = cache
        return Gradient(cotangent * x * y**2, cotangent * y**2 * z)

    module.backward = backward
    module.value_and_grad = lambda x, /, y, *, z: (
        module.value(x, y, z=z),
        backward((x, y, z)),
    )
    module.grad = lambda x, /, y, *, z: backward((x, y, z))
    assert inspect.signature(module.value).parameters["z"].kind.name == "KEYWORD_ONLY"
    verify(
        module,
        signature.bind(loss),
        signature,
        ("z", "x"),
        single=False,
        index_bounds=lambda sizes: {},
    )


def test_integer_leaves_under_wrt_are_not_differentiated():
    def loss(p):
        return np.sum(p["w"] ** 2) * p["k"]

    def gradient(p, c):
        return {"w": 2 * c * p["k"] * p["w"], "k": None}

    module = handmade(loss, gradient)
    args = {"p": {"w": (3,), "k": np.array(3)}}
    check(module, loss, args, ("p",), single=True)


def test_zero_sized_gradients_pass():
    def loss(x, y):
        return np.sum(x) + np.sum(y**2)

    module = handmade(
        loss, lambda x, y, c: (np.zeros_like(x), 2 * c * y), structured=pair
    )
    check(module, loss, {"x": (0, 3), "y": (3,)}, ("x", "y"))


class Pair(NamedTuple):
    x: np.ndarray
    y: np.ndarray


def pair(gradient):
    return Pair(*gradient)
