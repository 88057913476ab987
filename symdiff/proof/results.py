"""What a gradient written by hand returns, array by array of what it is the gradient of.

In: a result: for one argument the gradient in the argument's own structure; for several
a tuple, a list, a named tuple or a dict of these, by place or by name. Out: the parts by
the name of the output that they claim to be, `d_NAME`. Refused with a `TraceError`: a
result in another structure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optree

from ..errors import SpecError, TraceError
from ..nested import flatten
from ..ops.handle import Handle, handle_of
from ..specs import Argument, Signature

__all__ = ["gradient_parts", "parts", "read_gradient", "read_parts"]


def gradient_parts(
    result: Any, signature: Signature, wanted: Sequence[str]
) -> dict[str, Any]:
    """Return the parts of a gradient by the names `d_LEAF`."""
    arguments = {one.name: one for one in signature.arguments}
    each = _each(result, arguments, wanted)
    found: dict[str, Any] = {}
    for name, part in zip(wanted, each, strict=True):
        leaves = _leaves(part, arguments[name])
        for leaf, value in zip(arguments[name].leaves, leaves, strict=True):
            found[f"d_{leaf.name}"] = value
    return found


def _each(
    result: Any, arguments: Mapping[str, Argument], wanted: Sequence[str]
) -> list[Any]:
    """Return the gradient of each wanted argument."""
    single = len(wanted) == 1
    if isinstance(result, Mapping) and set(result) == set(wanted):
        return [result[name] for name in wanted]
    if optree.is_namedtuple(result) and set(result._fields) == set(wanted):
        return [getattr(result, name) for name in wanted]
    several = isinstance(result, tuple | list) and len(result) == len(wanted)
    if several and (not single or len(arguments[wanted[0]].leaves) == 1):
        return list(result)
    if single:
        return [result]
    kind = type(result).__name__
    raise TraceError(
        f"the gradient is a {kind}, not one of {len(wanted)} parts",
        remedy=f"Return a tuple or a dict of the gradients of {', '.join(wanted)}.",
    )


def _leaves(part: Any, argument: Argument) -> list[Any]:
    found = flatten(part).leaves
    if len(found) != len(argument.leaves):
        raise TraceError(
            f"the gradient of {argument.name} has {len(found)} arrays, "
            f"{argument.name} has {len(argument.leaves)}",
            remedy=f"Return it in the structure of {argument.name}.",
        )
    try:
        return argument.tree.flatten_up_to(part) if len(found) > 1 else found
    except (ValueError, TypeError):
        return found


def parts(result: Any) -> dict[str, Any]:
    """Return the arrays of any result by where they stand in it."""
    accessors, leaves, _ = flatten(result)
    names = [accessor.codify("result") for accessor in accessors]
    return dict(zip(names, leaves, strict=True))


def read_gradient(
    signature: Signature, wanted: Sequence[str]
) -> Callable[[Callable, Any], dict[str, Handle]]:
    """Return what reads a traced gradient."""
    return lambda fn, result: _traced(gradient_parts(result, signature, wanted))


def read_parts(fn: Callable, result: Any) -> dict[str, Handle]:
    """Return any traced result by where its arrays stand."""
    return _traced(parts(result))


def _traced(values: Mapping[str, Any]) -> dict[str, Handle]:
    try:
        return {name: handle_of(value) for name, value in values.items()}
    except SpecError as error:
        raise TraceError(error.message, remedy=error.remedy) from None
