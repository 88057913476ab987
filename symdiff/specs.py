"""Arguments of a loss and what is known of them: flat, named and typed leaves.

In: a function and the specs of its parameters, which are shapes, texts, `ArraySpec`s,
examples, nested dicts, lists, tuples and named tuples of these, or its jaxtyping
annotations. Out: a `Signature`. Refused with a `SpecError`: a parameter without spec,
a spec that cannot be read, `*args` and `**kwargs`.
"""

from __future__ import annotations

import functools
import inspect
import keyword
import numbers
import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain, count
from typing import Any

import numpy as np
import optree

from .errors import SpecError
from .source import Position

__all__ = ["Argument", "ArraySpec", "Leaf", "Signature", "parse_spec", "read_signature"]

FLOATS = ("float32", "float64")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *INTS, *FLOATS)
FORMS = (
    'A spec is a shape such as ("n", 784) or (), a text such as "n,784" or "n:int64",\n'
    "an ArraySpec, an example array or number, or a dict, list or tuple of specs."
)
SIZES = "A size is a whole number or a name such as n; write a list for several specs."

Path = tuple[tuple[str, object], ...]
Parameters = dict[str, inspect.Parameter]

_NAMESPACE = "symdiff"
_ORDER = threading.Lock()  # optree keeps the order of dicts in a global setting


@dataclass(frozen=True)
class ArraySpec:
    """Shape and dtype of one array; sizes are ints or names, `()` is a scalar.

    Raises `SpecError` for a size that is neither and for an unsupported dtype.
    """

    shape: tuple[int | str, ...]
    dtype: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.shape, (tuple, list)):
            raise SpecError(f"{self.shape!r} is not a shape", remedy=FORMS)
        object.__setattr__(self, "shape", tuple(_size(size) for size in self.shape))
        if self.dtype is not None:
            object.__setattr__(self, "dtype", _dtype_name(self.dtype))


@dataclass(frozen=True)
class Leaf:
    """One array of the flattened arguments: where it stands, its name, shape, dtype."""

    argument: str
    path: Path
    access: str
    name: str
    shape: tuple[int | str, ...]
    dtype: str
    example: np.ndarray | None = field(default=None, compare=False, repr=False)


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
            positional, keywords = [], {}
            for parameter in parameters:
                value = given[_normal(parameter.name)]
                if parameter.kind is parameter.KEYWORD_ONLY:
                    keywords[parameter.name] = value
                else:
                    positional.append(value)
            return fn(*positional, **keywords)

        return call


