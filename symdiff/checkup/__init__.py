"""Is a gradient right? Held against its loss's own differences, and judged.

`claim` judges slopes along directions, `parameter` the entries of one array, `mistakes`
guesses what is wrong with it, `point` puts them together. Of a loss with a graph,
`analytic` takes complex steps, `walk` and `locating` find the operation at fault.
`checking` finds the points, `subject` looks at them, `record` says what came of it;
`structure` reads the gradients that users give.
"""

from .checking import check
from .record import Checkup

__all__ = ["Checkup", "check"]
