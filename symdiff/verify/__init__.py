"""The emitted module against the user's own function, before it is written.

`sampling` makes up sizes and arguments, `outputs` calls the module and looks at what it
returns, `differences` judges a slope by the function's values, `slopes` finds the array
at fault, `verification` puts them together.
"""

from .sampling import finite_domain
from .verification import Verification, verify

__all__ = ["Verification", "finite_domain", "verify"]
