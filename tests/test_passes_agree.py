"""Every golden loss and every example with passes left out: the gradient is the same.

The committed modules are those with both passes.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symdiff

HERE = Path(__file__).parent
LOSSES = {
    path.stem: (path, path.with_name(f"{path.stem}_gradient.py"))
    for path in sorted(HERE.glob("golden/*.py"))
    if "_gradient" not in path.stem
}
LOSSES |= {
    f"example {path.parent.name}": (path, path.with_name("gradient.py"))
    for path in sorted(HERE.parent.glob("examples/*/loss.py"))
}


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def arrays(value: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of nested ones."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        for one in value:
            yield from arrays(one)
    else:
        yield value


def dtype(committed: ModuleType) -> str:
    """Return the dtype that the committed module was compiled for."""
    drawn = committed._made_up(np.random.default_rng(0))
    return str(next(one for one in arrays(committed.grad(*drawn))).dtype)


@pytest.mark.parametrize("name", LOSSES)
def test_no_pass_changes_a_gradient(name):
    loss, committed = map(module, LOSSES[name])
    arguments = committed._made_up(np.random.default_rng(2))
    expected = list(arrays(committed.grad(*arguments)))
    wrt, width = getattr(loss, "WRT", None), dtype(committed)
    tolerances = {"float64": (1e-10, 1e-12), "float32": (1e-4, 1e-6)}[width]
    for simplify, share in ((True, False), (False, True), (False, False)):
        compiled = symdiff.compile(
            loss.loss,
            wrt=wrt,
            dtype=width,
            simplify=simplify,
            share=share,
            verify=False,
        )
        for one, other in zip(arrays(compiled.grad(*arguments)), expected, strict=True):
            np.testing.assert_allclose(one, other, *tolerances)


@pytest.mark.parametrize("name", LOSSES)
def test_without_rewrites_the_value_is_the_losss_own_bit_for_bit(name):
    loss, committed = map(module, LOSSES[name])
    compiled = symdiff.compile(
        loss.loss,
        wrt=getattr(loss, "WRT", None),
        dtype=dtype(committed),
        rewrites="none",
        verify=False,
    )
    for seed in range(3):
        arguments = committed._made_up(np.random.default_rng(seed))
        assert compiled.value(*arguments) == loss.loss(*arguments)