def parse_spec(text: str) -> ArraySpec:
    """Return the spec of a text: `()` or sizes, then perhaps a colon and a dtype.

    So `n,784`, `n:int64`, `784,256:float32`, `()`.

    Raises
    ------
    SpecError
        If the text has an empty or bad size or an unsupported dtype.
    """
    sizes, colon, dtype = text.partition(":")
    words = [] if sizes.strip() == "()" else sizes.split(",")
    return ArraySpec(_text_sizes(words), dtype.strip() if colon else None)


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
        If a parameter has no spec and no default or is variadic, if a spec cannot be
        read, if `args` or `static` name what is no parameter, or both name the same,
        or if `dtype` is not float32 or float64.
    """
    function = _underlying(fn)
    try:
        real = _dtype_name(dtype)
        if real not in FLOATS:
            raise SpecError(f"dtype {real} is no float", remedy=_one_of(FLOATS, real))
        parameters = _parameters(fn, function)
        specs, fixed = _divide(parameters, function, args, static)
        taken = set(specs)  # so that no leaf hides an argument
        arguments = [
            _read_argument(parameters[name], spec, real, taken)
            for name, spec in specs.items()
        ]
        return Signature(tuple(arguments), fixed)
    except SpecError as error:
        if code := getattr(function, "__code__", None):
            line = code.co_firstlineno
            error.position = Position(code.co_filename, line, line, None, None)
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
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise SpecError(
                f"{_title(function)} takes {parameter}: any number of arguments",
                remedy="Name each parameter, or take one list or dict of arrays;\n"
                "a decorator keeps its function's parameters with functools.wraps.",
            )
    named = {_normal(parameter.name): parameter for parameter in parameters}
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
        elif parameter.default is not parameter.empty:
            fixed[name] = parameter.default
        else:
            raise SpecError(
                f"parameter {name!r} of {_title(function)} has no spec",
                remedy=f'Give its own sizes: args={{"{name}": ("n", 784)}}, or on the '
                f"command line --arg {name}=n,784;\n"
                f'or bake a value in: static={{"{name}": ...}}.',
            )
    return specs, fixed


def _entries(option: str, given: object, parameters: Parameters) -> dict[str, object]:
    """Return the entries of `args` or `static` by normalised parameter name."""
    if not isinstance(given, Mapping | None):
        raise SpecError(
            f"{option} is of type {type(given).__name__}, not a dict",
            remedy=f'Write {option}={{"NAME": ...}} with names of parameters.',
        )
    entries: dict[str, object] = {}
    for key, value in (given or {}).items():
        name = _normal(key) if isinstance(key, str) else key
        if name not in parameters:
            remedy = _one_of(parameters, str(name))
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
    named = {_normal(key): spec for key, spec in entries if isinstance(key, str)}
    return {name: note for name, note in notes.items() if _has_dims(note)} | named


def _evaluated(annotation: object, scope: dict) -> object:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, scope)
    except Exception:  # noqa: BLE001 - names that only a type checker has say nothing
        return annotation


def _has_dims(annotation: object) -> bool:
    return isinstance(getattr(annotation, "dim_str", None), str)


def _read_argument(
    parameter: inspect.Parameter, entry: object, real: str, taken: set[str]
) -> Argument:
    """Return the argument of a spec; `taken` has all names so far and gets its own."""
    argument = _normal(parameter.name)
    paths, entries, tree = _flatten(argument, entry)
    leaves = []
    for number, (path, part) in enumerate(zip(paths, entries, strict=True)):
        access = _access(argument, path)
        with _within(access):
            spec, example = _read(part, real)
        base = _base_name(argument, path, number)
        name = _unique(argument, base, taken) if path else argument
        dtype = spec.dtype or real
        leaves.append(Leaf(argument, path, access, name, spec.shape, dtype, example))
    return Argument(argument, parameter.kind, tuple(leaves), tree)


def _flatten(argument: str, entry: Any) -> tuple[list[Path], list, optree.PyTreeSpec]:
    with _within(argument):
        if entry is None:
            remedy = f"{FORMS}\nstatic= bakes None in."
            raise SpecError("None stands for no array", remedy=remedy)
        try:
            with _ORDER, optree.dict_insertion_ordered(True, namespace=_NAMESPACE):
                accessors, entries, tree = optree.tree_flatten_with_accessor(
                    entry, is_leaf=_is_leaf, namespace=_NAMESPACE
                )
        except RecursionError:
            raise SpecError(
                "nested too deeply", remedy="Write it flatter; does it contain itself?"
            ) from None
    return [tuple(map(_step, accessor)) for accessor in accessors], entries, tree


def _is_leaf(node: object) -> bool:
    """Tell leaves from containers; None is structure without a leaf."""
    if type(node) is dict:
        for key in node:
            _literal(key)
        return False
    if type(node) is tuple:
        return _is_shape(node)
    return not (node is None or type(node) is list or optree.is_namedtuple(node))


def _is_shape(node: tuple) -> bool:
    """Tell shapes from containers: bare numbers and words, not all of them floats."""
    bare = all(
        isinstance(size, numbers.Real)
        or (isinstance(size, str) and not set(size) & set(",:()"))
        for size in node
    )
    scalars = all(isinstance(size, (bool, float, np.floating)) for size in node)
    return bare and not (node and scalars)


def _step(entry: optree.PyTreeEntry) -> tuple[str, object]:
    """Return one step of a path; a field that is no plain identifier goes by index."""
    if isinstance(entry, optree.NamedTupleEntry) and _word(entry.field) == entry.field:
        return ("attr", entry.field)
    return ("item", entry.entry)


def _read(entry: Any, real: str) -> tuple[ArraySpec, np.ndarray | None]:
    if isinstance(entry, ArraySpec):
        return entry, None
    if isinstance(entry, str):
        return parse_spec(entry), None
    if isinstance(entry, tuple):
        return ArraySpec(tuple(entry)), None
    if _has_dims(entry):
        return _read_annotation(entry, real), None
    if type(entry) is float:
        example = np.asarray(entry, real)
    elif type(entry) in (np.ndarray, np.memmap) or np.isscalar(entry):
        example = np.asarray(entry)
    else:
        raise SpecError(f"type {type(entry).__name__} is no spec", remedy=FORMS)
    return ArraySpec(example.shape, example.dtype.name), example


def _read_annotation(annotation: Any, real: str) -> ArraySpec:
    words, names = annotation.dim_str.split(), annotation.dtypes
    for word in words:
        if word.startswith("_"):
            raise SpecError(f"size {word!r} may be any size each time", remedy=SIZES)
    if not isinstance(names, (tuple, list)):
        return ArraySpec(_text_sizes(words))
    known = [name for name in names if name in DTYPES] or names
    dtype = real if real in known else known[-1]  # the last is the widest
    return ArraySpec(_text_sizes(words), dtype)


def _text_sizes(words: Sequence[str]) -> tuple[int | str, ...]:
    """Return sizes from words; a number of 20 digits is no size on any machine."""
    digits = re.compile(r"[0-9]{1,19}").fullmatch
    return tuple(int(w) if digits(w) else w for w in map(str.strip, words))


def _size(size: Any) -> int | str:
    if isinstance(size, str) and size.isidentifier() and (word := _word(size)):
        return word
    whole = isinstance(size, numbers.Integral) and not isinstance(size, bool)
    if whole and 0 <= int(size) <= sys.maxsize:
        return int(size)
    raise SpecError(f"{size!r} is not a size", remedy=SIZES)


def _dtype_name(dtype: Any) -> str:
    try:
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    except (TypeError, ValueError):
        name = repr(dtype)
    if name not in DTYPES:
        remedy = _one_of(DTYPES, name)
        raise SpecError(f"dtype {name!r} is not supported", remedy=remedy)
    return name


@contextmanager
def _within(where: str) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        message = f"spec of {where}: {error.message}"
        raise SpecError(message, remedy=error.remedy) from None


def _normal(name: str) -> str:
    """Return the name as Python's own compiler would normalise it."""
    return unicodedata.normalize("NFKC", name)


