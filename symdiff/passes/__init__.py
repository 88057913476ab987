"""The passes between the trace and the text, each a function from graph to graph.

Their order: `shift` takes for constant the maxima that cancel, `reverse` adds the
gradient, `simplify` folds what the chain rule leaves undone, `collect` gathers scalars
and signs of products, `order` splits products of three and more arrays, `share` finds
what is computed twice. What no output needs is in no graph: passes walk from the
outputs.
"""

from .collect import collect
from .order import order
from .reverse import reverse
from .share import share
from .shift import shift
from .simplify import simplify

__all__ = ["collect", "order", "reverse", "share", "shift", "simplify"]
