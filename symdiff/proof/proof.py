"""Is a gradient the gradient of a loss; are two functions the same: proof or refutation.

In: two plain NumPy functions and the specs of the first one's arguments. Out: a `Proof`.
"equal" is said only where `identity` proves it for all arguments and every size;
"different" only with a counterexample that a second evaluation confirms; else it is
"undecided". Refused: what cannot be traced of the loss, arguments that do not fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import islice
from typing import Any

from .. import passes
from ..bounds import index_bounds, values_at
from ..emit.scope import Scope
from ..errors import SpecError, TraceError
from ..graph import Graph, number_of
from ..pipeline import compile_part, read_wrt, wanted_leaves
from ..settings import Settings
from ..shapes import show, size_symbol
from ..specs import Signature, read_signature
from ..trace.run import trace
from ..verify.sampling import size_sets
from .counterexample import Counterexample, Evidence, Sample, search
from .difference import CLOSE, described
from .identity import Identity, identical
from .repair import located, repaired
from .results import gradient_parts, parts, read_gradient, read_parts
from .sides import Side, given_side

__all__ = ["Proof", "prove"]

SETS = 3  # of sizes, at which a proof is sought where there is none for all
MOST_NUMBERS = 6  # of those that functions compare with, tried as arguments


@dataclass(frozen=True)
class Proof:
    """The verdict on two functions.

    verdict: "equal", "different" or "undecided". explanation: why, in words.
    counterexample: where they differ. sizes: the unknown sizes, for every value of which
    they are equal. error: a bound on the probability that a proof is none. points: at
    how many random points they agree. gap, samples: the largest relative gap of their
    values in floating point, and at how many arguments it was looked for. proved_at: sizes
    at which they are equal, where it is undecided for all others.
    """

    verdict: str
    explanation: str
    counterexample: Counterexample | None = None
    sizes: tuple[str, ...] = ()
    error: float | None = None
    points: int = 0
    gap: float | None = None
    samples: int = 0
    proved_at: tuple[Mapping[str, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.verdict}: {self.explanation}"

    def as_dict(self) -> dict[str, Any]:
        """Return the record as what JSON can say; what is not finite as text."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def prove(
    f: Callable,
    g: Callable,
    args: Mapping[str, Any] | None = None,
    *,
    static: Mapping[str, Any] | None = None,
    wrt: str | tuple[str, ...] | None = None,
    dtype: str = "float64",
    same: bool = False,
) -> Proof:
    """Return whether a function is the gradient of a loss, or the same as another.

    Parameters
    ----------
    f : callable
        The loss; or, with `same`, any function of arrays.
    g : callable
        The gradient derived by hand, of the same arguments, by name or in order. It
        returns the gradient of one argument in the argument's structure; of several a
        tuple, a list, a named tuple or a dict of these. With `same`: the other function.
    args, static, dtype
        As for `compile`.
    wrt : str or tuple of str, optional
        What the gradient is of; by default the first argument.
    same : bool
        Whether the two functions are compared themselves.

    Raises
    ------
    SpecError
        If the specs do not fit, or the two functions have other arguments.
    TraceError
        If the loss cannot be traced.
    """
    signature = read_signature(f, args, static, dtype)
    if not same:
        wanted, _ = read_wrt(signature, wrt)
        return _Gradients(f, g, signature, dtype, wanted).proof()
    if wrt is not None:
        raise SpecError("wrt= says what a gradient is of; with same= there is none")
    return _Functions(f, g, signature, dtype).proof()


