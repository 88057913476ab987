"""Made-up sizes and arguments: shapes, dtypes, domains, bounds and nesting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from symdiff.specs import read_signature
from symdiff.verify.sampling import DOMAINS, draw, is_float, nest, sample, size_sets

LIMITS = {"unit": (0.1, 0.9), "positive": (0.1, 10.0), "above": (1.1, 1.9)}


def three(a, b, c):
    return a, b, c


def signature(a=("n", 4), b=("n",), c=(), dtype="float64"):
    return read_signature(three, {"a": a, "b": b, "c": c}, None, dtype)


def sampled(spec, domain, *, seed=0, bounds=None, dtype="float64", **sizes):
    rng = np.random.default_rng(seed)
    args = signature(spec, dtype=dtype)
    return sample(
        args, {"n": 3, **sizes}, rng, domain=domain, index_bounds=bounds or {}
    )[0]


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtypes_are_those_of_the_specs(domain, dtype):
    rng = np.random.default_rng(0)
    args = signature(("n", 4, "m"), "n:int64", (), dtype)
    a, b, c = sample(args, {"n": 3, "m": 0}, rng, domain=domain, index_bounds={})
    assert [x.shape for x in (a, b, c)] == [(3, 4, 0), (3,), ()]
    assert [x.dtype for x in (a, b, c)] == [dtype, np.int64, dtype]
    assert all(type(x) is np.ndarray and x.flags.writeable for x in (a, b, c))


@pytest.mark.parametrize("domain", LIMITS)
def test_domains_hold_their_limits(domain):
    low, high = LIMITS[domain]
    values = sampled((1000,), domain)
    assert np.all((low < values) & (values < high))


def test_positive_is_around_one():
    assert abs(np.median(sampled((1000,), "positive")) - 1) < 0.05


def test_normal_is_scaled_so_that_a_deep_network_neither_vanishes_nor_overflows():
    x = np.ones(100)
    for seed in range(200):
        x = sampled((100, 100), "normal", seed=seed).T @ x
    assert 1e-6 < np.linalg.norm(x) < 1e8


def test_unknown_domain_is_refused():
    with pytest.raises(ValueError, match="'gaussian' is none of example, normal"):
        sampled((3,), "gaussian")


def test_integers_are_below_their_bounds_or_two():
    assert set(sampled("500:int64", "normal")) == {0, 1}
    assert set(sampled("500:int64", "normal", bounds={"a": 7})) == set(range(7))
    assert set(sampled("500:int64", "normal", bounds={"a": 0})) == {0}


def test_integers_fit_their_dtype_whatever_the_bound():
    values = sampled("500:uint8", "normal", bounds={"a": 10**6})
    assert values.dtype == np.uint8
    assert values.max() > 200
    assert sampled("500:int8", "normal", bounds={"a": 10**6}).min() >= 0


def test_bools_are_both():
    values = sampled("100:bool", "normal")
    assert values.dtype == np.bool_
    assert set(values.tolist()) == {True, False}


def test_the_same_generator_gives_the_same():
    assert np.array_equal(sampled((5,), "normal"), sampled((5,), "normal"))
    assert not np.array_equal(sampled((5,), "normal"), sampled((5,), "normal", seed=1))


def test_an_example_comes_as_it_is_but_as_a_copy():
    example = np.array([1.0, 0.0, -2.0])
    drawn = sampled(example, "example")
    assert np.array_equal(drawn, example)
    drawn[:] = 7
    assert np.array_equal(sampled(example, "example"), [1.0, 0.0, -2.0])


def test_an_example_is_perturbed_without_its_signs_except_in_normal():
    example = np.linspace(-1, 1, 201)
    for domain in ("unit", "positive", "above"):
        drawn = sampled(example, domain)
        assert np.array_equal(np.sign(drawn), np.sign(example))
        assert 0 < np.max(np.abs(drawn - example)) <= 0.3
    drawn = sampled(example, "normal")
    assert np.all(drawn != example)
    assert np.max(np.abs(drawn - example)) <= 0.3


def test_an_example_of_zeros_is_perturbed():
    assert np.all(sampled(np.zeros(4), "normal") != 0)


def test_integer_examples_keep_their_values():
    example = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    drawn = sampled(example, "normal", bounds={"a": 2})
    assert not np.array_equal(drawn, example)
    assert sorted(drawn) == sorted(example)
    assert np.array_equal(sampled(example, "unit"), example)


def test_float32_examples_stay_float32():
    example = np.ones(3, np.float32)
    assert sampled(example, "normal", dtype="float32").dtype == np.float32


class Layer(NamedTuple):
    W: object
    b: object


def test_arguments_are_nested_as_the_specs():
    spec = {"z": [Layer(("n", 2), (2,))], "a": (4,)}
    value = sampled(spec, "normal")
    assert list(value) == ["z", "a"]
    assert isinstance(value["z"][0], Layer)
    assert value["z"][0].W.shape == (3, 2)


def test_leaves_nest_as_they_are_drawn():
    args = signature({"x": (2,), "y": "n:int64"})
    rng = np.random.default_rng(0)
    leaves = draw(args, {"n": 3}, rng, domain="unit", index_bounds={})
    nested = nest(args, leaves)
    assert len(leaves) == 4
    assert nested[0]["y"] is leaves[1]
    assert [is_float(leaf) for leaf in args.leaves] == [True, False, True, True]


def test_size_sets_have_distinct_ones_divisible_equal_and_large_sizes():
    sets = list(size_sets(("n", "m")))
    assert sets[0] == {"n": 3, "m": 5}
    assert sets[1] == {"n": 1, "m": 1}
    assert any(
        one["n"] != one["m"] and one["n"] % 4 == one["m"] % 4 == 0 for one in sets
    )
    assert any(one["n"] == one["m"] > 1 for one in sets)
    assert any(min(one.values()) >= 12 for one in sets)


def test_size_sets_avoid_what_was_traced():
    traced = [{"n": 3, "m": 7}, {"n": 5, "m": 4}, {"n": 6, "m": 6}]
    for one in size_sets(("n", "m"), traced):
        assert all(one[name] != taken[name] for taken in traced for name in one)


def test_without_unknown_sizes_there_is_the_one_set_twice():
    assert list(size_sets(())) == [{}, {}]
