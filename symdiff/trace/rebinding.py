"""Functions that NumPy's protocols do not hand on, led to the table while a loss is
traced.

In: the function to be traced. For as long as the context lasts, `np.zeros`,
`np.array`... and SciPy's special functions give handles in this thread, where they are
called from the user's code; also under the names that his functions know them by.
einops, which chooses by type how to treat an array, is told how to treat handles.
Everything is put back whatever happens. NumPy's and SciPy's own calls, and other
threads', are not touched.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType, FrameType
from typing import Any

import numpy as np

from ..ops.calls import dispatch, name_of
from ..ops.conversion import CONVERTERS
from ..ops.densities import DISTRIBUTIONS
from ..ops.handle import Handle, holds_traced
from ..ops.making import MAKERS
from ..ops.polynomials import POLYNOMIAL
from ..ops.recording import is_tracing
from ..ops.scipy_linalg import SCIPY_LINALG
from ..ops.special import SPECIAL
from ..ops.splitting import JOINERS
from ..ops.table import FUNCTIONS
from .instructions import called_name
from .reaching import reached
from .watching import is_library

__all__ = ["SCIPY", "rebound"]

# Functions of SciPy's modules that do not ask handles, by name, as functions on
# handles. SciPy is imported late: 0.7 s that most losses need not pay.
_NUMPY = (np, np.linalg)
_ARRAY = np.array

# Functions of several arrays, which NumPy looks for in their lists.
_OF_SEVERAL = frozenset(
    ("block", "broadcast_arrays", "choose", "column_stack", "concatenate", "dstack")
    + ("einsum", "einsum_path", "hstack", "ix_", "meshgrid", "multi_dot")
    + ("piecewise", "select", "stack", "vstack")
)
SCIPY: dict[str, dict[str, Callable]] = {
    "scipy.special": SPECIAL,
    "scipy.linalg": SCIPY_LINALG,
}
_MODULES = SCIPY | {f"numpy.polynomial.{one}": POLYNOMIAL[one] for one in POLYNOMIAL}

_lock = threading.RLock()
_restore: list[Callable[[], None]] = []
_traces = 0


@contextmanager
def rebound(function: Callable) -> Iterator[None]:
    """Let array-making and special functions give handles to code that `function`
    reaches.
    """
    global _traces
    with _lock:
        _traces += 1
    try:
        with _lock:
            _replace(function)
        yield
    finally:
        with _lock:
            _traces -= 1
            while _restore and not _traces:
                _restore.pop()()


def _replace(function: Callable) -> None:
    """Put wrappers in the place of all that NumPy does not hand on."""
    found = reached(function)
    namespaces = [*map(vars, _NUMPY), *found.namespaces]
    wrappers = dict(_numpy_wrappers())
    for module in _MODULES:
        if module in sys.modules or _is_named(module, found.names):
            namespace, more = _module_wrappers(module)
            namespaces.append(namespace)
            wrappers |= more
    for namespace in namespaces:
        for name, value in list(namespace.items()):
            if id(value) in wrappers:
                _bind(namespace, name, value, wrappers[id(value)])
    if "scipy.stats" in sys.modules or _is_named("scipy.stats", found.names):
        _shadow_distributions()
    if "einops" in sys.modules or "einops" in found.names:
        _register_with_einops()
    for cell in found.cells:
        if id(cell.cell_contents) in wrappers:
            _fill(cell, cell.cell_contents, wrappers[id(cell.cell_contents)])


def _is_named(module: str, names: set[str]) -> bool:
    """Whether code may import a module: `scipy.special`, or `special` from `scipy`."""
    return module in names or {*module.split(".")} - {"numpy"} <= names


def _bind(namespace: dict[str, Any], name: str, value: Any, wrapper: Any) -> None:
    def restore() -> None:
        # What the user bound to the name meanwhile stays.
        if namespace.get(name) is wrapper:
            namespace[name] = value

    _restore.append(restore)
    namespace[name] = wrapper


def _fill(cell: CellType, value: Any, wrapper: Any) -> None:
    def restore() -> None:
        cell.cell_contents = value

    _restore.append(restore)
    cell.cell_contents = wrapper


def _shadow_distributions() -> None:
    """Put functions on handles before the methods of SciPy's distributions."""
    stats = importlib.import_module("scipy.stats")
    for name, methods in DISTRIBUTIONS.items():
        own = vars(getattr(stats, name))
        for method in methods.keys() - own.keys():
            title = f"scipy.stats.{name}.{method}"
            original = getattr(getattr(stats, name), method)
            own[method] = _leading(original, methods[method], title)
            _restore.append(functools.partial(own.__delitem__, method))


