"""Memory: which traced arrays NumPy would make views of one another, and writing into
them.

In: a call's result and its operands. Out: the result with its owner, and writing as
NumPy does it: what is written into a view is in its array and in all other views of it.
Refused: writing where it is not sure who would see it, or where the caller of the loss
would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import sympy

from ..errors import MutationError, ShapeError, TraceError
from ..graph import Nodes
from ..shapes import show
from .recording import CALLER, Recorded, is_tracing, observed, refused, title
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
# Calls whose result surely is a view, where its node is one or the operand's own.
_SURE_VIEWS = frozenset(
    (".T", ".mT", ".squeeze", ".swapaxes", ".transpose", "indexing", "np.asarray")
    + ("np.asanyarray", "np.expand_dims", "np.flip", "np.fliplr", "np.flipud")
    + ("np.matrix_transpose", "np.moveaxis", "np.rollaxis", "np.rot90", "np.split")
    + ("np.squeeze", "np.swapaxes", "np.transpose")
)


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
        _share(shared, source)
        steps = _steps(result.nodes, source.node, result.node)
        if steps is not None and name in _SURE_VIEWS:
            shared.source, shared.steps = source, steps
    return shared


def _share(view: Recorded, source: Recorded) -> None:
    """Note whose memory a view may be."""
    view.owner = source if source.owner is None else source.owner
    if isinstance(view.owner, Recorded):
        if view.owner.lent is None:
            view.owner.lent = WeakValueDictionary()
        view.owner.lent[id(view)] = view


def _source(result: Recorded, operands: Sequence[Any], name: str) -> Recorded | None:
    """Return the operand whose elements a result holds, or None where they are new."""
    nodes, node = result.nodes, result.node
    traced = [one for one in operands if isinstance(one, Recorded)]
    viewed = _is_view(nodes, node) and (result.sizes or name != _INDEXING)
    if viewed or any(node is one.node for one in traced):
        base = _base(nodes, node)
        return next((one for one in traced if _base(nodes, one.node) is base), None)
    return next(iter(traced), None) if name in _VIEWS else None


def _steps(
    nodes: Nodes, source: sympy.Expr, node: sympy.Expr
) -> tuple[sympy.Expr, ...] | None:
    """Return the nodes that lead from a value to a view of it, None where others do."""
    steps: list[sympy.Expr] = []
    while node is not source:
        if not _is_view(nodes, node) or ROWS[type(node)].put is None:
            return None
        steps.append(node)
        node = nodes[node].operands[0]
    return tuple(reversed(steps))


def _is_view(nodes: Nodes, node: sympy.Expr) -> bool:
    row = ROWS.get(type(node))
    return row is not None and row.kind == "view" and len(nodes[node].operands) == 1


def _base(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    while _is_view(nodes, node):
        node = nodes[node].operands[0]
    return node


# Writing.


def write_into(target: Any, compute: Callable[[Recorded], Recorded]) -> Recorded:
    """Give a handle another value, and all that see its memory with it.

    `compute` is given the value as it was, in a handle of its own.
    """
    if (what := _objection(target)) is not None:
        raise refused(MutationError(what, remedy=NEW_ARRAY), target)
    before = type(target)(target.nodes, target.node, target._value)
    result = compute(before)
    _check_fits(target, result)
    with observed([target]) if is_tracing() else nullcontext():
        root, value = _put_back(target, result)
    root.node, root._value = value.node, value._value
    for view in list((root.lent or {}).values()):
        view.node, view._value = _again(view), None
    if target is not root:
        target.node = result.node
    return target


def _objection(target: Any) -> str | None:
    """Return why nothing can be written into a value, None where it can."""
    if not isinstance(target, Recorded):
        return f"this writes a traced array into {title(target)}, a plain one"
    if target.owner is CALLER:
        return f"this writes into {title(target)}, which the loss was given"
    root = target if target.owner is None else target.owner
    assert isinstance(root, Recorded)
    if not _is_sure(target, root):
        return f"this writes into {title(target)}, which may be a view of another array"
    if not all(_is_sure(view, root) for view in (root.lent or {}).values()):
        return f"this writes into {title(target)}, of which there may be a view"
    return None


def _is_sure(view: Recorded, root: Recorded) -> bool:
    """Return whether a value is known to be a view of another, and in which place."""
    while view is not root:
        if view.source is None:
            return False
        view = view.source
    return True


def _put_back(view: Recorded, value: Recorded) -> tuple[Recorded, Recorded]:
    """Return the array of a view, and its value with that of the view put in."""
    nodes, make = view.nodes, type(view)
    while view.source is not None:
        for step in reversed(view.steps):
            put = ROWS[type(step)].put
            assert put is not None
            value = put(make(nodes, nodes[step].operands[0]), value, step)
        view = view.source
    return view, value


def _again(view: Recorded) -> sympy.Expr:
    """Return the node of a view of what its source is now."""
    nodes = view.nodes
    assert view.source is not None
    node, steps = view.source.node, []
    for step in view.steps:
        node = nodes.make(type(step), node, params=step.params)
        steps.append(node)
    view.steps = tuple(steps)
    return node


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
