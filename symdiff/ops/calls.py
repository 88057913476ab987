"""From a call of the user's to the table: what his function does is recorded here, one
call at a time.

In: a NumPy function, method or operator with its arguments. Out: what the table makes
of it. Refused, with the user's line: functions and options that the table does not
have. What depends on no argument of the loss and is not in the table is computed by
NumPy itself.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..shapes import show
from .memory import with_owner
from .recording import Deferred, Recorded, is_tracing, observed, title
from .refusals import REFUSED, REFUSED_METHODS
from .sizes import TracedSize
from .table import FUNCTIONS, accepted

__all__ = ["dispatch", "name_of", "unsupported"]


def dispatch(
    function: Callable,
    args: tuple,
    kwargs: dict[str, Any],
    *,
    build: Callable | None = None,
    name: str = "",
) -> Any:
    """Return what the table makes of a call of `function`, which computes it on plain
    arrays.

    `build` is the function on handles where the table does not have it under
    `function`. The place of the call in the user's source goes to the nodes made.
    """
    build = build or FUNCTIONS.get(function)
    name = name or name_of(function)
    if not is_tracing():
        return _built(build, args, kwargs, name)
    operands = _operands(args, kwargs)
    known = all(one.is_known for one in operands if isinstance(one, Recorded))
    with observed(operands):
        try:
            result = _built(build, args, kwargs, name)
        except UnsupportedError:
            if not known:
                raise
            return function(*_plain(args), **_plain(kwargs))
        except ShapeError as error:
            if not error.details:
                _explain(error, operands)
            raise
    if type(result) in (tuple, list):
        return type(result)(with_owner(one, operands, name) for one in result)
    result = with_owner(result, operands, name)
    if known and isinstance(result, Recorded) and not result.is_known:
        # What the operands are now: they may be written into later.
        given = partial(_value, function, _current(args), _current(kwargs))
        result._value = Deferred(given)
    return result


def _value(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    return function(*_plain(args), **_plain(kwargs))


def _built(
    build: Callable | None, args: tuple, kwargs: dict[str, Any], name: str
) -> Any:
    if build is None:
        raise unsupported(name, map(name_of, FUNCTIONS))
    least, most = _positional(build)
    if kwargs or not least <= len(args) <= most:
        kwargs = accepted(build, args, kwargs, name)
    return build(*args, **kwargs)


@cache
def _positional(build: Callable) -> tuple[int, float]:
    """Return how many arguments a function takes by position, at least and at most."""
    parameters = inspect.signature(build).parameters.values()
    positional = [one for one in parameters if one.kind < one.VAR_POSITIONAL]
    variadic = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    required = sum(one.default is one.empty for one in positional)
    return required, math.inf if variadic else len(positional)


# Operands.


def _operands(args: tuple, kwargs: dict[str, Any]) -> list[Any]:
    """Return the traced values and plain arrays among arguments, in order."""
    found, pending = [], [*args, *kwargs.values()]
    for one in pending:
        if isinstance(one, Recorded | np.ndarray):
            found.append(one)
        elif type(one) in (tuple, list):
            pending.extend(one)
        elif type(one) is dict:
            pending.extend(one.values())
    return found


def _mapped(item: Any, change: Callable[[Any], Any]) -> Any:
    if type(item) in (tuple, list):
        return type(item)(_mapped(one, change) for one in item)
    if type(item) is dict:
        return {key: _mapped(one, change) for key, one in item.items()}
    return change(item)


def _current(item: Any) -> Any:
    return _mapped(item, lambda one: one._value if isinstance(one, Recorded) else one)


def _plain(item: Any) -> Any:
    """Return arguments with their values in the place of what stands for them."""
    return _mapped(item, _plain_one)


def _plain_one(one: Any) -> Any:
    if isinstance(one, Recorded | Deferred):
        return one.value
    return int(one) if isinstance(one, TracedSize) else one


def _explain(error: ShapeError, operands: Sequence[Any]) -> None:
    """Add what the user calls the operands, and their shapes, to an error."""
    lines: dict[str, None] = {}
    names: dict[str, None] = {}
    for one in operands:
        sizes = one.sizes if isinstance(one, Recorded) else one.shape
        text = f"{title(one)} has shape {show(sizes)}"
        if isinstance(one, Recorded):
            actual = tuple(one.nodes.size_value(length) for length in sizes)
            text += "" if actual == sizes else f", traced as {show(actual)}"
        names |= {str(length): None for length in sizes if not isinstance(length, int)}
        lines[f"{text}."] = None
    error.details = "\n".join(lines)
    if len(names) > 1 and not error.remedy:
        error.remedy = f"If {' and '.join(names)} are always equal, give them one name."


# Names of what is called.


@cache
def name_of(function: Callable) -> str:
    """Return how a user writes a function: `np.sum`, `scipy.special.erf`."""
    name = getattr(function, "__name__", str(function))
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return f"{name_of(function.__self__)}.{name}"  # type: ignore[attr-defined]
    module = getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc):
        ours = getattr(np, name, None) is function
        module = "numpy" if ours else "scipy.special"
    if module.startswith("scipy"):
        module = ".".join(module.split(".")[:2])
    return f"{module.replace('numpy', 'np', 1)}.{name}"


def unsupported(name: str, known: Iterable[str]) -> UnsupportedError:
    """Return the error for a function or method that the table, which has `known`,
    lacks.
    """
    reason = REFUSED.get(name) or REFUSED_METHODS.get(name.rpartition(".")[2])
    if reason:
        return UnsupportedError(
            f"{name} is not supported: {reason}",
            remedy="Write it with supported functions.",
        )
    by_last = {one.rpartition(".")[2]: one for one in sorted(known, reverse=True)}
    near = difflib.get_close_matches(name.rpartition(".")[2], by_last, n=4)
    hint = f" Near ones that are: {', '.join(map(by_last.get, near))}." if near else ""  # type: ignore[arg-type]
    what = f"{name} of an array" if name.startswith(".") else name
    return UnsupportedError(
        f"{what} is not supported",
        remedy=f"Write it with supported functions.{hint}",
    )
