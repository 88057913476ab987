"""Handles: what the user's function computes with, and what derivative rules are
written on.

A `Handle` speaks NumPy's protocols and turns each call into a node by the table.
Refused, with the user's line: questions after a traced value (`if`, `float()`), unknown
functions, writing into an input or a view.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import sympy

from ..errors import (
    MutationError,
    SizeError,
    SpecError,
    SymdiffError,
    TraceError,
    UnsupportedAttributeError,
    UnsupportedError,
    ValueDependenceError,
)
from ..graph import Nodes
from ..shapes import Size, is_floating, product, show, size
from .calls import dispatch, name_of, unsupported
from .memory import NEW_ARRAY, write_into
from .recording import (
    LARGEST_CONSTANT,
    Recorded,
    Unsized,
    activated,
    active_nodes,
    largest_constant,
    refused,
    title,
)
from .sizes import TracedSize
from .table import FUNCTIONS, METHODS, PROPERTIES, WRITERS
from .writing import Augmented, method_called, write

__all__ = [
    "Handle",
    "TracedSize",
    "activated",
    "active_nodes",
    "handle_of",
    "holds_traced",
    "size_of",
    "traced_size",
]

# Methods that change an array in place and are refused, and those that give its values
# to Python.
_WRITING = frozenset(
    ("byteswap", "itemset", "partition", "resize", "setfield", "setflags")
)
_READING = frozenset(("data", "dump", "dumps", "item", "tobytes", "tofile", "tolist"))

# Python's functions that compare values, and how NumPy's are written.
_COMPARING = {
    "all": "np.all(x)",
    "any": "np.any(x)",
    "max": "np.max(x), or np.maximum(a, b) of two arrays",
    "min": "np.min(x), or np.minimum(a, b) of two arrays",
    "sorted": "np.sort(x)",
}

# What to do where Python asks for a value.
_ONE_PATH = (
    "Tracing records one path for all inputs. Write np.where(condition, a, b), "
    "use NumPy's functions in the place of math's, or pass a flag with static=."
)
_LOST = (
    "What is computed from a plain number is lost to the gradient: use NumPy's "
    "functions in the place of math's."
)


class Handle(Recorded, Augmented, np.lib.mixins.NDArrayOperatorsMixin):
    """An array whose operations are recorded."""

    __array_priority__ = 1000.0
    __slots__ = ()

    # What NumPy's users read off an array.

    @property  # type: ignore[misc] # object has it as an attribute
    def __class__(self) -> type:
        """What `isinstance` is told: an array, where NumPy's own result would be one."""
        return np.ndarray if self.sizes else Handle

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        return np

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
        length = self.sizes[0]
        if not isinstance(length, int) and length.has(sympy.Min):
            raise refused(
                SizeError(
                    f"len() of an axis of size {str(length).lower()}",
                    remedy="It is a plain number, which would not show that the axis may be "
                    "shorter. Write x.shape[0] for len(x), or give the size as a number.",
                ),
                self,
            )
        return self.nodes.size_value(length)

    def __getattr__(self, name: str) -> Any:
        if name in WRITERS:
            return lambda *args, **kwargs: write(name, self, args, f".{name}", **kwargs)
        if name in METHODS:
            build, method = METHODS[name], method_called(name)
            return lambda *args, **kwargs: dispatch(
                method, (self, *args), kwargs, build=build, name=f".{name}"
            )
        if name in PROPERTIES:
            get = operator.attrgetter(name)
            return dispatch(get, (self,), {}, build=PROPERTIES[name], name=f".{name}")
        raise self._missing(name)

    def _missing(self, name: str) -> Exception:
        """Return the error for an attribute that handles do not have."""
        error: SymdiffError
        if name.startswith("__"):
            return AttributeError(f"a traced array has no attribute {name!r}")
        if name in _WRITING:
            error = MutationError(
                f".{name}() changes an array in place", remedy=NEW_ARRAY
            )
        elif name in _READING:
            return self._question(f".{name} asks for the value of a traced array")
        else:
            names = (f".{one}" for one in (*METHODS, *PROPERTIES))
            known = unsupported(f".{name}", names)
            error = UnsupportedAttributeError(known.message, remedy=known.remedy)
        return refused(error, self)

    def __iter__(self) -> Iterator[Handle]:
        if not self.sizes:
            raise TypeError("iteration over a 0-d array")
        if not isinstance(self.sizes[0], int):
            raise refused(
                SizeError(
                    f"this loops over an axis of unknown size {self.sizes[0]}",
                    remedy="Write it without the loop, over the whole array, or give the size "
                    "as a number.",
                ),
                self,
            )
        return (self[index] for index in range(self.sizes[0]))

    def __reversed__(self) -> Iterator[Handle]:
        return reversed(tuple(self))

    def __getitem__(self, key: Any) -> Handle:
        return dispatch(operator.getitem, (self, key), {}, name="indexing")

    def __setitem__(self, key: Any, value: Any) -> None:
        write(operator.setitem, self, (key, value), "item assignment")

    def __copy__(self) -> Handle:
        return Handle(self.nodes, self.node, self._value)

    def __deepcopy__(self, memo: dict) -> Handle:
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise refused(
            TraceError(
                "this pickles a traced array",
                remedy="Traced arrays stay in their thread: leave processes and files out of the "
                "loss.",
            ),
            self,
        )

    def __round__(self, digits: int = 0) -> Handle:
        return dispatch(_ROUND, (self, digits), {})

    def __repr__(self) -> str:
        name = self.nodes[self.node].name or type(self.node).__name__
        value = self.nodes.value(self.node)
        shown = "" if value is None else f" = {value}"
        return (
            f"<traced {name}: {self.nodes.dtype(self.node)}{list(self.sizes)}{shown}>"
        )

    # NumPy's protocols.

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        if any(issubclass(type(one), Unsized) for one in inputs):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        out = kwargs.pop("out", None)
        if method == "at":
            return write(ufunc, inputs[0], inputs[1:], f"{name_of(ufunc)}.at")
        if out is None:
            return dispatch(function, inputs, kwargs)
        return write_into(out[0], lambda old: dispatch(function, inputs, kwargs))

    def __array_function__(
        self, function: Callable, types: Any, args: Any, kwargs: Any
    ) -> Any:
        if any(issubclass(one, Unsized) for one in types):
            return NotImplemented
        if function in WRITERS:
            return write(function, args[0], args[1:], name_of(function), **kwargs)
        if kwargs.get("out") is not None:
            raise refused(
                MutationError(
                    f"{name_of(function)}(..., out=) writes into an array",
                    remedy="Use the result instead of out=.",
                ),
                self,
            )
        return dispatch(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        value = self._answer(smooth=True)
        if value is not None:
            return np.asarray(value, dtype)
        raise refused(
            TraceError(
                "this makes a plain array of a traced one",
                remedy="Where a plain array meets a traced one, write np.take(table, x, "
                "axis=0) for table[x], and np.dot(a, x) for a.dot(x). np.vectorize and "
                "compiled functions take no traced arrays: write it with NumPy's functions "
                "of arrays.",
            ),
            self,
        )

    # Python asks for a value.

    def _answer(self, smooth: bool) -> Any:
        """Return the value, or None where Python must not have it.

        Of values that are computed as they are recorded it gets what small changes do
        not change: what is `smooth` would be lost to the gradient.
        """
        if self.is_known:
            return self.value
        if smooth and is_floating(self.nodes.dtype(self.node)):
            return None
        return self.nodes.value(self.node)

    def _plain(
        self, question: str, convert: Callable[[Any], Any], smooth: bool = False
    ) -> Any:
        value = self._answer(smooth)
        if value is not None:
            return convert(value)
        raise self._question(f"{question} the value of a traced array")

    def _question(self, question: str) -> SymdiffError:
        recorded = self.nodes.value(self.node) is not None
        remedy = _LOST if recorded else _ONE_PATH
        error = refused(ValueDependenceError(question, remedy=remedy), self)
        called = error.position.segment.partition("(")[0] if error.position else ""
        if called in _COMPARING:
            instead = _COMPARING[called]
            error.remedy = f"Python's {called}() compares values: write {instead}."
        return error

    def __bool__(self) -> bool:
        if self.is_known and _has_unknown_size(self):
            raise refused(
                SizeError(
                    "this condition depends on an unknown size",
                    remedy="Its answer would hold for some sizes only. Leave it out, or give the "
                    "size as a number.",
                ),
                self,
            )
        return self._plain("this condition asks for", bool)

    def __float__(self) -> float:
        return self._plain("this asks for a plain float,", float, smooth=True)

    def __int__(self) -> int:
        return self._plain("this asks for a plain integer,", int)

    def __index__(self) -> int:
        return self._plain("this asks for a plain integer,", operator.index)

    def __complex__(self) -> complex:
        return self._plain("this asks for a plain number,", complex, smooth=True)

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        return self._plain("formatting asks for", lambda value: format(value, spec))


def _has_unknown_size(handle: Handle) -> bool:
    """Whether a value that depends on no argument depends on an unknown size."""
    nodes, pending, seen = handle.nodes, [handle.node], set()
    while pending:
        node = pending.pop()
        if nodes.is_size(node) or not all(
            isinstance(one, int) for one in nodes.shape(node)
        ):
            return True
        if id(node) not in seen:
            seen.add(id(node))
            pending.extend(nodes[node].operands)
    return False


# What stands for an array, and what for a size.


def handle_of(value: Any) -> Handle:
    """Return a handle for a handle, a number, a size or a small array.

    Lists of these are stacked. Raises `SpecError` for arrays of over 1,000 elements,
    `TraceError` for what is no array of numbers.
    """
    nodes = active_nodes()
    if isinstance(value, Handle):
        if value.nodes is not nodes:
            raise TraceError(
                "a traced array of another trace is used",
                remedy="Do not keep traced arrays in globals, caches or closures.",
            )
        return value
    if isinstance(value, Unsized):
        raise UnsupportedError(
            "what a computed mask marks is used as an array: its shape depends on values",
            remedy="Write np.where(mask, x, 0), which has a place for each element.",
        )
    if isinstance(value, TracedSize):
        return value.lift()
    if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        return Handle(nodes, nodes.number(value), value)  # type: ignore[arg-type]
    if holds_traced(value):
        return FUNCTIONS[_STACK]([handle_of(one) for one in value])
    array = _constant(value)
    node = nodes.array(array) if array.ndim else nodes.number(array.item())
    return Handle(nodes, node, array)


def holds_traced(value: Any) -> bool:
    """Return whether a value is a traced one, or a list or tuple that holds one."""
    if isinstance(value, list | tuple):
        return any(map(holds_traced, value))
    return isinstance(value, Recorded)


# These have other names while `rebinding` lasts.
_ROUND = np.round
_STACK = np.stack


def _constant(value: Any) -> np.ndarray:
    """Return the plain array of numbers that a value is."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap):
        raise TraceError(
            f"the loss holds an array of type {kind}",
            remedy="Make it a plain array with np.asarray, masked elements filled.",
        )
    if not isinstance(value, np.ndarray | np.generic | list | tuple):
        raise TraceError(f"a value of type {kind} stands where an array is expected")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TraceError(
            f"an array of dtype {array.dtype} cannot be traced",
            remedy="Traced losses compute with real numbers, integers and bools.",
        )
    if array.size > largest_constant():
        raise SpecError(
            f"{title(value)} of shape {show(array.shape)} is a constant of the loss with "
            f"{array.size} elements",
            remedy=f"Constants of over {LARGEST_CONSTANT} elements are not written into "
            "emitted code: pass the array as an argument.",
        )
    return array


def size_of(value: Any) -> Size:
    """Return a size from what stands for one in the user's code: an int, a
    `TracedSize`, a handle.
    """
    if isinstance(value, TracedSize):
        return size(value.expression)
    if isinstance(value, Handle) and value.is_known and not value.sizes:
        known = value.nodes.is_size(value.node)
        return size(value.node) if known else operator.index(value.value)
    if isinstance(value, sympy.Expr):
        return size(value)
    return operator.index(value)


def traced_size(nodes: Nodes, value: Size) -> int:
    """Return a size as the user's code sees it: an int, or one that knows which size it
    is.
    """
    if isinstance(value, int):
        return value
    made = TracedSize(nodes.size_value(value))
    made.expression = value
    made.lift = lambda: Handle(nodes, nodes.size(value), int(made))
    made.make = lambda one: traced_size(nodes, one)
    return made