@dataclass(frozen=True)
class _Functions:
    """Two functions that are to be the same."""

    f: Callable
    g: Callable
    signature: Signature
    dtype: str

    @property
    def loss(self) -> Callable | None:
        """The function that both are gradients of."""
        return None

    @property
    def claim(self) -> str:
        return f"{_title(self.g)} is {self.goal}"

    @property
    def goal(self) -> str:
        """What the second function is to be."""
        return f"the same as {_title(self.f)}"

    @cached_property
    def sides(self) -> tuple[Side, Side]:
        first, second = (
            given_side(fn, self.signature, self.dtype, parts, read_parts)
            for fn in (self.f, self.g)
        )
        return first, second

    def proof(self) -> Proof:
        """Return what can be proved, or else what computing both sides shows."""
        graphs = [self.sides[0].graph()]
        try:
            graphs.append(self.sides[1].graph())
            identity = self._identity(*graphs)
        except TraceError as refusal:
            identity = Identity(False, reason=str(refusal))
        if identity.proved:
            return self._equal(identity)
        bounds = [index_bounds(one) for one in graphs]
        found, evidence = search(
            self.sides,
            self.signature,
            lambda sizes: {
                k: v for one in bounds for k, v in values_at(one, sizes).items()
            },
            self.loss,
            _numbers(graphs),
        )
        if found is None:
            return self._undecided(identity, evidence)
        return self._different(found, evidence)

    def _names(self, left: Graph) -> list[str]:
        """Return the outputs of the first graph that are compared."""
        return list(left.outputs)

    def _identity(self, left: Graph, right: Graph) -> Identity:
        """Return what is known of the two graphs, for every size."""
        names = self._names(left)
        if set(names) != set(right.outputs):
            raise TraceError("the two results have other structures")
        for name in names:
            shapes = [one.nodes.shape(one.outputs[name]) for one in (left, right)]
            if shapes[0] != shapes[1]:
                first, second = map(show, shapes)
                return Identity(False, reason=f"{name}: shapes {first} and {second}")
        found = identical(left, right, names)
        if not found.reason:
            return found
        if not self.signature.sizes:
            return identical(left, right, names, {})
        at = islice(size_sets(self.signature.sizes), SETS)
        return replace(found, at=tuple(x for x in at if self._is_equal(left, right, x)))

    def _is_equal(self, left: Graph, right: Graph, sizes: Mapping[str, int]) -> bool:
        """Return whether the two graphs are proved equal at some sizes."""
        given = {size_symbol(name): value for name, value in sizes.items()}
        return identical(left, right, self._names(left), given).proved

    # Verdicts.

    def _equal(self, identity: Identity) -> Proof:
        sizes = self.signature.sizes
        every = f" for every {_listed(sizes)}," if sizes else ","
        text = (
            f"{self.claim},{every} wherever both are defined: they agree at "
            f"{identity.points} random points, which by chance they would with a "
            f"probability below {_power_of_ten(identity.error)}"
        ).replace(",,", ",")
        return Proof(
            "equal", text, sizes=sizes, error=identity.error, points=identity.points
        )

    def _different(self, found: Counterexample, evidence: Evidence) -> Proof:
        name, samples = found.name, evidence.samples
        several = sum(evidence.gap(one) > CLOSE for one in evidence.names) > 1
        of_one = described(samples, self.signature, name)
        words = "" if several else of_one
        words = words or repaired(self.sides[1], samples, self.goal)
        words = words or of_one or self._located(samples)
        text = f"{found}" + (f"; {words}" if words else "")
        return Proof(
            "different",
            text,
            found,
            gap=evidence.gap(name),
            samples=len(evidence.samples),
        )

    def _located(self, samples: Sequence[Sample]) -> str:
        """Return where in the loss a wrong gradient goes wrong, "" if there is none."""
        return ""

    def _undecided(self, identity: Identity, evidence: Evidence) -> Proof:
        if identity.apart:
            why = (
                "they are equal wherever no two numbers that are compared are equal; "
                "where some are, they may differ"
            )
        elif identity.different:
            why = f"no identity that is known makes {_listed(identity.different)} equal"
        elif identity.at:
            at = "; ".join(map(_at, identity.at))
            why = f"equal at {at}, but not proved for every size: {identity.reason}"
        else:
            why = identity.reason
        gap = max(map(evidence.gap, evidence.names), default=None)
        samples = len(evidence.samples)
        shown = (
            "no values to compare" if gap is None else f"largest relative gap {gap:.1e}"
        )
        text = f"{why}; in floating point: {shown} at {samples} made-up arguments"
        return Proof(
            "undecided",
            text,
            gap=gap,
            samples=samples,
            points=identity.points,
            proved_at=identity.at,
        )


@dataclass(frozen=True)
class _Gradients(_Functions):
    """A loss, and a function that is to be its gradient for the wanted arguments."""

    wanted: tuple[str, ...]

    @property
    def loss(self) -> Callable:
        return self.signature.bind(self.f)

    @property
    def claim(self) -> str:
        return f"{super().claim} of {_title(self.f)} for {_listed(self.wanted)}"

    @property
    def goal(self) -> str:
        return "the gradient"

    def _located(self, samples: Sequence[Sample]) -> str:
        return located(self.f, self.signature, samples)

    @cached_property
    def sides(self) -> tuple[Side, Side]:
        read = read_gradient(self.signature, self.wanted)
        known = partial(gradient_parts, signature=self.signature, wanted=self.wanted)
        first = Side(lambda *values: self._module.grad(*values), known, self._derived)
        return first, given_side(self.g, self.signature, self.dtype, known, read)

    def _names(self, left: Graph) -> list[str]:
        return [f"d_{name}" for name in wanted_leaves(self.signature, self.wanted)]

    def _derived(self) -> Graph:
        """Return the graph of the gradient that symdiff derives, as the rules leave it."""
        names = wanted_leaves(self.signature, self.wanted)
        settings = Settings(simplify=False, share=False)
        traced = trace(self.f, self.signature, self.dtype)
        return passes.run(traced, names, settings).differentiated

    @cached_property
    def _module(self) -> Any:
        scope, settings = Scope(self.signature), Settings()
        return compile_part(
            self.f, scope, self.wanted, self.dtype, settings, verify=False
        ).module


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite else value


def _numbers(graphs: Sequence[Graph]) -> list[float]:
    """Return some numbers that stand in the graphs."""
    found: dict[float, None] = {}
    for graph in graphs:
        for node in graph.walk():
            value = number_of(node)
            if value is not None and math.isfinite(value) and abs(value) < 1e12:
                found[float(value)] = None
    return list(found)[:MOST_NUMBERS]


def _title(fn: Callable) -> str:
    return getattr(fn, "__name__", "the function")


def _at(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def _listed(names: Sequence[str]) -> str:
    """Return names as a list in words: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _power_of_ten(error: float) -> str:
    exponent = math.ceil(math.log10(error)) if error else -300
    return f"1e{max(exponent, -300)}"
