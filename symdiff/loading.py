"""The user's file as a module, and the function in it that is to be compiled.

In: `FILE.py:FUNC`, as it stands on the command line. Out: the function, its file
imported under its own name as `python FILE.py` would run it, but without its main
block, and with what it changes in the interpreter put back. Refused: a file that is not
there, does not run, or takes the name of a loaded module; a name that is not there or
is no function; no name where the file has several functions.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from io import TextIOWrapper
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple, TextIO

from .errors import FileError, SymdiffError
from .files import SHADOWED
from .source import Position, columns_of, position_of
from .timings import stage

__all__ = [
    "Loaded",
    "guarded",
    "last_position",
    "load",
    "load_module",
    "load_several",
    "split_target",
]


class Loaded(NamedTuple):
    """A function of the user's: its file, its name there, and itself."""

    path: Path
    name: str
    function: Callable[..., object]


@stage("load the loss")
def load(target: str) -> Loaded:
    """Return the function that `FILE.py:FUNC` names.

    FUNC may be a path of attributes; it may be left out where the file defines exactly
    one public function.

    Raises
    ------
    FileError
        If `load_module` refuses the file, or the function is not to be found in it.
    """
    path, name = split_target(target)
    module = load_module(path)
    return _loaded(module, path, name or _only_function(module, path))


def load_several(target: str) -> list[Loaded]:
    """Return the functions that `FILE.py:FUNC,FUNC` names, as `load` does."""
    path, names = split_target(target)
    module = load_module(path)
    return [_loaded(module, path, name.strip()) for name in names.split(",")]


def _loaded(module: ModuleType, path: Path, name: str) -> Loaded:
    return Loaded(path, name, _find(module, name, path))


def split_target(target: str) -> tuple[Path, str]:
    """Return the file and the function of `FILE.py:FUNC`, empty if it is left out."""
    path, _, name = target.rpartition(":")
    if not path or target.endswith(".py"):
        return Path(target), ""
    return Path(path), name


