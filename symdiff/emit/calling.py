"""How functions take a loss's arguments, and how they are called with them.

In: the arguments, with the kinds of their parameters. Out: parameters and calls as
groups of texts: keyword-only ones by keyword, any number of them with stars.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from ..program.fitting import Group
from ..specs import Argument

__all__ = ["STARS", "call", "parameters", "passed_from"]

# What stands before any number of arguments.
STARS: dict[inspect._ParameterKind, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def parameters(arguments: Sequence[Argument], keywords: Sequence[str] = ()) -> Group:
    """Return a function's parameters, `keywords` are further ones, by keyword only."""
    parts: list[str] = []
    kinds = [one.kind for one in arguments]
    starred = False
    for place, one in enumerate(arguments):
        named = one.kind is inspect.Parameter.KEYWORD_ONLY
        parts += ["*"] if named and not starred else []
        starred |= named or one.kind is inspect.Parameter.VAR_POSITIONAL
        parts.append(f"{STARS.get(one.kind, '')}{one.name}")
        positional = inspect.Parameter.POSITIONAL_ONLY
        if one.kind is positional and positional not in kinds[place + 1 :]:
            parts.append("/")
    end = len(parts) - (inspect.Parameter.VAR_KEYWORD in kinds)
    further = [*([] if starred or not keywords else ["*"]), *keywords]
    parts[end:end] = further
    return Group("(", tuple(("", part) for part in parts), ")")


def call(function: str, arguments: Sequence[Argument]) -> Group:
    """Return a call with all arguments, those that are keyword-only by keyword."""
    items = []
    for one in arguments:
        keyword = one.kind is inspect.Parameter.KEYWORD_ONLY
        prefix = f"{one.name}=" if keyword else STARS.get(one.kind, "")
        items.append((prefix, one.name))
    return Group(f"{function}(", tuple(items), ")")


def passed_from(values: str, arguments: Sequence[Argument]) -> list[str]:
    """Return how the values of a list are passed on: by position where they can be."""
    named = inspect.Parameter.KEYWORD_ONLY
    others = [
        f"{f'{one.name}=' if one.kind is named else STARS[one.kind]}{values}[{place}]"
        for place, one in enumerate(arguments)
        if one.kind is named or one.kind in STARS
    ]
    count = len(arguments) - len(others)
    positional = f"*{values}[:{count}]" if others else f"*{values}"
    return [positional] * bool(count) + others
