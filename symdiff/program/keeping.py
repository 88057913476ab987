"""Which values the forward pass keeps for the backward pass, so that memory suffices.

In: the steps of both passes as `Task`s, and how many bytes they may hold. Out: a
`Choice`, the forward tasks whose values are kept; all others that the backward pass
needs are computed again there, each once and right before it is first read. If no
choice is within the limit, the one of the lowest peak.

What is cheap for its bytes is dropped first: operations on elements, then reductions,
products last, and no more than need be. Of what is dropped the values between two
checkpoints are computed again together (Chen et al., 2016, "Training Deep Nets with
Sublinear Memory Cost", algorithm 1): a checkpoint has the values that are alive there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

__all__ = ["Choice", "Problem", "Task", "choose"]

# What has fewer bytes is not worth a line of code.
SMALL = 1024

# How fine the stretches between checkpoints are tried.
STRETCHES = 12


class Task(NamedTuple):
    """A step: which tasks it reads, by their places, and what it takes.

    size: bytes of its value, none where it is a view. most: bytes that it makes
    meanwhile. work: operations. rank: 0 where these are on elements, 1 with a
    reduction, 2 with a product.
    """

    reads: tuple[int, ...]
    size: int
    most: int
    work: float = 0
    rank: int = 0


@dataclass(frozen=True)
class Choice:
    """Places of forward tasks whose values are kept, and of those that run again; the
    bytes at the peak then, the operations of those that run again.
    """

    kept: frozenset[int]
    again: tuple[int, ...]
    peak: int
    work: float


@dataclass(frozen=True)
class Problem:
    """Tasks of both passes in order; the first `forward` are the forward pass's.

    returned: places of values that are read after the last. lasting: whether what is
    kept is held until the backward pass ends; else the program has its arrays from the
    start, those that are returned among them, and writes one value over another.
    """

    tasks: Sequence[Task]
    forward: int
    returned: frozenset[int]
    lasting: bool

    @cached_property
    def roots(self) -> list[int]:
        """The task whose memory each one's value has."""
        roots: list[int] = []
        for place, task in enumerate(self.tasks):
            view = not task.size and task.reads
            roots.append(roots[task.reads[0]] if view else place)
        return roots

    @cached_property
    def sizes(self) -> list[int]:
        """The bytes that each task takes of what is not held from the start."""
        sizes = [task.size for task in self.tasks]
        for place in () if self.lasting else self.returned:
            sizes[self.roots[place]] = 0
        return sizes

    @cached_property
    def from_start(self) -> int:
        """The bytes that are held from the start."""
        return sum(task.size for task in self.tasks) - sum(self.sizes)

    @cached_property
    def crossing(self) -> frozenset[int]:
        """The forward tasks whose values the backward pass reads."""
        backward = self.tasks[self.forward :]
        read = {place for task in backward for place in task.reads}
        return frozenset(
            place for place in read | self.returned if place < self.forward
        )

    @cached_property
    def last(self) -> list[int]:
        """The forward task that reads the memory of each forward task's value last."""
        last = list(range(self.forward))
        for place in range(self.forward):
            for read in (place, *self.tasks[place].reads):
                last[self.roots[read]] = place
        return last

    def is_view(self, place: int) -> bool:
        """Return whether a task's value has another's memory."""
        return self.roots[place] != place


def choose(problem: Problem, limit: int) -> Choice:
    """Return the choice of least work within the limit, or else of the lowest peak."""
    order = sorted(
        (
            place
            for place, task in enumerate(problem.tasks[: problem.forward])
            if task.size >= SMALL
        ),
        key=lambda one: _price(problem.tasks[one], one),
    )
    ranks = [problem.tasks[one].rank for one in order]
    low, best = 0, _best(problem, order, limit)
    for rank in sorted(set(ranks)):
        high = len(ranks) - ranks[::-1].index(rank)
        choice = _best(problem, order[:high], limit)
        if choice.peak > limit:
            low = high
            continue
        while high - low > 1:
            middle = (low + high) // 2
            fewer = _best(problem, order[:middle], limit)
            low, high = (low, middle) if fewer.peak <= limit else (middle, high)
            choice = fewer if fewer.peak <= limit else choice
        return choice
    return best


def _price(task: Task, place: int) -> tuple:
    return task.rank, task.work / task.size, place


def _best(problem: Problem, dropped: Sequence[int], limit: int) -> Choice:
    """Return the best choice in which some values may be dropped, over all stretches."""
    may = frozenset(dropped)
    total = sum(problem.tasks[one].size for one in may & problem.crossing)
    choices = []
    for power in range(STRETCHES):
        stretch = math.inf if power == 0 else total / 2**power
        kept = _kept(problem, may, _checkpoints(problem, may, stretch))
        choices.append(_replayed(problem, kept))
        if stretch < SMALL:
            break
    return min(choices, key=lambda one: (max(one.peak, limit), one.work, one.peak))


