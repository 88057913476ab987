"""All ways to one loss's gradient, run side by side.

In: a loss as `compile` takes it, values of its arguments, which methods. Out: a
`Comparison`. Refused with a `SpecError`: what `read_signature` and `read_data` refuse, a
method that there is not. A method that fails stays in the record with its error.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import numerical
from ..errors import SpecError
from ..leaves import near
from ..settings import STYLES
from ..specs import read_signature
from . import compiled, numeric, recording
from .arguments import arguments
from .given import given
from .method import Costs, Imports, Method, Sampling
from .problem import Problem
from .record import Comparison
from .reference import refer
from .timing import in_turn, one_thread, shortest
from .trial import Maker, Trial, tried

__all__ = ["METHODS", "compare"]


def _symbolic(*, shared: bool) -> Maker:
    """Return what makes the symbolic method, and imports SymPy only then."""

    def make(problem: Problem, costs: Costs, sampling: Sampling) -> Method:
        symbolic = costs.imported("symdiff.comparison.symbolic").symbolic
        method: Method = symbolic(shared=shared)(problem, costs, sampling)
        return method

    return make


METHODS: dict[str, Maker] = {
    **{f"symdiff-{style}": compiled.emitted(style) for style in STYLES},
    "autograd": recording.autograd,
    "jax": recording.jax,
    "jax-jit": recording.jax_jit,
    "torch": recording.torch,
    "symdiff-tape": recording.tape,
    "sympy": _symbolic(shared=False),
    "sympy-cse": _symbolic(shared=True),
    "forward-mode": compiled.forward_mode,
    "forward-difference": numeric.entrywise(numerical.forward_difference, 1),
    "central-difference": numeric.entrywise(numerical.central_difference, 2),
    "richardson": numeric.entrywise(numerical.richardson, 14),
    "complex-step": numeric.entrywise(numerical.complex_step, 3),
    "spsa": numeric.simultaneous,
    "one-weight": numeric.one_weight,
}

REFERENCE = 20.0  # times a method's budget is that of the reference


def compare(
    fn: Callable,
    args: Mapping[str, Any] | None = None,
    *,
    static: Mapping[str, Any] | None = None,
    wrt: str | tuple[str, ...] | None = None,
    dtype: str = "float64",
    gradient: Callable | None = None,
    sizes: Mapping[str, int] | None = None,
    methods: Sequence[str] | None = None,
    data: Mapping[str, Any] | None = None,
    sample: Callable | None = None,
    rounds: int = 7,
    budget: float = 0.2,
    seed: int = 0,
) -> Comparison:
    """Return what each way to a loss's gradient is worth and costs, as one record.

    Parameters
    ----------
    fn, args, static, wrt, dtype
        The loss, as `symdiff.compile` takes it.
    gradient : callable, optional
        The user's own gradient, of the loss's arguments, nested as they are.
    sizes : mapping, optional
        The values of unknown sizes, by default 100, where `data` does not tell.
    methods : sequence of str, optional
        Names of `METHODS`; by default all.
    data : mapping, optional
        The arguments to compare at, by name.
    sample : callable, optional
        `sample(rng, sizes)` draws arguments, as of `symdiff.check`; by default the
        function of that name beside `fn`, if there is one; else they are made up.
    rounds : int
        How often each method is timed.
    budget : float
        The seconds that one run may take: methods of many evaluations of the loss are
        run on a sample of entries, and their times extrapolated.
    seed : int
        What samples are drawn from.

    Raises
    ------
    SpecError
        If the specs do not fit the function, or the data the specs, or a method is
        unknown.
    """
    makers = _chosen(methods, gradient)
    imports = Imports()
    with one_thread() as alone, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        imports.library("sympy")
        pipeline = imports.library("symdiff.pipeline")
        signature = read_signature(fn, args, static, dtype)
        wanted, single = pipeline.read_wrt(signature, wrt)
        rng = np.random.default_rng(seed)
        leaves = arguments(fn, signature, dtype, data, sample, sizes or {}, rng)
        problem = Problem(fn, signature, args, static, dtype, wanted, single, leaves)
        if not problem.size:
            raise SpecError(
                f"{', '.join(wanted)}: there is no entry to differentiate",
                remedy="Give larger sizes, or other arguments in wrt.",
            )
        seconds = shortest(problem.evaluate)
        order = np.random.default_rng(seed).permutation(problem.size)
        sampling = Sampling(order, seconds, budget)
        trials = [
            tried(name, make, problem, sampling, imports)
            for name, make in makers.items()
        ]
        return _measured(problem, trials, sampling, rounds, imports, alone)


def _measured(
    problem: Problem,
    trials: Sequence[Trial],
    sampling: Sampling,
    rounds: int,
    imports: Imports,
    alone: bool,
) -> Comparison:
    """Return the record of methods that were tried, held against the reference and
    timed.
    """
    budget = REFERENCE * sampling.budget
    reference = refer(problem, sampling.order, _samples(trials, problem.size), budget)
    there = [one for one in trials if not one.absent]
    loss, times = in_turn(
        problem.evaluate,
        sampling.seconds,
        {one.name: (one.method, one.seconds) for one in there if one.method},
        rounds,
    )
    return Comparison(
        loss=getattr(problem.fn, "__name__", "the loss"),
        sizes=problem.sizes,
        precision=problem.precision,
        entries=problem.size,
        loss_seconds=loss,
        reference=reference.title,
        judged=len(reference.entries),
        rounds=rounds,
        one_thread=alone,
        rows=tuple(one.row(reference, times.get(one.name)) for one in there),
        absent=tuple(dict.fromkeys(one.absent for one in trials if one.absent)),
        known=tuple(imports.known),
    )


def _samples(trials: Iterable[Trial], size: int) -> list[np.ndarray]:
    """Return the entries that methods looked at which did not look at all."""
    found = [one.found.entries for one in trials if one.found is not None]
    return [entries for entries in found if len(entries) < size]


def _chosen(
    methods: Sequence[str] | None, gradient: Callable | None
) -> dict[str, Maker]:
    names = list(METHODS) if methods is None else list(methods)
    for name in names:
        if name not in METHODS:
            raise SpecError(f"there is no method {name!r}", remedy=near(METHODS, name))
    own = {} if gradient is None else {"given": given(gradient)}
    return own | {name: METHODS[name] for name in names}
