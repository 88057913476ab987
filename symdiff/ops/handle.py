"""Handles: what the user's function computes with, and what derivative rules are written on.

A `Handle` speaks NumPy's protocols and turns each call into a node by the table. A `TracedSize` is an int that
remembers which unknown size it stands for. Refused, with the user's line: questions after a traced value
(`if`, `float()`), unknown functions, writing into an input.
"""

from __future__ import annotations

import difflib
import inspect
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from ..errors import (
    MutationError,
    ShapeError,
    SizeError,
    SpecError,
    TraceError,
    UnsupportedError,
    ValueDependenceError,
)
from ..graph import Nodes, Variable
from ..shapes import Shape, Size, product, size
from ..source import Position
from .table import EVALUATE, FUNCTIONS, METHODS, PROPERTIES, ROWS

__all__ = [
    "Handle",
    "TracedSize",
    "active_nodes",
    "activated",
    "dispatch",
    "handle_of",
    "is_tracing",
    "size_of",
]

LARGEST_CONSTANT = 1000

_active: ContextVar[_Active | None] = ContextVar("symdiff_active", default=None)


class _Active:
    """The nodes that handles of this thread add to, and who looks on while a loss is traced."""

    def __init__(
        self, nodes: Nodes, observer: Callable[[list[Handle]], Position | None] | None
    ) -> None:
        self.nodes = nodes
        self.observer = observer
        self.inside = False


@contextmanager
def activated(
    nodes: Nodes, observer: Callable[[list[Handle]], Position | None] | None = None
) -> Iterator[None]:
    """Let handles of this thread add to `nodes`; `observer` gives the place of each call."""
    token = _active.set(_Active(nodes, observer))
    try:
        yield
    finally:
        _active.reset(token)


def active_nodes() -> Nodes:
    """Return the nodes that handles add to now. Raises `TraceError` outside of a trace."""
    active = _active.get()
    if active is None:
        raise TraceError(
            "a traced array is used after its trace has ended",
            remedy="Do not keep traced arrays in globals or closures.",
        )
    return active.nodes


def is_tracing() -> bool:
    """Return whether a user's function is being traced in this thread, outside of any rule."""
    active = _active.get()
    return active is not None and active.observer is not None and not active.inside


