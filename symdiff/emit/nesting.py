"""Nested arguments as text: their form, made-up ones, and gradients nested as they are.

In: an `Argument` and a text for each of its leaves. Out: texts and groups that
`fitting` lays out. Keys reach the text through `repr` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from ..leaves import literal
from ..program.fitting import Text, group, tuple_group
from ..specs import Argument

__all__ = [
    "Class",
    "class_of",
    "containers",
    "gradient_of",
    "has_record",
    "is_nested",
    "is_record",
    "nested",
]

Item = tuple[str, Text]


class Class(NamedTuple):
    """A class of named tuples or dataclasses: its name and fields, and what makes it."""

    name: str
    fields: tuple[str, ...]
    maker: str


def is_nested(argument: Argument) -> bool:
    """Return whether an argument is a container of arrays and not an array."""
    return len(argument.leaves) != 1 or bool(argument.leaves[0].path)


def has_record(argument: Argument) -> bool:
    """Return whether an argument's gradient is made by its own named tuples or
    dataclasses.
    """
    return any(map(is_record, containers(argument)))


def is_record(value: object) -> bool:
    """Return whether a container is a named tuple or a dataclass."""
    return is_dataclass(value) or (
        isinstance(value, tuple) and hasattr(value, "_fields")
    )


def class_of(record: Any) -> Class:
    """Return the class of a named tuple or dataclass as a module makes it: its name, its
    fields, and the function that makes it.
    """
    names = getattr(record, "_fields", None)
    if names is not None:
        return Class(type(record).__name__, names, "namedtuple")
    names = tuple(one.name for one in fields(record))
    return Class(type(record).__name__, names, "dataclasses.make_dataclass")


def containers(argument: Argument) -> Iterator[Any]:
    """Yield the containers of an argument, outer ones first."""
    pending = [argument.unflatten([""] * len(argument.leaves))]
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list | tuple) or is_record(value):
            yield value
            pending.extend(reversed(_parts(value)))


def _parts(value: Any) -> list:
    if is_record(value):
        return [getattr(value, one) for one in class_of(value).fields]
    return list(value.values() if isinstance(value, dict) else value)


def nested(argument: Argument, texts: Sequence[str], classes: Mapping) -> Text:
    """Return the text of an argument with these leaves.

    `classes` gives the name in the module of a named tuple's or dataclass's class.
    """

    def made(value: Any, access: str, items: list[Item]) -> Text:
        return group(f"{classes[class_of(value)]}(", items, ")")

    return _text(argument.unflatten(texts), "", made)


def gradient_of(argument: Argument, texts: Sequence[str]) -> Text:
    """Return the text of a gradient; its named tuples and dataclasses are the argument's
    own, with other values.
    """

    def replaced(value: Any, access: str, items: list[Item]) -> Text:
        if is_dataclass(value):
            return group("dataclasses.replace(", [("", access), *items], ")")
        return group(f"{access}._replace(", items, ")")

    return _text(argument.unflatten(texts), argument.name, replaced)


def _text(
    value: Any, access: str, made: Callable[[Any, str, list[Item]], Text]
) -> Text:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        keyed = ((literal(key), part) for key, part in value.items())
        items = [
            (f"{key}: ", _text(part, f"{access}[{key}]", made)) for key, part in keyed
        ]
        return group("{", items, "}")
    if is_record(value):
        named = zip(class_of(value).fields, _parts(value), strict=True)
        items = [
            (f"{one}=", _text(part, f"{access}.{one}", made)) for one, part in named
        ]
        return made(value, access, items)
    if isinstance(value, list | tuple):
        parts = [_text(part, f"{access}[{i}]", made) for i, part in enumerate(value)]
        is_list = isinstance(value, list)
        return (
            group("[", [("", one) for one in parts], "]")
            if is_list
            else tuple_group(parts)
        )
    return "None"
