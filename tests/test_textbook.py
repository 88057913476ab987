"""Emitted backward passes beside those that textbooks write: no more work, same gradient.

Each module of `textbook` has a loss, and its forward and backward pass by hand.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from traversals import traversals

import symdiff

FOLDER = Path(__file__).parent / "textbook"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def leaves(value: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of nested ones."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def loss_of(name):
    return importlib.import_module(f"textbook.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_no_more_work_than_by_hand(name):
    book = loss_of(name)
    compiled = symdiff.compile(book.loss, wrt=book.WRT, verify=False)
    module = compiled.module
    arguments = module._made_up(np.random.default_rng(0))
    value, cache = module.forward(*arguments)
    expected, by_hand = book.forward(*arguments)
    ours, gradient = traversals(module, module.backward, cache)
    theirs, correct = traversals(book, book.backward, by_hand)
    assert value == pytest.approx(expected, rel=1e-12)
    for one, other in zip(leaves(gradient), leaves(correct), strict=True):
        np.testing.assert_allclose(one, other, 1e-10, 1e-12)
    assert ours.passes <= theirs.passes, compiled.source
    assert ours.transcendental <= theirs.transcendental, compiled.source


@pytest.mark.parametrize("name", NAMES)
def test_the_passes_change_no_gradient(name):
    book = loss_of(name)
    modules = [
        symdiff.compile(
            book.loss, wrt=book.WRT, simplify=simplify, share=share, verify=False
        ).module
        for simplify in (True, False)
        for share in (True, False)
    ]
    arguments = modules[0]._made_up(np.random.default_rng(1))
    first, *others = (list(leaves(module.grad(*arguments))) for module in modules)
    for other in others:
        for one, another in zip(first, other, strict=True):
            np.testing.assert_allclose(one, another, 1e-12, 1e-14)
