"""Arithmetic at random points: real numbers stood for by residues.

Sums, products and quotients are taken modulo p and modulo q alike. exp takes the residue
modulo q to one modulo p, log the other way, exactly (Gonnet 1984, "Determining
equivalence of expressions in random polynomial time"). A number is positive where it is
a square modulo p: signs of products are products of signs, exp(x) is positive, and the
root of a square is an absolute value. What no identity is known of is a random function:
equal arguments, and these alone, give equal values.

What holds for the residues holds for real numbers, whose laws are among theirs. A case
that real numbers meet is met by the residues too: every pattern of signs, and with
`ties` every pattern of equal numbers. Two numbers are taken for equal by putting one in
the place of the other wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from operator import itemgetter

import numpy as np

from .field import Residues, tables
from .numbers import SINGULAR, Number, aligned, beside, faults, together

__all__ = ["Points"]


class Points:
    """Random points, and arithmetic with numbers at all of them.

    live: points that may stand for real ones, a mask. ties: whether each comparison
    takes what it compares for equal, with a chance of a third. choosing: whether an
    extremum is one of its elements, or else any function of them.
    """

    def __init__(self, count: int, seed: int, *, ties: bool, choosing: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.count = count
        self.choosing = choosing
        self._tables = tables()
        self._which = self.rng.integers(len(self._tables.p), size=count)
        self.p, self.q = self._tables.p[self._which], self._tables.q[self._which]
        self._start_p = self._tables.start_p[self._which]
        self._start_q = self._tables.start_q[self._which]
        self.live = np.ones(count, bool)
        self._salt = self.rng.integers(1 << 62, size=count).astype(np.uint64)
        self._ties = ties
        self._new: list[tuple[np.ndarray, ...]] = []
        self._equal = (np.zeros(0, np.uint64), np.zeros(0, int), np.zeros(0, int))

    # Numbers that are given.

    def random(self, shape: Sequence[int]) -> Number:
        """Return numbers that are independent of all others."""
        size, rank = (self.count, *shape), len(shape)
        p, q = beside(self.p, rank), beside(self.q, rank)
        return Number(self.rng.integers(0, p, size), self.rng.integers(0, q, size))

    def whole(self, values: np.ndarray) -> Number:
        """Return whole numbers, the points along their first axis."""
        return self.reduced(Number(values, values))

    def constant(self, value: Fraction) -> Number:
        """Return a rational number, the same at all points."""
        p, q = (_residues(value, each) for each in (self._tables.p, self._tables.q))
        return Number(p[self._which], q[self._which])

    def root(self, value: int) -> Number:
        """Return the root of a whole number; points leave at which it has none."""
        p, q, there = _roots(value)
        self.leave(~there[self._which])
        return Number(p[self._which], q[self._which])

    def root_of_pi(self) -> Number:
        """Return a positive number of which nothing else is known."""
        root = self.opaque("pi", [self.constant(Fraction(1))])
        return self.multiply(root, root)

    # Arithmetic.

    def reduced(self, x: Number) -> Number:
        """Return the residues of integers."""
        p, q = beside(self.p, x.rank), beside(self.q, x.rank)
        return Number(x.p % p, x.q % q, x.faults)

    def add(self, x: Number, y: Number) -> Number:
        """Return x + y."""
        x, y = aligned(x, y)
        return self.reduced(Number(x.p + y.p, x.q + y.q, faults(x, y)))

    def multiply(self, x: Number, y: Number) -> Number:
        """Return x y."""
        x, y = aligned(x, y)
        return self.reduced(Number(x.p * y.p, x.q * y.q, faults(x, y)))

    def negative(self, x: Number) -> Number:
        """Return -x."""
        return self.reduced(Number(-x.p, -x.q, x.faults))

    def subtract(self, x: Number, y: Number) -> Number:
        """Return x - y."""
        return self.add(x, self.negative(y))

    def summed(self, x: Number) -> Number:
        """Return the sums over the last axis."""
        have = x.faults
        if have is not None:
            have = np.bitwise_or.reduce(np.broadcast_to(have, x.p.shape), axis=-1)
        return self.reduced(Number(x.p.sum(axis=-1), x.q.sum(axis=-1), have))

    def inverse(self, x: Number) -> Number:
        """Return 1 / x."""
        log = -self._log(x.p) % beside(self.q, x.rank)
        power = self._power(log)
        p = np.where(self._is_square(x.p), power, -power) % beside(self.p, x.rank)
        q = self._tables.inverses[beside(self._start_q, x.rank) + x.q]
        return Number(p, q, x.faults).faulty((x.p == 0) | (x.q == 0), SINGULAR)

    def divide(self, x: Number, y: Number) -> Number:
        """Return x / y."""
        return self.multiply(x, self.inverse(y))

    def whole_power(self, x: Number, exponent: int) -> Number:
        """Return x to a whole power, by repeated squaring."""
        if exponent < 0:
            x, exponent = self.inverse(x), -exponent
        result = Number(np.ones_like(x.p), np.ones_like(x.q), x.faults)
        while exponent:
            if exponent % 2:
                result = self.multiply(result, x)
            x, exponent = self.multiply(x, x), exponent // 2
        return result

    # Functions between the two fields.

    def exp(self, x: Number) -> Number:
        """Return exp(x): a power of g modulo p; modulo q it is any function."""
        return Number(self._power(x.q), self.opaque("exp", [x]).q, x.faults)

    def log(self, x: Number) -> Number:
        """Return log|x|: modulo p it is any function."""
        made = Number(self.opaque("log", [x]).p, self._log(x.p), x.faults)
        return made.faulty(x.p == 0, SINGULAR)

    def real_power(self, x: Number, exponent: Fraction) -> Number:
        """Return |x| to a rational power that is not whole."""
        times = beside(_residues(exponent, self._tables.q)[self._which], x.rank)
        power = self._power(self._log(x.p) * times % beside(self.q, x.rank))
        q = self.opaque(f"power {exponent}", [x]).q
        zero = x.p == 0
        made = Number(np.where(zero, 0, power), np.where(zero, 0, q), x.faults)
        return made.faulty(zero & (exponent < 0), SINGULAR)

    def opaque(self, name: str, arguments: Sequence[Number]) -> Number:
        """Return a random function of numbers, the same wherever it has the same name."""
        x = aligned(*arguments)
        p, q = beside(self.p, x[0].rank), beside(self.q, x[0].rank)
        return Number(
            (self._hash(name, [one.p for one in x]) % p.astype(np.uint64)).astype(int),
            (self._hash(name, [one.q for one in x]) % q.astype(np.uint64)).astype(int),
            faults(*x),
        )

    # Signs and order.

    def has_root(self, x: Number) -> np.ndarray:
        """Return where x is positive or 0."""
        return self._is_square(x.p) | (x.p == 0)

    def absolute(self, x: Number) -> Number:
        """Return |x|."""
        return self.chosen(self._is_square(x.p), x, self.negative(x))

    def chosen(self, mask: np.ndarray, x: Number, y: Number) -> Number:
        """Return x where a mask holds, else y."""
        return together(lambda parts: np.where(mask, *parts), aligned(x, y))

    def compare(self, x: Number, y: Number) -> np.ndarray:
        """Return 1 where x is more than y, -1 where it is less, 0 where they are equal,
        or are taken for equal.
        """
        x, y = aligned(x, y)
        difference = self.subtract(x, y)
        signs = np.where(self._is_square(difference.p), 1, -1)
        signs[difference.p == 0] = 0
        if self._ties:
            tied = (signs != 0) & (self.names(difference) % np.uint64(3) == 0)
            self._note(difference, Number(0 * difference.p, 0 * difference.q), tied)
            self._note(*_ordered(x, y), tied)
            signs[tied] = 0
        return signs

    def extreme(self, x: Number) -> Number:
        """Return an extremum of the elements along the last axis."""
        if self.choosing:
            which = self._hash("order", [x.p]).argmax(axis=-1)[..., None]
            p, q = (np.take_along_axis(part, which, -1)[..., 0] for part in (x.p, x.q))
            return Number(p, q, self.summed(x).faults)
        order = x.map(lambda part: np.sort(part, axis=-1))
        count = x.p.shape[-1]
        each = [order.map(itemgetter((..., place))) for place in range(count)]
        return self.opaque("extremum", each)

    def names(self, x: Number) -> np.ndarray:
        """Return a name for each number, the same for x and -x, others for others."""
        p, q = beside(self.p, x.rank), beside(self.q, x.rank)
        turned = x.p > p // 2
        either = [np.where(turned, -x.p % p, x.p), np.where(turned, -x.q % q, x.q)]
        return self._hash("name", either)

    # Numbers that are taken for equal.

    def _note(self, x: Number, y: Number, where: np.ndarray) -> None:
        """Note that y is to stand in the place of x, where a mask holds."""
        turned = x.p > beside(self.p, x.rank) // 2
        y = self.chosen(turned, self.negative(y), y)
        names, p, q = np.broadcast_arrays(self.names(x), y.p, y.q)
        self._new.append((names[where], p[where], q[where]))

    def settled(self, x: Number) -> Number:
        """Return x with what is to stand in the place of its elements."""
        known, p, q = self._equal
        if not len(known):
            return x
        names = self.names(x)
        places = np.searchsorted(known, names) % len(known)
        equal = known[places] == names
        turned = x.p > beside(self.p, x.rank) // 2
        signs = np.where(turned, -1, 1)
        return self.reduced(
            Number(
                np.where(equal, signs * p[places], x.p),
                np.where(equal, signs * q[places], x.q),
                x.faults,
            )
        )

    def settle(self) -> bool:
        """Return whether a comparison has taken for equal what was not known to be so.

        It is from now on, which may change what else is compared.
        """
        before = len(self._equal[0])
        parts = zip(self._equal, *self._new, strict=True)
        names, p, q = map(np.concatenate, parts)
        self._new.clear()
        names, first = np.unique(names, return_index=True)
        self._equal = (names, p[first], q[first])
        return len(names) > before

    # Points that are live no more.

    def leave(self, where: np.ndarray) -> None:
        """Take points out at which a mask holds anywhere."""
        self.live &= ~where.reshape(self.count, -1).any(axis=1)

    # Tables.

    def _power(self, k: Residues) -> Residues:
        return self._tables.powers[beside(self._start_q, k.ndim - 1) + k]

    def _log(self, v: Residues) -> Residues:
        return self._tables.logs[beside(self._start_p, v.ndim - 1) + v]

    def _is_square(self, v: Residues) -> np.ndarray:
        return self._tables.squares[beside(self._start_p, v.ndim - 1) + v]

    def _hash(self, name: str, parts: Sequence[Residues]) -> np.ndarray:
        text = np.uint64(int.from_bytes(name.encode(), "big") % (2**61 - 1))
        mixed = _mixed(beside(self._salt, parts[0].ndim - 1) ^ text)
        for part in parts:
            mixed = _mixed(mixed ^ part.astype(np.uint64))
        return mixed


@cache
def _roots(value: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a number's roots for all primes, the positive ones modulo p, and whether
    there are any.
    """
    known = tables()
    p = np.array([_root(value, int(one), sign=True) for one in known.p])
    q = np.array([_root(value, int(one), sign=False) for one in known.q])
    return p, q, (p > 0) & (q > 0)


def _root(value: int, prime: int, *, sign: bool) -> int:
    """Return the root of a number modulo a prime, 0 if there is none; with `sign` the
    one that is a square itself.
    """
    each = np.arange(prime)
    found = each[each * each % prime == value % prime].tolist()
    squares = [one for one in found if pow(one, prime // 2, prime) == 1]
    return next(iter(squares if sign else found), 0)


def _residues(value: Fraction, primes: np.ndarray) -> np.ndarray:
    """Return a rational number modulo each prime."""
    above, below = value.numerator, value.denominator
    return np.array([above * pow(below, -1, int(p)) % int(p) for p in primes])


def _ordered(x: Number, y: Number) -> tuple[Number, Number]:
    """Return the one of two that is replaced, and what by: never a number for 0."""
    zero = x.p == 0
    shape = np.broadcast_shapes(x.p.shape, y.p.shape)
    p, q = (np.broadcast_to(part, shape) for part in (x.p, x.q))
    return (
        Number(np.where(zero, y.p, p), np.where(zero, y.q, q)),
        Number(np.where(zero, p, y.p), np.where(zero, q, y.q)),
    )


def _mixed(x: np.ndarray) -> np.ndarray:
    """Return well mixed bits: the finaliser of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
