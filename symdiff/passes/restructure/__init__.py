"""Restructurings: the same values by other operations, of which there are fewer, or
which NumPy does faster.

In and out: a graph, before it is differentiated or with its gradient. They serve the
fast style alone; each is a row of the table of rewrites, by whose name it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...graph import Graph
from ...settings import Settings
from ...timings import stage
from ..stabilise.table import REWRITES, Rewrite, chosen
from .augmented import augmented
from .blocks import parts_as_blocks
from .factors import common_factors
from .inner import inner_products, sums_of_terms
from .pooling import pooled_first
from .shared import shared_operands
from .short import short_axes
from .sums import sums_of_products
from .terms import shared_terms
from .together import parts_together
from .turned import few_rows, transposed_copies
from .windows import columns

__all__ = ["BEFORE", "BEHIND", "restructure"]

Restructuring = tuple[Rewrite, Callable[[Graph], Graph]]

# Before the graph is differentiated: the gradient follows.
BEFORE: Sequence[Restructuring] = (
    (
        Rewrite(
            "pool-first",
            "max(maximum(x + b, 0)) = maximum(max(x) + b, 0)",
            "b that does not vary within what the maximum is of",
            style="fast",
            corners="least-norm",
        ),
        pooled_first,
    ),
    (
        Rewrite(
            "window-columns",
            "a product with sliding windows = kernels @ columns",
            "kernels that all windows share",
            style="fast",
        ),
        columns,
    ),
    (
        Rewrite(
            "augmented-product",
            "(x + m) @ q = [x, 1] @ [q, m @ q]",
            "x and m that vary along different axes; digits are lost where both are "
            "large beside their sum",
            fast=True,
            style="fast",
        ),
        augmented,
    ),
)

# Behind it, when what is computed twice is computed once.
BEHIND: Sequence[Restructuring] = (
    (
        Rewrite(
            "common-factor",
            "x + k * x**3 = x * (1 + k * x**2)",
            "sums that are read once; the last digits may differ",
            fast=True,
            style="fast",
        ),
        common_factors,
    ),
    (
        Rewrite(
            "inner-product",
            "sum(x * y) = vdot(x, y)",
            "products that only the sum reads",
            style="fast",
        ),
        inner_products,
    ),
    (
        Rewrite(
            "sum-of-terms",
            "sum(x - y * z) = sum(x) - vdot(y, z)",
            "terms that only the sum of all elements reads; digits are lost where both "
            "are large beside it",
            fast=True,
            style="fast",
        ),
        sums_of_terms,
    ),
    (
        Rewrite(
            "sum-of-products",
            "a @ b + c @ d = [a, c] @ [b, d]",
            "products that are read once",
            style="fast",
        ),
        sums_of_products,
    ),
    (
        Rewrite(
            "shared-operand",
            "x @ a, x @ b = parts of x @ [a, b]",
            "products that do not depend on each other",
            style="fast",
        ),
        shared_operands,
    ),
    (
        Rewrite(
            "shared-term",
            "x[0] + y + b, x[1] + z + b = parts of x + b, and y and z added",
            "rows of products that nothing else reads",
            style="fast",
        ),
        shared_terms,
    ),
    (
        Rewrite(
            "parts-as-blocks",
            "(x @ w)[:, :k], (x @ w)[:, k:] = (x @ v)[0], (x @ v)[1]",
            "products that only equal parts along the last axis read",
            style="fast",
        ),
        parts_as_blocks,
    ),
    (
        Rewrite(
            "parts-together",
            "f(x[0]), f(x[1]) = f(x[:2])[0], f(x[:2])[1]",
            "operations on elements of parts so small that calls take longest",
            style="fast",
        ),
        parts_together,
    ),
    (
        Rewrite(
            "transposed-copy",
            "x @ w.T = x @ copy of w.T",
            "arrays x of 16 to 64 rows; w that is small, or that many products read",
            style="fast",
        ),
        transposed_copies,
    ),
    (
        Rewrite(
            "few-rows",
            "x @ w.T = (w @ x.T).T",
            "float32 arrays x of 8 to 32 rows, and large w",
            style="fast",
        ),
        few_rows,
    ),
    (
        Rewrite(
            "short-axes",
            "max(x, axis) = maximum(x[0], x[1])",
            "axes of up to four elements",
            style="fast",
        ),
        short_axes,
    ),
)

REWRITES.update({row.name: row for row, _ in (*BEFORE, *BEHIND)})


@stage("restructure")
def restructure(
    graph: Graph, settings: Settings, several: Sequence[Restructuring]
) -> Graph:
    """Return the graph with those of several restructurings that the settings ask for."""
    rows = chosen(settings)
    for row, change in several:
        graph = change(graph) if row.name in rows else graph
    return graph
