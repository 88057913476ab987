"""Operations written into arrays that are there already: `np.tanh(h, out=h)`.

In: nodes, and names of arrays of their shapes and dtypes. Out: statements that compute a
value into an array. What NumPy has no such form for makes a new array.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import sympy

from ..code import Code, Level, Writer, wrap
from ..ops.choices import Safe, where
from ..ops.elementwise import Cast
from ..ops.indexing import IndexAdd, IndexSet
from ..ops.keys import Key, text_of
from ..ops.layout import Broadcast, Reshape
from ..ops.table import ROWS
from ..ops.windows import AddWindows, Contiguous
from .flat import Matrix, matrices, summed_rows
from .spelled import FastSpeller
from .spelling import Step
from .usage import Usage

__all__ = ["IntoSpeller"]


class IntoSpeller(FastSpeller):
    """Writes steps into arrays.

    arrays: the names of these, by value. first: the values that give an array its name
    anew. sums: the values that a loop adds up. joined: what is to be copied where, by
    the value of which the other parts are there already. views: the values that are
    views of the workspace's arrays, and made with it.
    """

    def __init__(
        self,
        usage: Usage,
        writer: Writer,
        given: dict[int, str],
        lowerings: Collection[str],
    ) -> None:
        super().__init__(usage, writer, given, lowerings)
        self.arrays: dict[int, str] = {}
        self.first: set[int] = set()
        self.sums: set[int] = set()
        self.joined: dict[int, list[tuple[sympy.Expr, Key]]] = {}
        self.views: set[int] = set()

    def over(self, step: Step) -> Sequence[sympy.Expr] | None:
        """Return the operands that a step may write its value over, if nothing else
        reads them; None where it makes a new array.
        """
        node = step.expression
        operands = self.nodes[node].operands
        if not self.nodes.shape(node) or step.added:
            return None
        if (way := _WAYS.get(type(node))) is not None:
            return [operands[place] for place in way.over]
        if ROWS[type(node)].block is not None:
            return None
        if self._factors(node) is not None:
            return ()
        code = self.expression(node)
        function = self._function(code)
        if function is None:
            return None
        return self._elements(operands) if _is_elementwise(function) else ()

    def lines(self, step: Step) -> list[str]:
        """Return the lines of a step."""
        array = self.arrays.get(id(step.value))
        if id(step.value) in self.sums and not step.added:
            name = self.given[id(step.value)]
            return [f"{name} += {self.expression(step.expression).text}"]
        if array is None or step.added:
            return super().lines(step)
        name, node = self.given[id(step.value)], step.expression
        array = array if id(step.value) in self.first else name
        way, factors = _WAYS.get(type(node)), self._factors(node)
        bound = [] if name == array else [f"{name} = {array}"]
        if (left := self.joined.get(id(step.value))) is not None:
            return [*bound, *(self._put(name, *one) for one in left)]
        if factors is not None:
            return [*bound, self._dot(name, *factors)]
        if way is None:
            return [self._call(self.expression(node), array, name)]
        return [*bound, *way.lines(self.writer, node, name, *self._operands(node))]

    def needs_block(self, step: Step) -> bool:
        """Return whether a step can only write into an array in one block of memory."""
        row = ROWS[type(step.value)]
        if step.expression is not step.value or row.block is not None:
            return False
        if type(step.value) in _WAYS:
            return False
        code = self.expression(step.value)
        return self._factors(step.value) is not None or self._function(code) == "np.dot"

    def is_there(self, step: Step) -> bool:
        """Return whether a step has nothing left to do: its value is a view that was
        made before, or all parts of it are where they are to be.
        """
        at = id(step.value)
        whole = self.arrays.get(at) == self.given[at]
        return at in self.views or (whole and self.joined.get(at) == [])

    def view(self, step: Step) -> str | None:
        """Return the text of a step's value where it is a view of an array; None where
        it is none, or may be a copy, as a single element is.
        """
        node = step.expression
        operands = self.nodes[node].operands
        if node is not step.value or ROWS[type(node)].kind != "view":
            return None
        if not self.nodes.shape(node):
            return None
        array, *others = operands
        name = self.arrays.get(id(array))
        if others or name is None or isinstance(node, Broadcast | Reshape):
            return None
        self.code[id(array)] = Code(name)
        return self.expression(node).text

    def _put(self, name: str, part: sympy.Expr, key: Key) -> str:
        """Return the statement that copies a part to its place in an array."""
        return f"{name}[{text_of(self.writer, key, ())}] = {self.code[id(part)].text}"

    def _factors(self, node: sympy.Expr) -> tuple[str, str, Matrix] | None:
        """Return the texts of a product's factors as matrices, and its own matrix.

        A block of rows has another number of them than its shape says.
        """
        if any(id(one) in self.blocks for one in (node, *self.nodes[node].operands)):
            return None
        found = matrices(self.nodes, node) if "dot" in self.lowerings else None
        if found is not None:
            left, right, result = found
            return self._factor(left), self._factor(right), result
        rows = summed_rows(self.nodes, node) if "ones" in self.lowerings else None
        if rows is None or not self.is_named(rows.array):
            return None
        count, width = rows.shape
        ones = self._row(rows.array, width, 1)
        return self._factor(rows), ones, Matrix(node, (count,))

    def _dot(self, name: str, left: str, right: str, result: Matrix) -> str:
        """Return the statement that writes a product of matrices into an array."""
        out = self._as_matrix((name, result.array), result)
        return f"{self.writer.function('np.dot')}({left}, {right}, out={out})"

    def _factor(self, matrix: Matrix) -> str:
        """Return the text of an array, in whatever shape it was made, as a matrix."""
        node = matrix.array
        while isinstance(node, Reshape) and not self.is_named(node):
            (node,) = self.nodes[node].operands
        return self._as_matrix((wrap(self.code[id(node)], Level.ATOM), node), matrix)

    def _as_matrix(self, made: tuple[str, sympy.Expr], matrix: Matrix) -> str:
        """Return the text of an array as a matrix."""
        text, node = made
        if self.nodes.shape(node) != matrix.shape:
            sizes = (self.writer.size(one).text for one in matrix.shape)
            text = f"{text}.reshape({', '.join(sizes)})"
        return f"{text}.T" if matrix.turned else text

    def _elements(self, operands: Sequence[sympy.Expr]) -> list[sympy.Expr]:
        """Return what an operation on elements reads: also below signs."""
        found = []
        for one in operands:
            inner = self.nodes[one].operands
            found += [one] if self.is_named(one) or len(inner) != 2 else [one, *inner]
        return found

    def _call(self, code: Code, array: str, name: str) -> str:
        """Return the statement that writes a text's value into an array."""
        operator, operands = _outermost(code)
        if array == name and operator in _AUGMENTED:
            first, second = operands
            if first == array:
                return f"{array} {operator}= {second}"
            if second == array and operator in "+*":
                return f"{array} {operator}= {first}"
        function = self._function(code)
        if operator == "**" and operands[1] == "2":
            function, operands = "np.square", operands[:1]
        assert function is not None
        called = self.writer.function(function)
        call = f"{called}({', '.join(operands)}, out={array})"
        return call if array == name else f"{name} = {call}"

    def _function(self, code: Code) -> str | None:
        """Return what computes a text's outermost operation into an array."""
        operator, _ = _outermost(code)
        if operator in _FUNCTIONS:
            return _FUNCTIONS[operator]
        prefix, _, rest = operator.partition(".")
        homes = {alias: module for module, alias in self.writer.modules.items()}
        homes[self.writer.np] = "np"
        name = f"{homes[prefix]}.{rest}" if prefix in homes else operator
        return name if name in _WITH_OUT or _is_elementwise(name) else None


