"""A recorder for learners: a loss's operations on values as they run, and the walk back.

In: a loss as a plain NumPy function, and values of its arguments. Out: a `Tape`: each
operation with its value, the gradient, and after it each operation's cotangent. The
operations and their rules are those that `compile` uses. As values are known, Python's
own `if` and `while` may ask for them, which a trace refuses.
"""

from .listing import Step
from .recorder import Tape, record, value_and_grad

__all__ = ["Step", "Tape", "record", "value_and_grad"]
