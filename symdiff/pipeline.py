"""The compiler as one sentence: trace, differentiate, share, schedule, emit, verify.

In: a loss as a plain NumPy function and the specs of its arguments. Out: a `Compiled`,
whose module is standalone. Refused: what any of the stages refuses, each with its own
error.
"""

from __future__ import annotations

import builtins
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import sympy

from . import __version__, files, passes
from .bounds import index_bounds, values_at
from .emit.description import docstring, header
from .emit.module import Description, Part, emit, has_record
from .emit.scope import Scope
from .errors import CornerWarning, SpecError, VerificationError
from .formula import expression, latex
from .graph import Graph
from .memory import Economy
from .notebook import page
from .ops.recording import paused
from .passes.lowering import lower
from .program.economy import Limit, economise
from .program.fused import Fused, fuse
from .program.schedule import Program, schedule
from .program.unrolled import CALLED, Numbers, in_numbers
from .report import Report, report
from .settings import Settings, bytes_of_text, limit_text, names, sizes_at
from .shapes import Size
from .specs import Signature, read_signature
from .timings import stage, uncollected
from .trace.run import choose_witnesses, compare_at, trace
from .verify import finite_domain
from .verify import verify as check

__all__ = ["Compiled", "compile"]


@paused()
def compile(  # noqa: A001 - the public name, as re.compile
    fn: Callable,
    args: Mapping[str, Any] | None = None,
    *,
    static: Mapping[str, Any] | None = None,
    wrt: str | tuple[str, ...] | None = None,
    dtype: str = "float64",
    verify: bool = True,
    rewrites: str = "safe",
    no_rewrite: str | tuple[str, ...] = (),
    corners: str = "least-norm",
    simplify: bool = True,
    share: bool = True,
    style: str = "plain",
    memory_limit: int | str | None = None,
    at: Mapping[str, int] | None = None,
    rewrite: str | tuple[str, ...] = (),
    command: str | None = None,
) -> Compiled:
    """Return the compiled value and gradient of a loss.

    Parameters
    ----------
    fn : callable
        A plain NumPy function of arrays and numbers that returns a real scalar.
    args : mapping, optional
        For each parameter a shape tuple of ints and names of unknown sizes (`()` is a
        scalar), an `ArraySpec`, an example array or float, a text such as `"n:int64"`,
        or nested dicts, lists and tuples of these. What stands in a module-level `ARGS`
        beside `fn` or in annotations of jaxtyping need not be repeated.
    static : mapping, optional
        Parameters that are baked in and leave the signature.
    wrt : str or tuple of str, optional
        What is differentiated; by default the first parameter. A name gives a gradient
        in the structure of the argument, a tuple of names a named tuple of these.
    dtype : {"float64", "float32"}
        The dtype of arguments whose spec has none, and of arrays that the loss makes.
    verify : bool
        Whether the module is run against `fn` before it is returned.
    rewrites : {"safe", "none", "fast"}
        Which rewrites may change how the loss is computed: those that hold wherever it
        is defined; none, so that the value is the loss's own bit for bit; or also those
        that may lose the last digits.
    no_rewrite : str or tuple of str, optional
        Names of rewrites that are left out.
    corners : {"least-norm", "jax", "torch", "zero", "split", "nan"}
        The slope taken where the loss has no derivative.
    simplify, share : bool
        Whether the gradient is simplified, and what is computed twice computed once.
        Without them the module shows what the chain rule alone would have made.
    style : {"plain", "textbook", "fast"}
        How the module is written: as an engineer writes it; for learners an operation a
        line, each backward one with the rule that it applies; or for speed, with a
        `value_and_grad` that computes in arrays which it keeps, or where it is small in
        Python's numbers.
    memory_limit : int or str, optional
        The most bytes that a call of `value_and_grad` may hold beside its arguments, as
        `"512MiB"`. What the backward pass reads is deleted early and, where that is not
        enough, computed again rather than kept: first what is cheap. The gradient stays
        the same; `report.economy` says what it cost.
    at : mapping of str to int, optional
        Values of the unknown sizes for which the limit holds.
    rewrite : str or tuple of str, optional
        Names of rewrites that are made only where they are asked for: "tanh".
    command : str, optional
        The command line that the module's header names for making it again.

    Raises
    ------
    SpecError
        If the specs, `static`, `wrt` or `dtype` do not fit the function, or another
        option is none of its choices.
    TraceError
        If the function does what cannot be recorded.
    VerificationError
        If the emitted module disagrees with the function.
    """
    settings = Settings(
        rewrites,
        names(no_rewrite),
        corners,
        simplify,
        share,
        style,
        limit_text(memory_limit),
        sizes_at(at or {}),
        names(rewrite),
    )
    scope = Scope(read_signature(fn, args, static, dtype))
    check_sizes(settings, [scope.signature])
    return compile_part(fn, scope, wrt, dtype, settings, verify, command)


