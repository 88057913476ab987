"""Arguments of a loss and what is known of them: flat, named and typed leaves.

In: a function and the specs of its parameters, or its jaxtyping annotations. Out: a
`Signature`. Refused with a `SpecError`: a parameter without spec, a spec that cannot be
read.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optree

from .errors import SpecError
from .leaves import (
    FLOATS,
    ArraySpec,
    Leaf,
    dtype_name,
    is_annotation,
    near,
    normal,
    parse_spec,
    read_leaves,
    spec_of_class,
)
from .nested import treespec_of_tuple
from .source import definition_of

__all__ = [
    "Argument",
    "ArraySpec",
    "Leaf",
    "Signature",
    "parse_spec",
    "passed",
    "read_signature",
]

Parameters = dict[str, inspect.Parameter]

# How the specs of any number of arguments are written.
_VARIADIC: dict[inspect._ParameterKind, str] = {
    inspect.Parameter.VAR_POSITIONAL: '[("n", 784), (784,)]',
    inspect.Parameter.VAR_KEYWORD: '{"W": ("n", 784), "b": (784,)}',
}


@dataclass(frozen=True)
class Argument:
    """One parameter that stays in the emitted signature, with its leaves."""

    name: str
    kind: inspect._ParameterKind
    leaves: tuple[Leaf, ...]
    tree: optree.PyTreeSpec

    def unflatten(self, leaves: Sequence) -> object:
        """Return the argument built again from its leaves, dicts in insertion order."""
        return self.tree.unflatten(leaves)


@dataclass(frozen=True)
class Signature:
    """Arguments of a loss in the order of its parameters, and the values baked in."""

    arguments: tuple[Argument, ...]
    static: Mapping[str, object]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves of all arguments, in order."""
        return tuple(leaf for argument in self.arguments for leaf in argument.leaves)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The unknown sizes, in order of first appearance."""
        sizes = (size for leaf in self.leaves for size in leaf.shape)
        return tuple(dict.fromkeys(size for size in sizes if isinstance(size, str)))

    def bind(self, fn: Callable) -> Callable:
        """Return a function of the arguments, by position, that calls `fn`.

        Keyword-only parameters go by keyword and static values stand in their place.
        """
        parameters = inspect.signature(fn).parameters.values()
        names = [argument.name for argument in self.arguments]

        def call(*values: object) -> object:
            given = {**self.static, **dict(zip(names, values, strict=True))}
            positional, keywords = passed(
                (one.kind, one.name, given[normal(one.name)]) for one in parameters
            )
            return fn(*positional, **keywords)

        return call


def passed(
    values: Iterable[tuple[inspect._ParameterKind, str, Any]],
) -> tuple[list, dict[str, Any]]:
    """Return how values are passed, by position and by keyword, given the kind and the
    name of each one's parameter.
    """
    positional: list = []
    keywords: dict[str, Any] = {}
    for kind, name, value in values:
        if kind is inspect.Parameter.VAR_POSITIONAL:
            positional.extend(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            keywords.update(value)
        elif kind is inspect.Parameter.KEYWORD_ONLY:
            keywords[name] = value
        else:
            positional.append(value)
    return positional, keywords


def read_signature(
    fn: Callable,
    args: Mapping[str, object] | None = None,
    static: Mapping[str, object] | None = None,
    dtype: str = "float64",
) -> Signature:
    """Return the signature of `fn`: each parameter is an argument or static.

    A parameter's spec is its entry of `args`, else of the dict `ARGS` beside the
    function, else its jaxtyping annotation; without one its default is static.

    Raises
    ------
    SpecError
        If a parameter has no spec and no default, if a spec cannot be read, if `args`
        or `static` name what is no parameter, or both name the same, or if `dtype` is
        not float32 or float64.
    """
    function = _underlying(fn)
    try:
        real = dtype_name(dtype)
        if real not in FLOATS:
            raise SpecError(f"dtype {real} is no float", remedy=near(FLOATS, real))
        parameters = _parameters(fn, function)
        specs, fixed = _divide(parameters, function, args, static)
        taken = set(specs)  # so that no leaf hides an argument
        arguments = []
        for name, spec in specs.items():
            kind = parameters[name].kind
            leaves, tree = read_leaves(name, spec, real, taken)
            if kind is inspect.Parameter.VAR_POSITIONAL:
                tree = treespec_of_tuple(tree)
            arguments.append(Argument(name, kind, leaves, tree))
        return Signature(tuple(arguments), fixed)
    except SpecError as error:
        if code := getattr(function, "__code__", None):
            error.position = definition_of(code)
        raise


def _underlying(fn: Any) -> Any:
    """Return the Python function below partials, decorators and callable objects."""
    while isinstance(fn, functools.partial) or hasattr(fn, "__wrapped__"):
        fn = fn.func if isinstance(fn, functools.partial) else fn.__wrapped__
    return fn if hasattr(fn, "__globals__") else inspect.unwrap(type(fn).__call__)


def _parameters(fn: Callable, function: Any) -> Parameters:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError, NameError) as error:
        raise SpecError(
            f"the parameters of {_title(function)} cannot be read: {error}",
            remedy="Wrap it in a function that names its parameters.",
        ) from error
    named = {normal(parameter.name): parameter for parameter in parameters}
    if len(named) < len(parameters):
        raise SpecError(
            f"two parameters of {_title(function)} have the same name in Unicode's "
            "normal form",
            remedy="Rename one of them.",
        )
    return named


def _divide(
    parameters: Parameters, function: Any, args: object, static: object
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the specs of the arguments and the values of the static parameters."""
    given = _entries("args", args, parameters)
    baked = _entries("static", static, parameters)
    found = _beside(parameters, function) | given
    specs, fixed = {}, {}
    for name, parameter in parameters.items():
        if name in given and name in baked:
            raise SpecError(
                f"parameter {name!r} stands in args and in static",
                remedy="args= passes it at every call; static= bakes it in: keep one.",
            )
        if name in baked:
            fixed[name] = baked[name]
        elif name in found:
            specs[name] = found[name]
            _check_variadic(parameter, found[name], parameters)
        elif parameter.default is not parameter.empty:
            fixed[name] = parameter.default
        else:
            raise SpecError(
                f"parameter {parameter.name!r} of {_title(function)} has no spec",
                remedy=_missing(parameter),
            )
    return specs, fixed


