"""The graph: interned SymPy nodes with their shapes, dtypes, names and places in the
user's source.

`Nodes` makes nodes, equal ones as one object; `Graph` names some of them as outputs and
is what passes take and give. Elementwise nodes are SymPy's own classes or
`Elementwise`; everything else that an array needs is an `ArrayNode`, whose fixed
parameters (axes, shapes, keys) stand in `params`. Nodes whose operands' shapes do not
fit are refused by the shape rule of their row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from sympy.core.function import Function

from .errors import SymdiffError
from .shapes import Shape, Size, show, size, uncut
from .source import Note, Position, Turn

__all__ = [
    "ArrayConstant",
    "ArrayNode",
    "Elementwise",
    "Graph",
    "Info",
    "Nodes",
    "SHAPE_RULES",
    "Variable",
    "number_of",
]


class Variable(sympy.Symbol):
    """An input of the graph: a symbol with a shape and a dtype."""

    shape: Shape
    dtype: str

    def __new__(cls, name: str, shape: Shape, dtype: str) -> Variable:
        made = super().__xnew__(cls, name, real=True)
        made.shape, made.dtype = shape, dtype
        return made

    def _hashable_content(self) -> tuple:
        return (*super()._hashable_content(), self.shape, self.dtype)


class ArrayNode(sympy.Expr):
    """An operation on whole arrays: operands in `args`, fixed parameters in `params`."""

    is_commutative = True
    params: tuple

    def _hashable_content(self) -> tuple:
        return (*self._args, self.params)

    @property
    def func(self) -> Callable[..., ArrayNode]:
        return lambda *args: array_node(type(self), args, self.params)

    def _sympystr(self, printer: Any) -> str:
        inside = [printer._print(arg) for arg in self.args]
        inside += [str(param) for param in self.params]
        return f"{type(self).__name__}({', '.join(inside)})"


class ArrayConstant(ArrayNode):
    """A small array that the loss holds: its dtype, shape and bytes are the parameters."""

    @property
    def array(self) -> np.ndarray:
        dtype, shape, data = self.params
        return np.frombuffer(data, dtype).reshape(shape)

    def _sympystr(self, printer: Any) -> str:
        return f"ArrayConstant{show(self.params[1])}"


class Elementwise(Function):
    """An elementwise function that SymPy has no class for."""

    is_commutative = True


@dataclass(slots=True)
class Info:
    """What is known of one node besides its operation.

    turns: the iterations of the loops in which the user gives its name again and again.
    rewrite: the name of the rewrite that made it.
    """

    shape: Shape
    dtype: str
    operands: tuple[sympy.Expr, ...]
    index: int
    position: Position | None = None
    backward: bool = False
    name: str | None = None
    turns: tuple[Turn, ...] = ()
    cotangent_of: sympy.Expr | None = None
    rewrite: str | None = None

    def take_name(self, other: Info) -> None:
        """Be called as another, unless this has a name."""
        if self.name is None:
            self.name, self.turns = other.name, other.turns


# The shape rule of each node class, filled by the rows of the table of operations:
# (nodes, *operands, *params) -> (shape, dtype).
SHAPE_RULES: dict[type, Callable[..., tuple[Shape, str]]] = {}

_WITH_COMMUTATIVE_SLOT = (sympy.Add, sympy.Mul, sympy.Pow)


def array_node(cls: type, args: Iterable[sympy.Expr], params: tuple) -> Any:
    """Return a bare node of a class, without SymPy's evaluation."""
    made = sympy.Basic.__new__(cls, *args)
    if issubclass(cls, ArrayNode):
        made.params = params
    elif cls in _WITH_COMMUTATIVE_SLOT:
        made.is_commutative = True
    return made


class _Marked:
    """What the nodes made inside a `with` are marked by, as are errors raised there."""

    __slots__ = ("before", "marks", "nodes")

    def __init__(
        self,
        nodes: Nodes,
        position: Position | None,
        backward: bool,
        rewrite: str | None,
    ) -> None:
        self.nodes, self.marks = nodes, (position, backward, rewrite)

    def __enter__(self) -> None:
        nodes = self.nodes
        self.before = nodes.position, nodes.backward, nodes.rewrite
        nodes.position, nodes.backward, nodes.rewrite = self.marks

    def __exit__(self, _: object, error: object, __: object) -> None:
        nodes = self.nodes
        if isinstance(error, SymdiffError) and error.position is None:
            error.position = nodes.position
        nodes.position, nodes.backward, nodes.rewrite = self.before


