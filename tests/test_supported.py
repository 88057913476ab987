"""NumPy's public functions: each is in the table, or refused for a reason."""

import importlib
import re
from collections import defaultdict
from pathlib import Path
from types import CodeType

import numpy as np
import pytest
from cases import Case
from rows import Row
from supported import GROUPS, group_of, public

import symdiff
from symdiff.ops.refusals import FLAT, REFUSED, UNTRACED
from symdiff.ops.scipy_linalg import SCIPY_LINALG
from symdiff.ops.special import SPECIAL
from symdiff.ops.table import FUNCTIONS, METHODS, PROPERTIES, ROWS, WRITERS

NAMES = dict(public())


def test_each_public_function_is_in_one_class():
    counts = {
        name: (one in {**FUNCTIONS, **WRITERS}) + (name in REFUSED) + (name in UNTRACED)
        for name, one in NAMES.items()
    }
    wrong = {name: count for name, count in counts.items() if count != 1}
    assert not wrong, "give them a row, or a reason in refusals.py"


def test_each_supported_function_has_a_group_in_the_guide():
    assert {group_of(one) for one in NAMES.values() if one in FUNCTIONS} == set(GROUPS)


def words(one):
    """The names that a case's expression or function uses."""
    if isinstance(one, list | tuple):
        for part in one:
            yield from words(part)
    elif isinstance(one, Row):
        yield from words(one.function.__code__)
    elif isinstance(one, Case):
        yield from re.findall(r"[^\W\d]\w*", one.text)
    elif isinstance(one, CodeType):
        yield from one.co_names
        yield from words(one.co_consts)


def test_each_supported_function_has_a_case():
    modules = sorted(Path(__file__).parent.glob("test_*s_*.py"))
    used = {
        word
        for path in modules
        for value in vars(importlib.import_module(path.stem)).values()
        for word in words(value)
    }
    names = defaultdict(list)
    for name, one in NAMES.items():
        if one in FUNCTIONS:
            names[one].append(name.rpartition(".")[2])
    names |= {name: [name] for name in (*SPECIAL, *SCIPY_LINALG, *METHODS, *PROPERTIES)}
    missing = [known[0] for known in names.values() if not used & {*known}]
    assert not missing, f"give each of them a case: {missing}"


def test_what_is_flat_is_supported():
    supported = {name for name, one in NAMES.items() if one in FUNCTIONS}
    assert supported >= FLAT


ONE_ARRAY = [
    name
    for name in sorted(FLAT)
    if isinstance(NAMES[name], np.ufunc) and NAMES[name].nin == 1
]


@pytest.mark.parametrize("name", ONE_ARRAY)
def test_flat_functions_have_no_slope(name):
    kind = "int64" if "bit" in name or name == "np.invert" else None
    loss = symdiff.compile(
        lambda x, k: np.sum(x * 0 + NAMES[name](k if kind else x)),
        {"x": (3,), "k": symdiff.ArraySpec((3,), "int64")},
        verify=False,
    )
    np.testing.assert_array_equal(loss.grad(np.full(3, 0.3), np.arange(3)), 0)


def test_ufuncs_without_rules_are_flat():
    rows = {row.node.__name__.lower(): row for row in ROWS.values() if not row.vjp}
    named = {name for name in NAMES if name.removeprefix("np.") in rows}
    assert named <= FLAT
    assert len(named) > 5


SHAPE_OF_VALUES = ("np.unique", "np.union1d", "np.argwhere", "np.flatnonzero")


@pytest.mark.parametrize("name", SHAPE_OF_VALUES)
def test_a_refusal_gives_its_reason(name):
    function = NAMES[name]
    arguments = 2 if "1d" in name else 1
    with pytest.raises(symdiff.UnsupportedError) as caught:
        symdiff.compile(lambda x: np.sum(function(*[x] * arguments)), {"x": (3,)})
    reason = "its result's shape depends on values"
    assert caught.value.message == f"{name} is not supported: {reason}"
    assert caught.value.position is not None


def test_complex_results_are_refused():
    with pytest.raises(symdiff.UnsupportedError, match="its results are complex"):
        symdiff.compile(lambda x: np.abs(np.fft.fft(x)).sum(), {"x": (4,)})
