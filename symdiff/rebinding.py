"""Functions that NumPy's protocols do not hand on, led to the table while a loss is traced.

In: the function to be traced. For as long as the context lasts, `np.zeros`, `np.eye`... and SciPy's special
functions give handles in this thread, where they are called from the user's code; also under the names that
his modules imported them by. Everything is put back whatever happens. NumPy's and SciPy's own calls, and other
threads', are not touched.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .ops.handle import Handle, dispatch, is_tracing
from .ops.making import MAKERS
from .ops.special import SPECIAL
from .ops.table import EVALUATE, FUNCTIONS

__all__ = ["rebound"]

_LIBRARIES = ("numpy", "scipy", "symdiff", "sympy", "opt_einsum")

_lock = threading.RLock()
_replaced: list[tuple[dict[str, Any], str, Any]] = []
_traces = 0


@contextmanager
def rebound(function: Callable) -> Iterator[None]:
    """Let array-making and special functions give handles to code that `function` reaches."""
    global _traces
    with _lock:
        _traces += 1
        try:
            _replace(function)
        except BaseException:
            _release()
            raise
    try:
        yield
    finally:
        with _lock:
            _release()


def _release() -> None:
    global _traces
    _traces -= 1
    if _traces == 0:
        while _replaced:
            namespace, name, original = _replaced.pop()
            namespace[name] = original


def _replace(function: Callable) -> None:
    wrappers = {id(one): _wrapper(one, FUNCTIONS[one], True) for one in MAKERS}
    homes: list[dict[str, Any]] = [vars(np)]
    special = _special_module(function)
    if special is not None:
        for name, build in SPECIAL.items():
            original = getattr(special, name)
            EVALUATE.setdefault(build, original)
            if isinstance(original, np.ufunc):
                FUNCTIONS.setdefault(original, build)
            wrappers[id(original)] = _wrapper(original, build, False)
        homes.append(vars(special))
    for namespace in (*homes, *_namespaces(function)):
        for name, value in list(namespace.items()):
            if id(value) in wrappers and not isinstance(value, ModuleType):
                _replaced.append((namespace, name, value))
                namespace[name] = wrappers[id(value)]


def _wrapper(original: Callable, build: Callable, makes: bool) -> Callable:
    name = f"{'np' if makes else 'scipy.special'}.{original.__name__}"

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        traced = makes or any(
            isinstance(one, Handle) for one in (*args, *kwargs.values())
        )
        if not traced or not is_tracing() or _called_by_library():
            return original(*args, **kwargs)
        return dispatch(build, args, kwargs, name)

    return wrapper


def _called_by_library() -> bool:
    module = sys._getframe(2).f_globals.get("__name__") or ""
    return module.partition(".")[0] in _LIBRARIES


def _special_module(function: Callable) -> ModuleType | None:
    """Return scipy.special if the function may use it; SciPy is not imported for any other."""
    if "scipy.special" not in sys.modules:
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code is None or not any(name.startswith("scipy") for name in code.co_names):
            return None
        try:
            import scipy.special  # noqa: F401 - late: 0.7 s that most losses need not pay
        except ImportError:
            return None
    return sys.modules["scipy.special"]


def _namespaces(function: Callable) -> list[dict[str, Any]]:
    """Return the globals of the user's function and of his functions that it can reach."""
    found: dict[int, dict[str, Any]] = {}
    pending: list[Any] = [function]
    while pending:
        one = pending.pop()
        one = getattr(
            one, "func", getattr(one, "__func__", getattr(one, "__wrapped__", one))
        )
        if not isinstance(one, FunctionType):
            one = getattr(type(one), "__call__", None)
        if not isinstance(one, FunctionType) or _is_library(one.__module__):
            continue
        cells = [cell.cell_contents for cell in one.__closure__ or () if _filled(cell)]
        pending += [value for value in cells if isinstance(value, FunctionType)]
        if id(one.__globals__) not in found:
            found[id(one.__globals__)] = one.__globals__
            for value in list(one.__globals__.values()):
                if isinstance(value, FunctionType):
                    pending.append(value)
                elif isinstance(value, ModuleType) and not _is_library(value.__name__):
                    pending += _functions_of(value)
    return list(found.values())


def _functions_of(module: ModuleType) -> list[FunctionType]:
    own = [one for one in vars(module).values() if isinstance(one, FunctionType)]
    return own[:1] if getattr(module, "__file__", None) else []


def _is_library(module: str | None) -> bool:
    root = (module or "").partition(".")[0]
    return root in _LIBRARIES or root in sys.stdlib_module_names


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asks whether the cell holds anything
    except ValueError:
        return False
    return True
