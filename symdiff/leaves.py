"""Specs of arrays and the leaves that they describe: one array each, named and typed.

In: the spec of an argument, which is a shape, a text, an `ArraySpec`, an example, a
jaxtyping annotation, or nested dicts, lists, tuples, named tuples and dataclasses of
these. Out: its `Leaf`s. Refused with a `SpecError`: a spec that cannot be read.
"""

from __future__ import annotations

import dataclasses
import keyword
import numbers
import re
import sys
import typing
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain, count
from typing import Any

import numpy as np
import optree

from .errors import SpecError
from .nested import filled, flatten, opens

__all__ = [
    "FLOATS",
    "ArraySpec",
    "Leaf",
    "dtype_name",
    "is_annotation",
    "literal",
    "near",
    "normal",
    "parse_spec",
    "read_leaves",
    "spec_of_class",
]

FLOATS = ("float32", "float64")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *INTS, *FLOATS)
FORMS = (
    'A spec is a shape such as ("n", 784) or (), a text such as "n,784" or "n:int64",\n'
    "an ArraySpec, an example array or number, or a dict, list, tuple or dataclass of specs."
)
SIZES = "A size is a whole number or a name such as n; write a list for several specs."

Path = tuple[tuple[str, object], ...]


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
            object.__setattr__(self, "dtype", dtype_name(self.dtype))


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


def read_leaves(
    argument: str, entry: object, real: str, taken: set[str]
) -> tuple[tuple[Leaf, ...], optree.PyTreeSpec]:
    """Return the leaves of an argument's spec, and how they make the argument again.

    `real` is the dtype of those that name none; `taken` has all names so far and gets
    theirs.
    """
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
    return tuple(leaves), tree


def _flatten(argument: str, entry: Any) -> tuple[list[Path], list, optree.PyTreeSpec]:
    with _within(argument):
        if entry is None:
            remedy = f"{FORMS}\nstatic= bakes None in."
            raise SpecError("None stands for no array", remedy=remedy)
        try:
            accessors, entries, tree = flatten(entry, _is_leaf)
        except RecursionError:
            raise SpecError(
                "nested too deeply", remedy="Write it flatter; does it contain itself?"
            ) from None
    return [tuple(map(_step, accessor)) for accessor in accessors], entries, tree


def spec_of_class(cls: Any) -> object | None:
    """Return the spec that a dataclass or named tuple is whose fields are all annotated
    with specs, None for other values.
    """
    if not (dataclasses.is_dataclass(cls) or optree.is_namedtuple_class(cls)):
        return None
    try:
        hints = typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - names that only a type checker has say nothing
        return None
    names = getattr(cls, "_fields", None) or [
        one.name for one in dataclasses.fields(cls)
    ]
    notes = (hints.get(name) for name in names)
    specs = [note if is_annotation(note) else spec_of_class(note) for note in notes]
    if None in specs:
        return None
    return cls(*specs) if issubclass(cls, tuple) else filled(cls, names, specs)


def _is_leaf(node: object) -> bool:
    """Tell leaves from containers; None is structure without a leaf."""
    if not isinstance(node, ArraySpec) and opens(node):
        return False
    if type(node) is dict:
        for key in node:
            literal(key)
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
    if isinstance(entry, optree.DataclassEntry):
        return ("attr", entry.name)
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
    if is_annotation(entry):
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


def dtype_name(dtype: Any) -> str:
    try:
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    except (TypeError, ValueError):
        name = repr(dtype)
    if name not in DTYPES:
        remedy = near(DTYPES, name)
        raise SpecError(f"dtype {name!r} is not supported", remedy=remedy)
    return name


@contextmanager
def _within(where: str) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        message = f"spec of {where}: {error.message}"
        raise SpecError(message, remedy=error.remedy) from None


def normal(name: str) -> str:
    """Return the name as Python's own compiler would normalise it."""
    return unicodedata.normalize("NFKC", name)


def _word(text: str) -> str:
    """Return the text as a normalised name, empty where it cannot be one."""
    word = normal(text)
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
    words = [normal(key) for _, key in path if isinstance(key, str)]
    words = [word for word in words if word.isidentifier()]
    indices = [str(key) for _, key in path if type(key) is int and key >= 0]
    if not words:
        words, indices = [argument], indices or [str(number)]
    name = "_".join(words + indices)
    return name if _word(name) else f"{name}_"


def _access(argument: str, path: Path) -> str:
    steps = (f".{key}" if kind == "attr" else f"[{literal(key)}]" for kind, key in path)
    return argument + "".join(steps)


def literal(key: object) -> str:
    """Return a dict key as Python text, in the quotes that black would choose."""
    if type(key) is tuple:
        items = [literal(item) for item in key]
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


def near(names: Iterable[str], wrong: str) -> str:
    names = list(names)
    if near := get_close_matches(wrong, names):
        return f"Did you mean {' or '.join(near)}?"
    return f"There is {', '.join(names) or 'none'}."


def is_annotation(annotation: object) -> bool:
    return isinstance(getattr(annotation, "dim_str", None), str)
