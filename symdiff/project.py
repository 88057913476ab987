"""The settings of a user's project: what `[tool.symdiff]` of his pyproject.toml says.

In: a folder. Out: the `Job`s of the nearest pyproject.toml with such a table, in that
folder or above it. Refused with a `SpecError`: no such file, an entry without target or
output, a setting that is unknown or of the wrong kind, two jobs with one output.
"""

from __future__ import annotations

import ast
import math
import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .errors import FileError, SpecError
from .job import Job
from .leaves import FLOATS, near
from .settings import Settings, limit_text, names, sizes_at

__all__ = ["Project", "read_project"]

FILE = "pyproject.toml"
TABLE = "[[tool.symdiff.compile]]"

# The kinds of values that the entries of a table have; those of `Settings` by what
# stands in it when nothing is said.
ENTRIES: dict[str, tuple[type, ...]] = {
    "target": (str,),
    "output": (str,),
    "args": (dict,),
    "static": (dict,),
    "wrt": (str, list),
    "dtype": (str,),
    "verify": (bool,),
    **{
        name.replace("_", "-"): (str, list) if value == () else (type(value),)
        for name, value in vars(Settings()).items()
    },
    "at": (dict,),
}
KINDS = {str: "a text", list: "a list of texts", dict: "a table", bool: "true or false"}


class Project(NamedTuple):
    """A file of settings, and the jobs that it lists."""

    path: Path
    jobs: tuple[Job, ...]


def read_project(folder: str | os.PathLike[str] = ".") -> Project:
    """Return the project that a folder belongs to; its paths start from that folder.

    Raises
    ------
    FileError
        If a pyproject.toml on the way cannot be read.
    SpecError
        If none of them has the table, or the table is not understood.
    """
    start = Path(folder).absolute()
    for place in (start, *start.parents):
        path = place / FILE
        if path.is_file() and (table := _table(path)) is not None:
            return Project(path, tuple(_jobs(path, table, start)))
    raise SpecError(
        f"no {FILE} here or above says what to compile",
        remedy=f"Name a function as FILE.py:FUNC, or list what to compile in {FILE}: "
        f'{TABLE}, target = "loss.py:loss", output = "gradient.py".',
    )


def _table(path: Path) -> object:
    """Return what a file says of symdiff, None where it says nothing."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file).get("tool", {}).get("symdiff")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{str(path)!r} cannot be read: {error}") from error


def _jobs(path: Path, table: Any, start: Path) -> list[Job]:
    _check_names("[tool.symdiff]", table, ["compile"])
    entries = table.get("compile", [])
    if not isinstance(entries, list) or not entries:
        raise SpecError(
            f"[tool.symdiff] of {FILE} lists nothing to compile",
            remedy=f"Begin a table with {TABLE} for each module.",
        )
    jobs = []
    for number, entry in enumerate(entries, 1):
        title = f"{TABLE} number {number}"
        _check_entry(title, entry)
        jobs.append(_job(title, entry, Path(os.path.relpath(path.parent, start))))
    outputs = Counter(os.path.normpath(job.output or "") for job in jobs)
    for output, times in outputs.items():
        if times > 1:
            raise SpecError(
                f"{times} tables of {FILE} have the output {output!r}",
                remedy="Give each module a file of its own.",
            )
    return jobs


def _check_names(title: str, table: object, known: list[str]) -> None:
    if not isinstance(table, Mapping):
        raise SpecError(f"{title} of {FILE} is no table")
    for name in table:
        if name not in known:
            raise SpecError(
                f"{title} of {FILE} has an unknown setting {name!r}",
                remedy=near(known, name),
            )


def _check_entry(title: str, entry: Any) -> None:
    _check_names(title, entry, list(ENTRIES))
    for name, value in entry.items():
        several = value if isinstance(value, list) else []
        known = isinstance(value, ENTRIES[name])
        if not known or not all(isinstance(one, str) for one in several):
            kinds = " or ".join(KINDS[kind] for kind in ENTRIES[name])
            raise SpecError(f"{title} of {FILE}: {name} is {value!r}, not {kinds}")
    for name in ("target", "output"):
        if not entry.get(name):
            raise SpecError(f"{title} of {FILE} has no {name}")
    if entry.get("dtype", "float64") not in FLOATS:
        raise SpecError(
            f"{title} of {FILE}: dtype {entry['dtype']} is no float",
            remedy=near(FLOATS, entry["dtype"]),
        )


def _job(title: str, entry: Mapping[str, Any], folder: Path) -> Job:
    wrt = entry.get("wrt")
    settings = {
        name: entry.get(name.replace("_", "-"), default)
        for name, default in vars(Settings()).items()
    }
    for one in ("rewrite", "no_rewrite"):
        settings[one] = names(settings[one])
    settings["memory_limit"] = limit_text(settings["memory_limit"])
    settings["at"] = sizes_at(settings["at"])
    specs, static = entry.get("args", {}), entry.get("static", {})
    return Job(
        target=str(folder / entry["target"]),
        output=str(folder / entry["output"]),
        args={one: _spec_text(title, one, spec) for one, spec in specs.items()},
        static={one: _literal(title, one, value) for one, value in static.items()},
        wrt=tuple(wrt) if isinstance(wrt, list) else wrt,
        dtype=entry.get("dtype", "float64"),
        verify=entry.get("verify", True),
        settings=Settings(**settings),
    )


def _spec_text(title: str, name: str, spec: object) -> str:
    """Return a spec as a text: it is one, or arrays and tables of such."""
    if isinstance(spec, str):
        return spec
    pending = [spec]
    while pending:
        one = pending.pop()
        if isinstance(one, dict | list):
            pending += one.values() if isinstance(one, dict) else one
        elif not isinstance(one, str):
            raise SpecError(
                f"{title} of {FILE}: the spec of {name} holds {one!r}, not a text",
                remedy='Write a shape as a text: "n,784", "n:int64", "()" for a scalar.',
            )
    return repr(spec)


def _literal(title: str, name: str, value: object) -> str:
    """Return a value as the text by which a command would give it."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict | list):
            pending += one.values() if isinstance(one, dict) else one
        elif not isinstance(one, str | int) and not _is_finite(one):
            raise SpecError(
                f"{title} of {FILE}: the static {name} holds {one}, which cannot be "
                "baked in",
                remedy="It may hold texts, finite numbers, truth values, arrays, tables.",
            )
    return value if isinstance(value, str) and not _is_literal(value) else repr(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_literal(text: str) -> bool:
    """Return whether a command would read something else in a text than the text."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True