def _register_with_einops() -> None:
    """Let einops treat handles as NumPy's arrays.

    Its cache of shapes takes equal integers for the same size: a list it cannot keep.
    """
    module: Any = importlib.import_module("einops._backends")
    backend = module.NumpyBackend()
    backend.shape = lambda array: list(array.shape)
    backends = vars(module).setdefault("_type2backend", {})
    backends[Handle] = backend
    _restore.append(lambda: backends.pop(Handle, None))


@functools.cache
def _numpy_wrappers() -> dict[int, Any]:
    """Return the wrappers of NumPy's functions, by the id of what they wrap."""
    wrappers: dict[int, Any] = {}
    everything: tuple[Any, ...] = (*MAKERS, *CONVERTERS)
    for one in everything:
        makes = one in MAKERS
        wrappers[id(one)] = _leading(one, FUNCTIONS[one], name_of(one), makes=makes)
    for joiner, build in JOINERS:
        wrappers[id(joiner)] = _Joiner(joiner, build)
    for one in FUNCTIONS:
        name = getattr(one, "__name__", "")
        homes = (home for home in _NUMPY if vars(home).get(name) is one)
        if any(homes) and not isinstance(one, np.ufunc) and name not in _OF_SEVERAL:
            wrappers.setdefault(id(one), _joining(one))
    return wrappers


@functools.cache
def _module_wrappers(module: str) -> tuple[dict[str, Any], dict[int, Callable]]:
    """Return the namespace of a module and the wrappers of its functions."""
    try:
        namespace = vars(importlib.import_module(module))
    except ImportError:
        return {}, {}
    wrappers = {}
    for name, build in _MODULES[module].items():
        original = namespace[name]
        if isinstance(original, np.ufunc):
            FUNCTIONS.setdefault(original, build)
        wrappers[id(original)] = _leading(original, build, f"{module}.{name}")
    return namespace, wrappers


def _leading(
    original: Callable, build: Callable, name: str, *, makes: bool = False
) -> Callable:
    """Return a function that leads the user's traced calls of `original` to the table.

    `makes` says that it gives handles though it is given none.
    """

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        traced = is_tracing() and (makes or holds_traced((*args, *kwargs.values())))
        if not traced or not _is_called_by_user(sys._getframe(1), wrapper):
            return original(*args, **kwargs)
        return dispatch(original, args, kwargs, build=build, name=name)

    return wrapper


class _Joiner:
    """`np.r_` or `np.c_`, which leads what is traced between its brackets to the table."""

    def __init__(self, original: Any, build: Callable) -> None:
        self.original = original
        self.build = build

    def __getitem__(self, key: Any) -> Any:
        join = self.original.__getitem__
        if not is_tracing() or not holds_traced(key):
            return join(key)
        return dispatch(join, (key,), {}, build=self.build, name="np.r_ or np.c_")


def _joining(original: Callable) -> Callable:
    """Return a function that gives `original` traced arrays in the place of lists of
    them.
    """

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if is_tracing() and not is_library(sys._getframe(1).f_code.co_filename):
            args = tuple(
                dispatch(_ARRAY, (one,), {}) if _is_list_of_traced(one) else one
                for one in args
            )
        return original(*args, **kwargs)

    return wrapper


def _is_list_of_traced(value: Any) -> bool:
    return isinstance(value, list | tuple) and holds_traced(value)


def _is_called_by_user(frame: FrameType, wrapper: Callable) -> bool:
    """Whether a frame is the user's and calls a function itself, not by compiled code."""
    if is_library(frame.f_code.co_filename):
        return False
    name = called_name(frame)
    if name is None or name == wrapper.__name__:
        return True
    return frame.f_locals.get(name, frame.f_globals.get(name)) is wrapper
