"""A loss's gradient, emitted or the user's own, checked at several points.

In: a loss with the specs of its arguments, and what `compile` takes; or arguments that
are at hand. Out: a `Checkup`. Refused: what `compile` refuses, a gradient that is not
nested as the arguments are, data that do not fit the specs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .. import pipeline
from ..bounds import index_bounds, values_at
from ..errors import SpecError
from ..inputs import is_sampler, read_data, read_sample
from ..specs import read_signature
from ..verify.sampling import DOMAINS, draw, size_sets
from .point import Point
from .record import Checkup
from .subject import Subject, by_hand, emitted, named, with_lines

__all__ = ["ENTRIES", "check"]

ENTRIES = 64  # of each array, judged one by one
POINTS = 2


def check(
    fn: Callable,
    args: Mapping[str, Any] | None = None,
    *,
    gradient: Callable | None = None,
    static: Mapping[str, Any] | None = None,
    wrt: str | tuple[str, ...] | None = None,
    dtype: str = "float64",
    data: Mapping[str, Any] | None = None,
    sample: Callable | None = None,
    seed: int = 0,
    entries: int = ENTRIES,
    **settings: Any,
) -> Checkup:
    """Return what came of checking a gradient against differences of its loss.

    There is no step to pick: central differences at seven steps are extrapolated, and
    where they do not settle the record says why.

    Parameters
    ----------
    fn, args, static, wrt, dtype
        As of `compile`.
    gradient : callable, optional
        The gradient to check, a function of the loss's arguments that returns it in the
        structure of `wrt`; by default the one that `compile` emits.
    data : mapping, optional
        The arguments to check at, by name.
    sample : callable, optional
        `sample(rng, sizes)` draws arguments: a dict by name or a tuple in order, given
        a random generator and the values of the unknown sizes. By default the function
        of that name and those parameters beside `fn`, if there is one; else arguments
        are made up from the specs.
    seed : int
        What arguments, directions and entries are drawn from.
    entries : int
        How many entries of each array are judged one by one: all where there are no
        more, else the largest, the smallest, and others at random.
    **settings
        Further options of `compile`, for the emitted gradient: `rewrites`, `corners`...

    Raises
    ------
    SpecError
        If the specs, the data, or the structure of the gradient do not fit.
    TraceError
        If there is no `gradient` to check and the loss cannot be compiled.
    """
    signature = read_signature(fn, args, static, dtype)
    wanted, single = pipeline.read_wrt(signature, wrt)
    if gradient is None:
        compiled = pipeline.compile(
            fn, args, static=static, wrt=wrt, dtype=dtype, verify=False, **settings
        )
        claimed = emitted(compiled, signature)
    elif settings:
        option = next(iter(settings))
        raise SpecError(f"{option} is an option of the gradient that is emitted")
    else:
        claimed = by_hand(gradient, fn, signature, dtype)
    subject = Subject(fn, signature, wanted, single, claimed, entries, seed)
    sampler = sample or getattr(fn, "__globals__", {}).get("sample")
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        points = list(_points(subject, _inputs(subject, data, sampler)))
    return Checkup(
        named(fn),
        claimed.title,
        tuple(with_lines(point, subject) for point in points),
        subject.loss.evaluations,
        notes=(claimed.problem,) if claimed.problem else (),
    )


def _inputs(
    subject: Subject,
    data: Mapping[str, Any] | None,
    sampler: object,
) -> Iterator[Iterator[list[np.ndarray]]]:
    """Yield for each point the leaves to try there, until one decides."""
    signature, rng = subject.signature, np.random.default_rng(subject.seed)
    if data is not None:
        yield iter([read_data(signature, data)])
        return
    graph = subject.claimed.graph
    bounds = {} if graph is None else index_bounds(graph)
    sets = list(size_sets(signature.sizes))
    # Every other set is a special one: all sizes 1, all equal.
    for sizes in sets[0::2] + sets[1::2]:
        if is_sampler(sampler):
            assert callable(sampler)
            yield (read_sample(signature, sampler(rng, dict(sizes))) for _ in range(3))
        else:
            below = values_at(bounds, sizes)
            yield (
                draw(signature, sizes, rng, domain=domain, index_bounds=below)
                for domain in DOMAINS
            )


def _points(
    subject: Subject, inputs: Iterator[Iterator[list[np.ndarray]]]
) -> Iterator[Point]:
    """Yield what is found at each point, up to the first that is wrong.

    Arguments at which the loss raises are no point.
    """
    seen, raised = 0, None
    for tries in inputs:
        point = None
        for leaves in tries:
            try:
                subject.loss(leaves)
            except Exception as error:  # noqa: BLE001 - whatever the user's loss raises
                raised = error
                continue
            point = subject.look(leaves)
            if point.outcome != "undecided":
                break
        if point is not None:
            yield point
            seen += 1
            if point.outcome == "wrong" or seen == POINTS:
                return
    if not seen and raised is not None:
        raise SpecError(
            f"the loss raises wherever it is called: {type(raised).__name__}: {raised}",
            remedy="Pass arguments at which it runs as data=, or sample=, which draws such.",
        ) from raised
