"""From a Program to a module's text.

`scope` names the module's own functions, `checking` writes the check of the arguments,
`nesting` rebuilds nested gradients, `description` says what the module is, `module`
fills the templates, `rendering` makes text of them, `screening` looks at the result.
"""

from .description import docstring, header
from .module import Description, Part, emit
from .nesting import has_record
from .scope import Scope

__all__ = [
    "Description",
    "Part",
    "Scope",
    "docstring",
    "emit",
    "has_record",
    "header",
]
