"""The table of rewrites: each has a name, an identity, and where the identity holds.

Rules stand in the modules beside this one, in NumPy on handles. A rule is asked about
each node of the classes that its row names, operands first, and gives what to put in
its place, or None. Rows without a rule are applied to whole graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import SpecError
from ...ops.handle import Handle
from ...settings import LOWERINGS, Settings
from ...source import Note, Position

__all__ = ["REWRITES", "Rewrite", "chosen", "rewrite"]

Rule = Callable[[Handle], Any]


@dataclass(frozen=True)
class Rewrite:
    """A rewrite: what it is called, what it says, where that holds, and its rule.

    nodes: the classes of nodes that the rule is asked about. fast: whether it may lose
    the last digits. alone: whether the node must be all that reads its first operand.
    late: whether it comes when all others are done, which look for what it rewrites.
    style: the only style that it serves, if there is one. corners: the only convention
    under which it keeps the slopes at corners, if there is one.
    """

    name: str
    identity: str
    domain: str
    nodes: tuple[type, ...] = ()
    rule: Rule | None = None
    fast: bool = False
    alone: bool = False
    late: bool = False
    style: str | None = None
    corners: str | None = None

    def note(self, place: Position | None) -> Note:
        """Return what is to be said where the rewrite was made."""
        return Note(place, f"{self.name}: {self.identity}")


# By name, in the order in which rules are asked.
REWRITES: dict[str, Rewrite] = {}


def rewrite(
    name: str,
    identity: str,
    domain: str,
    *nodes: type,
    fast: bool = False,
    alone: bool = False,
    late: bool = False,
) -> Callable[[Rule], Rule]:
    """Return a decorator that adds a rule to the table."""

    def register(rule: Rule) -> Rule:
        row = Rewrite(name, identity, domain, nodes, rule, fast, alone, late)
        REWRITES[name] = row
        return rule

    return register


def chosen(settings: Settings) -> dict[str, Rewrite]:
    """Return the rewrites that settings ask for. Raises `SpecError` for unknown names."""
    for name in settings.no_rewrite:
        if name not in REWRITES and name not in LOWERINGS:
            raise SpecError(
                f"no_rewrite: there is no rewrite {name!r}",
                remedy=f"There are {', '.join(sorted((*REWRITES, *LOWERINGS)))}.",
            )
    if settings.rewrites == "none":
        return {}
    return {
        name: one
        for name, one in REWRITES.items()
        if name not in settings.no_rewrite
        and (not one.fast or settings.rewrites == "fast")
        and one.style in (None, settings.style)
        and one.corners in (None, settings.corners)
    }