def _outermost(code: Code) -> tuple[str, tuple[str, ...]]:
    """Return a text's outermost operation and its operands: of -x + y it is y - x."""
    if code.parts is None and code.negated is not None:
        return "negative", (code.negated.text,)
    operator, operands = code.parts or ("", ())
    if operator == "+" and operands[0][0] == "-" and operands[0][1:].isidentifier():
        return "-", (operands[1], operands[0][1:])
    return operator, operands


# What operators and methods are as functions.
_FUNCTIONS = {
    "+": "np.add",
    "-": "np.subtract",
    "*": "np.multiply",
    "/": "np.divide",
    "//": "np.floor_divide",
    "%": "np.remainder",
    "**": "np.power",
    "&": "np.bitwise_and",
    "|": "np.bitwise_or",
    "~": "np.invert",
    "<": "np.less",
    "<=": "np.less_equal",
    ">": "np.greater",
    ">=": "np.greater_equal",
    "==": "np.equal",
    "!=": "np.not_equal",
    "@": "np.matmul",
    "negative": "np.negative",
    ".sum": "np.add.reduce",
    ".prod": "np.multiply.reduce",
    ".max": "np.maximum.reduce",
    ".min": "np.minimum.reduce",
}
_AUGMENTED = ("+", "-", "*", "/")

