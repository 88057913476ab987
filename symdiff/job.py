"""One compilation, as a command or the settings of a project ask for it.

In: the words of a command, the entries of a table. Out: a `Job`, which compiles the
loss, and the command that its module's header names. Refused: what `loading` and
`pipeline` refuse, and an output that would replace the loss.
"""

from __future__ import annotations

import ast
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files, loading
from .errors import FileError
from .settings import Settings
from .timings import stage

if TYPE_CHECKING:
    from .pipeline import Compiled

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """What is compiled into what, and how.

    target: `FILE.py:FUNC` or `FILE.py:FUNC,FUNC`. output: the file to write, None for
    none. args, static: texts by name, as they stand behind `--arg` and `--static`.
    """

    target: str
    output: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    static: Mapping[str, str] = field(default_factory=dict)
    wrt: str | tuple[str, ...] | None = None
    dtype: str = "float64"
    verify: bool = True
    settings: Settings = field(default_factory=Settings)

    @property
    def path(self) -> Path:
        """The loss's file."""
        return loading.split_target(self.target)[0]

    def compile(self) -> Compiled:
        """Return what the loss compiles to."""
        with stage("import the compiler"):
            from . import pipeline

        loss = loading.load(self.target)
        with loading.guarded(loss.path):
            options = self._options(loss.path, loss.name)
            return pipeline.compile(loss.function, **options)

    def text(self) -> str:
        """Return the text of the module: of the loss alone, or of several functions."""
        if "," not in loading.split_target(self.target)[1]:
            return self.compile().source
        with stage("import the compiler"):
            from . import several

        losses = loading.load_several(self.target)
        names = ",".join(loss.name for loss in losses)
        with loading.guarded(self.path):
            options = self._options(self.path, names)
            functions = [loss.function for loss in losses]
            return several.compile_module(functions, **options).source

    def _options(self, path: Path, names: str) -> dict[str, Any]:
        """Return the arguments of `compile` beside the function."""
        return {
            **self.arguments(),
            "verify": self.verify,
            "command": self._command(path, names),
            **vars(self.settings),
        }

    def arguments(self) -> dict[str, Any]:
        """Return what describes the arguments of the loss: `args`, `static`, `wrt`..."""
        return {
            "args": {name: _spec(text) for name, text in self.args.items()},
            "static": {name: _value(text) for name, text in self.static.items()},
            "wrt": self.wrt,
            "dtype": self.dtype,
        }

    def check_output(self, *, force: bool) -> None:
        """Refuse before the work what `files.write` would refuse after it.

        Raises
        ------
        FileError
            If the output is the loss itself, or `files.check_output` refuses it.
        """
        assert self.output is not None
        if os.path.realpath(self.path) == os.path.realpath(self.output):
            raise FileError(
                f"{self.output!r} would replace the loss itself",
                remedy="Write to another name.",
            )
        files.check_output(self.output, force=force)

    def _command(self, path: Path, names: str) -> str:
        """Return the command that makes the text again, in the folder of its files.

        It is the same however the options were ordered and spaced, and from wherever
        the command was given.
        """
        words = ["symdiff", "compile", f"{path.name}:{names}"]
        if self.output is not None:
            words += ["-o", os.path.basename(self.output)]
        for name, text in sorted(self.args.items()):
            words += ["--arg", f"{name}={_spec_text(text)}"]
        for name, text in sorted(self.static.items()):
            words += ["--static", f"{name}={_value_text(text)}"]
        if self.wrt is not None:
            words += ["--wrt", _names_text(self.wrt)]
        if self.dtype != "float64":
            words += ["--dtype", self.dtype]
        return shlex.join([*words, *self.settings.words()])


def _spec(text: str) -> object:
    """Return a spec: Python's literal if it is a nested one, else the text itself."""
    return _value(text) if text[:1] in ("(", "[", "{") else text


def _value(text: str) -> object:
    """Return the value that Python reads in a text, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _spec_text(text: str) -> str:
    nested = text[:1] in ("(", "[", "{")
    return _value_text(text) if nested else "".join(text.split())


def _value_text(text: str) -> str:
    """Return the text as Python writes its value: one line, plainly spaced."""
    try:
        ast.literal_eval(text)
        return ast.unparse(ast.parse(text, mode="eval"))
    except (ValueError, SyntaxError):
        return text if text.isprintable() else repr(text)


def _names_text(names: str | tuple[str, ...]) -> str:
    """Return names as one word; a comma tells a tuple of one from a single name."""
    if isinstance(names, str):
        return names
    return ",".join(names) + ("," if len(names) == 1 else "")
