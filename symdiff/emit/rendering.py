"""Templates and the fields that they loop over, made into text.

In: a template's name and its fields, which are finished strings. Out: text. Refused
with `TextError`: a template that cannot be read, or that asks for what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from ..errors import TextError

__all__ = ["environment", "formatted", "render", "templates"]


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(templates())),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def templates() -> Path:
    """Return the templates' folder: in the package, or else in the repository."""
    inside = Path(str(resources.files("symdiff"))) / "templates"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "templates"


def render(name: str, fields: Mapping[str, Any]) -> str:
    """Return what a template makes of its fields.

    Raises
    ------
    TextError
        If the template is none, or asks for a field that is not there.
    """
    try:
        return environment().get_template(name).render(fields)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None) or _line_in(error, name)
        where = f"{name}:{line}" if line else name
        raise TextError(f"template {where}: {error.message}") from error


def _line_in(error: BaseException, name: str) -> int | None:
    """Return the template's line in an error's traceback: Jinja puts its own there."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines[-1] if lines else None


def formatted(text: str) -> str:
    """Return the text as `black` lays it out, for names longer than usual."""
    import black  # a third of a second, and seldom needed

    return black.format_str(text, mode=black.Mode())
