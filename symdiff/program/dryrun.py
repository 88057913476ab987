"""Statements run without values: which arrays they make, and how long these are held.

In: lines of code, with the forms of what is computed in them. Out: a `Memory`. What
holds in CPython with NumPy is taken to hold: an array lives as long as a name, a view
or an expression's value has it; an operator computes in the memory of a temporary
operand of its result's form; an operation on elements has buffers for operands that do
not lie as its result does; functions take nothing for themselves beside what they return.
Arrays of the caller and single numbers count nothing. Nothing is refused: a form that is
not known is told from the operands'.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..code import Writer
from ..memory import Memory, Recorder, bytes_of
from ..shapes import is_weak, product, promote, strong
from ..source import parse
from . import forms
from .forms import NUMBER, Form, Value, items

__all__ = ["DryRun", "Work"]


class Work(NamedTuple):
    """A statement: its lines, the form of what it computes, those of parts by text.

    is_step: whether it is a step of the plan.
    """

    lines: Sequence[str]
    form: Form
    forms: Mapping[str, Form]
    is_step: bool = False


# Operators that are computed in a temporary operand's memory: the left one's, or either
# one's unless the left one is a number of NumPy's.
_IN_LEFT = (ast.Sub, ast.Div, ast.FloorDiv, ast.LShift, ast.RShift)
_IN_BOTH = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)

# How many elements NumPy's buffers have; how many bytes it takes to look up by arrays,
# and to add at them.
BUFFER, LOOK_UP, ADD_AT = 8192, 3300, 5500

# Functions that return nothing, and reductions.
_WRITING = {"at", "copyto", "fill"}
_REDUCING = {"sum", "max", "min", "mean", "prod", "all", "any", "argmax", "argmin"}


class DryRun:
    """Runs the statements of functions, one after the other.

    given: the forms of arrays that are there before, by their names. names: what the
    local names of the function have that runs.
    """

    def __init__(self, writer: Writer, given: Mapping[str, Form]) -> None:
        self.modules = {writer.np, "scipy", *writer.modules.values()}
        self.given = {name: Value(*form) for name, form in given.items()}
        self.names = dict(self.given)
        self._recorder = Recorder()
        self._spans: list[tuple[int, int]] = []
        self._forms: Mapping[str, Form] = {}
        self._lines: list[bytes] = []

    def memory(self) -> Memory:
        """Return what was held so far."""
        return self._recorder.memory(self._spans)

    def make(self, name: str, form: Form) -> None:
        """Give a name to a new array."""
        self.names[name] = self._new(form)

    def leave(self, kept: Iterable[str]) -> None:
        """Return from a function into one that goes on with some of its names.

        What these have is held from then on.
        """
        left, self.names = self.names, dict(self.given)
        for name in kept:
            if name in left:
                self.names[name] = self._held(self._held(left[name]))
        for value in left.values():
            self._drop(value)

    def run(self, work: Work) -> None:
        """Run a statement."""
        first = len(self._recorder)
        for statement in self._parsed(work):
            self._run(statement, work.form)
        if work.is_step:
            self._spans.append((first, len(self._recorder)))

    def keep(self, work: Work) -> None:
        """Compute an expression whose value is held to the end."""
        (text,) = work.lines
        if text in self.names:
            self._held(self.names[text])
            return
        for statement in self._parsed(work):
            assert isinstance(statement, ast.Expr)
            self._evaluate(statement.value, work.form)

    def _parsed(self, work: Work) -> list[ast.stmt]:
        text = "\n".join(work.lines)
        self._forms = work.forms
        self._lines = [line.encode() for line in text.split("\n")]
        return parse(text).body

    # Statements.

    def _run(self, statement: ast.stmt, form: Form) -> None:
        if isinstance(statement, ast.Assign):
            self._assign(statement.targets[0], statement.value, form)
        elif isinstance(statement, ast.AugAssign):
            self._augment(statement.target, statement.value)
        elif isinstance(statement, ast.Expr):
            self._drop(self._evaluate(statement.value))
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                assert isinstance(target, ast.Name)
                self._drop(self.names.pop(target.id))
        elif isinstance(statement, ast.For):
            for one in (*statement.body, *statement.body):
                self._run(one, form)

    def _assign(self, target: ast.expr, value: ast.expr, form: Form) -> None:
        if isinstance(target, ast.Name):
            before = self.names.get(target.id, NUMBER)
            self.names[target.id] = self._evaluate(value, form)
            self._drop(before)
            return
        self._drop(self._evaluate(value))
        if isinstance(target, ast.Subscript):
            self._drop(self._evaluate(target.slice))

    def _augment(self, target: ast.expr, value: ast.expr) -> None:
        """Add to an array; a part of it at keys is a copy meanwhile."""
        other = self._evaluate(value)
        if isinstance(target, ast.Subscript):
            place = self._part(target, other.form if other.shape else None)
        else:
            place = self._evaluate(target)
        self._lend([place, place, other], place)
        self._drop(other)
        self._drop(place)

    # Expressions: each gives a value that is held once more.

    def _evaluate(self, node: ast.expr, form: Form | None = None) -> Value:
        if isinstance(node, ast.Name):
            return self._held(self.names.get(node.id, NUMBER))
        form = form or self._forms.get(self._text(node))
        if isinstance(node, ast.BinOp):
            return self._operation(node, form)
        if isinstance(node, ast.UnaryOp):
            operand = self._evaluate(node.operand)
            return self._computed([operand], form or operand.form, [operand], each=True)
        if isinstance(node, ast.Compare):
            operands = [self._evaluate(one) for one in (node.left, *node.comparators)]
            form = form or (forms.elementwise(operands)[0], "bool")
            return self._computed(operands, form, each=True)
        if isinstance(node, ast.Subscript):
            return self._part(node, form)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, form)
        if isinstance(node, ast.Call):
            return self._call(node, form)
        return NUMBER

    def _text(self, node: ast.expr) -> str:
        line = self._lines[node.lineno - 1]
        return line[node.col_offset : node.end_col_offset].decode()

    def _operation(self, node: ast.BinOp, form: Form | None) -> Value:
        left, right = self._evaluate(node.left), self._evaluate(node.right)
        if isinstance(node.op, ast.MatMult):
            product = self._computed(
                [left, right], form or forms.matrix_product(left, right)
            )
            return product._replace(order=())
        into: list[Value] = []
        square = isinstance(node.op, ast.Pow) and self._text(node.right) == "2"
        both = isinstance(node.op, _IN_BOTH)
        if square or ((both or isinstance(node.op, _IN_LEFT)) and _fits(right, left)):
            into.append(left)
        if both and _fits(left, right) and not self._is_number(node.left, left):
            into.append(right)
        form = form or forms.elementwise([left, right])
        return self._computed([left, right], form, into, each=True)

    def _is_number(self, node: ast.expr, value: Value) -> bool:
        """Return whether a value is one of NumPy's numbers, which computes on its own."""
        given = isinstance(node, ast.Name) and node.id in self.given
        return not (value.shape or is_weak(value.dtype) or given)

    def _part(self, node: ast.Subscript, form: Form | None) -> Value:
        """Return a view of an array, or where there are arrays of keys a copy."""
        whole = self._evaluate(node.value)
        entries = items(node.slice)
        keys = [self._evaluate(one) for one in entries]
        part = forms.part(whole, entries, keys, form)
        if any(one.shape for one in keys):
            self._recorder.lend(LOOK_UP, LOOK_UP)
        if any(one.shape for one in keys) or not part.shape:
            return self._computed([whole, *keys], part.form)
        return part

    def _attribute(self, node: ast.Attribute, form: Form | None) -> Value:
        if self._is_of_module(node):
            return NUMBER
        value = self._evaluate(node.value)
        if node.attr in ("T", "mT"):
            axes = list(range(len(value.shape)))
            first = 0 if node.attr == "T" else len(axes) - 2
            return forms.turned(value, [*axes[:first], *reversed(axes[first:])])
        return value if form is None else value._replace(shape=form[0], dtype=form[1])

    def _is_of_module(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.modules

    def _call(self, node: ast.Call, form: Form | None) -> Value:
        function = node.func
        if not isinstance(function, ast.Attribute):
            return NUMBER  # one of Python's own, of sizes
        arguments = [*node.args, *(one.value for one in node.keywords)]
        operands = [part for one in arguments for part in items(one)]
        if not self._is_of_module(function):
            operands.insert(0, function.value)
        values = [self._evaluate(one) for one in operands]
        out = [one.value for one in node.keywords if one.arg == "out"]
        if out:
            result = self._evaluate(out[0])
            if _is_elementwise(function.attr):
                self._lend(values, result)
            for one in values:
                self._drop(one)
            return result
        return self._called(function.attr, node, values, form)

    def _called(
        self, name: str, node: ast.Call, values: list[Value], form: Form | None
    ) -> Value:
        """Return what a function or a method of this name returns."""
        if values and values[0].shape and forms.is_view(name, values[0], form):
            for one in values[1:]:
                self._drop(one)
            return forms.viewed(name, values[0], node, form)
        copied: list[Form] = []
        if name == "at":
            self._recorder.lend(ADD_AT, ADD_AT)
        if name == "tensordot":
            inferred, copied = forms.tensordot(node, values)
        elif name == "vdot":
            inferred, copied = forms.flattened(values)
        elif name in _REDUCING:
            inferred = forms.reduced(values[0], node)
        else:
            inferred = NUMBER.form if name in _WRITING else forms.called(values)
        values = [*values, *map(self._new, copied)]
        return self._computed(values, form or inferred, each=_is_elementwise(name))

    # What is held.

    def _lend(self, operands: Sequence[Value], result: Value) -> None:
        """Let NumPy have buffers for what it cannot go through as through the result."""
        arrays = [one for one in operands if one.shape]
        dtype = promote([result.dtype, *(one.dtype for one in arrays)], "float64")
        same = Value(result.shape, dtype, order=result.order or ())
        count = sum(not (_is_like(one, same) or _is_row(one, result)) for one in arrays)
        if each := count * bytes_of((), dtype):
            self._recorder.lend(product((*result.shape, each)), BUFFER * each)

    def _computed(
        self,
        operands: Sequence[Value],
        form: Form,
        into: Sequence[Value] = (),
        each: bool = False,
    ) -> Value:
        """Return a new value; it takes the memory of a temporary operand if it can.

        each: whether it is computed element by element.
        """
        result = next((one for one in into if self._gives_way(one, form)), None)
        if result is not None and result.memory is not None:
            self._recorder.overwrite(result.memory)
            self._held(result)
        else:
            orders = (one.order for one in operands if one.shape == form[0])
            order = next(orders, None)
            result = self._new(form, order or ())
        if each:
            self._lend(operands, result)
        for one in operands:
            self._drop(one)
        return result

    def _gives_way(self, value: Value, form: Form) -> bool:
        """Return whether a value of a form may be computed in this one's memory."""
        alone = value.memory is not None and value.memory.holders == 1
        return alone and not value.is_view and value.form == form

    def _new(self, form: Form, order: tuple[int, ...] = ()) -> Value:
        shape, dtype = form
        memory = self._recorder.make(shape, dtype) if shape else None
        return self._held(Value(shape, dtype, memory, order=order))

    def _held(self, value: Value) -> Value:
        self._recorder.hold(value.memory)
        return value

    def _drop(self, value: Value) -> None:
        self._recorder.drop(value.memory)


def _is_elementwise(function: str) -> bool:
    """Return whether a function of NumPy's goes from element to element."""
    known = getattr(np, function, None)
    of_each = isinstance(known, np.ufunc) and known.signature is None
    return of_each or function == "outer"


def _is_like(value: Value, other: Value) -> bool:
    """Return whether a value's elements lie as another's do."""
    return value.form == other.form and value.order == other.order


def _is_row(value: Value, result: Value) -> bool:
    """Return whether a value is so long a row of the result that it needs no buffer."""
    count = product(value.shape)
    trailing = result.shape[len(result.shape) - len(value.shape) :] == value.shape
    return trailing and not value.order and isinstance(count, int) and count >= BUFFER


def _fits(value: Value, other: Value) -> bool:
    """Return whether a value needs no broadcasting to another, and is safely cast."""
    whole = value.shape in ((), other.shape)
    here, there = (strong(one.dtype, "float64") for one in (value, other))
    return whole and np.can_cast(here, there)
