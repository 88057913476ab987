"""Several functions of the same arrays in one module.

In: functions and what `compile` takes. Out: a `CompiledModule`, in which each function
has the names that it would have alone behind its own: `loss_value_and_grad`,
`accuracy_value`. Refused: functions of one name, names that would be given twice.
"""

from __future__ import annotations

import inspect
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from . import __version__, files
from .emit.description import docstring_of_all, header, source_of
from .emit.module import emit
from .emit.scope import SHARED, Scope
from .errors import SpecError
from .leaves import near
from .ops.recording import paused
from .pipeline import Compiled, check_sizes, compile_part, load
from .settings import Settings, limit_text, names, sizes_at
from .specs import read_signature

__all__ = ["CompiledModule", "compile_module"]


@dataclass(frozen=True)
class CompiledModule:
    """Several compiled functions: the text of their module, and each by its name."""

    source: str
    parts: Mapping[str, Compiled]

    @cached_property
    def module(self) -> ModuleType:
        """The module itself, standalone."""
        return load(self.source)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a file, whole or not at all.

        Raises
        ------
        FileError
            If the file cannot be written, is not symdiff's, or could not be imported.
        """
        files.write(path, self.source)


@paused()
def compile_module(
    functions: Sequence[Callable],
    args: Mapping[str, Any] | None = None,
    *,
    static: Mapping[str, Any] | None = None,
    wrt: str | tuple[str, ...] | None = None,
    dtype: str = "float64",
    verify: bool = True,
    command: str | None = None,
    **settings: Any,
) -> CompiledModule:
    """Return several compiled functions as one module.

    The options are those of `compile`. A spec or a static value is for all functions
    that have a parameter of its name; so is a name of several in `wrt`.

    Raises
    ------
    SymdiffError
        As `compile` does, and a `SpecError` if two functions have the same name or an
        option names what is no parameter of any.
    """
    for one in ("rewrite", "no_rewrite"):
        settings[one] = names(settings.get(one, ()))
    settings["memory_limit"] = limit_text(settings.get("memory_limit"))
    settings["at"] = sizes_at(settings.get("at") or {})
    chosen, titles = Settings(**settings), _titles(functions)
    wanted = (wrt,) if isinstance(wrt, str) else wrt or ()
    _check_names([*(args or ()), *(static or ()), *wanted], functions)
    signatures = tuple(
        read_signature(fn, _own(fn, args), _own(fn, static), dtype) for fn in functions
    )
    check_sizes(chosen, signatures)
    scopes = [
        Scope(signature, title, signatures)
        for signature, title in zip(signatures, titles, strict=True)
    ]
    taken = _names_of(scopes)
    parts: dict[str, Compiled] = {}
    for fn, scope in zip(functions, scopes, strict=True):
        own = (
            wrt if isinstance(wrt, str | None) else tuple(_own(fn, dict.fromkeys(wrt)))
        )
        part = compile_part(fn, scope, own, dtype, chosen, verify, taken=taken)
        parts[scope.prefix] = part
        taken |= {one.target for one in part.program.constants}
    each = list(parts.values())
    source = emit(
        [one.part for one in each],
        header(functions, __version__, command),
        docstring_of_all(titles, [one.docstring for one in each]),
    )
    return CompiledModule(source, parts)


def _titles(functions: Sequence[Callable]) -> list[str]:
    """Return the functions' own names, which begin those of the module."""
    titles = [source_of(fn)[1].rpartition(".")[2] for fn in functions]
    for title, times in Counter(titles).items():
        if times > 1 or not title.isidentifier():
            problem = "stands for two functions" if times > 1 else "is no identifier"
            raise SpecError(
                f"the name {title!r} {problem}",
                remedy="Each function of a module needs a name of its own.",
            )
    return titles


def _check_names(given: Sequence[str], functions: Sequence[Callable]) -> None:
    """Refuse a name that is no parameter of any function."""
    known = {name for fn in functions for name in inspect.signature(fn).parameters}
    for name in given:
        if name not in known:
            raise SpecError(
                f"no function has a parameter {name!r}",
                remedy=near(sorted(known), name),
            )


def _own(fn: Callable, option: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the part of an option that is for one function."""
    known = inspect.signature(fn).parameters
    return {name: value for name, value in (option or {}).items() if name in known}


def _names_of(scopes: Sequence[Scope]) -> set[str]:
    """Return the names of the module's own functions; refuse one that is given twice."""
    given = Counter(name for scope in scopes for name in _own_names(scope))
    for name, times in given.items():
        if times > 1:
            raise SpecError(
                f"the module would have two of the name {name!r}",
                remedy="Rename one of the functions.",
            )
    return set(given)


def _own_names(scope: Scope) -> list[str]:
    shared = {scope.helpers[one] for one in SHARED}
    return [*scope.public.values(), *(set(scope.helpers.values()) - shared)]
