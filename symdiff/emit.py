"""From a Program to a module's text: the templates are filled, and the text is checked.

In: a `Program`, the signature and what the module says of itself. Out: the text of a standalone module, as
`black` leaves it. Refused with `TextError`: a template that asks for what is not there, and text that holds
syntax that is never emitted.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from .errors import TextError
from .fitting import Group, fitted, tuple_group, unpacked
from .program import Program, Statement
from .screening import screen
from .specs import Argument, Leaf, Signature

__all__ = ["Description", "emit", "reserved_names", "templates"]

PUBLIC = ("value", "forward", "backward", "value_and_grad", "grad", "Gradient")
PRIVATE = {
    "Spec": "_Spec",
    "ARGUMENTS": "_ARGUMENTS",
    "check": "_check",
    "collect": "_collect",
    "array": "_array",
    "self_check": "_self_check",
    "made_up": "_made_up",
}

# How the self-check draws real arguments, by the domain in which the loss is finite.
DRAWS = {
    "normal": "rng.standard_normal(shape) / np.sqrt(max(shape[-2:-1], default=1))",
    "unit": "rng.uniform(0.1, 0.9, shape)",
    "positive": "rng.uniform(0.7, 1.4, shape)",
    "above": "rng.uniform(1.1, 1.9, shape)",
}


@dataclass(frozen=True)
class Description:
    """What a module says of itself, which arguments are differentiated, how samples are drawn.

    bounds: exclusive bounds of integer leaves in the self-check, at its sizes.
    """

    header: tuple[str, ...]
    docstring: tuple[str, ...]
    wrt: tuple[str, ...]
    single: bool
    dtype: str
    sizes: Mapping[str, int]
    bounds: Mapping[str, int]
    domain: str


def reserved_names(signature: Signature) -> set[str]:
    """Return the names that values of the passes must not have."""
    nested = {one.name for one in signature.arguments if is_nested(one)}
    return {*PRIVATE.values(), *nested, "Gradient", "sys", "NamedTuple"}


def is_nested(argument: Argument) -> bool:
    """Return whether an argument is a container of arrays and not an array."""
    return len(argument.leaves) != 1 or bool(argument.leaves[0].path)


def has_named_tuple(argument: Argument) -> bool:
    """Return whether an argument's gradient is made by its own named tuples."""
    return any(kind == "attr" for leaf in argument.leaves for kind, _ in leaf.path)


def emit(program: Program, signature: Signature, description: Description) -> str:
    """Return the text of the module.

    Raises
    ------
    TextError
        If a template lacks something, or the text holds what is never emitted.
    """
    fields = _Fields(program, signature, description).all()
    text = _render("module.py.jinja", fields)
    own = {*program.arguments, *(one.name for one in signature.arguments)}
    own |= {one.target for one in (*program.forward, *program.backward)}
    screen(text, own)
    return text


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(templates())),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def templates() -> Path:
    """Return the templates' folder: in the package, or in the repository that it is used from."""
    inside = Path(str(resources.files(__package__))) / "templates"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "templates"


def _render(name: str, fields: Mapping[str, Any]) -> str:
    try:
        return _environment().get_template(name).render(fields)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{name}:{line}" if line else name
        raise TextError(f"template {where}: {error.message}") from error


