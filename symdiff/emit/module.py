"""From a Program to a module's text: the templates are filled, and the text is checked.

In: a `Program`, the signature and what the module says of itself. Out: the text of a
standalone module, as `black` leaves it. Refused with `TextError`: a template that asks
for what is not there, and text that holds what is never emitted.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..program.fitting import Group, Text, assigned, bare, fitted, group, packed
from ..program.fused import Fused
from ..program.local import BUILTINS
from ..program.schedule import Program
from ..program.unrolled import CALLED, Numbers
from ..shapes import show
from ..specs import Argument
from ..timings import stage
from .calling import STARS, call, parameters, passed_from
from .checking import Checking
from .fusing import WORKSPACE, Fusing
from .nesting import containers, gradient_of, has_record, is_nested, is_record
from .outputs import indented, made_quickly
from .rendering import formatted, render
from .scope import HELPERS, Scope, fields
from .screening import Own, screen
from .unrolling import Unrolling

__all__ = ["Description", "Part", "emit", "has_record"]


@dataclass(frozen=True)
class Description:
    """What a module says of itself, what is differentiated, how samples are drawn.

    sizes: those of the self-check. bounds: exclusive bounds of integer leaves there.
    """

    wrt: tuple[str, ...]
    single: bool
    dtype: str
    sizes: Mapping[str, int]
    bounds: Mapping[str, int]
    domain: str


class Part(NamedTuple):
    """One function's part of a module; fused: both passes as one, where there is that."""

    program: Program
    scope: Scope
    description: Description
    fused: Fused | Numbers | None = None


@stage("emit")
def emit(parts: Sequence[Part], header: Sequence[str], docstring: Sequence[str]) -> str:
    """Return the text of the module.

    Raises
    ------
    TextError
        If a template lacks something, or the text holds what is never emitted.
    """
    fields = [_Fields(*part) for part in parts]
    text = render("module.py.jinja", _joined(fields, header, docstring))
    screen(text, _owned(fields))
    usual = all(one.is_usual() for one in fields)
    return text if usual else formatted(text)


