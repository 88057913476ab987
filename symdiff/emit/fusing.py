"""The function of a module that computes both passes in the arrays of a workspace.

In: a `Fused`, the names of its module, and what is differentiated. Out: fields of the
template: the statements, the lines that take arrays, those that make them, and those
that look at the arrays which the caller gives for the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from ..program.fitting import Group, Text, assigned, fitted, packed, tuple_group
from ..program.fused import Fused
from .admitting import Admission
from .outputs import ROOM, Outputs, Returned, indented, items

__all__ = ["WORKSPACE", "Fusing"]

# Methods of a workspace.
WORKSPACE = ("take", "give_back")


@dataclass(frozen=True)
class Fusing(Outputs):
    """Texts of the function and of what it calls."""

    fused: Fused

    template: ClassVar = "fused"
    library: ClassVar = "threading"

    def fields(self, returned: Returned) -> dict[str, Any]:
        """Return the fields of the template; `returned` gives the lines of a return."""
        fused, own, helpers = self.fused, self.scope.extra, self.scope.helpers
        sizes = fused.sizes
        taken = Group(f"{own['workspace']}.take(", items(sizes), ")")
        given = Group(
            f"{own['workspace']}.give_back(", items((own["arrays"], *sizes)), ")"
        )
        outputs = tuple_group(fused.gradients.values())
        arguments = self.scope.signature.arguments
        admission = Admission(
            arguments, self.arrays, self.np, helpers["float64"], floats=False
        )
        return {
            "test": admission.lines(),
            "float64": admission.reads_dtype,
            "statements": indented(fused.statements),
            "fused_seed": fused.seed,
            "return_fused": returned(
                fused.gradients,
                self.scope.called["Gradient"],
                f"return {fused.value}, ",
                bool(admission.leaves),
            ),
            "extra": own,
            "sizes": ", ".join(sizes),
            "sizes_default": "".join(f", {one}=None" for one in sizes),
            "first_size": next(iter(sizes), ""),
            "size_key": str(tuple_group(sizes)) if sizes else "()",
            "take_outputs": assigned(outputs, self._call_outputs()),
            "take_arrays": [
                *fitted(f"{own['arrays']} = ", taken),
                *assigned(self._workspace, own["arrays"]),
            ],
            "give_back": fitted("", given),
            "making": fused.making,
            "return_arrays": fitted("return ", self._workspace),
            "output_sizes": "".join(f", {one}" for one in self.output_sizes),
            "new_outputs": fitted("return ", tuple_group(self.new()), width=ROOM - 4),
            "old_outputs": fitted(f"{own['arrays']} = ", tuple_group(self.old())),
            "outputs": helpers["outputs"],
        }

    @property
    def keywords(self) -> tuple[str, ...]:
        """The parameters of the function beside the arguments."""
        own, home = self.scope.extra, self.scope.helpers["workspace"]
        return f"{own['out']}=None", f"{own['workspace']}={home}"

    @property
    def read(self) -> frozenset[str]:
        """The arguments and sizes that the function reads, in either way."""
        return frozenset({*self.fused.read, *self.output_sizes})

    @cached_property
    def _workspace(self) -> Text:
        return packed(self.fused.workspace, (), ROOM - len("return "))

    def _call_outputs(self) -> Group:
        """Return the call that gives the gradient's arrays, apart from those read."""
        read = [one for one in self.fused.read if one in self.arrays.values()]
        parts: list[Text] = [
            self.scope.extra["out"],
            tuple_group(read),
            *self.output_sizes,
        ]
        return Group(f"{self.scope.helpers['outputs']}(", items(parts), ")")