class _Fields:
    """The finished strings that the template loops over."""

    def __init__(
        self, program: Program, signature: Signature, description: Description
    ) -> None:
        self.program = program
        self.arguments = signature.arguments
        self.description = description
        self.by_name = {one.name: one for one in signature.arguments}

    def all(self) -> dict[str, Any]:
        program, description = self.program, self.description
        value = fitted(f"return {program.value}, ", tuple_group(program.cache))
        return {
            "header": description.header,
            "docstring": description.docstring,
            "imports": self._imports(),
            "constants": _lines(program.constants, 0),
            "names": self._names(),
            "gradient_fields": self._gradient_fields(),
            **self._functions(),
            "forward": _lines(program.forward),
            "return_forward": value,
            "unpack_cache": unpacked(program.cache, "cache"),
            "backward": _lines(program.backward),
            "return_backward": self._return_backward(),
            "aliases": [f"_{name} = {name}" for name in PUBLIC if name in self.by_name],
            "nested": any(map(is_nested, self.arguments)),
            **self._checking(),
        }

    def _names(self) -> dict[str, str]:
        """Names of the module's own functions, and by which ones they call each other."""
        called = {
            f"call_{name}": f"_{name}" if name in self.by_name else name
            for name in PUBLIC
        }
        own = {name: name for name in PUBLIC}
        return {**own, **PRIVATE, **called, "np": self.program.np}

    def _imports(self) -> list[str]:
        lines = [f"import numpy as {self.program.np}"]
        special = self.program.special
        if special is not None:
            plain = special == "scipy.special"
            lines.append(
                "import scipy.special"
                if plain
                else f"import scipy.special as {special}"
            )
        return lines

    def _functions(self) -> dict[str, list[str]]:
        """Return the heads of the functions that take the arguments, and how they pass them on."""
        call = self._names()
        heads = ("forward", "value_and_grad", "value", "grad", "_check")
        names = [*self.program.arguments, *self.program.sizes.values()]
        checked = self._call(PRIVATE["check"])
        return {
            **{
                f"def_{n}": fitted(f"def {n}", self._parameters(), ":", 88)
                for n in heads
            },
            "unpack_arguments": unpacked(names, checked),
            "call_forward": fitted("value, cache = ", self._call(call["call_forward"])),
            "return_value": fitted("return ", self._call(call["call_forward"]), "[0]"),
            "return_grad": fitted(
                "return ", self._call(call["call_value_and_grad"]), "[1]"
            ),
        }

    def _parameters(self) -> Group:
        parts: list[str] = []
        for one in self.arguments:
            if one.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in parts:
                parts.append("*")
            parts.append(one.name)
            positional = inspect.Parameter.POSITIONAL_ONLY
            if one.kind is positional and self._last_of(positional) is one:
                parts.append("/")
        return Group("(", tuple(("", part) for part in parts), ")")

    def _last_of(self, kind: object) -> Argument:
        return [one for one in self.arguments if one.kind is kind][-1]

    def _call(self, function: str, places: Mapping[str, str] | None = None) -> Group:
        """Return a call with all arguments, those that are keyword-only by keyword."""
        items = []
        for one in self.arguments:
            text = one.name if places is None else places[one.name]
            keyword = one.kind is inspect.Parameter.KEYWORD_ONLY
            items.append((f"{one.name}=" if keyword else "", text))
        return Group(f"{function}(", tuple(items), ")")

    def _gradient_fields(self) -> list[str]:
        if self.description.single:
            return []
        return [
            (
                f"{name}: object  # structured as the argument"
                if is_nested(self.by_name[name])
                else f"{name}: {self.program.np}.ndarray  # {_shape(self.by_name[name].leaves[0])}"
            )
            for name in self.description.wrt
        ]

    def _return_backward(self) -> list[str]:
        parts = []
        for name in self.description.wrt:
            argument = self.by_name[name]
            texts = [
                self.program.gradients[f"d_{leaf.name}"] for leaf in argument.leaves
            ]
            parts.append(_gradient_of(argument.unflatten(texts), name))
        if self.description.single:
            return fitted("return ", parts[0])
        keyed = tuple(
            (f"{n}=", part) for n, part in zip(self.description.wrt, parts, strict=True)
        )
        return fitted("return ", Group("Gradient(", keyed, ")"))

    # What the check of the arguments and the self-check read.

    def _checking(self) -> dict[str, Any]:
        sizes = "".join(f', sizes["{name}"]' for name in self.program.sizes)
        places = {one.name: f"arguments[{i}]" for i, one in enumerate(self.arguments)}
        positional = inspect.Parameter.KEYWORD_ONLY not in {
            one.kind for one in self.arguments
        }
        single = self.description.dtype == "float32"
        made_up = (f'"{name}": {size}' for name, size in self.description.sizes.items())
        return {
            "structures": self._structures(),
            "specs": fitted(f"{PRIVATE['ARGUMENTS']} = ", self._specs(), width=88),
            "checks": self._checks(),
            "checked": f"*arrays{sizes}" if sizes else "arrays",
            "made_up_sizes": f"{{{', '.join(made_up)}}}",
            "pass_made_up": (
                "*arguments" if positional else str(self._call("", places))[1:-1]
            ),
            "wrt_places": self._wrt_places(),
            "flatten_gradient": self._flatten_gradient(),
            "draw": DRAWS[self.description.domain].replace(
                "np.", f"{self.program.np}."
            ),
            "step": "1e-2" if single else "1e-3",
            "tolerance": "1e-2" if single else "1e-6",
        }

    def _spec(self, leaf: Leaf) -> str:
        below = self.description.bounds.get(leaf.name)
        end = f", {below}" if below is not None else ""
        shape = "".join(
            f'"{one}", ' if isinstance(one, str) else f"{one}, " for one in leaf.shape
        )
        shape = shape.strip() if len(leaf.shape) == 1 else shape.rstrip(", ")
        return f'{PRIVATE["Spec"]}("{leaf.dtype}", ({shape}){end})'

    def _specs(self) -> Group:
        items = []
        for one in self.arguments:
            specs = one.unflatten([self._spec(leaf) for leaf in one.leaves])
            items.append((f'"{one.name}": ', _structured(specs)))
        return Group("{", tuple(items), "}")

    def _structures(self) -> list[str]:
        """Named tuples of the user's, which the specs repeat."""
        found: dict[str, tuple[str, ...]] = {}
        for one in self.arguments:
            _find_named_tuples(one.unflatten(range(len(one.leaves))), found)
        return [
            f'{name} = NamedTuple("{name}", [{", ".join(f"({f!r}, object)" for f in fields)}])'
            for name, fields in found.items()
        ]

    def _checks(self) -> list[str]:
        specs, lines = PRIVATE["ARGUMENTS"], []
        for one in self.arguments:
            spec = f'{specs}["{one.name}"]'
            given = f'"{one.name}", {one.name}, {spec}'
            if is_nested(one):
                lines.append(f"{PRIVATE['collect']}({given}, arrays, sizes)")
            else:
                lines.append(f"arrays.append({PRIVATE['array']}({given}, sizes))")
        return lines

    def _wrt_places(self) -> str:
        starts, start = {}, 0
        for one in self.arguments:
            starts[one.name] = start
            start += len(one.leaves)
        names = self.description.wrt
        ranges = [(starts[n], starts[n] + len(self.by_name[n].leaves)) for n in names]
        parts = [str(a) if b == a + 1 else f"*range({a}, {b})" for a, b in ranges]
        return f"[{', '.join(parts)}]"

    def _flatten_gradient(self) -> list[str]:
        if not any(is_nested(self.by_name[name]) for name in self.description.wrt):
            return [
                (
                    "parts = [gradient]"
                    if self.description.single
                    else "parts = list(gradient)"
                )
            ]
        lines = ["parts = []"]
        for name in self.description.wrt:
            part = "gradient" if self.description.single else f"gradient.{name}"
            spec = f'{PRIVATE["ARGUMENTS"]}["{name}"]'
            lines.append(
                f'{PRIVATE["collect"]}("gradient", {part}, {spec}, parts, {{}})'
            )
        return lines


