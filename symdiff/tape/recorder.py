"""From a function and values of its arguments to a tape, and from there to the gradient.

In: a loss and its arguments, wanted ones by name. Out: a `Tape`. Refused: what a trace
refuses, but for questions whose answer no small change of a value changes; a wanted
argument that is no real array; what makes up an argument and is no array or number.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import wraps
from itertools import islice
from typing import Any

import numpy as np

from ..errors import SpecError
from ..graph import Graph
from ..leaves import FLOATS
from ..ops.recording import paused
from ..passes.reverse import COTANGENT, walk_back
from ..pipeline import read_wrt, wanted_leaves
from ..specs import Leaf, Signature, normal, read_signature
from ..trace.run import record as run
from .listing import Listing, Run, Step
from .values import ValueNodes

__all__ = ["Tape", "record", "value_and_grad"]

Wanted = str | tuple[str, ...] | None


class Tape:
    """A loss's operations on values, in the order in which they ran.

    value: the loss. steps: its operations, those that repeat another left out; after
    `backward` those of the gradient too, and each operation's cotangent. `print(tape)`
    shows them.
    """

    def __init__(
        self, graph: Graph, signature: Signature, wanted: tuple[str, ...], single: bool
    ) -> None:
        self._nodes: ValueNodes = graph.nodes  # type: ignore[assignment] # as made here
        self._graph = graph
        self._signature = signature
        self._wanted, self._single = wanted, single
        self._shown = Run(graph, self._nodes, {})
        self.value = np.asarray(self._nodes.value(graph.outputs["value"]))[()]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The operations that have been recorded, those of the gradient last."""
        return tuple(Listing(self._shown, self._signature.leaves).steps.values())

    def __str__(self) -> str:
        return str(Listing(self._shown, self._signature.leaves))

    @paused()
    def backward(self, cotangent: float = 1.0) -> Any:
        """Return the gradient, times a cotangent of the value.

        It has the structure of the wanted argument; of several it is a named tuple.
        """
        seed = self.value.dtype.type(cotangent)
        nodes = self._nodes.forked(**{COTANGENT: seed})
        names = wanted_leaves(self._signature, self._wanted)
        forked = replace(self._graph, nodes=nodes)
        graph, cotangents = walk_back(forked, names, "least-norm")
        inputs = {node.name: node for node in graph.inputs}
        slopes = {name: graph.outputs[f"d_{name}"] for name in names}
        cotangents |= {id(inputs[name]): slope for name, slope in slopes.items()}
        self._shown = Run(graph, nodes, cotangents)
        parts = iter([np.array(nodes.value(slope)) for slope in slopes.values()])
        return self._nested(parts)

    def _nested(self, parts: Iterator[np.ndarray]) -> Any:
        """Return the arrays of the gradient, nested as the wanted arguments are."""
        by_name = {one.name: one for one in self._signature.arguments}
        arguments = [by_name[name] for name in self._wanted]
        made: list[Any] = [
            one.unflatten([*islice(parts, len(one.leaves))]) for one in arguments
        ]
        if self._single:
            return made[0]
        return namedtuple("Gradient", self._wanted, rename=True)(*made)


@paused()
def record(fn: Callable, *args: Any, wrt: Wanted = None, **kwargs: Any) -> Tape:
    """Return the tape of one run of a loss on these arguments.

    Parameters
    ----------
    fn : callable
        A plain NumPy function of arrays and numbers that returns a real scalar. Python's
        `if` and `while` may ask for values.
    *args, **kwargs
        Its arguments: arrays, floats, or nested dicts, lists and tuples of these. Ints,
        bools, texts, functions, None and tuples of ints are handed on as they are.
    wrt : str or tuple of str, optional
        What is differentiated; by default the first parameter.

    Raises
    ------
    SpecError
        If an argument holds what is no array, or `wrt` does not fit the function.
    TraceError
        If the function does what cannot be recorded.
    """
    values, static = _divided(fn, args, kwargs, wrt)
    signature = read_signature(fn, values, static)
    floats = {leaf.dtype for leaf in signature.leaves if leaf.shape} & {*FLOATS}
    dtype = "float32" if floats == {"float32"} else "float64"
    signature = read_signature(fn, values, static, dtype)
    wanted, single = read_wrt(signature, wrt)
    inputs = {leaf.name: _input(leaf) for leaf in signature.leaves}
    graph = run(fn, signature, ValueNodes(dtype, inputs))
    return Tape(graph, signature, wanted, single)


def value_and_grad(fn: Callable, wrt: Wanted = None) -> Callable:
    """Return a function of the loss's arguments that gives its value and gradient, from
    a tape of its own each time.
    """

    @wraps(fn)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        tape = record(fn, *args, wrt=wrt, **kwargs)
        return tape.value, tape.backward()

    return value_and_gradient


def _divided(
    fn: Callable, args: tuple, kwargs: Mapping[str, Any], wrt: Wanted
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments that are recorded, and those that are handed on."""
    bound = inspect.signature(fn).bind(*args, **kwargs)
    given = set(bound.arguments)
    bound.apply_defaults()
    names = (wrt,) if isinstance(wrt, str) else wrt or [*bound.arguments][:1]
    wanted = {normal(name) for name in names}
    values, static = {}, {}
    for name, value in bound.arguments.items():
        recorded = name in given and not _is_plain(value)
        if recorded or normal(name) in wanted:
            variadic = bound.signature.parameters[name].kind is _VARIADIC
            values[name] = list(value) if variadic else value
        else:
            static[name] = value
    return values, static


_VARIADIC = inspect.Parameter.VAR_POSITIONAL


def _is_plain(value: Any) -> bool:
    """Return whether an argument is none of arrays: a flag, a count, a shape."""
    if type(value) is tuple:
        return all(type(one) in (bool, int, str) for one in value)
    return value is None or type(value) in (bool, int, str) or callable(value)


def _input(leaf: Leaf) -> np.ndarray:
    """Return an array of the tape's own, which later writing does not reach."""
    if leaf.example is None:
        raise SpecError(
            f"{leaf.access} is no array or number",
            remedy="Bind it beforehand: functools.partial(loss, name=value).",
        )
    integer = leaf.example.dtype.kind in "iu"
    return np.array(leaf.example, "int64" if integer else leaf.dtype)
