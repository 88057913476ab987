"""The emitted module, run against the user's own function before it is written.

In: the module, the function and its signature. Out: a `Verification`, the record of
what agreed. Refused with a `VerificationError`: a module that raises, whose values or
gradients differ from the function's values and from its differences in float64, or
whose gradients are not new arrays like the arguments; a loss that cannot be judged.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from ..errors import VerificationError
from ..source import Position
from ..specs import Signature
from ..timings import stage
from .outputs import Emitted, Fault, Outputs
from .sampling import draw, is_float, size_sets
from .slopes import ROUNDING, Loss, Slopes, product, random_direction

__all__ = ["Verification", "verify"]

ATTEMPTS = ("normal", "normal", "unit", "unit", "positive", "above")
ENOUGH = 3  # sets of sizes
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
REPORT = (
    "This is a fault of symdiff, not of the loss: please report it with the loss.\n"
    "verify=False writes the module all the same."
)
EXAMPLES = (
    "Pass example arrays as args, at which the loss is finite and smooth,\n"
    "or verify=False to write the module unchecked."
)

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Verification:
    """What was checked and how well it agreed; errors are relative to their scale."""

    sizes: tuple[Sizes, ...]
    value_error: float
    gradient_error: float
    directions: int
    evaluations: int

    def __str__(self) -> str:
        return (
            f"verified at {'; '.join(_show(sizes) for sizes in self.sizes)}: "
            f"values within {self.value_error:.0e}, {self.directions} directional "
            f"derivatives within {self.gradient_error:.0e}, "
            f"{self.evaluations} evaluations"
        )


@stage("verify")
def verify(
    module: ModuleType,
    fn: Callable,
    signature: Signature,
    wrt: tuple[str, ...],
    *,
    single: bool,
    index_bounds: Callable[[Sizes], Mapping[str, int]],
    positions: Mapping[str, Position] | None = None,
    traced: Iterable[Sizes] = (),
) -> Verification:
    """Return the record of an emitted module that agrees with the function it is from.

    `fn` takes the arguments of the signature in order. `index_bounds` gives, for given
    sizes, exclusive bounds of integer leaves by name. `positions` says where an
    argument stands in the user's source; `traced` are sizes that are not to be tried.

    Raises
    ------
    VerificationError
        If values, gradients, or their shapes, dtypes, structure or memory are wrong; if
        the module raises where `fn` does not; if `fn` cannot be judged, as it raises at
        all sizes, is finite nowhere, or its differences never converge.
    """
    emitted = Emitted(module, signature, wrt, single)
    rng = np.random.default_rng(0)
    loss = Loss(fn, signature)
    run = _Run(emitted, loss, Slopes(emitted, loss, rng), rng, positions or {})
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sizes in size_sets(signature.sizes, list(traced)):
            if len(run.sizes) < ENOUGH:
                run.visit(sizes, index_bounds(sizes))
    return run.record()


@dataclass(frozen=True)
class _Point:
    """Arguments at which the two sides meet, and the loss there."""

    sizes: Sizes
    domain: str
    leaves: list[np.ndarray]
    value: np.ndarray

    def __str__(self) -> str:
        return f"{_show(self.sizes)}, {self.domain} arguments"


@dataclass
class _Run:
    """One verification under way: the two sides, and what was found so far."""

    emitted: Emitted
    loss: Loss
    slopes: Slopes
    rng: np.random.Generator
    positions: Mapping[str, Position]
    sizes: list[Sizes] = field(default_factory=list)
    finite: bool = False
    value_error: float = 0.0
    raised: Exception | None = None

    def record(self) -> Verification:
        """Return the record, if there is something on it."""
        problem = ""
        if not self.sizes:
            problem = "raised at all the sizes and arguments that were made up"
        elif not self.finite:
            problem = "is finite at none of the arguments that were made up"
        elif self.emitted.differentiated and not self.slopes.directions:
            problem = "has no differences that converge, to judge the gradient by"
        if problem:
            message = f"the emitted module cannot be checked: the loss {problem}"
            cause = None if self.sizes else self.raised
            raise VerificationError(message, remedy=EXAMPLES) from cause
        return Verification(
            tuple(self.sizes),
            self.value_error,
            self.slopes.error,
            self.slopes.directions,
            self.loss.evaluations,
        )

    def visit(self, sizes: Sizes, bounds: Mapping[str, int]) -> None:
        """Compare the two sides at these sizes, if the loss runs at them.

        Arguments are drawn until the loss is finite and its differences converge. Where
        it is finite for none of them, the values alone are compared.
        """
        points = []
        for point in self._points(sizes, bounds):
            points.append(point)
            if np.isfinite(point.value) and self._compare(point):
                break
        if not points:
            return
        if any(np.isfinite(point.value) for point in points):
            self.finite = True
        else:
            self._compare(points[0])
        if sizes not in self.sizes:
            self.sizes.append(sizes)

    def _points(self, sizes: Sizes, bounds: Mapping[str, int]) -> Iterator[_Point]:
        signature = self.emitted.signature
        has_example = any(leaf.example is not None for leaf in self.emitted.leaves)
        first = ("example",) if has_example and not self.sizes else ()
        for domain in (*first, *ATTEMPTS):
            leaves = draw(
                signature, sizes, self.rng, domain=domain, index_bounds=bounds
            )
            try:
                value = self.loss(leaves)
            except Exception as error:  # noqa: BLE001 - the user's function
                self.raised = error
            else:
                yield _Point(sizes, domain, leaves, value)

    def _compare(self, point: _Point) -> bool:
        """Return whether the gradient could be judged, having compared the values."""
        try:
            outputs = self.emitted.outputs(point.leaves)
            self._check_values(point, outputs)
            if not np.isfinite(point.value):
                return False
            return self.slopes.check(point.leaves, outputs.gradient)
        except Fault as fault:
            message = f"the emitted module is wrong at {point}:\n    {fault}"
            position = self.positions.get(fault.leaf.argument) if fault.leaf else None
            error = VerificationError(message, position=position, remedy=REPORT)
            error.sizes = point.sizes
            raise error from fault.__cause__

    def _check_values(self, point: _Point, outputs: Outputs) -> None:
        want = point.value
        arguments = {i: point.leaves[i] for i in outputs.gradient}
        terms = product(outputs.gradient, arguments)[1]
        scale = abs(float(want)) + (terms if np.isfinite(terms) else 0.0)
        room = TOLERANCE[self.emitted.precision] * scale
        for name, got in outputs.values.items():
            if want.dtype.kind == "f" and got.dtype.itemsize > want.dtype.itemsize:
                message = f"the value of {name} is {got.dtype}, the loss is"
                raise Fault(f"{message} {want.dtype}")
            if got == want or (np.isnan(got) and np.isnan(want)):
                continue
            gap = abs(float(got) - float(want))
            if not gap <= room and not gap <= room + self._rounding(point):
                message = f"the value of {name} is {got}, the loss is {want}"
                raise Fault(f"{message}, relative error {gap / (scale or 1.0):.1e}")
            self.value_error = max(self.value_error, min(gap, room) / (scale or 1.0))

    def _rounding(self, point: _Point) -> float:
        """Return what rounding may change in the loss, as second differences show."""
        step = float(np.sqrt(np.finfo(self.emitted.precision).eps))
        floats = [i for i, leaf in enumerate(self.emitted.leaves) if is_float(leaf)]
        shown = [0.0]
        for _ in range(4):
            direction = random_direction(point.leaves, floats, self.rng)
            along = self.loss.along(point.leaves, direction)
            shown.append(abs(along(step) - 2 * float(point.value) + along(-step)))
        return ROUNDING * float(np.nanmax(shown))


def _show(sizes: Sizes) -> str:
    if not sizes:
        return "the given sizes"
    return ", ".join(f"{name}={size}" for name, size in sizes.items())