def _checkpoints(
    problem: Problem, may: Collection[int], stretch: float
) -> frozenset[int]:
    """Return the values that are alive where a stretch of dropped ones ends.

    It ends where the least is alive, in the second half of its bytes.
    """
    if stretch == math.inf:
        return frozenset()
    cuts = _cuts(problem, may, stretch)
    alive: dict[int, None] = {}
    ends: dict[int, list[int]] = {}
    found: set[int] = set()
    for place in range(problem.forward):
        if not problem.is_view(place):
            alive[place] = None
            ends.setdefault(problem.last[place], []).append(place)
        for one in ends.pop(place, ()):
            del alive[one]
        if place in cuts:
            found.update(alive)
    return frozenset(found)


def _cuts(problem: Problem, may: Collection[int], stretch: float) -> set[int]:
    held: list[int] = [0] * (problem.forward + 1)
    for place in range(problem.forward):
        if not problem.is_view(place):
            held[place] += problem.tasks[place].size
            held[problem.last[place]] -= problem.tasks[place].size
    cuts = set()
    alive = dropped = 0
    best: tuple[int, int] | None = None
    for place in range(problem.forward):
        alive += held[place]
        if place in may and place in problem.crossing:
            dropped += problem.tasks[place].size
        if dropped > stretch / 2 and (best is None or alive <= best[0]):
            best = alive, place
        if dropped > stretch and best is not None:
            cuts.add(best[1])
            dropped, best = 0, None
    return cuts


def _kept(
    problem: Problem, may: Collection[int], checkpoints: Collection[int]
) -> frozenset[int]:
    """Return which values are kept if some may be dropped, but none of the checkpoints.

    A value is dropped where what has to be kept in its place has fewer bytes.
    """
    tasks, needed = problem.tasks, set(problem.crossing)
    bytes_for: list[int] = []
    for place in range(problem.forward):
        task = tasks[place]
        other = sum(0 if one in needed else bytes_for[one] for one in task.reads)
        may_go = place in may and place not in checkpoints
        if problem.is_view(place):
            bytes_for.append(other)
        else:
            bytes_for.append(min(other, task.size) if may_go else task.size)
    kept = set()
    for place in reversed(range(problem.forward)):
        if place not in needed:
            continue
        task = tasks[place]
        other = sum(0 if one in needed else bytes_for[one] for one in task.reads)
        may_go = place in may and place not in checkpoints
        if problem.is_view(place) or (may_go and other < task.size):
            needed.update(task.reads)
        else:
            kept.add(place)
    views = (one for one in needed if problem.roots[one] in kept)
    return frozenset(kept.union(views))


def _replayed(problem: Problem, kept: frozenset[int]) -> Choice:
    """Return a choice with its peak: both passes run, by what each task takes."""
    tasks, roots = problem.tasks, problem.roots
    order = _order(problem, kept)
    held_on = {roots[one] for one in kept}
    last: dict[int, int] = {}
    for at, place in enumerate(order):
        for one in (place, *tasks[place].reads):
            last[roots[one]] = at
    last |= dict.fromkeys((roots[one] for one in problem.returned), len(order))
    forward = {
        place: len(problem.last) if place in held_on else end
        for place, end in enumerate(problem.last)
    }
    start = sum(problem.sizes[one] for one in held_on)
    if problem.lasting:
        last |= dict.fromkeys(held_on, len(order))
    peak = max(
        _most(problem, range(problem.forward), forward, 0),
        _most(problem, order, last, start),
    )
    again = sorted(place for place in order if place < problem.forward)
    peak += problem.from_start
    return Choice(kept, tuple(again), peak, sum(tasks[one].work for one in again))


def _order(problem: Problem, kept: Collection[int]) -> list[int]:
    """Return the tasks of the backward pass, with those that are run again."""
    order: list[int] = []
    there = set(kept)
    for place in range(problem.forward, len(problem.tasks)):
        pending = [one for one in problem.tasks[place].reads if one < problem.forward]
        while pending:
            one = pending[-1]
            missing = [
                read for read in problem.tasks[one].reads if read not in there
            ] * (one not in there)
            pending += missing
            if not missing:
                pending.pop()
                if one not in there:
                    there.add(one)
                    order.append(one)
        order.append(place)
    return order


def _most(
    problem: Problem, order: Sequence[int], last: dict[int, int], start: int
) -> int:
    """Return the most bytes that tasks hold, each value until its last reader."""
    sizes = problem.sizes
    held = most = start
    ends: dict[int, list[int]] = {}
    for root, at in last.items():
        ends.setdefault(at, []).append(root)
    for at, place in enumerate(order):
        task, own = problem.tasks[place], sizes[place]
        freed = [sizes[root] for root in ends.get(at, ()) if root != place]
        over = own in freed and not problem.lasting and task.rank == 0
        most = max(most, held + max(task.most, own) - over * own)
        held += own - sum(freed)
        held -= own if place in ends.get(at, ()) else 0
    return most
