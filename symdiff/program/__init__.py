"""From a graph with its gradient to statements in order, as finished texts.

`usage` says which values get a name, `naming` gives it, `spelling` writes expressions,
`planning` orders and accumulates, `liveness` lets a name go on to another value,
`quoting` brings the user's lines, `fitting` lays texts out, `schedule` puts them
together. For the fast style `sweeping` finds loops over blocks of rows, `buffers` decides
which values share an array, `into` writes into it, `loops` writes the loops, `fused` puts
both passes together.
"""

from .local import BUILTINS
from .schedule import Program, schedule
from .statement import Statement

__all__ = ["BUILTINS", "Program", "Statement", "schedule"]