# Functions beside the elementwise ones that can write into an array.
_WITH_OUT = {
    "np.add.reduce",
    "np.clip",
    "np.concatenate",
    "np.cumprod",
    "np.cumsum",
    "np.dot",
    "np.einsum",
    "np.maximum.accumulate",
    "np.maximum.reduce",
    "np.minimum.accumulate",
    "np.minimum.reduce",
    "np.multiply.outer",
    "np.multiply.reduce",
    "np.outer",
    "np.stack",
    "np.vecdot",
}


@cache
def _is_elementwise(name: str) -> bool:
    """Return whether a function computes element by element."""
    module, _, function = name.rpartition(".")
    home: Any = np if module == "np" else None
    if module == "scipy.special":
        home = importlib.import_module(module)
    found = getattr(home, function, None)
    return isinstance(found, np.ufunc) and found.signature is None


# What is no call of one function.


class _Way(NamedTuple):
    """How a kind of node is written into an array, and which operands it may be over."""

    lines: Callable[..., list[str]]
    over: tuple[int, ...] = ()


def _cast(writer: Writer, node: Any, array: str, x: Code) -> list[str]:
    copy = writer.function("np.copyto")
    return [f'{copy}({array}, {x.text}, casting="unsafe")']


def _copied(writer: Writer, node: Any, array: str, x: Code) -> list[str]:
    return [f"{writer.function('np.copyto')}({array}, {x.text})"]


def _broadcast(writer: Writer, node: Any, array: str, x: Code) -> list[str]:
    (operand,) = writer.nodes[node].operands
    shaped = writer.nodes.shape(operand)
    return _copied(writer, node, array, x) if shaped else [f"{array}.fill({x.text})"]


def _choice(
    writer: Writer, node: Any, array: str, condition: Code, a: Code, b: Code
) -> list[str]:
    copy = writer.function("np.copyto")
    taken = f"{copy}({array}, {a.text}, where={condition.text})"
    return [taken] if b.text == array else [f"{copy}({array}, {b.text})", taken]


def _added(writer: Writer, node: Any, array: str, *operands: Code) -> list[str]:
    adding = ROWS[type(node)].adding
    assert adding is not None
    return [f"{array}.fill(0)", *adding(writer, node, array, *operands)]


def _assigned(
    writer: Writer, node: Any, array: str, x: Code, *operands: Code
) -> list[str]:
    block = ROWS[type(node)].block
    assert block is not None
    lines = block(writer, node, array, Code(array), *operands)
    copy = f"{writer.function('np.copyto')}({array}, {x.text})"
    return lines if x.text == array else [copy, *lines]


_WAYS: dict[type, _Way] = {
    Cast: _Way(_cast),
    Broadcast: _Way(_broadcast),
    Contiguous: _Way(_copied),
    where: _Way(_choice, over=(2,)),
    Safe: _Way(_choice, over=(2,)),
    AddWindows: _Way(_added),
    IndexAdd: _Way(_added),
    IndexSet: _Way(_assigned, over=(0,)),
}
