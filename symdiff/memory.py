"""How much memory statements hold, from a record of which arrays they make and free.

In: arrays made, freed and written over, in order. Out: the bytes at the peak, for sizes
that are given, and as a polynomial in the sizes where all of them are large and equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sympy

from .shapes import Shape, Size, product, size_symbol

__all__ = [
    "CALL",
    "WORKSPACE",
    "Economy",
    "Held",
    "Memory",
    "Recorder",
    "bytes_of",
    "in_words",
]

# What unknown sizes are taken for where amounts are compared.
LARGE = 1000

# From how many bytes on NumPy computes an operation in a temporary operand's memory.
ELISION = 256 * 1024

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")

# Bytes of an array's own object, its sizes and steps; of what a call has besides; and of
# what there is to a workspace beside its arrays.
HEADER, CALL, WORKSPACE = 128, 512, 640

# How many names of values are told.
SHOWN = 4

MADE, FREED, OVERWRITTEN = 1, -1, 0


def bytes_of(shape: Shape, dtype: str) -> Size:
    """Return how many bytes an array has; Python's numbers are of eight."""
    itemsize = 8 if dtype in ("int", "float") else np.dtype(dtype).itemsize
    return product(shape) * itemsize


@dataclass(frozen=True)
class Memory:
    """The arrays that statements hold, one event after the other.

    amounts: sizes of arrays in bytes, each once. events: an amount's place, and whether
    an array of it is made, freed, or may be computed in the memory of a temporary one; or
    how much of it at most NumPy has for an operation. spans: the events of each step that
    a plan has, the first and behind the last. beside: bytes that there are all the time.
    """

    amounts: tuple[Size, ...] = ()
    events: tuple[tuple[int, int], ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    beside: int = CALL

    def bytes_at_peak(self, sizes: Mapping[str, int]) -> int:
        """Return the most bytes that are held at once, for the values of all sizes."""
        return self.beside + _most(self.events, self._values(sizes), HEADER)[0]

    def bytes_of_steps(self, sizes: Mapping[str, int]) -> list[int]:
        """Return the most bytes that each step holds beside what is held before."""
        amounts = self._values(sizes)
        return [
            _most(self.events[first:behind], amounts, HEADER)[0]
            for first, behind in self.spans
        ]

    @cached_property
    def polynomial(self) -> sympy.Expr:
        """The most bytes of arrays that are held at once, without NumPy's buffers, where
        all sizes are large and equal.
        """
        events = [one for one in self.events if one[1] <= MADE]
        unknown = {one for amount in self.amounts for one in _symbols(amount)}
        large = self._values({one.name: LARGE for one in unknown})
        _, place = _most(events, large, 0)
        held: Counter[int] = Counter()
        for which, change in events[: place + 1]:
            held[which] += change
        terms = (self.amounts[which] * times for which, times in held.items())
        return sympy.expand(sympy.Add(*terms))

    def _values(self, sizes: Mapping[str, int]) -> list[int]:
        values = {size_symbol(name): value for name, value in sizes.items()}
        return [
            one if isinstance(one, int) else int(one.subs(values))
            for one in self.amounts
        ]


def _most(
    events: Sequence[tuple[int, int]], amounts: Sequence[int], header: int
) -> tuple[int, int]:
    """Return the most bytes that are held at once, and at which event.

    `header` are bytes that each array has beside its elements.
    """
    held = most = place = 0
    for at, (which, kind) in enumerate(events):
        amount, meanwhile = amounts[which], 0
        if kind in (MADE, FREED):
            held += kind * (amount + header)
        elif kind > MADE:
            meanwhile = min(amount, kind)
        elif amount < ELISION:
            meanwhile = amount
        if held + meanwhile > most:
            most, place = held + meanwhile, at
    return most, place


def _symbols(amount: Size) -> Iterable[sympy.Symbol]:
    return () if isinstance(amount, int) else amount.free_symbols


class Economy(NamedTuple):
    """What it takes to hold no more than a limit, at some sizes.

    before, after: bytes at the peak. names: those of values that are computed again.
    part: how many operations are, of all.
    """

    limit: int
    before: int
    after: int
    sizes: Mapping[str, int]
    names: tuple[str, ...] = ()
    part: float = 0.0

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} = {value}" for name, value in self.sizes.items())
        start = f"at {sizes} the peak" if sizes else "the peak"
        limit = f"the limit of {in_words(self.limit)}"
        if self.after == self.before:
            return f"{start} of {in_words(self.before)} is within {limit}"
        fall = f"{start} falls from {in_words(self.before)} to {in_words(self.after)}"
        return f"{self._means()}; {fall}, within {limit}"

    def _means(self) -> str:
        if not self.part:
            return "names are deleted that nothing reads any more"
        several = ", ".join(self.names[:SHOWN]) or "values without a name"
        if len(self.names) > SHOWN:
            several += f"... ({len(self.names)} in all)"
        cost = f"{100 * self.part:.2g} % more operations"
        return f"recomputed in the backward pass: {several}, for {cost}"


def in_words(amount: int) -> str:
    """Return bytes in the largest unit of which there are some: `1.5 MiB`."""
    unit = max(min((amount.bit_length() - 1) // 10, len(UNITS) - 1), 0)
    return f"{amount / 1024**unit:.4g} {UNITS[unit]}"


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
        self._forms: dict[tuple[Shape, str], int] = {}
        self._events: list[tuple[int, int]] = []

    def make(self, shape: Shape, dtype: str) -> Held:
        """Return the memory of a new array, held by nothing as yet."""
        place = self._forms.get((shape, dtype))
        if place is None:
            place = self._forms[shape, dtype] = self._place(bytes_of(shape, dtype))
        self._events.append((place, MADE))
        return Held(place)

    def lend(self, amount: Size, most: int) -> None:
        """Let an operation have an amount for itself, but no more than that."""
        self._events.append((self._place(amount), most))

    def _place(self, amount: Size) -> int:
        return self._places.setdefault(amount, len(self._places))

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

    def __len__(self) -> int:
        return len(self._events)

    def memory(self, spans: Sequence[tuple[int, int]]) -> Memory:
        """Return the record so far."""
        return Memory(tuple(self._places), tuple(self._events), tuple(spans))