@uncollected()
def compile_part(
    fn: Callable,
    scope: Scope,
    wrt: str | tuple[str, ...] | None,
    dtype: str,
    settings: Settings,
    verify: bool,
    command: str | None = None,
    taken: Iterable[str] = (),
) -> Compiled:
    """Return what a function compiles to under the names of a scope.

    `taken` are names of the module that its constants must not have.
    """
    signature = scope.signature
    wanted, single = read_wrt(signature, wrt)
    traced = trace(fn, signature, dtype)
    stages = passes.run(traced, wanted_leaves(signature, wanted), settings)
    graph = stages.shared
    _warn(graph)
    graph, program, both, economy = _programs(graph, wanted, scope, settings, taken)
    bounds = index_bounds(graph)
    sizes, below, domain = _samples(fn, signature, bounds)
    description = Description(wanted, single, dtype, sizes, below, domain)
    part = Part(program, scope, description, both)
    memory = program.memory if both is None else both.memory
    facts = report(replace(stages, shared=graph), traced, program.kept, memory)
    facts = replace(facts, economy=economy)
    lines = docstring(fn, part, facts, graph, settings.style)
    source = emit([part], header([fn], __version__, command), lines)
    if verify:
        try:
            record = check(
                _named_plainly(load(source), scope),
                signature.bind(fn),
                signature,
                wanted,
                single=single,
                index_bounds=lambda sizes: values_at(bounds, sizes),
                traced=choose_witnesses(signature),
            )
        except VerificationError as error:
            if error.sizes:
                compare_at(fn, signature, dtype, error.sizes)
            raise
        facts = replace(facts, verification=record)
    return Compiled(source, traced, graph, program, facts, part, lines)


def _programs(
    graph: Graph,
    wanted: Collection[str],
    scope: Scope,
    settings: Settings,
    taken: Iterable[str],
) -> tuple[Graph, Program, Fused | Numbers | None, Economy | None]:
    """Return both passes of a graph, in the fast style also as one; and the graph and
    what it took, where memory is limited.
    """
    signature, reserved = scope.signature, scope.reserved | {*taken}
    records = (one.name for one in signature.arguments if has_record(one))
    kept = [name for name in records if name in wanted]
    owners = {leaf.name: leaf.argument for leaf in signature.leaves if leaf.path}

    def write(graph: Graph, freeing: bool = False) -> Program:
        return schedule(graph, reserved, kept, settings.style, owners, freeing)

    program, limit = write(graph), _limit(signature, settings)
    if settings.style == "fast":
        both, economy = _as_one(graph, program, scope, settings, taken, owners, limit)
        return graph, program, both, economy
    if limit is None:
        return graph, program, None, None
    graph, program, economy = economise(graph, program, write, limit, lasting=True)
    return graph, program, None, economy


def _limit(signature: Signature, settings: Settings) -> Limit | None:
    """Return the limit of memory that is asked for."""
    most = bytes_of_text(settings.memory_limit) if settings.memory_limit else None
    if most is None:
        return None
    known = dict(settings.at)
    missing = [name for name in signature.sizes if name not in known]
    if missing:
        raise SpecError(
            f"memory_limit: nothing says what it should hold for: {', '.join(missing)} "
            "may be any size",
            remedy=f'Give a value: at={{"{missing[0]}": 4096}}, or an example array in '
            "the place of a shape.",
        )
    return Limit(most, {name: known[name] for name in signature.sizes})


def check_sizes(settings: Settings, signatures: Iterable[Signature]) -> None:
    """Refuse values of sizes that no function has."""
    known = sorted({name for one in signatures for name in one.sizes})
    for name, _ in settings.at:
        if name not in known:
            raise SpecError(
                f"at: there is no unknown size {name!r}",
                remedy=f"The unknown sizes are {', '.join(known) or 'none'}.",
            )


def _as_one(
    graph: Graph,
    program: Program,
    scope: Scope,
    settings: Settings,
    taken: Iterable[str],
    owners: Mapping[str, str],
    limit: Limit | None,
) -> tuple[Fused | Numbers, Economy | None]:
    """Return both passes as one: in Python's numbers where that is faster, or else in
    the arrays of a workspace; and what it took to keep these within a limit.
    """
    names = scope.reserved | {*taken, *scope.extra.values()}
    names |= {*CALLED} - {*program.arguments}
    signature, lowerings = scope.signature, settings.lowerings
    leaves = (leaf.name for leaf in signature.leaves)
    arrays = dict(zip(leaves, program.arguments, strict=True))
    if "unroll" in lowerings and not {*arrays.values()} & {*CALLED}:
        numbers = in_numbers(graph, names, arrays, program.np)
        if numbers is not None and (limit is None or limit.holds(numbers)):
            return numbers, limit and limit.kept(numbers)

    def write(graph: Graph, freeing: bool = False) -> Fused:
        return fuse(graph, names, lowerings, owners)

    lowered = lower(graph, lowerings)
    fused = write(lowered)
    if limit is None:
        return fused, None
    _, fused, economy = economise(lowered, fused, write, limit, lasting=False)
    return fused, economy