class Handle(np.lib.mixins.NDArrayOperatorsMixin):
    """An array whose operations are recorded.

    node: what it stands for. value: its value while tracing, where it depends on no input.
    """

    __array_priority__ = 1000.0
    __slots__ = ("is_view", "node", "nodes", "value")

    def __init__(self, nodes: Nodes, node: sympy.Expr, value: Any = None) -> None:
        self.nodes = nodes
        self.node = node
        self.value = value
        row = ROWS.get(type(node))
        self.is_view = isinstance(node, Variable) or (
            row is not None and row.kind == "view"
        )

    # What NumPy's users read off an array.

    @property
    def sizes(self) -> Shape:
        """The shape in sizes, unknown ones as expressions: what rules compute with."""
        return self.nodes.shape(self.node)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(traced_size(self.nodes, one) for one in self.sizes)

    @property
    def ndim(self) -> int:
        return len(self.sizes)

    @property
    def size(self) -> int:
        return traced_size(self.nodes, product(self.sizes))

    @property
    def dtype(self) -> np.dtype:
        name = self.nodes.dtype(self.node)
        return np.dtype(
            {"int": "int64", "float": self.nodes.float_dtype}.get(name, name)
        )

    def __len__(self) -> int:
        if not self.sizes:
            raise TypeError("len() of unsized object")
        return self.nodes.size_value(self.sizes[0])

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return lambda *args, **kwargs: dispatch(
                METHODS[name], (self, *args), kwargs, f".{name}"
            )
        if name in PROPERTIES:
            return dispatch(PROPERTIES[name], (self,), {}, f".{name}")
        if not name.startswith("__") and hasattr(np.ndarray, name):
            with _observed([self]):
                raise _unsupported(
                    f"the array method or attribute .{name}", name, METHODS
                )
        raise AttributeError(f"a traced array has no attribute {name!r}")

    def __iter__(self) -> Iterator[Handle]:
        if not self.sizes:
            raise TypeError("iteration over a 0-d array")
        if not isinstance(self.sizes[0], int):
            with _observed([self]):
                raise SizeError(
                    f"this loops over an axis of unknown size {self.sizes[0]}",
                    remedy="Write it without the loop, over the whole array, or give the size as "
                    "a number.",
                )
        return (self[index] for index in range(self.sizes[0]))

    def __getitem__(self, key: Any) -> Handle:
        return dispatch(FUNCTIONS[operator.getitem], (self, key), {}, "indexing")

    def __setitem__(self, key: Any, value: Any) -> None:
        with _observed([self]):
            raise MutationError(
                "this writes into a traced array",
                remedy="Write np.where(condition, new, old), np.concatenate or np.stack to make "
                "a new array.",
            )

    def __repr__(self) -> str:
        name = self.nodes[self.node].name or type(self.node).__name__
        return f"<traced {name}: {self.nodes.dtype(self.node)}{list(self.sizes)}>"

    # NumPy's protocols.

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        out = kwargs.pop("out", None)
        if method != "__call__":
            with _observed([self]):
                raise _unsupported(f"np.{ufunc.__name__}.{method}", ufunc.__name__, {})
        if out is None:
            return dispatch(FUNCTIONS.get(ufunc), inputs, kwargs, _name(ufunc))
        return self._in_place(
            out, lambda: dispatch(FUNCTIONS.get(ufunc), inputs, kwargs, _name(ufunc))
        )

    def __array_function__(
        self, function: Callable, types: Any, args: Any, kwargs: Any
    ) -> Any:
        if kwargs.get("out") is not None:
            with _observed([self]):
                raise MutationError(
                    f"{_name(function)}(..., out=) writes into an array",
                    remedy="Use the result instead of out=.",
                )
        return dispatch(FUNCTIONS.get(function), args, kwargs, _name(function))

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.value is not None:
            return np.asarray(self.value, dtype)
        with _observed([self]):
            raise TraceError(
                "this turns a traced array into a plain one",
                remedy="np.array([a, b]) of traced arrays: write np.stack([a, b]). np.asarray(x), "
                "np.vectorize, y[x] = ... and compiled functions take no traced arrays: write "
                "it with NumPy functions of arrays.",
            )

    def _in_place(self, out: tuple[Any, ...], compute: Callable[[], Handle]) -> Handle:
        target = out[0]
        with _observed([self]):
            if not isinstance(target, Handle) or target.is_view:
                raise MutationError(
                    "this writes into an array that the loss was given, or into a view",
                    remedy="Make a new array: write x = x + 1 in the place of x += 1.",
                )
        result = compute()
        if result.sizes != target.sizes:
            raise ShapeError(
                f"an in-place operation changes the shape from {target.shape} to {result.shape}"
            )
        target.node, target.value = result.node, result.value
        return target

    # Python asks for a value.

    def _plain(self, question: str, convert: Callable[[Any], Any]) -> Any:
        if self.value is not None:
            return convert(self.value)
        with _observed([self]):
            raise ValueDependenceError(
                f"{question} asks for the value of a traced array",
                remedy="Tracing records one path for all inputs. Write np.where(condition, a, b), "
                "use NumPy's functions in the place of math's, or pass a flag with static=.",
            )

    def __bool__(self) -> bool:
        return self._plain("this condition", bool)

    def __float__(self) -> float:
        return self._plain("float()", float)

    def __int__(self) -> int:
        return self._plain("int()", int)

    def __index__(self) -> int:
        return self._plain("this use as a Python integer", operator.index)

    def __complex__(self) -> complex:
        return self._plain("complex()", complex)


def handle_of(value: Any) -> Handle:
    """Return a handle for a handle, a number, a size or a small array.

    Raises `SpecError` for arrays of over 1,000 elements, `TraceError` for what is no array of numbers.
    """
    nodes = active_nodes()
    if isinstance(value, Handle):
        if value.nodes is not nodes:
            raise TraceError(
                "a traced array of another trace is used",
                remedy="Do not keep traced arrays in globals or closures.",
            )
        return value
    if isinstance(value, TracedSize):
        return Handle(nodes, nodes.size(value.expression), int(value))
    if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        return Handle(nodes, nodes.number(value), value)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TraceError(f"an array of dtype {array.dtype} cannot be traced")
    if array.size > LARGEST_CONSTANT:
        raise SpecError(
            f"the loss holds a constant array of shape {array.shape}: {array.size} elements",
            remedy=f"Constants of over {LARGEST_CONSTANT} elements are not written into emitted "
            "code: pass the array as an argument.",
        )
    return Handle(nodes, nodes.array(array), array)


def size_of(value: Any) -> Size:
    """Return a size from what stands for one in the user's code: an int, a `TracedSize`, a handle."""
    if isinstance(value, TracedSize):
        return value.expression
    if isinstance(value, Handle) and value.value is not None and not value.sizes:
        known = value.nodes.is_size(value.node)
        return size(value.node) if known else operator.index(value.value)
    if isinstance(value, sympy.Expr):
        return size(value)
    return operator.index(value)


