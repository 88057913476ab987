"""Nested arguments as text: their form, made-up ones, and gradients nested as they are.

In: an `Argument` and a text for each of its leaves. Out: texts and groups that
`fitting` lays out. Keys reach the text through `repr` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..leaves import literal
from ..program.fitting import Text, group, tuple_group
from ..specs import Argument

__all__ = [
    "containers",
    "gradient_of",
    "has_named_tuple",
    "is_named_tuple",
    "is_nested",
    "nested",
]


def is_nested(argument: Argument) -> bool:
    """Return whether an argument is a container of arrays and not an array."""
    return len(argument.leaves) != 1 or bool(argument.leaves[0].path)


def has_named_tuple(argument: Argument) -> bool:
    """Return whether an argument's gradient is made by its own named tuples."""
    return any(map(is_named_tuple, containers(argument)))


def is_named_tuple(value: object) -> bool:
    """Return whether a container is a named tuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def containers(argument: Argument) -> Iterator[Any]:
    """Yield the dicts, lists and tuples of an argument, outer ones first."""
    pending = [argument.unflatten([""] * len(argument.leaves))]
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list | tuple):
            yield value
            parts = value.values() if isinstance(value, dict) else value
            pending.extend(reversed(list(parts)))


def nested(argument: Argument, texts: Sequence[str], classes: Mapping) -> Text:
    """Return the text of an argument with these leaves.

    `classes` gives the text of a named tuple's class by its own name and fields.
    """

    def class_of(value: Any, access: str) -> str:
        return classes[type(value).__name__, value._fields]

    return _text(argument.unflatten(texts), "", class_of)


def gradient_of(argument: Argument, texts: Sequence[str]) -> Text:
    """Return the text of a gradient; its named tuples are the argument's own."""

    def made_of(value: Any, access: str) -> str:
        return f"{access}._replace"

    return _text(argument.unflatten(texts), argument.name, made_of)


def _text(value: Any, access: str, make: Callable[[Any, str], str]) -> Text:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        keyed = ((literal(key), part) for key, part in value.items())
        items = [
            (f"{key}: ", _text(part, f"{access}[{key}]", make)) for key, part in keyed
        ]
        return group("{", items, "}")
    if is_named_tuple(value):
        fields = zip(value._fields, value, strict=True)
        items = [
            (f"{one}=", _text(part, f"{access}.{one}", make)) for one, part in fields
        ]
        return group(f"{make(value, access)}(", items, ")")
    if isinstance(value, list | tuple):
        parts = [_text(part, f"{access}[{i}]", make) for i, part in enumerate(value)]
        is_list = isinstance(value, list)
        return (
            group("[", [("", one) for one in parts], "]")
            if is_list
            else tuple_group(parts)
        )
    return "None"
