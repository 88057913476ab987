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
from collections.abc import Collection, Iterator, Sequence
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
    def touched(self) -> list[frozenset[int]]:
        """The tasks whose memory each one writes or reads."""
        roots = self.roots
        return [
            frozenset(roots[one] for one in (place, *task.reads))
            for place, task in enumerate(self.tasks)
        ]

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
            for root in self.touched[place]:
                last[root] = place
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
    low = high = 0
    for rank in sorted(set(ranks)):
        low, high = high, len(ranks) - ranks[::-1].index(rank)
        if _suffices(problem, order[:high], limit):
            break
    else:
        return _best(problem, order, limit)
    while high - low > 1:
        middle = (low + high) // 2
        enough = _suffices(problem, order[:middle], limit)
        low, high = (low, middle) if enough else (middle, high)
    return _best(problem, order[:high], limit)


def _price(task: Task, place: int) -> tuple:
    return task.rank, task.work / task.size, place


def _suffices(problem: Problem, dropped: Sequence[int], limit: int) -> bool:
    """Return whether a choice in which some values may be dropped is within the limit.

    The forward pass, which is replayed sooner, rules most of the others out.
    """
    return any(
        _forward_peak(problem, kept) <= limit and _replayed(problem, kept).peak <= limit
        for kept in _candidates(problem, dropped)
    )


def _best(problem: Problem, dropped: Sequence[int], limit: int) -> Choice:
    """Return the best choice in which some values may be dropped, over all stretches."""
    choices = (_replayed(problem, kept) for kept in _candidates(problem, dropped))
    return min(choices, key=lambda one: (max(one.peak, limit), one.work, one.peak))


def _candidates(problem: Problem, dropped: Sequence[int]) -> Iterator[frozenset[int]]:
    """Yield what is kept for each stretch, the longest first, but not twice the same."""
    may = frozenset(dropped)
    total = sum(problem.tasks[one].size for one in may & problem.crossing)
    before = None
    for power in range(STRETCHES):
        stretch = math.inf if power == 0 else total / 2**power
        kept = _kept(problem, may, _checkpoints(problem, may, stretch))
        if kept != before:
            yield kept
        before = kept
        if stretch < SMALL:
            break


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
    problem: Problem, may: frozenset[int], checkpoints: frozenset[int]
) -> frozenset[int]:
    """Return which values are kept if some may be dropped, but none of the checkpoints.

    A value is dropped where what has to be kept in its place has fewer bytes.
    """
    tasks, needed = problem.tasks, set(problem.crossing)
    droppable = may - checkpoints
    bytes_for: list[int] = []
    for place in range(problem.forward):
        task = tasks[place]
        other = sum([bytes_for[one] for one in task.reads])
        if place in needed:
            bytes_for.append(0)
        elif problem.is_view(place):
            bytes_for.append(other)
        else:
            may_go = place in droppable
            bytes_for.append(min(other, task.size) if may_go else task.size)
    kept = set()
    for place in reversed(range(problem.forward)):
        if place not in needed:
            continue
        task = tasks[place]
        other = sum([bytes_for[one] for one in task.reads if one not in needed])
        may_go = place in droppable
        if problem.is_view(place) or (may_go and other < task.size):
            needed.update(task.reads)
        else:
            kept.add(place)
    views = (one for one in needed if problem.roots[one] in kept)
    return frozenset(kept.union(views))


def _replayed(problem: Problem, kept: frozenset[int]) -> Choice:
    """Return a choice with its peak: both passes run, by what each task takes."""
    order = _order(problem, kept)
    peak = max(_forward_peak(problem, kept), _backward_peak(problem, kept, order))
    again = sorted(place for place in order if place < problem.forward)
    work = sum(problem.tasks[one].work for one in again)
    return Choice(kept, tuple(again), peak, work)


def _forward_peak(problem: Problem, kept: Collection[int]) -> int:
    """Return the most bytes that are held in the forward pass."""
    last = list(problem.last)
    for one in kept:
        last[problem.roots[one]] = problem.forward
    return _most(problem, range(problem.forward), last, 0)


def _backward_peak(
    problem: Problem, kept: Collection[int], order: Sequence[int]
) -> int:
    """Return the most bytes that are held in the backward pass, its tasks in order."""
    held_on = {problem.roots[one] for one in kept}
    to_the_end = {problem.roots[one] for one in problem.returned}
    to_the_end |= held_on if problem.lasting else set()
    last = [0] * len(problem.tasks)
    for at, place in enumerate(order):
        for root in problem.touched[place]:
            last[root] = at
    for root in to_the_end:
        last[root] = len(order)
    return _most(problem, order, last, sum(problem.sizes[one] for one in held_on))


def _order(problem: Problem, kept: Collection[int]) -> list[int]:
    """Return the tasks of the backward pass, with those that are run again."""
    order: list[int] = []
    there = set(kept)
    tasks = problem.tasks
    for place in range(problem.forward, len(tasks)):
        pending = [one for one in tasks[place].reads if one not in there]
        while pending:
            one = pending[-1]
            missing = [read for read in tasks[one].reads if read not in there]
            if missing and one not in there:
                pending += missing
                continue
            pending.pop()
            if one not in there:
                there.add(one)
                order.append(one)
        there.add(place)
        order.append(place)
    return order


def _most(
    problem: Problem, order: Sequence[int], last: Sequence[int], start: int
) -> int:
    """Return the most bytes that tasks hold, each value until its last reader."""
    sizes, touched = problem.sizes, problem.touched
    held = most = start
    for at, place in enumerate(order):
        task, own = problem.tasks[place], sizes[place]
        ending = [one for one in touched[place] if last[one] == at]
        freed = [sizes[one] for one in ending if one != place]
        over = own in freed and not problem.lasting and task.rank == 0
        most = max(most, held + max(task.most, own) - over * own)
        held -= sum(freed)
        held += own if last[place] > at else 0
    return most + problem.from_start