def _missing(parameter: inspect.Parameter) -> str:
    """Return what to do about a parameter without a spec."""
    name, some = parameter.name, _VARIADIC.get(parameter.kind)
    if some:
        return (
            f'{parameter} is any number of arguments: args={{"{name}": {some}}};\n'
            "a decorator keeps its function's parameters with functools.wraps."
        )
    return (
        f'Give its own sizes: args={{"{name}": ("n", 784)}}, or on the '
        f"command line --arg {name}=n,784;\n"
        f'or bake a value in: static={{"{name}": ...}}.'
    )


def _check_variadic(
    parameter: inspect.Parameter, spec: object, parameters: Parameters
) -> None:
    """Raise where the spec of `*args` is no list of specs, that of `**kwargs` no dict."""
    some = _VARIADIC.get(parameter.kind)
    if not some:
        return
    wanted: type = dict if parameter.kind is parameter.VAR_KEYWORD else list
    if not isinstance(spec, wanted):
        raise SpecError(
            f"the spec of {parameter} is no {wanted.__name__} of specs",
            remedy=f"Write one for each argument: {some}.",
        )
    for key in spec if isinstance(spec, dict) else ():
        if not (isinstance(key, str) and key.isidentifier()) or key in parameters:
            raise SpecError(
                f"the spec of {parameter}: {key!r} cannot be a keyword of its own",
                remedy="Keys are the names of the arguments, other than the parameters'.",
            )


def _entries(option: str, given: object, parameters: Parameters) -> dict[str, object]:
    """Return the entries of `args` or `static` by normalised parameter name."""
    if not isinstance(given, Mapping | None):
        raise SpecError(
            f"{option} is of type {type(given).__name__}, not a dict",
            remedy=f'Write {option}={{"NAME": ...}} with names of parameters.',
        )
    entries: dict[str, object] = {}
    for key, value in (given or {}).items():
        name = normal(key) if isinstance(key, str) else key
        if name not in parameters:
            remedy = near(parameters, str(name))
            raise SpecError(f"{option} names {key!r}, no parameter", remedy=remedy)
        if name in entries:
            raise SpecError(
                f"{option} has two entries for parameter {name!r}",
                remedy="Python takes their names for the same one: remove one.",
            )
        entries[name] = value
    return entries


def _beside(parameters: Parameters, function: Any) -> dict[str, object]:
    """Return the specs in jaxtyping annotations and, before them, the module's ARGS."""
    scope = getattr(function, "__globals__", {})
    notes = {name: _evaluated(p.annotation, scope) for name, p in parameters.items()}
    table = scope.get("ARGS")
    entries = table.items() if isinstance(table, Mapping) else ()
    named = {normal(key): spec for key, spec in entries if isinstance(key, str)}
    specs = {name: _of_annotation(note) for name, note in notes.items()}
    return {name: spec for name, spec in specs.items() if spec is not None} | named


def _of_annotation(note: object) -> object | None:
    """Return the spec that an annotation is, or that those of its class's fields are."""
    return note if is_annotation(note) else spec_of_class(note)


def _evaluated(annotation: object, scope: dict) -> object:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, scope)
    except Exception:  # noqa: BLE001 - names that only a type checker has say nothing
        return annotation


def _title(function: Any) -> str:
    name = getattr(function, "__qualname__", "the function")
    return name.rpartition("<locals>.")[2]
