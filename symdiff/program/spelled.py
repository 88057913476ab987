"""Values in the spelling that NumPy runs fastest: `np.dot(ones, x)` for `x.sum(axis=0)`.

In: nodes, and the names of the lowerings that are wanted. Out: `Code` that makes the
same values up to rounding. It may read arrays which depend on sizes alone: these are in
`kept`, by the text that makes them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import sympy

from ..code import Code, Writer, tuple_of
from ..graph import ArrayNode, Variable, number_of
from ..ops.choices import Maximum, Minimum
from ..ops.contraction import Contraction
from ..ops.making import Arange, Eye, Tri
from ..ops.reductions import Max, Min, Prod
from ..ops.table import ROWS
from ..shapes import FLOATS, Size, product
from .flat import LONGEST
from .forms import Form
from .spelling import Speller, Step
from .usage import Usage

__all__ = ["FastSpeller"]

REDUCED: dict[type, str] = {
    Contraction: "np.add.reduce",
    Max: "np.maximum.reduce",
    Min: "np.minimum.reduce",
    Prod: "np.multiply.reduce",
}

# Rows of numbers are worth it where they are no shorter.
SHORTEST = 48

# `np.einsum` is faster at the inner products of shorter rows than `np.vecdot`.
SHORTEST_ROWS = 32


class FastSpeller(Speller):
    """Writes nodes as NumPy is fastest at them.

    kept: the names of arrays in the workspace, by what makes them; vectors: their forms.
    blocks: of how many rows at most those arrays are that a loop over blocks of rows
    reads so.
    """

    def __init__(
        self,
        usage: Usage,
        writer: Writer,
        given: dict[int, str],
        lowerings: Collection[str],
    ) -> None:
        super().__init__(usage, writer, given)
        self.lowerings = lowerings
        self.kept: dict[str, str] = {}
        self.vectors: dict[str, Form] = {}
        self.blocks: dict[int, Size] = {}

    def is_kept(self, step: Step) -> bool:
        """Return whether a step's value depends on sizes alone."""
        node = step.expression
        made = isinstance(node, Arange | Eye | Tri)
        return "kept" in self.lowerings and made and node is step.value

    def expression(self, node: sympy.Expr) -> Code:
        """Return a node written out over its operands."""
        code = self._lowered(node)
        return super().expression(node) if code is None else code

    def _lowered(self, node: sympy.Expr) -> Code | None:
        operands = self.nodes[node].operands
        if type(node) in REDUCED and len(operands) == 1:
            return self._reduction(node, operands[0])
        if isinstance(node, Contraction) and "dot" in self.lowerings:
            return self._inner_products(node) or self._matrix_product(node)
        if isinstance(node, Maximum | Minimum) and "rows" in self.lowerings:
            return self._limited(node)
        return None

    # Reductions.

    def _reduction(self, node: sympy.Expr, x: sympy.Expr) -> Code | None:
        """Return a sum, product or extremum over axes of an array."""
        axes = _reduced(node)
        if axes is None or not axes:
            return None
        if "ones" in self.lowerings and isinstance(node, Contraction):
            code = self._with_ones(x, axes)
            if code is not None:
                return code
        if "reduce" not in self.lowerings:
            return None
        rank, name = len(self.nodes.shape(x)), REDUCED[type(node)]
        axis = str(axes[0]) if len(axes) == 1 else tuple_of(map(str, axes))
        over = f"axis={'None' if len(axes) == rank else axis}"
        return self._called(name, self.code[id(x)].text, over)

    def _with_ones(self, x: sympy.Expr, axes: tuple[int, ...]) -> Code | None:
        """Return a sum over the first axes or the last as a product with ones."""
        shape, text = self.nodes.shape(x), self.code[id(x)].text
        rank = len(shape)
        if self.nodes.dtype(x) not in FLOATS or not self.is_named(x):
            return None
        if rank == 2 and axes == (1,):
            if not isinstance(shape[1], int) or shape[1] > LONGEST:
                return None
            return self._called("np.dot", text, self._row(x, shape[1], 1))
        if rank < 2 or axes != tuple(range(rank - 1)):
            return None
        if id(x) in self.blocks:
            rows = self.blocks[id(x)]
            wish = f"ones_{rows}" if isinstance(rows, int) else "ones_block"
            ones = f"{self._row(x, rows, 1, wish)}[: len({text})]"
            return self._called("np.dot", ones, text) if rank == 2 else None
        if rank > 2:
            if isinstance(x, Variable) or ROWS[type(x)].kind == "view":
                return None  # to reshape it may be to copy it
            sizes = (product(shape[:-1]), shape[-1])
            text = f"{text}.reshape{self.writer.shape(sizes)}"
        return self._called("np.dot", self._row(x, product(shape[:-1]), 1), text)

    # Products and limits.

    def _inner_products(self, node: sympy.Expr) -> Code | None:
        """Return inner products of rows, where these are long enough."""
        (first, *others), output = node.params
        sizes = self.nodes.shape(self.nodes[node].operands[0])
        short = isinstance(sizes[-1], int) and sizes[-1] < SHORTEST_ROWS
        if others != [first] or not output or output != first[:-1] or short:
            return None
        operands = (self.code[id(one)].text for one in self.nodes[node].operands)
        return self._called("np.vecdot", *operands)

    def _matrix_product(self, node: sympy.Expr) -> Code | None:
        """Return a product of matrices or vectors, where it is no more than that."""
        operands, dtype = self.nodes[node].operands, self.nodes.dtype(node)
        ranks = [len(self.nodes.shape(one)) for one in operands]
        if any(self.nodes.dtype(one) != dtype for one in operands) or max(ranks) > 2:
            return None
        code = super().expression(node)
        operator, texts = code.parts or ("", ())
        if operator == "@" and dtype in FLOATS:
            return self._called("np.dot", *texts)
        if operator.endswith(".outer") and len(texts) == 2:
            return self._called("np.multiply.outer", *texts)
        return None

    def _limited(self, node: sympy.Expr) -> Code | None:
        """Return a maximum or minimum of an array and a row of one number."""
        shape, operands = self.nodes.shape(node), self.nodes[node].operands
        if len(shape) < 2 or not isinstance(shape[-1], int) or shape[-1] < SHORTEST:
            return None
        texts = []
        for one in operands:
            value = number_of(one)
            row = None if value is None else self._row(node, shape[-1], value)
            texts.append(row or self.code[id(one)].text)
        name = "np.maximum" if isinstance(node, Maximum) else "np.minimum"
        return self._called(name, *texts)

    def _called(self, function: str, *texts: str) -> Code:
        called = self.writer.function(function)
        return Code(f"{called}({', '.join(texts)})", parts=(called, texts))

    def _row(self, like: sympy.Expr, size: Size, value: float, wish: str = "") -> str:
        """Return the name of a vector of one number that the workspace keeps."""
        word = "zeros" if value == 0 else "ones" if value == 1 else "full"
        count, kind = self.writer.size(size).text, self.nodes.dtype(like)
        texts = [count, self.writer.number(value).text] if word == "full" else [count]
        texts.append(self.writer.function(f"np.{kind}"))
        text = f"{self.writer.function(f'np.{word}')}({', '.join(texts)})"
        if text not in self.kept:
            wish = wish or re.sub(r"\W+", "_", f"{word}_{count}")
            again = sum(one.startswith(wish) for one in self.kept.values())
            name = self.writer.local(f"{wish}_{again}" if again else wish)
            self.kept[text], self.vectors[name] = name, ((size,), kind)
        return self.kept[text]


def _reduced(node: ArrayNode) -> tuple[int, ...] | None:
    """Return the axes over which a reduction goes, None where it does more."""
    if not isinstance(node, Contraction):
        return node.params[0]
    (indices,), output = node.params
    alone = len(set(indices)) == len(indices) and list(output) == sorted(
        output, key=indices.index
    )
    if not alone:
        return None
    return tuple(axis for axis, index in enumerate(indices) if index not in output)
