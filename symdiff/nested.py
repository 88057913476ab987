"""Nested values taken apart into their leaves, and built again.

In: dicts, lists, tuples, named tuples and dataclasses, within one another. Out: the
leaves in the order in which they stand, where each stands, and the structure that
builds the value again. Refused with a `SpecError`: a dataclass with a field that it
computes itself.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import optree

from .errors import SpecError

__all__ = ["Parts", "filled", "flatten", "opens", "treespec_of_tuple"]

_NAMESPACE = "symdiff"
_ORDER = threading.Lock()  # optree keeps the order of dicts in a global setting
_dataclasses: set[type] = set()


class Parts(NamedTuple):
    """A value taken apart: where its leaves stand, they themselves, its structure."""

    accessors: list[optree.PyTreeAccessor]
    leaves: list[Any]
    tree: optree.PyTreeSpec


def opens(node: object) -> bool:
    """Return whether a value is a dataclass, of which optree then knows the fields."""
    if isinstance(node, type) or not dataclasses.is_dataclass(node):
        return False
    if type(node) not in _dataclasses:
        _register(type(node))
    return True


def _is_no_leaf(node: object) -> bool:
    opens(node)
    return False


def flatten(value: Any, is_leaf: Callable[[Any], bool] = _is_no_leaf) -> Parts:
    """Return a value's parts; `is_leaf` says of what could be opened what is not to be."""
    with _ORDER, optree.dict_insertion_ordered(True, namespace=_NAMESPACE):
        return Parts(
            *optree.tree_flatten_with_accessor(
                value, is_leaf=is_leaf, namespace=_NAMESPACE
            )
        )


def treespec_of_tuple(tree: optree.PyTreeSpec) -> optree.PyTreeSpec:
    """Return the structure of a tuple of a list's items."""
    return optree.treespec_tuple(tree.children(), namespace=_NAMESPACE)


def filled(cls: type, names: Iterable[str], values: Iterable) -> Any:
    """Return an instance of a dataclass; none of its own code runs on what may stand for
    arrays.
    """
    made: Any = object.__new__(cls)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(made, name, value)
    return made


def _register(cls: Any) -> None:
    """Let optree take a dataclass apart."""
    names = tuple(one.name for one in dataclasses.fields(cls))
    for one in dataclasses.fields(cls):
        if not one.init:
            raise SpecError(
                f"field {one.name!r} of {cls.__name__} is computed by the dataclass itself",
                remedy="Every field of a dataclass is a spec: make this one a property.",
            )
    optree.register_pytree_node(
        cls,
        lambda node: ([getattr(node, name) for name in names], names, names),
        lambda _, values: filled(cls, names, values),
        path_entry_type=optree.DataclassEntry,
        namespace=_NAMESPACE,
    )
    _dataclasses.add(cls)