class Nodes:
    """All nodes of one stage of a compilation, each made once.

    `witness` gives unknown sizes a value while a loss is traced, `float_dtype` is the
    dtype of real arrays that the loss makes itself. `before` are the nodes of the stage
    before: what is made of the same operands again is the same object.
    """

    def __init__(
        self,
        float_dtype: str = "float64",
        witness: Mapping[sympy.Symbol, int] | None = None,
        before: Nodes | None = None,
    ) -> None:
        self.float_dtype = float_dtype
        self.witness = dict(witness or {})
        self.before = before
        self.position: Position | None = None
        self.backward = False
        self.rewrite: str | None = None
        self._size_values: dict[sympy.Expr, int] = {}
        self._made: dict[tuple, sympy.Expr] = {}
        self._info: dict[int, Info] = {}
        self._all: list[sympy.Expr] = (
            []
        )  # keeps nodes alive, so that their ids stay theirs

    def __getitem__(self, node: sympy.Expr) -> Info:
        return self._info[id(node)]

    def __contains__(self, node: object) -> bool:
        return id(node) in self._info

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[sympy.Expr]:
        return iter(self._all)

    def __reversed__(self) -> Iterator[sympy.Expr]:
        return reversed(self._all)

    def shape(self, node: sympy.Expr) -> Shape:
        return self._info[id(node)].shape

    def dtype(self, node: sympy.Expr) -> str:
        return self._info[id(node)].dtype

    def same_size(self, one: Size, other: Size) -> bool:
        """Return whether two sizes are equal: where no axis is shorter than what is cut
        off it, or while tracing by their witnesses.
        """
        if one == other or uncut(one) == uncut(other):
            return True
        return bool(self.witness) and self.size_value(one) == self.size_value(other)

    def size_value(self, one: Size) -> int:
        """Return the value that a size has while tracing."""
        if isinstance(one, int):
            return one
        if one not in self._size_values:
            self._size_values[one] = int(one.subs(self.witness))
        return self._size_values[one]

    def variable(self, name: str, shape: Shape, dtype: str) -> sympy.Expr:
        """Return the input of this name."""
        key = (Variable, name)
        node = self._known(key)
        if node is None:
            node = self._add(key, Variable(name, shape, dtype), shape, dtype, ())
        return node

    def number(self, value: float) -> sympy.Expr:
        """Return a Python number as a node: bool, int or float, exact."""
        if isinstance(value, bool | np.bool_):
            key: tuple = (bool, bool(value))
            dtype = "bool"
        elif isinstance(value, int | np.integer):
            key, dtype = (int, int(value)), "int"
        else:
            key, dtype = (float, repr(float(value))), "float"
        node = self._known(key)
        if node is None:
            node = self._add(key, _number_node(value, dtype), (), dtype, ())
        return node

    def size(self, value: Size) -> sympy.Expr:
        """Return a size as a scalar node."""
        value = size(value)
        if isinstance(value, int):
            return self.number(value)
        key = ("size", value)
        node = self._known(key)
        return self._add(key, value, (), "int", ()) if node is None else node

    def array(self, value: np.ndarray) -> sympy.Expr:
        """Return a constant array as a node."""
        dtype = self.float_dtype if value.dtype.kind == "f" else value.dtype.name
        data = np.ascontiguousarray(value, dtype)
        return self.make(ArrayConstant, params=(dtype, value.shape, data.tobytes()))

    def value(self, node: sympy.Expr) -> Any:
        """Return a node's value where nodes are computed as they are made, else None."""
        return None

    def is_size(self, node: sympy.Expr) -> bool:
        """Return whether a node is an unknown size or computed from such, a leaf of the
        graph.
        """
        info = self[node]
        return (
            info.dtype == "int"
            and not info.operands
            and not isinstance(node, Variable | ArrayNode | sympy.Number)
        )

    def make(self, cls: type, *operands: sympy.Expr, params: tuple = ()) -> sympy.Expr:
        """Return the node of a class over operands; the one made before where it is
        equal.
        """
        key = (cls, *map(id, operands), params)
        node = self._known(key)
        if node is None:
            shape, dtype = SHAPE_RULES[cls](self, *operands, *params)
            node = self._add(
                key, array_node(cls, operands, params), shape, dtype, operands
            )
        return node

    def again(self, cls: type, *operands: sympy.Expr, params: tuple = ()) -> sympy.Expr:
        """Return a node as `make` does, but one of its own where an equal one is there."""
        shape, dtype = SHAPE_RULES[cls](self, *operands, *params)
        key = (len(self), cls, *map(id, operands), params)
        return self._add(key, array_node(cls, operands, params), shape, dtype, operands)

    def found(
        self, cls: type, *operands: sympy.Expr, params: tuple = ()
    ) -> sympy.Expr | None:
        """Return the node of a class over operands if it has been made, else None."""
        return self._made.get((cls, *map(id, operands), params))

    def marked(self, position: Position | None, *, backward: bool = False) -> _Marked:
        """Give nodes made inside a `with` a place in the source, and say which half they
        belong to.
        """
        return _Marked(self, position, backward, self.rewrite)

    def rewriting(self, name: str | None) -> _Marked:
        """Give nodes made inside a `with` the name of the rewrite that makes them."""
        return _Marked(self, self.position, self.backward, name)

    def mark_like(self, info: Info) -> None:
        """Give nodes made from now on, to the end of the `with`, the place, half and
        rewrite of another.
        """
        self.position, self.backward = info.position, info.backward
        self.rewrite = info.rewrite

    def _known(self, key: tuple) -> sympy.Expr | None:
        """Return the node of a key if this stage or the one before has made it."""
        node, before = self._made.get(key), self.before
        if node is not None or before is None:
            return node
        node = before._made.get(key)
        if node is not None:
            info = before._info[id(node)]
            self._enter(key, node, info.shape, info.dtype, info.operands)
        return node

    def _add(
        self, key: tuple, node: sympy.Expr, shape: Shape, dtype: str, operands: tuple
    ) -> sympy.Expr:
        # SymPy keeps it: asked for later, it would recurse through all operands.
        hash(node)
        self._enter(key, node, shape, dtype, operands)
        return node

    def _enter(
        self, key: tuple, node: sympy.Expr, shape: Shape, dtype: str, operands: tuple
    ) -> None:
        info = Info(
            shape, dtype, operands, len(self._all), self.position, self.backward
        )
        info.rewrite = self.rewrite
        self._made[key] = node
        self._info[id(node)] = info
        self._all.append(node)


