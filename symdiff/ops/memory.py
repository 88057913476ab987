"""Memory: which traced arrays NumPy would make views of one another, and writing into
them.

In: a call's result and its operands. Out: the result with its owner. Refused: writing
where the change would be seen through another array, or by the caller of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import sympy

from ..errors import MutationError, ShapeError, TraceError
from ..graph import Nodes
from ..shapes import show
from .recording import CALLER, Recorded, refused, title
from .table import ROWS

__all__ = ["NEW_ARRAY", "with_owner", "write_into"]

NEW_ARRAY = "Make a new array: write x = x + 1 in the place of x += 1."

# Calls whose result never shares memory with their argument, though its elements are
# the same.
_COPIES = frozenset(
    (".copy", ".flatten", ".astype", "np.copy", "np.array", "np.positive", "np.astype")
)

# Calls whose result may be a view though its node is none.
_VIEWS = frozenset(("np.broadcast_to", "np.diagonal", ".diagonal", "np.einsum"))
# An element taken by indexing is a number of its own.
_INDEXING = "indexing"


def with_owner(result: Any, operands: Sequence[Any], name: str) -> Any:
    """Return a result as a value of its own, or as one that may share an operand's
    memory.
    """
    if not isinstance(result, Recorded):
        return result
    source = _source(result, operands, name)
    if source is None:
        return result
    shared = type(result)(result.nodes, result.node, result._value)
    if name not in _COPIES:
        shared.owner = source if source.owner is None else source.owner
        if isinstance(shared.owner, Recorded):
            if shared.owner.lent is None:
                shared.owner.lent = WeakValueDictionary()
            shared.owner.lent[id(shared)] = shared
    return shared


def _source(result: Recorded, operands: Sequence[Any], name: str) -> Recorded | None:
    """Return the operand whose elements a result holds, or None where they are new."""
    nodes, node = result.nodes, result.node
    traced = [one for one in operands if isinstance(one, Recorded)]
    viewed = _is_view(nodes, node) and (result.sizes or name != _INDEXING)
    if viewed or any(node is one.node for one in traced):
        base = _base(nodes, node)
        return next((one for one in traced if _base(nodes, one.node) is base), None)
    return next(iter(traced), None) if name in _VIEWS else None


def _is_view(nodes: Nodes, node: sympy.Expr) -> bool:
    row = ROWS.get(type(node))
    return row is not None and row.kind == "view" and len(nodes[node].operands) == 1


def _base(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    while _is_view(nodes, node):
        node = nodes[node].operands[0]
    return node


def write_into(target: Any, compute: Callable[[], Recorded]) -> Recorded:
    """Give a handle another value, where nothing else can see its memory."""
    if not isinstance(target, Recorded):
        what = f"this writes a traced array into {title(target)}, a plain one"
    elif target.owner is CALLER:
        what = f"this writes into {title(target)}, which the loss was given"
    elif target.owner is not None:
        what = f"this writes into {title(target)}, which may be a view of another array"
    elif target.lent:
        what = f"this writes into {title(target)}, of which there may be a view"
    else:
        result = compute()
        _check_fits(target, result)
        target.node, target._value = result.node, result._value
        return target
    raise refused(MutationError(what, remedy=NEW_ARRAY), target)


def _check_fits(target: Any, result: Any) -> None:
    """Raise where NumPy would not write a result into the target."""
    if result.sizes != target.sizes:
        raise refused(
            ShapeError(
                f"a result of shape {show(result.sizes)} is written into {title(target)} of "
                f"shape {show(target.sizes)}"
            ),
            target,
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise refused(
            TraceError(
                f"a result of dtype {result.dtype} is written into {title(target)} of dtype "
                f"{target.dtype}",
                remedy=NEW_ARRAY,
            ),
            target,
        )
