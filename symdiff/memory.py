"""How much memory statements hold, from a record of which arrays they make and free.

In: arrays made, freed and written over, in order. Out: the bytes at the peak, for sizes
that are given, and as a polynomial in the sizes where all of them are large and equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

from .shapes import Shape, Size, product, size_symbol

__all__ = ["Held", "Memory", "Recorder", "bytes_of"]

# What unknown sizes are taken for where amounts are compared.
LARGE = 1000

# From how many bytes on NumPy computes an operation in a temporary operand's memory.
ELISION = 256 * 1024

MADE, FREED, OVERWRITTEN = 1, -1, 0


def bytes_of(shape: Shape, dtype: str) -> Size:
    """Return how many bytes an array has; Python's numbers are of eight."""
    itemsize = 8 if dtype in ("int", "float") else np.dtype(dtype).itemsize
    return product(shape) * itemsize


@dataclass(frozen=True)
class Memory:
    """The arrays that statements hold, one event after the other.

    amounts: sizes of arrays in bytes, each once. events: an amount's place, and whether
    an array of it is made, freed, or may be computed in the memory of a temporary one.
    """

    amounts: tuple[Size, ...] = ()
    events: tuple[tuple[int, int], ...] = ()

    def bytes_at_peak(self, sizes: Mapping[str, int]) -> int:
        """Return the most bytes that are held at once, for the values of all sizes."""
        return self._most(self._values(sizes))[0]

    @cached_property
    def polynomial(self) -> sympy.Expr:
        """The most bytes that are held at once where all sizes are large and equal."""
        unknown = {one for amount in self.amounts for one in _symbols(amount)}
        _, place = self._most(self._values({one.name: LARGE for one in unknown}))
        held: Counter[int] = Counter()
        for which, change in self.events[: place + 1]:
            held[which] += change
        terms = (self.amounts[which] * times for which, times in held.items())
        return sympy.expand(sympy.Add(*terms))

    def _values(self, sizes: Mapping[str, int]) -> list[int]:
        values = {size_symbol(name): value for name, value in sizes.items()}
        return [
            one if isinstance(one, int) else int(one.subs(values))
            for one in self.amounts
        ]

    def _most(self, amounts: Sequence[int]) -> tuple[int, int]:
        """Return the most bytes that are held at once, and at which event."""
        held = most = place = 0
        for at, (which, change) in enumerate(self.events):
            amount = amounts[which]
            held += change * amount
            twice = amount if change == OVERWRITTEN and amount < ELISION else 0
            if held + twice > most:
                most, place = held + twice, at
        return most, place


def _symbols(amount: Size) -> Iterable[sympy.Symbol]:
    return () if isinstance(amount, int) else amount.free_symbols


@dataclass(eq=False, slots=True)
class Held:
    """An array's memory: the place of its amount, and how many names and values of
    expressions it is held by.
    """

    amount: int
    holders: int = 0


class Recorder:
    """Writes down what is made and freed."""

    def __init__(self) -> None:
        self._places: dict[Size, int] = {}
        self._events: list[tuple[int, int]] = []

    def make(self, shape: Shape, dtype: str) -> Held:
        """Return the memory of a new array, held by nothing as yet."""
        amount = bytes_of(shape, dtype)
        place = self._places.setdefault(amount, len(self._places))
        self._events.append((place, MADE))
        return Held(place)

    def overwrite(self, memory: Held) -> None:
        """Let an operation be computed in the memory of its operand."""
        self._events.append((memory.amount, OVERWRITTEN))

    def hold(self, memory: Held | None) -> None:
        """Let one more name or value have this memory."""
        if memory is not None:
            memory.holders += 1

    def drop(self, memory: Held | None) -> None:
        """Let one name or value less have this memory; free it after the last."""
        if memory is not None:
            memory.holders -= 1
            if memory.holders == 0:
                self._events.append((memory.amount, FREED))

    def memory(self) -> Memory:
        """Return the record so far."""
        return Memory(tuple(self._places), tuple(self._events))
