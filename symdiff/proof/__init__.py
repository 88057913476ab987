"""Whether two functions are the same, or one is the gradient of the other.

`field` has the numbers of a proof and `constants` reads floats as such, `axes` stand for
axes of any length, `elementwise`, `arrays`, `diagonals`, `indexing` and `matrices`
compute a node with them and `evaluate` a graph; `measure` says how many points prove an
identity, and `identity` looks at them. `sides` are the two functions, `results` reads
what they return, `counterexample` looks for where they differ, `difference` and `repair`
put that into words; `proof` gives the verdict.
"""

from .counterexample import Counterexample
from .proof import Proof, prove

__all__ = ["Counterexample", "Proof", "prove"]
