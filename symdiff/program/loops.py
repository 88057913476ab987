"""Steps as statements that write into arrays, those of a sweep as a loop over blocks.

In: steps in order, their sweeps, and the arrays that their values are in. Out: their
statements. A loop takes a block of rows at a time: of whole arrays the next rows, under
names of their own, and room for the values that only it reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby

import sympy

from ..code import tuple_of
from ..shapes import Shape
from .buffers import Array, Chain, placed
from .dryrun import Work
from .forms import Form
from .into import IntoSpeller
from .local import Locals
from .planning import Plan
from .schedule import Scheduler
from .spelling import Step
from .statement import Statement
from .sweeping import Order, Sweep
from .usage import FusedUsage

__all__ = ["Looping"]

ROOM = 80  # columns of a line in a loop


class Looping(Scheduler):
    """Writes steps into arrays.

    others: names that are no values'. blocks: for the start of each sweep the arrays in
    which its blocks are, by the name of that which holds those of one form.
    """

    def __init__(
        self,
        usage: FusedUsage,
        scope: Locals,
        steps: Plan,
        lowerings: Collection[str],
    ) -> None:
        super().__init__(usage, scope, steps)
        given = scope.namer.given
        self.speller: IntoSpeller = IntoSpeller(usage, scope.writer, given, lowerings)
        self.others: set[str] = set()
        self.blocks: dict[int, dict[str, list[Array]]] = {}

    # Arrays.

    def keep(self, array: Array) -> str:
        """Call an array as the first values that are in it; return its name."""
        name = self._name_of(array)
        for chain in array.chains:
            self.speller.arrays |= {id(one): name for one in chain.values}
            self.speller.first.add(id(chain.values[0]))
        return name

    def empty(self, name: str, shape: Shape, dtype: str) -> str:
        """Return the line that makes an array."""
        texts = [self.writer.room(shape)]
        if dtype != "float64":
            texts.append(self.writer.function(f"np.{dtype}"))
        line = f"{name} = {self.writer.function('np.empty')}({', '.join(texts)})"
        return self.made_once(line, shape, dtype)

    def made_once(self, line: str, shape: Shape, dtype: str) -> str:
        """Return a line that makes what the workspace keeps, having noted it."""
        self.works.append(Work([line], (shape, dtype), {}))
        return line

    def buffers(self, sweeps: Sequence[Sweep], found: Sequence[Chain]) -> list[str]:
        """Return the lines that make room for the blocks of each loop.

        Those of one form are in one array, which the loops share.
        """
        names: dict[Form, str] = {}
        most: dict[Form, int] = {}
        for sweep in sweeps:
            arrays: dict[Form, list[Array]] = {}
            for one in placed([chain for chain in found if chain.sweep is sweep], {}):
                arrays.setdefault((one.shape, one.dtype), []).append(one)
                self.keep(one)
            for form, several in arrays.items():
                names[form] = names.get(form) or self._new("buffers")
                most[form] = max(most.get(form, 0), len(several))
            self.blocks[sweep.start] = {names[one]: arrays[one] for one in arrays}
        return [
            self.empty(name, (most[shape, dtype], *shape), dtype)
            for (shape, dtype), name in names.items()
        ]

    def _name_of(self, array: Array) -> str:
        return self.namer.given[id(array.chains[0].values[0])]

    def _new(self, wish: str) -> str:
        """Return a name for what is no value of the graph."""
        name = self.namer.names.give(wish)
        self.others.add(name)
        return name

    # Statements.

    def statements(self, order: Order) -> list[Statement]:
        """Return the statements of all steps, those of each sweep as a loop."""
        found: list[Statement] = []
        start = 0
        for sweep in order.sweeps:
            found += self._straight(order.steps[start : sweep.start])
            found += self._loop(sweep, order.steps[sweep.start : sweep.stop])
            start = sweep.stop
        return found + self._straight(order.steps[start:])

    def _straight(self, steps: Sequence[Step]) -> list[Statement]:
        """Return the statements of steps one after the other."""
        found: list[Statement] = []
        for forward, some in groupby(
            steps, lambda step: id(step.value) in self.usage.forward
        ):
            left = [step for step in some if not self.speller.is_there(step)]
            if forward:
                found += self._forward_statements(left)
            else:
                found += map(self._backward_statement, left)
        return found

    def _loop(self, sweep: Sweep, steps: Sequence[Step]) -> list[Statement]:
        """Return what stands before a loop over blocks of rows, and the loop."""
        made = {id(step.value) for step in steps if not step.added}
        bound = [self._bound(one) for one in sweep.arrays if id(one) in made]
        before = [*(one for one in bound if one), *map(self._begun, sweep.sums)]
        rows: dict[str, str] = {}
        for one in sweep.arrays:
            text = self._whole(one)
            rows[text] = rows.get(text) or self._new(f"{text.partition('[')[0]}_rows")
        start, stop = self._new("start"), self._new("stop")
        count = self.writer.size(self.nodes.shape(sweep.arrays[0])[0]).text
        room = self.writer.size(sweep.rows).text
        if not isinstance(sweep.rows, int):
            size = self._new("size")
            before.append(Statement(size, (f"{size} = {room}",), ""))
            room = size
        lines = [f"{stop} = {start} + {room}"]
        lines += [f"{own} = {name}[{start}:{stop}]" for name, own in rows.items()]
        for name, arrays in self.blocks[sweep.start].items():
            lines += self._taken(name, arrays, f"len({next(iter(rows.values()))})")
        with self._by_rows(sweep, steps, rows):
            self._note_blocks(sweep, {own: f"{name}[:]" for name, own in rows.items()})
            body = self._straight(steps)
        head = Statement(start, tuple(lines), "")
        return [
            *before,
            Statement(
                start,
                (f"for {start} in range(0, {count}, {room}):",),
                "",
                headings=("blocks of rows, which stay in the cache",),
                body=(head, *body),
            ),
        ]

    def _note_blocks(self, sweep: Sweep, whole: Mapping[str, str]) -> None:
        """Note what forms the blocks of a loop have, the whole arrays' by their names."""
        for one in sweep.arrays:
            name = self.namer.given[id(one)]
            self.works.append(Work([f"{name} = {whole[name]}"], self._form(one), {}))
        for name, arrays in self.blocks[sweep.start].items():
            for place, array in enumerate(arrays):
                line = f"{self._name_of(array)} = {name}[{place}]"
                self.works.append(Work([line], (array.shape, array.dtype), {}))

    def _taken(self, name: str, arrays: Sequence[Array], count: str) -> list[str]:
        """Return the lines that name as many rows of each array as a block has."""
        names = [self._name_of(array) for array in arrays]
        several = 1
        while True:
            lines = [
                f"{targets} = {name}[{places}, : {count}]"
                for targets, places in _parted(names, several)
            ]
            if max(map(len, lines)) <= ROOM or several == len(names):
                return lines
            several += 1

    def _whole(self, array: sympy.Expr) -> str:
        """Return the text of a whole array, or of a view of one."""
        if not self.speller.is_named(array):
            for one in self.nodes[array].operands:
                self.speller.learn(one)
        self.speller.learn(array)
        return self.speller.code[id(array)].text

    def _bound(self, value: sympy.Expr) -> Statement | None:
        """Return the statement that names an array which a loop is the first to fill."""
        name, array = self.namer.given[id(value)], self.speller.arrays.get(id(value))
        if id(value) not in self.speller.first or name == array:
            return None
        return Statement(name, (f"{name} = {array}",), "")

    def _begun(self, value: sympy.Expr) -> Statement:
        """Return the statement that begins a sum."""
        name, array = self.namer.given[id(value)], self.speller.arrays.get(id(value))
        if array is None:
            zero = f"{self.writer.function(f'np.{self.nodes.dtype(value)}')}(0)"
            return Statement(name, (f"{name} = {zero}",), "")
        bound = [] if name == array else [f"{name} = {array}"]
        return Statement(name, (*bound, f"{name}.fill(0)"), "")

    @contextmanager
    def _by_rows(
        self, sweep: Sweep, steps: Sequence[Step], rows: Mapping[str, str]
    ) -> Iterator[None]:
        """Call whole arrays by the names of their rows, while a loop is written."""
        given, arrays = self.namer.given, self.speller.arrays
        whole = {id(one): self._whole(one) for one in sweep.arrays}
        whole |= {id(step.value): given[id(step.value)] for step in steps}
        whole = {at: text for at, text in whole.items() if text in rows}
        before = {at: given[at] for at in whole if at in given}
        filled = {at: arrays[at] for at in whole if at in arrays}
        given |= {at: rows[text] for at, text in whole.items()}
        arrays |= {at: given[at] for at in filled}
        self.speller.sums |= set(map(id, sweep.sums))
        self.speller.blocks = sweep.blocks
        yield
        self.speller.blocks = {}
        for at in whole:
            del given[at]
        given |= before
        arrays |= filled

    def _work(
        self, lines: Sequence[str], value: sympy.Expr, inside: Iterable[sympy.Expr]
    ) -> Work:
        work = super()._work(lines, value, inside)
        if id(value) not in self.speller.sums:
            return work
        term = lines[0].partition(" += ")[2]
        return work._replace(forms={**work.forms, term: work.form})

    def _form(self, node: sympy.Expr) -> Form:
        """Return a value's shape and dtype, those of a block of its rows in a loop."""
        shape, dtype = super()._form(node)
        rows = self.speller.blocks.get(id(node))
        return (shape if rows is None else (rows, *shape[1:])), dtype

    def _shape(self, step: Step) -> str:
        """Return the shape of a step's value as text, that of a block by its rows."""
        if id(step.value) not in self.speller.blocks:
            return super()._shape(step)
        _, *others = self.nodes.shape(step.value)
        return tuple_of(["rows", *(self.writer.size(one).text for one in others)])


def _parted(names: Sequence[str], several: int) -> Iterator[tuple[str, str]]:
    """Yield several parts of names, and the places of each."""
    start = 0
    for part in range(1, several + 1):
        stop = len(names) * part // several
        targets = ", ".join(names[start:stop])
        yield targets, str(start) if stop - start == 1 else f"{start or ''}:{stop}"
        start = stop