def _named_plainly(module: ModuleType, scope: Scope) -> ModuleType:
    """Return a module whose public functions have their names without a prefix."""
    plain = ModuleType(module.__name__)
    vars(plain).update(vars(module))
    for name, own in scope.public.items():
        if hasattr(module, own):
            setattr(plain, name, getattr(module, own))
    return plain


def _warn(graph: Graph) -> None:
    """Warn of what the passes doubt, each at its place in the loss."""
    for position, text in graph.doubts:
        path, line = (position.path, position.line) if position else ("<loss>", 1)
        warnings.warn_explicit(text, CornerWarning, path, line)


def _samples(
    fn: Callable, signature: Signature, bounds: Mapping[str, Size]
) -> tuple[dict[str, int], dict[str, int], str]:
    """Return of what sizes, below what and in which domain a module's self-check draws."""
    sizes = {name: 3 + 2 * place for place, name in enumerate(signature.sizes)}
    below = values_at(bounds, sizes)
    return sizes, below, finite_domain(signature.bind(fn), signature, sizes, below)


def read_wrt(
    signature: Signature, wrt: str | tuple[str, ...] | None
) -> tuple[tuple[str, ...], bool]:
    """Return the names of the wanted arguments, and whether a single one was asked for."""
    names = [one.name for one in signature.arguments]
    if not names:
        raise SpecError("the loss has no argument to differentiate")
    single = wrt is None or isinstance(wrt, str)
    wanted = (
        (names[0],) if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)
    )
    for name in wanted:
        if name not in names:
            raise SpecError(
                f"wrt: there is no argument {name!r}",
                remedy=f"The arguments are {', '.join(names)}.",
            )
        for leaf in signature.arguments[names.index(name)].leaves:
            if np.dtype(leaf.dtype).kind != "f":
                raise SpecError(
                    f"wrt: {leaf.access} has dtype {leaf.dtype} and cannot be differentiated",
                    remedy="Give it a real dtype, or leave it out of wrt.",
                )
    if not wanted or len(set(wanted)) != len(wanted):
        raise SpecError("wrt: each wanted argument is to be named once")
    return wanted, single


def wanted_leaves(signature: Signature, wanted: tuple[str, ...]) -> list[str]:
    """Return the names of all arrays of the wanted arguments, in the order wanted."""
    by_name = {one.name: one for one in signature.arguments}
    return [leaf.name for name in wanted for leaf in by_name[name].leaves]


@dataclass(frozen=True)
class Compiled:
    """A compiled loss: the text of its module, the module, and what each stage made of
    it.

    source: the module's text. report: costs, corners, verification. graph, program: the
    stages' data, which print themselves readably. part, docstring: what a module of
    several functions takes from it.
    """

    source: str
    traced: Graph
    graph: Graph
    program: Program
    report: Report
    part: Part
    docstring: tuple[str, ...]

    @cached_property
    def module(self) -> ModuleType:
        """The module itself, standalone."""
        return load(self.source)

    @property
    def value(self) -> Callable:
        """`value(*args)`: the loss."""
        return self.module.value

    @property
    def value_and_grad(self) -> Callable:
        """`value_and_grad(*args)`: the loss and its gradient."""
        return self.module.value_and_grad

    @property
    def grad(self) -> Callable:
        """`grad(*args)`: the gradient."""
        return self.module.grad

    @property
    def forward(self) -> Callable:
        """`forward(*args)`: the loss, and what `backward` reads."""
        return self.module.forward

    @property
    def backward(self) -> Callable:
        """`backward(cache, cotangent=1.0)`: the gradient."""
        return self.module.backward

    @cached_property
    def expression(self) -> sympy.Expr:
        """The loss as a SymPy expression; ordinary SymPy where it is one of scalars."""
        return expression(self.traced)

    def latex(self) -> str:
        """Return the loss as LaTeX, a line for each named value."""
        return latex(self.traced)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the formula, the costs, the module's text."""
        return page(self.latex(), self.report, self.source)

    def _repr_latex_(self) -> str:
        """Return the formula as a notebook typesets it."""
        return f"$${self.latex()}$$"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a file, whole or not at all.

        Raises
        ------
        FileError
            If the file cannot be written, is not symdiff's, or could not be imported.
        """
        files.write(path, self.source)


@stage("load the module")
def load(source: str) -> ModuleType:
    """Return a module made of its text."""
    module = ModuleType("symdiff_emitted")
    exec(
        builtins.compile(source, "<emitted>", "exec"), module.__dict__
    )  # noqa: S102 - screened
    return module
