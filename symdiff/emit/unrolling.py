"""The function of a module that computes both passes in Python's own numbers.

In: `Numbers`, the names of its module, and what is differentiated. Out: fields of the
template: the lines that take arrays apart into numbers, those that put a gradient
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from ..program.fitting import Group, Text, assigned, fitted, tuple_group
from ..program.naming import Names
from ..program.schedule import occurring
from ..program.unrolled import Numbers
from ..shapes import show
from ..specs import Argument
from .admitting import Admission
from .calling import call
from .outputs import ROOM, Outputs, Returned, indented, items

__all__ = ["Unrolling"]


# Names within the functions beside those of arguments and numbers.
OWN = ("value", "cache", "gradient", "array")


@dataclass(frozen=True)
class Unrolling(Outputs):
    """Texts of the function and of what it calls."""

    fused: Numbers

    library: ClassVar = "math"

    @property
    def template(self) -> str:
        """The name of the template."""
        return "numbers" if self.is_alone else "unrolled"

    def fields(self, returned: Returned) -> dict[str, Any]:
        """Return the fields of the template; `returned` gives the lines of a return."""
        own, before = self.own, f"return {self.own['value']}, "
        arguments, title = self.scope.signature.arguments, self.scope.called["Gradient"]
        return {
            "extra": self.scope.extra,
            "own_names": own,
            "in_numbers": True,
            "float64": self._numbers.reads_dtype,
            "test": self._numbers.lines(),
            "take_numbers": [*self._taken()],
            "statements": indented(self.fused.statements, 8),
            "fall_back": [
                *fitted(
                    f"{own['value']}, {own['cache']} = ",
                    call(self.scope.called["forward"], arguments),
                ),
                f"{own['gradient']} = {self.scope.called['backward']}({own['cache']})",
            ],
            "take_gradient": [*self._taken_from_gradient()],
            "make_gradient": [*self._made()],
            "return_written": fitted(before, self._written(self.fused.arrays.values())),
            "return_new": returned(self.fused.arrays, title, before, True),
            "old_outputs": fitted("arrays = ", tuple_group(self.old())),
            **(self._alone_fields(returned) if self.is_alone else {}),
        }

    @property
    def keywords(self) -> tuple[str, ...]:
        """The parameters of the function beside the arguments."""
        own = self.scope.extra
        return f"{own['out']}=None", f"{own['workspace']}=None"

    @cached_property
    def own(self) -> dict[str, str]:
        """Names within the functions, by what they are."""
        arguments = (one.name for one in self.scope.signature.arguments)
        taken = Names({*arguments, *self.arrays.values(), *self.scope.extra.values()})
        return {name: taken.give(name) for name in OWN}

    @property
    def read(self) -> frozenset[str]:
        """The arguments that the functions read, in any way."""
        return frozenset(self.arrays.values() if self.is_alone else self._read)

    @cached_property
    def _read(self) -> dict[str, str]:
        """The names of the arguments that the statements read, and their leaves'."""
        texts = [self.fused.value, *map(str, self.fused.gradients.values())]
        return {
            self.arrays[leaf]: leaf
            for leaf, numbers in self.fused.inputs.items()
            if occurring(_flat(numbers), self.fused.statements, texts)
        }

    @cached_property
    def is_alone(self) -> bool:
        """Whether the arguments are numbers, each of its own name."""
        numbers, plain = self.fused.inputs, self._numbers.leaves
        same = (numbers.get(one.name, one.name) == one.name for one in plain)
        alone = bool(plain) and not any(one.shape for one in plain)
        return alone and all(same)

    @cached_property
    def _numbers(self) -> Admission:
        arguments, helper = (
            self.scope.signature.arguments,
            self.scope.helpers["float64"],
        )
        return Admission(arguments, self.arrays, self.np, helper, floats=True)

    # From arrays to numbers and back.

    def _taken(self) -> Iterator[str]:
        """Yield the lines that take arguments apart."""
        for name, leaf in self._read.items():
            numbers = self.fused.inputs[leaf]
            if isinstance(numbers, str):
                yield f"{numbers} = float({name})"
            elif numbers.items:
                yield from assigned(numbers, f"{name}.tolist()")

    def _made(self) -> Iterator[str]:
        """Yield the lines that make arrays of the numbers."""
        value = self.own["value"]
        yield f"{value} = {self.np}.float64({self.fused.value})"
        for (output, name), (_, leaf) in zip(
            self.fused.arrays.items(), self.leaves(), strict=True
        ):
            if 0 in leaf.shape:
                yield f"{name} = {self.np}.empty({show(leaf.shape)})"
            else:
                numbers = items([self.fused.gradients[output]])
                made = Group(f"{self.np}.array(", numbers, ")")
                yield from fitted(f"{name} = ", made, width=ROOM - 4)

    def _taken_from_gradient(self) -> Iterator[str]:
        """Yield the lines that take a gradient's arrays."""
        out, gradient = self.scope.extra["out"], self.own["gradient"]
        names = self.fused.arrays.values()
        for name, (text, _) in zip(names, self.leaves(), strict=True):
            yield f"{name} = {gradient}{text.removeprefix(out)}"

    def _written(self, parts: Iterable[Text]) -> Group:
        """Return the call that writes a gradient's parts, apart from arrays given."""
        shaped = {leaf.name for leaf in self.scope.signature.leaves if leaf.shape}
        given = [name for name, leaf in self._read.items() if leaf in shaped]
        passed = items((self.scope.extra["out"], tuple_group(given), *parts))
        return Group(f"{self.scope.helpers['written']}(", passed, ")")

    # Losses of numbers alone.

    def _alone_fields(self, returned: Returned) -> dict[str, Any]:
        """Return the fields of functions whose arguments are numbers alone."""
        own, called = self.own, self.scope.called
        names = [leaf.name for leaf in self._numbers.leaves]
        out, in_arrays = self.scope.extra["out"], self.scope.helpers["in_arrays"]
        parameters = items((out, *names))
        value, gradient = own["value"], own["gradient"]
        made = [gradient if out in self.wrt else f"*{gradient}"]
        parts = {name: str(one) for name, one in self.fused.gradients.items()}
        number = f"{self.np}.float64({self.fused.value})"
        return {
            "def_in_arrays": fitted(
                f"def {in_arrays}", Group("(", parameters, ")"), ":"
            ),
            "call_in_arrays": fitted(
                "return ", Group(f"{in_arrays}(", parameters, ")")
            ),
            "call_numbers": fitted(
                "return ",
                _with_floats(call(called["value_and_grad"], self._arguments), out),
            ),
            "return_fallen_back": fitted(f"return {value}, ", self._written(made)),
            "return_out": fitted(f"return {number}, ", self._written(parts.values())),
            "return_new": returned(
                {name: f"{own['array']}({one})" for name, one in parts.items()},
                called["Gradient"],
                f"return {number}, ",
                True,
            ),
        }

    @property
    def _arguments(self) -> Sequence[Argument]:
        return self.scope.signature.arguments


def _with_floats(whole: Group, out: str) -> Group:
    """Return a call with each of its arguments as a float, and where to write."""
    passed = tuple((before, f"float({one})") for before, one in whole.items)
    return Group(whole.opening, (*passed, (f"{out}=", out)), whole.closing)


def _flat(numbers: Text) -> Iterator[str]:
    """Yield the names in nested tuples."""
    if isinstance(numbers, str):
        yield numbers
    else:
        for _, one in numbers.items:
            yield from _flat(one)
