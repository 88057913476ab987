"""Is a gradient right? Held against its loss's own differences, and judged.

`claim` judges slopes along directions, `parameter` the entries of one array, `mistakes`
guesses what is wrong with it, `point` puts them together, `checking` finds the points,
`record` says what came of it. `structure` reads what users give.
"""

from .checking import check
from .record import Checkup

__all__ = ["Checkup", "check"]
