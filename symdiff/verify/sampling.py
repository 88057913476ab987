"""Made-up sizes and arguments of a loss, drawn for its checks.

In: a `Signature`, its sizes, a random generator and the domain of the floats. Out: one
array per leaf, or one value per argument, nested as the argument is; sets of sizes.
Refused with a `ValueError`: a domain that is not one of `DOMAINS`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

from ..specs import Leaf, Signature
from ..timings import stage

__all__ = [
    "DOMAINS",
    "draw",
    "finite_domain",
    "is_float",
    "nest",
    "sample",
    "size_sets",
]

DOMAINS = ("example", "normal", "unit", "positive", "above")
SPREAD = 0.1  # how far an example is perturbed, relative to its own size


def sample(
    signature: Signature,
    sizes: Mapping[str, int],
    rng: np.random.Generator,
    *,
    domain: str,
    index_bounds: Mapping[str, int],
) -> list:
    """Return a value for each argument, nested as the argument is; see `draw`."""
    leaves = draw(signature, sizes, rng, domain=domain, index_bounds=index_bounds)
    return nest(signature, leaves)


def draw(
    signature: Signature,
    sizes: Mapping[str, int],
    rng: np.random.Generator,
    *,
    domain: str,
    index_bounds: Mapping[str, int],
) -> list[np.ndarray]:
    """Return an array for each leaf of the signature, new and writeable.

    Floats are standard normal, a matrix scaled by 1 / sqrt(its rows) ("normal"), in
    (0.1, 0.9) ("unit"), around 1 ("positive") or in (1.1, 1.9) ("above"). Integers are
    in [0, bound), where `index_bounds` gives the bound by the leaf's name, else in
    [0, 2). A leaf with an example is the example itself ("example"), else the example
    perturbed: floats keep their sign except in "normal", integers change places there.

    Raises
    ------
    ValueError
        If `domain` is not one of `DOMAINS`.
    """
    if domain not in DOMAINS:
        raise ValueError(f"domain {domain!r} is none of {', '.join(DOMAINS)}")
    arrays = []
    for leaf in signature.leaves:
        if leaf.example is not None:
            array = _perturbed(leaf.example, domain, rng)
        else:
            shape = tuple(sizes[s] if isinstance(s, str) else s for s in leaf.shape)
            array = _drawn(leaf, shape, domain, index_bounds.get(leaf.name, 2), rng)
        arrays.append(np.array(array, dtype=leaf.dtype))
    return arrays


@stage("sample")
def finite_domain(
    fn: Callable,
    signature: Signature,
    sizes: Mapping[str, int],
    bounds: Mapping[str, int],
) -> str:
    """Return the first domain of drawn floats in which a loss is finite, else "normal"."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for domain in DOMAINS[1:]:
            arguments = sample(
                signature, sizes, rng, domain=domain, index_bounds=bounds
            )
            try:
                if np.isfinite(fn(*arguments)):
                    return domain
            except (
                Exception
            ):  # noqa: BLE001, S112 - the user's function at made-up arguments
                continue
    return DOMAINS[1]


def nest(signature: Signature, leaves: Sequence) -> list:
    """Return the arguments, in order, built again from their flat leaves."""
    values, rest = [], list(leaves)
    for argument in signature.arguments:
        count = len(argument.leaves)
        values.append(argument.unflatten(rest[:count]))
        rest = rest[count:]
    return values


def is_float(leaf: Leaf) -> bool:
    """Return whether the leaf can be differentiated."""
    return np.dtype(leaf.dtype).kind == "f"


def size_sets(
    names: Sequence[str], avoid: Collection[Mapping[str, int]] = ()
) -> Iterator[dict[str, int]]:
    """Yield sets of small sizes, in which no size is what it is in a set to `avoid`.

    They are distinct and odd, all 1, distinct multiples of 4, all equal, and multiples
    of 12: a loss that needs sizes to be equal, divisible or large finds them. Without
    names the one set there is, twice.
    """
    count = len(names)
    plans = [
        ([3 + 2 * k for k in range(count)], 2),
        ([1] * count, 1),
        ([4 * (count - k) for k in range(count)], 4),
        ([6] * count, 6),
        ([12 * (k + 1) for k in range(count)], 12),
    ]
    for plan, step in plans if names else [([], 1)] * 2:
        sizes = dict(zip(names, plan, strict=True))
        while any(taken.get(name) == sizes[name] for taken in avoid for name in names):
            sizes = {name: size + step for name, size in sizes.items()}
        yield sizes


def _drawn(
    leaf: Leaf,
    shape: tuple[int, ...],
    domain: str,
    bound: int,
    rng: np.random.Generator,
) -> np.ndarray:
    dtype = np.dtype(leaf.dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape)
    if dtype.kind != "f":
        return rng.integers(0, min(max(bound, 1), np.iinfo(dtype).max), shape)
    if domain == "unit":
        return rng.uniform(0.1, 0.9, shape)
    if domain == "positive":
        return np.exp(0.3 * rng.standard_normal(shape))
    if domain == "above":
        return rng.uniform(1.1, 1.9, shape)
    # As weights are: a deep network's activations neither vanish nor overflow.
    rows = shape[-2] if len(shape) > 1 else 1
    return rng.standard_normal(shape) / np.sqrt(max(rows, 1))


def _perturbed(
    example: np.ndarray, domain: str, rng: np.random.Generator
) -> np.ndarray:
    if domain == "example":
        return example
    if example.dtype.kind != "f":
        shuffled = rng.permutation(example.ravel()).reshape(example.shape)
        return shuffled if domain == "normal" else example
    noise = np.clip(rng.standard_normal(example.shape), -3, 3)
    if domain == "normal":
        size = np.sqrt(np.mean(np.square(example))) if example.size else 0.0
        return example + SPREAD * (size or 1.0) * noise
    return example * (1 + SPREAD * noise)
