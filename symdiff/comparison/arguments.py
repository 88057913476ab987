"""The arguments at which gradients are compared: given, drawn by the user, or made up.

In: a loss and its signature, the user's data or `sample`, the values of unknown sizes.
Out: an array for each leaf. Refused with a `SpecError`: what `inputs` refuses, and a size
that there is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import SpecError, TraceError
from ..inputs import is_sampler, read_data, read_sample
from ..leaves import near
from ..specs import Signature
from ..verify.sampling import draw, finite_domain, nest

__all__ = ["arguments"]

SIZE = 100  # of an unknown size that nothing tells


def arguments(
    fn: Callable,
    signature: Signature,
    dtype: str,
    data: Mapping[str, Any] | None,
    sample: Callable | None,
    sizes: Mapping[str, int],
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Return an array for each leaf of the signature."""
    for name in sizes:
        if name not in signature.sizes:
            remedy = near(signature.sizes, name)
            raise SpecError(f"sizes: there is no unknown size {name!r}", remedy=remedy)
    if data is not None:
        return tuple(read_data(signature, data))
    full = {name: sizes.get(name, SIZE) for name in signature.sizes}
    sampler = sample or getattr(fn, "__globals__", {}).get("sample")
    if is_sampler(sampler):
        assert callable(sampler)
        return tuple(read_sample(signature, sampler(rng, full)))
    bounds = _bounds(fn, signature, dtype, full)
    domain = _domain(signature.bind(fn), signature, full, bounds)
    return tuple(draw(signature, full, rng, domain=domain, index_bounds=bounds))


def _domain(
    loss: Callable,
    signature: Signature,
    sizes: Mapping[str, int],
    bounds: Mapping[str, int],
) -> str:
    """Return what to draw from: the specs' own examples, if the loss is finite there."""
    if any(leaf.example is not None for leaf in signature.leaves):
        rng = np.random.default_rng(0)
        leaves = draw(signature, sizes, rng, domain="example", index_bounds=bounds)
        if np.isfinite(loss(*nest(signature, leaves))):
            return "example"
    return finite_domain(loss, signature, sizes, bounds)


def _bounds(
    fn: Callable, signature: Signature, dtype: str, sizes: Mapping[str, int]
) -> Mapping[str, int]:
    """Return what integers stay below that are indices."""
    from ..bounds import index_bounds, values_at
    from ..trace.run import trace

    if all(np.dtype(leaf.dtype).kind not in "iu" for leaf in signature.leaves):
        return {}
    try:
        return values_at(index_bounds(trace(fn, signature, dtype)), sizes)
    except TraceError:
        return {}  # symdiff's own rows say why
