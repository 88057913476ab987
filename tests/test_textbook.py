"""Emitted backward passes beside those that textbooks write: no more work, same gradient.

Each module of `textbook` has a loss, and its forward and backward pass by hand.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from textbook.table import NAMES, book_of, both
from traversals import traversals

import symdiff


def leaves(value: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of nested ones."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


@pytest.mark.parametrize("name", NAMES)
def test_no_more_work_than_by_hand(name):
    book = book_of(name)
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
def test_it_reads_as_shortly_as_by_hand_and_its_names_say_what_they_are(name):
    passes = {which: (ours, theirs) for which, ours, theirs in both(name)}
    ours, theirs = passes["backward"]
    assert ours.statements <= 1.1 * theirs.statements
    for one, _ in passes.values():
        assert len(one.meaningless) <= len(one.names) / 10, one.meaningless


@pytest.mark.parametrize("name", NAMES)
def test_what_is_by_hand_is_the_gradient(name):
    book = book_of(name)
    module = symdiff.compile(book.loss, wrt=book.WRT, verify=False).module
    arguments = module._made_up(np.random.default_rng(2))
    _, cache = book.forward(*arguments)
    rng = np.random.default_rng(3)
    for argument, gradient in _differentiated(book, arguments, cache):
        direction = rng.standard_normal(argument.shape)
        slope = _slope(lambda: book.loss(*arguments), argument, direction)
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-6)


def _differentiated(book, arguments, cache):
    """Return each array that is differentiated, with its gradient by hand."""
    names = dict(zip(book.ARGS, arguments, strict=True))
    arrays = [one for name in book.WRT for one in leaves(names[name])]
    return zip(arrays, leaves(book.backward(cache)), strict=True)


def _slope(loss, argument, direction, step=1e-6):
    """Return a loss's central difference along a direction of one argument."""
    argument += step * direction
    above = loss()
    argument -= 2 * step * direction
    below = loss()
    argument += step * direction
    return (above - below) / (2 * step)


@pytest.mark.parametrize("name", NAMES)
def test_the_passes_change_no_gradient(name):
    book = book_of(name)
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
