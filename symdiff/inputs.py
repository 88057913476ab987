"""Arguments of a loss that the user gives, or draws by a function of his own.

In: a `Signature`, and the user's data by name or what a function `sample(rng, sizes)`
returned. Out: an array for each leaf, and the values of the unknown sizes. Refused with
a `SpecError`: a name that is missing or unknown, a shape or dtype that does not fit.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any
from zipfile import BadZipFile

import numpy as np

from .errors import FileError, SpecError
from .leaves import near
from .specs import Argument, Leaf, Signature

__all__ = ["fitted", "is_sampler", "load_data", "read_data", "read_sample"]


def is_sampler(function: object) -> bool:
    """Return whether a function is one of `(rng, sizes)`, that draws arguments."""
    if not callable(function):
        return False
    try:
        return list(inspect.signature(function).parameters) == ["rng", "sizes"]
    except (TypeError, ValueError):
        return False


def read_sample(signature: Signature, drawn: Any) -> list[np.ndarray]:
    """Return the leaves of what `sample` has drawn: a dict by name, or all in order."""
    names = [argument.name for argument in signature.arguments]
    if not isinstance(drawn, Mapping):
        parts = drawn if isinstance(drawn, tuple | list) else (drawn,)
        if len(parts) != len(names):
            raise SpecError(
                f"sample: it returns {len(parts)} arguments of {len(names)}",
                remedy=f"Return {', '.join(names)}, as a tuple or a dict by name.",
            )
        drawn = dict(zip(names, parts, strict=True))
    return read_data(signature, drawn, "sample")


def read_data(
    signature: Signature, data: Mapping[str, Any], source: str = "data"
) -> list[np.ndarray]:
    """Return the leaves of the signature out of data.

    Each argument stands under its name, nested as it is; or each of its leaves under
    its own name, or as it is written: `params[0]["W"]`.
    """
    left = dict(data)
    leaves: list[Any] = []
    for argument in signature.arguments:
        if argument.name in left and argument.name not in _names(argument):
            leaves += _opened(argument, left.pop(argument.name), source)
        else:
            leaves += [_taken(leaf, left, source) for leaf in argument.leaves]
    if left:
        known = [
            name for one in signature.arguments for name in (one.name, *_names(one))
        ]
        wrong = str(next(iter(left)))
        remedy = near(dict.fromkeys(known), wrong)
        raise SpecError(f"{source}: {wrong!r} is no argument", remedy=remedy)
    return fitted(signature, leaves, source)


def load_data(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file by name.

    Raises
    ------
    FileError
        If there is no such file, or none of NumPy's archives of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise FileError(f"there is no file {os.fspath(path)!r}") from error
    except (OSError, ValueError, AttributeError, TypeError, BadZipFile) as error:
        raise FileError(
            f"{os.fspath(path)!r} is no archive of plain arrays: {error}",
            remedy="Write it with np.savez(path, W=W, X=X).",
        ) from error


def fitted(
    signature: Signature, leaves: Sequence[Any], source: str
) -> list[np.ndarray]:
    """Return leaves as arrays of the signature's dtypes, whose shapes fit together."""
    sizes: dict[str, tuple[int, str]] = {}
    arrays = []
    for leaf, value in zip(signature.leaves, leaves, strict=True):
        array = np.asarray(value)
        if not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
            raise SpecError(
                f"{source}: {leaf.access} has dtype {array.dtype}, expected {leaf.dtype}"
            )
        _check_shape(leaf, array.shape, sizes, source)
        arrays.append(array.astype(leaf.dtype))
    return arrays


def _names(argument: Argument) -> list[str]:
    return [name for leaf in argument.leaves for name in (leaf.access, leaf.name)]


def _opened(argument: Argument, value: Any, source: str) -> list[Any]:
    try:
        return argument.tree.flatten_up_to(value)
    except ValueError as error:
        raise SpecError(
            f"{source}: {argument.name} is not nested as its spec is: {error}"
        ) from error


def _taken(leaf: Leaf, left: dict[str, Any], source: str) -> Any:
    for name in (leaf.access, leaf.name):
        if name in left:
            return left.pop(name)
    there = f"There is {', '.join(map(str, left)) or 'nothing else'}."
    raise SpecError(f"{source}: there is no {leaf.access}", remedy=there)


def _check_shape(
    leaf: Leaf,
    shape: tuple[int, ...],
    sizes: dict[str, tuple[int, str]],
    source: str,
) -> None:
    """Raise where a shape is not its leaf's, given what sizes the others have."""
    wanted = str(leaf.shape).replace("'", "")
    for axis, (have, size) in enumerate(zip(shape, leaf.shape, strict=False)):
        known, whose = (
            (size, "") if isinstance(size, int) else sizes.get(size, (have, ""))
        )
        if have != known:
            why = f": {size} is {known}, by {whose}" if whose else ""
            raise SpecError(
                f"{source}: {leaf.access} has shape {shape}, expected {wanted}{why}"
            )
        if isinstance(size, str):
            sizes.setdefault(size, (have, f"axis {axis} of {leaf.access}"))
    if len(shape) != len(leaf.shape):
        raise SpecError(f"{source}: {leaf.access} has shape {shape}, expected {wanted}")
