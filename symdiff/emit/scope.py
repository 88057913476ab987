"""Names of a module's own functions and classes, which give way to the user's.

In: a `Signature`. Out: names, the same for the same signature.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..program.naming import Names
from ..specs import Signature
from .nesting import Class, class_of, containers, is_nested, is_record

__all__ = [
    "HELPERS",
    "PUBLIC",
    "aliases",
    "classes",
    "fields",
    "helpers",
    "reserved_names",
]

PUBLIC = ("value", "forward", "backward", "value_and_grad", "grad", "Gradient")
HELPERS = ("check", "array", "match", "self_check", "made_up", "random", "leaves")


def reserved_names(signature: Signature) -> set[str]:
    """Return the names that values of the passes must not have."""
    nested = {one.name for one in signature.arguments if is_nested(one)}
    own = {*helpers(signature).values(), *aliases(signature).values()}
    imported = {"Gradient", "NamedTuple", "dataclasses", "namedtuple", "sys"}
    return {*nested, *own, *classes(signature).values(), *imported}


def helpers(signature: Signature) -> dict[str, str]:
    """Return the names of the module's private functions, by what they do."""
    names = _names(signature)
    return {helper: names.give(f"_{helper}") for helper in HELPERS}


def aliases(signature: Signature) -> dict[str, str]:
    """Return second names of the public functions that a parameter hides."""
    names = _names(signature)
    own = [one.name for one in signature.arguments]
    return {name: names.give(f"_{name}") for name in PUBLIC if name in own}


def classes(signature: Signature) -> dict[Class, str]:
    """Return the names in the module of the user's named tuples and dataclasses."""
    names = _names(signature)
    for own in (*helpers(signature).values(), *aliases(signature).values()):
        names.keep(own)
    found: dict[Class, str] = {}
    for argument in signature.arguments:
        for one in map(class_of, filter(is_record, containers(argument))):
            if one not in found:
                found[one] = names.give(f"_{one.name}")
    return found


def fields(wrt: Sequence[str]) -> dict[str, str]:
    """Return the gradient's fields by argument; none may begin with an underscore."""
    names = Names(wrt)
    return {
        one: names.give(one.lstrip("_") or "field") if one[0] == "_" else one
        for one in wrt
    }


def _names(signature: Signature) -> Names:
    leaves = (leaf.name for leaf in signature.leaves)
    return Names({*(one.name for one in signature.arguments), *leaves, *PUBLIC})