def _word(text: str) -> str:
    """Return the text as a normalised name, empty where it cannot be one."""
    word = _normal(text)
    usable = word.isidentifier() and not keyword.iskeyword(word)
    return word if usable and word != "__debug__" else ""


def _unique(argument: str, base: str, taken: set[str]) -> str:
    numbered = (f"{base}_{number}" for number in count(2))
    names = chain([base, f"{argument}_{base}"], numbered)
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _base_name(argument: str, path: Path, number: int) -> str:
    """Return the path's names, then its indices: encoder_W_2; else argument_number."""
    words = [_normal(key) for _, key in path if isinstance(key, str)]
    words = [word for word in words if word.isidentifier()]
    indices = [str(key) for _, key in path if type(key) is int and key >= 0]
    if not words:
        words, indices = [argument], indices or [str(number)]
    name = "_".join(words + indices)
    return name if _word(name) else f"{name}_"


def _access(argument: str, path: Path) -> str:
    steps = (
        f".{key}" if kind == "attr" else f"[{_literal(key)}]" for kind, key in path
    )
    return argument + "".join(steps)


def _literal(key: object) -> str:
    """Return a dict key as Python text, in the quotes that black would choose."""
    if type(key) is tuple:
        items = [_literal(item) for item in key]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if type(key) not in (str, int, bool):
        raise SpecError(
            f"a dict key is of type {type(key).__name__}",
            remedy="Keys are strings, ints, or tuples of these.",
        )
    text = repr(key)
    if text[0] == "'" and text.count('"') <= text.count("\\'"):
        body = text[1:-1].replace("\\'", "'").replace('"', '\\"')
        return f'"{body}"'
    return text


def _title(function: Any) -> str:
    name = getattr(function, "__qualname__", "the function")
    return name.rpartition("<locals>.")[2]


def _one_of(names: Iterable[str], wrong: str) -> str:
    names = list(names)
    if near := get_close_matches(wrong, names):
        return f"Did you mean {' or '.join(near)}?"
    return f"There is {', '.join(names) or 'none'}."