def _joined(
    fields: Sequence[_Fields], header: Sequence[str], docstring: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of the whole module, each part's own functions as texts."""
    each = [one.all() for one in fields]
    standard = _once(line for one in fields for line in one.standard())
    imports = sorted(standard, key=lambda line: (line.startswith("from"), line))
    libraries = _once(line for one in fields for line in one.libraries())
    reals = fields[0].scope.reals
    single = "float32" in reals
    return {
        "header": header,
        "docstring": docstring,
        "imports": [*imports, "", *libraries],
        "constants": [line for one in each for line in one["constants"]],
        "np": each[0]["np"],
        "own": each[0]["own"],
        "classes": _once(line for one in each for line in one["classes"]),
        "forms": sorted({form for one in each for form in one["forms"]}),
        "fused": any(one["fused"] for one in each),
        "float64": any(one.get("float64") for one in each),
        "numbers": any(one.checking.numbers for one in fields),
        "functions": [render("functions.py.jinja", one).rstrip() for one in each],
        "checks": [render("checks.py.jinja", one).rstrip() for one in each],
        "draws": any(one["draws"] for one in each),
        "dtype": f"{each[0]['np']}.{reals[0]}" if len(reals) == 1 else "",
        "steps": "(1e-1, 1e-2, 1e-3)" if single else "(1e-2, 1e-3, 1e-4, 1e-5, 1e-6)",
        "runs": [one.self_check(alone=len(fields) == 1) for one in fields],
        "tolerance": "1e-2" if single else "1e-5",
    }


def _once(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _owned(fields: Sequence[_Fields]) -> Own:
    """Return the names and attributes that are the whole module's own."""
    each = [one.own() for one in fields]
    return Own(
        *(
            {name for own in each for name in getattr(own, kind)}
            for kind in Own.__dataclass_fields__
        )
    )


class _Fields:
    """The finished strings that the template loops over."""

    def __init__(
        self,
        program: Program,
        scope: Scope,
        description: Description,
        fused: Fused | Numbers | None,
    ) -> None:
        signature = scope.signature
        self.program = program
        self.scope = scope
        self.signature = signature
        self.arguments = signature.arguments
        self.description = description
        self.by_name = {one.name: one for one in signature.arguments}
        self.helpers = scope.helpers
        self.classes = scope.classes
        self.fields = fields(description.wrt)
        leaves = (leaf.name for leaf in signature.leaves)
        arrays = dict(zip(leaves, program.arguments, strict=True))
        self.fusing: Fusing | Unrolling | None = None
        self.read = program.read
        if fused is not None:
            parts = self._parts(scope.extra["out"])
            names = (scope, program.np, arrays, program.sizes, parts)
            self.fusing = (
                Fusing(*names, fused)
                if isinstance(fused, Fused)
                else Unrolling(*names, fused)
            )
            self.read = self._read_by_both(self.fusing.read)
        self.checking = Checking(
            signature,
            program.np,
            frozenset(self.read),
            self.helpers,
            arrays,
            program.sizes,
            self.classes,
            mixed=len(scope.reals) > 1,
        )

    def all(self) -> dict[str, Any]:
        """Return every field of the template."""
        program = self.program
        return {
            "constants": indented([*dict.fromkeys(self._of_both("constants"))], 0),
            "np": program.np,
            "own": self.helpers,
            "public": self.scope.public,
            "called": self.scope.called,
            "gradient_fields": self._gradient_fields(),
            **self._functions(),
            "forward": indented(program.forward),
            "unpack_cache": assigned(self._cache, "cache") if program.cache else [],
            "seed": program.seed,
            "backward": indented(program.backward),
            "return_backward": self._returned(
                program.gradients, self.scope.public["Gradient"], "return ", False
            ),
            **self._fused(),
            "aliases": [f"{to} = {name}" for name, to in self.scope.aliases.items()],
            "forms": self._forms(),
            "classes": self._class_lines(),
            "check": self.checking.arguments(),
            "made_up": self._made_up,
            "at_sizes": self._at_sizes(),
            "draws": any(self.helpers["random"] in one for one in self._made_up),
        }

    def _fused(self) -> dict[str, Any]:
        """Return the fields of the function that computes both passes as one."""
        if self.fusing is None:
            return {"fused": "", "in_numbers": False}
        return {
            "fused": self.fusing.template,
            "in_numbers": False,
            **self.fusing.fields(self._returned),
        }

    def _read_by_both(self, fused: frozenset[str]) -> tuple[str, ...]:
        """Return the arguments and sizes that the passes read, in either way."""
        read = fused | {*self.program.read}
        names = (*self.program.arguments, *self.program.sizes.values())
        return tuple(name for name in names if name in read)

    def _parts(self, gradient: str) -> dict[str, Argument]:
        """Return what is differentiated, by the text of its part of a gradient."""
        wrt = self.description.wrt
        if self.description.single:
            return {gradient: self.by_name[wrt[0]]}
        return {f"{gradient}.{self.fields[one]}": self.by_name[one] for one in wrt}

    def is_usual(self) -> bool:
        """Return whether the template's lines are of the usual names and arguments."""
        helpers = [self.helpers[one] == f"_{one}" for one in HELPERS]
        usual = self.program.np == "np" and not self.scope.prefix
        return (
            usual
            and all(helpers)
            and not any(one.kind in STARS for one in self.arguments)
        )

    def own(self) -> Own:
        """Return the names and attributes that are this module's own."""
        program, helpers, public = self.program, self.helpers, self.scope.public
        passes = (public[one] for one in ("forward", "backward", "value_and_grad"))
        parameters = {one.name for one in self.arguments}
        functions = {
            part for one in self._of_both("functions") for part in one.split(".")
        }
        own = {field for one in self.classes for field in one.fields}
        replace = {"_replace", "replace"} if own else set()
        dtypes = {leaf.dtype for leaf in self.signature.leaves} | {"int64"}
        return Own(
            imports=self.libraries(),
            functions=(*passes, helpers["check"]),
            passes={
                *parameters,
                *(*self._of_both("names"), *self.fields.values()),
                *program.sizes.values(),
                *(line.split()[-1].partition(".")[0] for line in self.libraries()),
                *(helpers[one] for one in ("check", "array", "number", "match")),
                *(helpers[one] for one in ("outputs", "workspace", "float64")),
                *(helpers[one] for one in ("written", "in_arrays")),
                *self.scope.extra.values(),
                *(() if self.fusing is None else self.fusing.own.values()),
                *(*public.values(), *self.scope.called.values()),
                *(*self.classes.values(), "value"),
                *("cache", "cotangent", "dataclasses", *BUILTINS),
            },
            branching=(
                ()
                if self.fusing is None
                else (public["value_and_grad"], helpers["in_arrays"])
            ),
            called=CALLED,
            others=helpers.values(),
            attributes={
                *(*functions, *own, *replace, *dtypes),
                *(*WORKSPACE, *self.fields.values(), "__new__", "ndarray"),
            },
            mappings={
                text
                for place, one in enumerate(self.arguments)
                for text in (one.name, f"arguments[{place}]")
                if one.kind is inspect.Parameter.VAR_KEYWORD
            },
        )

    def standard(self) -> list[str]:
        """Return the imports of Python's own modules."""
        lines = ["import sys"]
        lines += [] if self.fusing is None else [f"import {self.fusing.library}"]
        makers = {one.maker for one in self.classes}
        if "dataclasses.make_dataclass" in makers:
            lines.insert(0, "import dataclasses")
        if "namedtuple" in makers:
            lines.append("from collections import namedtuple")
        if not self.description.single:
            lines.append("from typing import NamedTuple")
        return lines

    def libraries(self) -> list[str]:
        """Return the imports of NumPy and SciPy."""
        imports = _once(self._of_both("imports"))
        return [f"import numpy as {self.program.np}", *imports]

    def _of_both(self, kind: str) -> tuple:
        """Return what the two passes have of a kind, and both of them as one."""
        fused = () if self.fusing is None else getattr(self.fusing.fused, kind)
        return (*getattr(self.program, kind), *fused)

    # The public functions.

    def _functions(self) -> dict[str, list[str]]:
        """Return the heads and returns of the functions that take the arguments."""
        heads = ("forward", "value_and_grad", "value", "grad")
        names = {one: self.scope.public[one] for one in heads}
        names["check"] = self.helpers["check"]
        forward = call(self.scope.called["forward"], self.arguments)
        both = call(self.scope.called["value_and_grad"], self.arguments)
        extra = {"value_and_grad": self.fusing.keywords} if self.fusing else {}
        value = self.program.value
        return {
            **{
                f"def_{one}": fitted(
                    f"def {name}",
                    parameters(self.arguments, extra.get(one, ())),
                    ":",
                    88,
                )
                for one, name in names.items()
            },
            "unpack_arguments": self._unpack_arguments(),
            "return_check": self._return_check(),
            "return_forward": fitted(f"return {value}, ", self._cache),
            "call_forward": fitted("value, cache = ", forward),
            "return_value": fitted("return ", forward, "[0]"),
            "return_grad": fitted("return ", both, "[1]"),
        }

    @cached_property
    def _cache(self) -> Text:
        given = {*self.by_name, *self.program.arguments, *self.program.sizes.values()}
        room = 84 - len(f"return {self.program.value}, ")
        return packed(self.program.cache, given, room)

    @cached_property
    def _read(self) -> Text:
        """The arguments and sizes that the passes read, as `_check` returns them."""
        names = self.read
        if len(names) == 1:
            return names[0]
        return packed(names, self.program.arguments, 84 - len(" = _check("))

    def _unpack_arguments(self) -> list[str]:
        checked = call(self.helpers["check"], self.arguments)
        return assigned(self._read, checked) if self.read else fitted("", checked)

    def _return_check(self) -> list[str]:
        flat = f"return {bare(self._read)}"
        if not self.read or len(flat) <= 84:
            return [flat] if self.read else []
        return fitted("return ", self._read)

    # The gradient.

    def _gradient_fields(self) -> list[str]:
        if self.description.single:
            return []
        lines = []
        for name in self.description.wrt:
            argument = self.by_name[name]
            kind = f"{self.program.np}.ndarray  # {show(argument.leaves[0].shape)}"
            if is_nested(argument):
                outer = next(containers(argument))
                kinds = (one for one in (dict, list, tuple) if isinstance(outer, one))
                plain = next(kinds, object)
                kind = f"{plain.__name__}  # nested as the argument"
            line = f"{self.fields[name]}: {kind}"
            lines.append(line if len(line) <= 84 else line.partition("  #")[0])
        return lines

    def _returned(
        self, texts: Mapping[str, str], title: str, before: str, quick: bool
    ) -> list[str]:
        """Return the lines that return a gradient of these arrays."""
        parts = [
            gradient_of(
                self.by_name[n],
                [texts[f"d_{leaf.name}"] for leaf in self.by_name[n].leaves],
            )
            for n in self.description.wrt
        ]
        if self.description.single:
            return fitted(before, parts[0])
        if quick:
            return fitted(before, made_quickly(title, parts))
        names = (f"{self.fields[name]}=" for name in self.description.wrt)
        keyed = tuple(zip(names, parts, strict=True))
        return fitted(before, Group(f"{title}(", keyed, ")"))

    # What the check of the arguments and the self-check need.

    @cached_property
    def _made_up(self) -> list[str]:
        about = self.description
        return self.checking.made_up(about.sizes, about.bounds, about.domain)

    def _forms(self) -> list[str]:
        """Return which kinds of containers the arguments have."""
        found = set()
        for argument in self.arguments:
            for one in containers(argument):
                if isinstance(one, dict):
                    found.add("dict")
                elif is_record(one):
                    found.add("named" if isinstance(one, tuple) else "dataclass")
                else:
                    found.add("list")
        return sorted(found)

    def _class_lines(self) -> list[str]:
        """Return the classes of the user's named tuples and dataclasses, as the checks
        need them.
        """
        lines = []
        for one, name in self.classes.items():
            items: list[tuple[str, Text]] = [
                ("", f'"{name}"'),
                ("", group("[", (("", f'"{field}"') for field in one.fields), "]")),
            ]
            private = any(field.startswith("_") for field in one.fields)
            if private and one.maker == "namedtuple":
                items.append(("rename=", "True"))
            lines += fitted(f"{name} = ", group(f"{one.maker}(", items, ")"), width=88)
        return lines

    def _at_sizes(self) -> str:
        sizes = [f"{name} = {size}" for name, size in self.description.sizes.items()]
        return f" of sizes {', '.join(sizes)}" if sizes else ""

    def self_check(self, alone: bool) -> list[str]:
        """Return the lines that check the gradient at made-up arguments."""
        items = [self.scope.public["value"], self.scope.public["grad"]]
        items += [self._differentiated(), *passed_from("arguments", self.arguments)]
        function = self.helpers["self_check"]
        checked = group(f"{function}(", (("", one) for one in items), ")")
        before, after = ("error = ", "") if alone else ("errors.append(", ")")
        made = f"arguments = {self.helpers['made_up']}(rng)"
        return [made, *fitted(before, checked, after)]

    def _differentiated(self) -> str:
        """Return the list of those made-up arguments that are differentiated."""
        names = [one.name for one in self.arguments]
        places = [names.index(name) for name in self.description.wrt]
        if places == list(range(places[0], places[0] + len(places))):
            return f"arguments[{places[0] or ''}:{places[-1] + 1}]"
        return f"[{', '.join(f'arguments[{place}]' for place in places)}]"
