"""Names of a module's own functions and classes, which give way to the user's.

In: the `Signature` of a function, and those of the functions beside it in the module.
Out: names, the same for the same signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..program.naming import Names
from ..shapes import FLOATS
from ..specs import Signature
from .nesting import Class, class_of, containers, is_nested, is_record

__all__ = ["HELPERS", "PUBLIC", "SHARED", "Scope", "fields"]

PUBLIC = (
    *("value", "forward", "backward", "value_and_grad", "grad"),
    *("Gradient", "Workspace"),
)
HELPERS = (
    *("check", "array", "cast", "number", "match", "self_check"),
    *("made_up", "random", "leaves"),
    *("workspace", "outputs", "output", "apart", "arrays"),
    *("written", "in_arrays", "float64"),
)
# What functions of one module have in common.
SHARED = (
    *("array", "cast", "number", "match", "self_check", "random", "leaves"),
    *("output", "apart", "float64"),
)

# What a function that computes in a workspace has beside its arguments.
EXTRA = ("out", "workspace", "arrays")


@dataclass(frozen=True)
class Scope:
    """The names of one function's part of a module.

    prefix: what its public names begin with, nothing where it is alone. beside: the
    signatures of all functions of the module.
    """

    signature: Signature
    prefix: str = ""
    beside: tuple[Signature, ...] = ()

    @cached_property
    def public(self) -> dict[str, str]:
        """The names of the public functions and the class, by what they are alone."""
        if not self.prefix:
            return {name: name for name in PUBLIC}
        words = (word[:1].upper() + word[1:] for word in self.prefix.split("_"))
        names = {name: f"{self.prefix}_{name}" for name in PUBLIC}
        title = "".join(words)
        return names | {one: title + one for one in ("Gradient", "Workspace")}

    @cached_property
    def helpers(self) -> dict[str, str]:
        """The names of the module's private functions, by what they do."""
        names = self._names()
        own = f"_{self.prefix}_" if self.prefix else "_"
        return {
            helper: names.give(f"{'_' if helper in SHARED else own}{helper}")
            for helper in HELPERS
        }

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Second names of the public functions that a parameter hides."""
        names = self._names()
        own = [one.name for one in self.signature.arguments]
        hidden = [name for name in self.public.values() if name in own]
        return {name: names.give(f"_{name}") for name in hidden}

    @cached_property
    def classes(self) -> dict[Class, str]:
        """The names in the module of the user's named tuples and dataclasses."""
        names = self._names()
        for own in (*self.helpers.values(), *self.aliases.values()):
            names.keep(own)
        found: dict[Class, str] = {}
        for argument in (one for each in self._all for one in each.arguments):
            for one in map(class_of, filter(is_record, containers(argument))):
                if one not in found:
                    found[one] = names.give(f"_{one.name}")
        return found

    @cached_property
    def extra(self) -> dict[str, str]:
        """The names of what a function that computes in a workspace has besides."""
        names, leaves = self._names(), self.signature.leaves
        for key in (one for leaf in leaves for one in leaf.path):
            names.keep(str(key))
        return {name: names.give(name) for name in EXTRA}

    @property
    def called(self) -> dict[str, str]:
        """How the public functions are called where parameters may hide them."""
        return {name: self.aliases.get(own, own) for name, own in self.public.items()}

    @property
    def reserved(self) -> set[str]:
        """The names that values of the passes must not have."""
        nested = {one.name for one in self.signature.arguments if is_nested(one)}
        own = {*self.helpers.values(), *self.aliases.values(), self.public["Gradient"]}
        imported = {"NamedTuple", "dataclasses", "namedtuple", "sys"}
        return {*nested, *own, *self.classes.values(), *imported}

    @cached_property
    def reals(self) -> list[str]:
        """The dtypes of the real arguments of the whole module."""
        leaves = (leaf for each in self._all for leaf in each.leaves)
        return sorted({one.dtype for one in leaves if one.dtype in FLOATS})

    @property
    def _all(self) -> tuple[Signature, ...]:
        return self.beside or (self.signature,)

    def _names(self) -> Names:
        arguments = (one.name for each in self._all for one in each.arguments)
        leaves = (leaf.name for each in self._all for leaf in each.leaves)
        return Names({*arguments, *leaves, *self.public.values()})


def fields(wrt: Sequence[str]) -> dict[str, str]:
    """Return the gradient's fields by argument; none may begin with an underscore."""
    names = Names(wrt)
    return {
        one: names.give(one.lstrip("_") or "field") if one[0] == "_" else one
        for one in wrt
    }
