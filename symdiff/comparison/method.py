"""A way to a gradient, ready to be run and timed, and what a run of it found.

In: what makes a gradient and what reads the result. Out: a `Method`. Nothing is refused;
a library that is not there is an `Absent`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from time import process_time
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["Absent", "Costs", "Found", "Imports", "Method", "Sampling"]


class Absent(Exception):  # noqa: N818 - no error: the method is left out, and named
    """A library is not installed."""


@dataclass(frozen=True)
class Found:
    """What a run found: slopes at entries, and the loss's value where it has that too.

    evaluations: of the loss, that the whole gradient takes, where it is made of them.
    scale: times a run's time is that of the whole gradient.
    """

    slopes: np.ndarray
    entries: np.ndarray
    value: float | None = None
    evaluations: int | None = None
    scale: float = 1.0

    @staticmethod
    def whole(slopes: np.ndarray, value: Any = None) -> Found:
        """Return what was found from a whole gradient."""
        number = None if value is None else float(value)
        return Found(slopes, np.arange(len(slopes)), number)


class Imports:
    """Libraries as they are imported for one comparison, and the seconds that it took.

    known: those that had been imported before, whose import is in no time.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.known: list[str] = []
        self._before = frozenset(sys.modules)

    def library(self, name: str) -> ModuleType:
        """Return a module. Raises `Absent` where its library is not installed."""
        home = name.partition(".")[0]
        if name in self._before and home not in self.known:
            self.known.append(home)
        start = process_time()
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == home:
                raise Absent(home) from error
            raise
        self.seconds.setdefault(name, process_time() - start)
        return module


@dataclass
class Costs:
    """What it costs before a method can be run: seconds of imports and of compiling.

    waited: seconds of imports that no method before had to wait for.
    """

    imports: Imports
    libraries: set[str] = field(default_factory=set)
    waited: float = 0.0
    compiling: float | None = None

    def imported(self, name: str) -> ModuleType:
        """Return a module, whose import is among the costs whoever needed it first."""
        start = process_time()
        module = self.imports.library(name)
        self.waited += process_time() - start
        self.libraries.add(name)
        return module

    @property
    def importing(self) -> float:
        """The seconds that the imports take one who has none of them yet."""
        return sum(self.imports.seconds[name] for name in self.libraries)

    @contextmanager
    def compiles(self) -> Iterator[None]:
        """Count what is done inside as compiling."""
        start = process_time()
        yield
        self.compiling = (self.compiling or 0.0) + process_time() - start


@dataclass(frozen=True)
class Sampling:
    """Which entries a method looks at that cannot afford all.

    order: all entries, shuffled. seconds: what one evaluation of the loss takes.
    budget: the seconds that one run may take.
    """

    order: np.ndarray
    seconds: float
    budget: float

    def chosen(self, evaluations: float) -> np.ndarray:
        """Return the entries that the budget is enough for, of so many evaluations each."""
        affordable = int(self.budget / (self.seconds * evaluations))
        return self.order[: max(affordable, 1)]


@dataclass(frozen=True)
class Method:
    """A way to a gradient.

    run: makes it, or a part of it. read: what a run returned as `Found`. context: what
    is to be entered before a run and is not timed. operations: on numbers, for one
    gradient. traced: whether Python knows of the memory that it takes. note: a sentence
    for the reader.
    """

    run: Callable[[], Any]
    read: Callable[[Any], Found]
    context: Callable[[], AbstractContextManager[Any]] = nullcontext
    operations: int | None = None
    traced: bool = True
    note: str = ""
