"""Parameters of every kind: any number of arguments, dataclasses, named tuples."""

import dataclasses
import subprocess
import sys
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import black
import numpy as np
import pytest
from jaxtyping import Float

import symdiff
from symdiff.errors import SpecError


def network(x, *layers, scale=1.0, **last):
    for W in layers:
        x = np.tanh(x @ W)
    return scale * np.sum(x @ last["W"] + last["b"])


SPECS = {
    "x": ("n", 3),
    "layers": [(3, 4), (4, 2)],
    "scale": (),
    "last": {"W": (2, "k"), "b": ("k",)},
}


def drawn(*shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in shapes]


def expected(x, layers, scale, last):
    """autograd's gradient of the same network."""

    def written_again(layers, scale, last):
        h = x
        for W in layers:
            h = anp.tanh(anp.dot(h, W))
        return scale * anp.sum(anp.dot(h, last["W"]) + last["b"])

    return autograd.grad(written_again, (0, 1, 2))(layers, scale, last)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_any_number_of_arguments_are_passed_as_the_loss_takes_them(dtype):
    compiled = symdiff.compile(
        network, SPECS, wrt=("layers", "scale", "last"), dtype=dtype
    )
    x, first, second, W, b = (
        one.astype(dtype) for one in drawn((5, 3), (3, 4), (4, 2), (2, 2), 2)
    )
    scale = np.asarray(1.5, dtype)
    d = compiled.grad(x, first, second, scale=scale, W=W, b=b)
    assert isinstance(d.layers, tuple)
    assert isinstance(d.last, dict)
    want = expected(x, (first, second), scale, {"W": W, "b": b})
    have = (d.layers, d.scale, d.last)
    for one, other in zip(_flat(have), _flat(want), strict=True):
        assert one.dtype == dtype
        assert np.allclose(one, other, rtol=1e-4 if dtype == "float32" else 1e-10)


def _flat(value: Any) -> list:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        return [np.asarray(value)]
    return [one for part in value for one in _flat(part)]


def test_any_number_of_arguments_alone():
    compiled = symdiff.compile(lambda *xs: np.sum(xs[0] * xs[1]), {"xs": ["n", "n"]})
    d_x, d_y = compiled.grad(np.ones(3), 2 * np.ones(3))
    assert (d_x == 2).all()
    assert (d_y == 1).all()
    with pytest.raises(ValueError, match="xs has 1 items, expected 2"):
        compiled.grad(np.ones(3))


def test_the_module_of_any_number_of_arguments_checks_itself_and_is_formatted(tmp_path):
    compiled = symdiff.compile(network, SPECS, wrt=("last", "layers"))
    assert black.format_str(compiled.source, mode=black.Mode()) == compiled.source
    compiled.save(tmp_path / "emitted.py")
    subprocess.run([sys.executable, tmp_path / "emitted.py", "--check"], check=True)


def test_no_arguments_at_all():
    compiled = symdiff.compile(network, {**SPECS, "layers": [], "x": ("n", 2)})
    W = np.ones((2, 1))
    assert (
        compiled.value(np.ones((1, 2)), scale=np.float64(1.0), W=W, b=np.ones(1)) == 3
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"x": (3,)},
            "parameter 'layers' of network has no spec\n    def network(x, *layers, "
            "scale=1.0, **last):\n  *layers is any number of arguments: args={"
            '"layers": [("n", 784), (784,)]};\n  a decorator keeps its function\'s '
            "parameters with functools.wraps.",
        ),
        ({**SPECS, "layers": (3, 4)}, "the spec of *layers is no list of specs"),
        ({**SPECS, "last": [(3,)]}, "the spec of **last is no dict of specs"),
        ({**SPECS, "last": {"x": (3,)}}, "**last: 'x' cannot be a keyword of its own"),
        ({**SPECS, "last": {"a b": (3,)}}, "**last: 'a b' cannot be a keyword of its"),
    ],
)
def test_specs_of_any_number_of_arguments_that_are_refused(args, message):
    with pytest.raises(SpecError) as caught:
        symdiff.compile(network, args)
    assert message in str(caught.value)


@dataclasses.dataclass
class Layer:
    W: Any
    b: Any

    def __call__(self, x):
        return np.tanh(x @ self.W + self.b)


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    hidden: Layer
    scale: Any

    def __post_init__(self):
        assert np.ndim(self.scale) == 0


SPEC = Model(Layer((3, "k"), ("k",)), 0.5)


def energy(model, x):
    return model.scale * np.sum(model.hidden(x) ** 2)


def test_the_gradient_of_a_dataclass_is_one():
    compiled = symdiff.compile(energy, {"model": SPEC, "x": ("n", 3)})
    x, W, b = drawn((4, 3), (3, 2), 2)
    d = compiled.grad(Model(Layer(W, b), np.float64(2.0)), x)
    assert type(d) is Model
    assert type(d.hidden) is Layer

    def written_again(W, b, scale):
        return scale * anp.sum(anp.tanh(anp.dot(x, W) + b) ** 2)

    want = autograd.grad(written_again, (0, 1, 2))(W, b, 2.0)
    for one, other in zip((d.hidden.W, d.hidden.b, d.scale), want, strict=True):
        assert np.allclose(one, other)


def test_the_module_of_a_dataclass_knows_nothing_of_the_users_class(tmp_path):
    compiled = symdiff.compile(energy, {"model": SPEC, "x": ("n", 3)})
    assert black.format_str(compiled.source, mode=black.Mode()) == compiled.source
    imports = [one for one in compiled.source.splitlines() if "import " in one]
    assert imports == ["import dataclasses", "import sys", "import numpy as np"]
    compiled.save(tmp_path / "emitted.py")
    subprocess.run([sys.executable, tmp_path / "emitted.py", "--check"], check=True)
    with pytest.raises(TypeError, match=r"model has fields dict, expected \['hidden'"):
        compiled.value({"hidden": 1, "scale": 2}, np.ones((1, 3)))
    wrong = Model(dataclasses.make_dataclass("L", ["V"])(1), 1.0)
    with pytest.raises(TypeError, match=r"model\.hidden has fields \['V'\], expected"):
        compiled.value(wrong, np.ones((1, 3)))


@dataclasses.dataclass
class Annotated:
    W: Float[np.ndarray, "d k"]
    b: Float[np.ndarray, "k"]


class Both(NamedTuple):
    layer: Annotated
    scale: Float[np.ndarray, ""]


def annotated(both: Both, x: Float[np.ndarray, "n d"]):
    return both.scale * np.sum(x @ both.layer.W + both.layer.b)


def test_annotations_of_fields_are_specs():
    compiled = symdiff.compile(annotated)
    x, W, b = drawn((4, 3), (3, 2), 2)
    d = compiled.grad(Both(Annotated(W, b), np.float64(1.0)), x)
    assert np.allclose(d.layer.W, np.outer(x.sum(axis=0), np.ones(2)))
    assert np.allclose(d.layer.b, 4)
    assert np.isclose(d.scale, np.sum(x @ W + b))


@dataclasses.dataclass
class Computed:
    a: Any
    b: Any = dataclasses.field(init=False, default=None)


def test_a_field_that_a_dataclass_computes_is_refused():
    with pytest.raises(SpecError) as caught:
        symdiff.compile(lambda p: np.sum(p.a), {"p": Computed((3,))})
    assert "spec of p: field 'b' of Computed is computed by the dataclass" in str(
        caught.value
    )