def _lines(statements: tuple[Statement, ...], indent: int = 4) -> list[str]:
    return [line for one in statements for line in one.text(indent)]


def _shape(leaf: Leaf) -> str:
    comma = "," if len(leaf.shape) == 1 else ""
    return f"({', '.join(map(str, leaf.shape))}{comma})"


def _is_named_tuple(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _structured(value: Any) -> str | Group:
    """Return the text of a nested structure whose leaves are texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return Group(
            "{", tuple((f"{_key(k)}: ", _structured(v)) for k, v in value.items()), "}"
        )
    if _is_named_tuple(value):
        fields = zip(value._fields, value, strict=True)
        inside = tuple((f"{field}=", _structured(one)) for field, one in fields)
        return Group(f"_{type(value).__name__}(", inside, ")")
    if isinstance(value, list | tuple):
        inside = tuple(("", _structured(one)) for one in value)
        brackets = "[]" if isinstance(value, list) else "()"
        return Group(
            brackets[0], inside, brackets[1], lone_comma=isinstance(value, tuple)
        )
    return "None"


def _gradient_of(value: Any, access: str) -> str | Group:
    """Return the text of a gradient in its argument's structure; named tuples are the user's own."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        items = ((_key(k), v) for k, v in value.items())
        return Group(
            "{",
            tuple((f"{k}: ", _gradient_of(v, f"{access}[{k}]")) for k, v in items),
            "}",
        )
    if _is_named_tuple(value):
        pairs = zip(value._fields, value, strict=True)
        inside = tuple((f"{f}=", _gradient_of(v, f"{access}.{f}")) for f, v in pairs)
        return Group(f"{access}._replace(", inside, ")")
    if isinstance(value, list | tuple):
        inside = tuple(
            ("", _gradient_of(v, f"{access}[{i}]")) for i, v in enumerate(value)
        )
        brackets = "[]" if isinstance(value, list) else "()"
        return Group(
            brackets[0], inside, brackets[1], lone_comma=isinstance(value, tuple)
        )
    return "None"


def _key(key: object) -> str:
    """Return a key's text; strings in double quotes, as `black` would have them."""
    text = repr(key)
    plain = isinstance(key, str) and text == f"'{key}'" and '"' not in key
    return f'"{key}"' if plain else text


def _find_named_tuples(value: Any, found: dict[str, tuple[str, ...]]) -> None:
    if _is_named_tuple(value):
        found.setdefault(f"_{type(value).__name__}", value._fields)
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, list | tuple) or not isinstance(value, int | None.__class__):
        for one in value:
            _find_named_tuples(one, found)