def dispatch(
    build: Callable | None, args: tuple, kwargs: dict[str, Any], name: str
) -> Any:
    """Return what a function of the table makes of a call; None stands for one it does not have.

    The place of the call in the user's source goes to the nodes made.
    """
    active = _active.get()
    if active is None or active.inside or active.observer is None:
        return _built(build, args, kwargs, name)
    handles = list(_handles((args, kwargs)))
    with _observed(handles):
        active.inside = True
        try:
            result = _built(build, args, kwargs, name)
        finally:
            active.inside = False
    if isinstance(result, Handle) and result.value is None and build in EVALUATE:
        if all(handle.value is not None for handle in handles):
            result.value = EVALUATE[build](*_with_values(args), **_with_values(kwargs))
    return result


def _built(
    build: Callable | None, args: tuple, kwargs: dict[str, Any], name: str
) -> Any:
    if build is None:
        names = {getattr(one, "__name__", ""): None for one in FUNCTIONS}
        raise _unsupported(name, name.rpartition(".")[2], names)
    try:
        _signature(build).bind(*args, **kwargs)
    except TypeError as error:
        raise UnsupportedError(
            f"{name}: {error}", remedy="This option of the function is not supported."
        ) from None
    return build(*args, **kwargs)


_signature = lru_cache(maxsize=None)(inspect.signature)


@contextmanager
def _observed(handles: list[Handle]) -> Iterator[None]:
    active = _active.get()
    if active is None or active.observer is None or active.inside:
        yield
        return
    with active.nodes.marked(active.observer(handles)):
        yield


def _with_values(item: Any) -> Any:
    if isinstance(item, Handle):
        return item.value
    if isinstance(item, TracedSize):
        return int(item)
    if type(item) in (tuple, list):
        return type(item)(_with_values(one) for one in item)
    if type(item) is dict:
        return {key: _with_values(one) for key, one in item.items()}
    return item


def _handles(item: Any) -> Iterator[Handle]:
    if isinstance(item, Handle):
        yield item
    elif type(item) in (tuple, list):
        for one in item:
            yield from _handles(one)
    elif type(item) is dict:
        yield from _handles(list(item.values()))


def _name(function: Callable) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc):
        module = (
            "numpy"
            if getattr(np, function.__name__, None) is function
            else "scipy.special"
        )
    return f"{module.replace('numpy', 'np', 1)}.{_short(function)}"


def _short(function: Callable) -> str:
    return getattr(function, "__name__", str(function))


def _unsupported(what: str, name: str, known: Any) -> UnsupportedError:
    near = difflib.get_close_matches(name, list(known), n=4, cutoff=0.5)
    hint = f" Near ones that are: {', '.join(near)}." if near else ""
    return UnsupportedError(
        f"{what} is not supported",
        remedy=f"Write it with supported functions.{hint}",
    )


class TracedSize(int):
    """An unknown size while tracing: an int of its witness value that knows its expression.

    Arithmetic with integers gives sizes, with real numbers traced scalars.
    """

    expression: sympy.Expr
    nodes: Nodes

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        if method != "__call__":
            return NotImplemented
        return dispatch(FUNCTIONS.get(ufunc), inputs, kwargs, _name(ufunc))

    def __neg__(self) -> Any:
        return _combined(operator.mul, -1, self)

    def __pow__(self, other: Any, modulus: None = None) -> Any:
        return _combined(operator.pow, self, other)


def traced_size(nodes: Nodes, value: Size) -> int:
    """Return a size as the user's code sees it: an int, or one that knows which size it is."""
    if isinstance(value, int):
        return value
    made = TracedSize(nodes.size_value(value))
    made.expression, made.nodes = value, nodes
    return made


def _combined(function: Callable, left: Any, right: Any) -> Any:
    whole = all(type(one) in (int, TracedSize) for one in (left, right))
    if (
        whole
        and function is not operator.truediv
        and not (function is operator.pow and right < 0)
    ):
        nodes = next(one.nodes for one in (left, right) if isinstance(one, TracedSize))
        sizes = (getattr(one, "expression", one) for one in (left, right))
        return traced_size(nodes, size(function(*sizes)))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return function(handle_of(left), handle_of(right))
    return NotImplemented


def _add_arithmetic(name: str) -> None:
    function = getattr(operator, name)
    setattr(
        TracedSize, f"__{name}__", lambda self, other: _combined(function, self, other)
    )
    setattr(
        TracedSize, f"__r{name}__", lambda self, other: _combined(function, other, self)
    )


for _operator in ("add", "sub", "mul", "floordiv", "mod", "truediv"):
    _add_arithmetic(_operator)
