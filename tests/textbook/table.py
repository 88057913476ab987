"""Emitted passes beside those that textbooks write: statements, names, characters.

`python tests/textbook/table.py` prints the table. A statement in a loop counts as often
as it runs, for loops are emitted unrolled. What computes nothing counts in neither:
taking the cache apart, filling it, a zero to start from, returning names. Of what is
returned or put into a list without a name each expression is a statement.

A name says something if it is made of the user's own names, numbers of iterations and
words for operations, at least one of the user's among them, or is a noun of `NOUNS`.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import symdiff

__all__ = ["NAMES", "Counts", "book_of", "both"]

NAMES = (
    *("logistic_regression", "softmax_regression", "network", "rnn", "lstm"),
    *("batch_norm", "layer_norm", "attention", "convolution"),
)

# Words that say what is done with the user's values.
OPERATIONS = (
    *("d", "pre", "plus", "minus", "times", "over", "squared", "cubed", "root", "one"),
    *("sum", "mean", "abs", "exp", "log", "tanh", "sigmoid", "decay", "logaddexp"),
    *("max", "min", "relu", "sign", "at", "above", "below", "T", "reshaped"),
)

# Words that say what a value is without one of the user's.
NOUNS = (
    "rows",
    "joined",
    "stacked",
    "eye",
    "error",
    "std",
    "var",
    "p",
    "value",
    "cotangent",
)


@dataclass(frozen=True)
class Counts:
    """What stands in a pass: statements, characters of them, and the names it gives."""

    statements: int
    characters: int
    names: frozenset[str]
    meaningless: frozenset[str]


def book_of(name: str) -> ModuleType:
    """Return the module of a loss with its passes by hand."""
    return importlib.import_module(f"textbook.{name}")


def both(name: str) -> Iterator[tuple[str, Counts, Counts]]:
    """Yield for the forward and the backward pass what is emitted and what is by hand."""
    book = book_of(name)
    compiled = symdiff.compile(book.loss, wrt=book.WRT, verify=False)
    arguments = compiled.module._made_up(np.random.default_rng(0))
    by_hand = Path(book.__file__).read_text(encoding="utf-8")
    texts = (
        (compiled.source, vars(compiled.module)),
        (by_hand, vars(book)),
    )
    own = _own_names(by_hand)
    given: tuple[tuple, ...] = (tuple(arguments), tuple(arguments))
    for which in ("forward", "backward"):
        done = [
            _counted(*text, which, values, own)
            for text, values in zip(texts, given, strict=True)
        ]
        (ours, result), (theirs, expected) = done
        yield which, ours, theirs
        if which == "forward":
            given = ((result[1],), (expected[1],))


def _own_names(source: str) -> set[str]:
    """Return the names of the user's: those of the loss, what it calls, and its keys."""
    found = set()
    for part in ast.parse(source).body:
        if isinstance(part, ast.FunctionDef) and part.name in ("forward", "backward"):
            continue
        for node in ast.walk(part):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"^\w+", node.value))
    return found


def _counted(
    source: str, scope: dict[str, Any], function: str, arguments: tuple, own: set[str]
) -> tuple[Counts, Any]:
    """Return the counts of a function of a module, and what it returns."""
    (definition,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    runs: Counter[int] = Counter()
    marked = _Marked()
    tree = ast.Module([marked.visit(definition)], [])
    space = {**scope, "_run": lambda place: runs.update([place])}
    exec(compile(ast.fix_missing_locations(tree), function, "exec"), space)
    result = space[function](*arguments)
    statements = characters = 0
    names = set()
    for place, statement in enumerate(marked.statements):
        parts = list(_computed(statement))
        names |= set(_targets(statement)) if parts else set()
        texts = [" ".join(ast.get_source_segment(source, one).split()) for one in parts]
        statements += runs[place] * len(parts)
        characters += runs[place] * sum(map(len, texts))
    says = _saying(own)
    unsaid = frozenset(one for one in names if not says(one))
    return Counts(statements, characters, frozenset(names), unsaid), result


class _Marked(ast.NodeTransformer):
    """Puts in front of each statement a call that counts its runs."""

    def __init__(self) -> None:
        self.statements: list[ast.stmt] = []

    def _mark(self, node: ast.stmt) -> list[ast.stmt]:
        place = ast.Constant(len(self.statements))
        self.statements.append(node)
        call = ast.Call(ast.Name("_run", ast.Load()), [place], [])
        return [ast.Expr(call), node]

    def visit(self, node: ast.AST) -> Any:
        """Mark a simple statement, and go into all else."""
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return):
            return self._mark(node)
        return self.generic_visit(node)


def _computed(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield what a statement computes: itself, or the expressions without a name."""
    if isinstance(statement, ast.Assign | ast.AugAssign):
        parts = list(_expressions(statement.value))
        shown = isinstance(statement.value, ast.List | ast.Tuple)
        yield from parts if shown else [statement] * bool(parts)
    else:
        yield from _expressions(statement.value)


def _expressions(value: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions that compute something among nested ones."""
    if isinstance(value, ast.Tuple | ast.List):
        for one in value.elts:
            yield from _expressions(one)
    elif isinstance(value, ast.Dict):
        for one in value.values:
            yield from _expressions(one)
    elif isinstance(value, ast.Call) and _hands_over(value.func):
        for one in (*value.args, *(each.value for each in value.keywords)):
            yield from _expressions(one)
    elif not isinstance(value, ast.Name | ast.Constant):
        yield value


def _hands_over(function: ast.expr) -> bool:
    """Whether a call computes nothing: it fills the cache, checks, or owns an array."""
    name = function.attr if isinstance(function, ast.Attribute) else function.id
    return name in ("append", "_check", "Gradient", "asarray", "array", "tuple") or (
        name == "float64"
    )


def _targets(statement: ast.stmt) -> Iterator[str]:
    places = statement.targets if isinstance(statement, ast.Assign) else ()
    for node in (one for place in places for one in ast.walk(place)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _saying(own: set[str]) -> Callable[[str], bool]:
    """Return whether a name says what a value is, given the user's names."""

    def alternatives(words: set[str]) -> str:
        return "|".join(sorted(map(re.escape, words), key=len, reverse=True))

    word = rf"(?:{alternatives({*own, *OPERATIONS, *NOUNS})}|\d+)"
    made_of = re.compile(rf"{word}(?:_{word})*")
    has = re.compile(rf"(?:^|_)(?:{alternatives({*own, *NOUNS})})(?:_|$)")
    return lambda name: bool(made_of.fullmatch(name) and has.search(name))


def main() -> None:
    """Print the table."""
    print(f"{'':22}{'statements':>25}{'meaningless':>15}{'characters':>20}")
    heads = f"{'emitted by hand  ratio':>25}{'of names':>15}{'emitted by hand':>20}"
    print(f"{'':22}{heads}")
    for name in NAMES:
        for which, ours, theirs in both(name):
            label = name.replace("_", " ") if which == "forward" else ""
            unsaid = f"{len(ours.meaningless)} of {len(ours.names)}"
            ratio = ours.statements / theirs.statements
            print(
                f"{label:<20}{which:>9}{ours.statements:5}{theirs.statements:8}"
                f"{ratio:7.2f}{unsaid:>15}{ours.characters:12}{theirs.characters:8}"
                f"  {', '.join(sorted(ours.meaningless))}"
            )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
