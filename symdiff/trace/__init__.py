"""From the user's function to one graph that is right for every size.

`run` runs it on handles at several witnesses, `rebinding` and `reaching` lead the calls
that NumPy's protocols do not hand on, `watching` learns names and places, `unify` makes
one graph of the runs with the `expressions` that numbers stand for, `differing`
explains why runs cannot be made one.
"""

from .run import choose_witnesses, trace

__all__ = ["choose_witnesses", "trace"]