def load_module(path: str | os.PathLike[str]) -> ModuleType:
    """Return the file's module, imported anew and known under its name from then on.

    Raises
    ------
    FileError
        If the file is missing, has the name of a module that is loaded and that others
        need, or fails or exits while it is imported.
    """
    path = Path(path)
    _check_path(path)
    loader = _SourceLoader(path.stem, os.path.abspath(path))
    spec = importlib.util.spec_from_file_location(path.stem, loader.path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    linecache.checkcache(loader.path)
    previous = sys.modules.get(path.stem)
    sys.modules[path.stem] = module
    try:
        with guarded(loader.path):
            loader.exec_module(module)
    except BaseException as error:
        del sys.modules[path.stem]
        if previous is not None:
            sys.modules[path.stem] = previous
        if isinstance(error, SymdiffError | KeyboardInterrupt):
            raise
        raise _import_error(error, path, loader.path) from error
    return module


@contextmanager
def guarded(path: str | os.PathLike[str]) -> Iterator[None]:
    """Run the user's code as a script at `path`; what it changes is put back.

    Meanwhile its folder is first on `sys.path`, it is the only word on the command
    line, and what it prints goes to stderr: stdout is for symdiff's own text.
    """
    search, folders, words = sys.path, list(sys.path), sys.argv
    streams, folder = (sys.stdin, sys.stdout, sys.stderr), os.getcwd()
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    sys.argv = [os.fspath(path)]
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        for stream in {sys.stdin, sys.stdout, sys.stderr}:
            _release(stream, streams)
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.path, sys.argv = search, words
        sys.path[:] = folders
        os.chdir(folder)


def last_position(
    error: BaseException, path: str | os.PathLike[str]
) -> Position | None:
    """Return where in the file an exception passed last, None if it never was there."""
    file = os.path.abspath(path)
    if isinstance(error, SyntaxError) and error.filename == file and error.lineno:
        return _syntax_position(error, file)
    position = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == file:
            position = position_of(code, columns_of(code)[trace.tb_lasti // 2])
        trace = trace.tb_next
    return position


class _SourceLoader(SourceFileLoader):
    """Python's own, but never from cached byte code, and compiled from decoded text.

    The cache would be older than a file that is edited twice within a second; columns
    of syntax errors count bytes of text in some errors, characters in others, unless
    the text is decoded.
    """

    def get_code(self, fullname: str) -> CodeType:
        text = importlib.util.decode_source(self.get_data(self.path))
        return compile(text, self.path, "exec", dont_inherit=True)


def _check_path(path: Path) -> None:
    name = path.stem
    if path.suffix != ".py":
        raise FileError(
            f"{str(path)!r} is not a Python file",
            remedy="Name the function as FILE.py:FUNC.",
        )
    if not path.is_file():
        folder = path.parent
        near = sorted(p.name for p in folder.glob("*.py")) if folder.is_dir() else []
        raise FileError(
            f"there is no file {str(path)!r}", remedy=_suggestion(path.name, near)
        )
    needed = name in sys.stdlib_module_names and name in sys.modules
    if name in SHADOWED or needed or name == "__main__":
        raise FileError(
            f"{path.name} has the name of the module {name!r}, which symdiff needs",
            remedy="Rename the file.",
        )


def _import_error(error: BaseException, path: Path, file: str) -> FileError:
    position = last_position(error, file)
    if isinstance(error, SystemExit):
        message = f"{path.name} exits while it is imported (exit code {error.code})"
        remedy = 'Put what a script does below `if __name__ == "__main__":`.'
    else:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        message = f"{path.name} cannot be imported: {type(error).__name__}: {text}"
        remedy = "symdiff imports the file as Python does; it must run by itself."
    return FileError(message, position=position, remedy=remedy)


def _syntax_position(error: SyntaxError, file: str) -> Position:
    """Return a syntax error's position, its columns counted in bytes from 0."""
    line = error.lineno or 1
    last = error.end_lineno or line
    text = linecache.getline(file, line)

    def column(offset: int | None) -> int | None:
        return len(text[: offset - 1].encode()) if offset and offset > 0 else None

    start, end = column(error.offset), column(error.end_offset)
    return Position(file, line, last, start, end if last == line else start)


def _release(stream: TextIO, streams: tuple[TextIO, ...]) -> None:
    """Unwrap a stream that the user put around one of ours: it would close ours."""
    if isinstance(stream, TextIOWrapper) and stream not in streams:
        buffers = [getattr(own, "buffer", None) for own in streams]
        if any(stream.buffer is buffer for buffer in buffers):
            stream.detach()


def _find(module: ModuleType, name: str, path: Path) -> Callable[..., object]:
    value: object = module
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            raise FileError(
                f"there is no function {name!r} in {path.name}",
                remedy=_suggestion(name, _functions(module)),
            ) from error
    if not callable(value) or inspect.isclass(value):
        kind = "class" if inspect.isclass(value) else type(value).__name__
        raise FileError(
            f"{name!r} in {path.name} is not a function but of type {kind}",
            remedy=_suggestion(name, _functions(module)),
        )
    return value


def _only_function(module: ModuleType, path: Path) -> str:
    functions = [name for name in _functions(module) if not name.startswith("_")]
    if len(functions) == 1:
        return functions[0]
    raise FileError(
        f"{path.name} defines {len(functions) or 'no'} functions: which one is meant?",
        remedy=f"Name it as {path.name}:FUNC. {_suggestion('', functions)}".rstrip(),
    )


def _functions(module: ModuleType) -> list[str]:
    """Return the names of the functions that the module defines, in its order."""
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]


def _suggestion(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    there = f"There: {', '.join(names)}." if names else "There is none there."
    return f"Did you mean {near[0]}? {there}" if near else there