def number_of(node: sympy.Expr) -> float | None:
    """Return the Python number that a node stands for, or None where it is none."""
    if node is sympy.true or node is sympy.false:
        return bool(node)
    if isinstance(node, sympy.Integer):
        return int(node)
    if isinstance(node, sympy.Number):
        return float(node)
    return None


def _number_node(value: float, dtype: str) -> sympy.Expr:
    if dtype == "bool":
        return sympy.true if value else sympy.false
    if dtype == "int":
        return sympy.Integer(int(value))
    return sympy.Float(float(value))


@dataclass(frozen=True)
class Graph:
    """Outputs over interned nodes: what one pass gives to the next.

    rewrites: what passes changed that a reader should know. corners: where the
    derivative follows a convention.
    doubts: warnings about the loss, each with its place.
    """

    nodes: Nodes
    inputs: tuple[sympy.Expr, ...]
    outputs: Mapping[str, sympy.Expr]
    rewrites: tuple[Note, ...] = ()
    corners: tuple[Note, ...] = ()
    doubts: tuple[tuple[Position | None, str], ...] = ()

    def walk(self, outputs: Iterable[str] | None = None) -> tuple[sympy.Expr, ...]:
        """Return the nodes that outputs need (all outputs by default), operands first."""
        wanted = frozenset(self.outputs if outputs is None else outputs)
        if wanted not in self._walks:
            roots = [self.outputs[name] for name in wanted]
            self._walks[wanted] = tuple(self.reach(roots))
        return self._walks[wanted]

    @cached_property
    def _walks(self) -> dict[frozenset[str], tuple[sympy.Expr, ...]]:
        """The walks that were asked for; every stage asks again."""
        return {}

    def reach(self, roots: Iterable[sympy.Expr]) -> list[sympy.Expr]:
        """Return the nodes that these roots need, operands first, in the order they
        were made.
        """
        needed, found = set(map(id, roots)), []
        for node in reversed(self.nodes):
            if id(node) in needed:
                found.append(node)
                needed.update(map(id, self.nodes[node].operands))
        return found[::-1]

    def __str__(self) -> str:
        return self.listing(self.outputs)

    def listing(self, outputs: Iterable[str], known: Sequence[str] = ()) -> str:
        """Return a line for each node that outputs need and `known` outputs do not: its
        number, what it is, its shape, dtype, name and place.
        """
        outputs = list(outputs)
        hidden = set(map(id, self.walk(known)))
        label: dict[int, str] = {}
        lines = []
        for node in self.walk([*known, *outputs]):
            info = self.nodes[node]
            if not info.operands and not isinstance(node, ArrayNode):
                label[id(node)] = str(node)
                if not isinstance(node, Variable):
                    continue
            else:
                label[id(node)] = f"%{info.index}"
            if id(node) in hidden:
                continue
            inside = [label[id(operand)] for operand in info.operands]
            inside += [str(param) for param in getattr(node, "params", ())]
            if isinstance(node, ArrayConstant):
                inside = []
            what = "input" if isinstance(node, Variable) else type(node).__name__
            where = f"  {info.position}" if info.position else ""
            name = f"  {info.name}" if info.name and info.operands else ""
            lines.append(
                f"{label[id(node)]:>5} = {what}({', '.join(inside)})"
                f"  {show(info.shape)} {info.dtype}{name}{where}"
            )
        lines += [f"{name} -> {label[id(self.outputs[name])]}" for name in outputs]
        return "\n".join(lines)
