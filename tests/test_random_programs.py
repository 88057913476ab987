"""Random programs: values against NumPy, gradients against two witnesses.

A program is drawn a line at a time: a template over the values there are is taken if
NumPy computes it at two lengths. Its gradient must be that of Richardson's differences
along random directions, and HIPS autograd's where autograd can run it. Where the
differences themselves disagree the point is near a kink, and the program is left out.

`python tests/test_random_programs.py COUNT FIRST` runs COUNT programs from seed FIRST.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import autograd
import autograd.numpy
import autograd.scipy.special
import numpy as np
import pytest
import scipy.special
from cases import quiet

import symdiff

COUNT = 280
BATCH = 20

SHAPES = [
    *((), (3,), ("n",), ("n", 3), (3, "n"), (1, 3), ("n", 1), (2, 3), (3, 2), (3, 3)),
    *((2, "n", 3), ("n", "n"), (1,), ("n", 3), ("n",), ("n", 2, 3)),
]
LENGTHS = (4, 7)

UNARY = [
    *("-{a}", "np.sin({a})", "np.cos({a})", "np.tanh({a})", "np.exp(0.3 * {a})"),
    *("np.sqrt(1 + {a} ** 2)", "np.log(1.5 + {a} ** 2)", "np.arctan({a})"),
    *("{a} ** 2", "{a} ** 3 / 3", "np.square({a})", "1 / (2 + {a} * {a})"),
    *(
        "expit({a})",
        "erf({a})",
        "np.log1p(np.abs({a}))",
        "abs({a})",
        "np.cbrt(1 + {a} ** 2)",
    ),
    *(
        "np.maximum({a}, 0.1)",
        "np.minimum(0.2, {a})",
        "{a} / 2",
        "2.0 - {a}",
        "3 * {a}",
    ),
    *("np.where({a} > 0.05, {a}, 0.3 * {a})", "{a} * ({a} > 0)", "np.arcsinh({a})"),
    *("np.where({a} > 0, np.sqrt(np.maximum({a}, 0)), 0)", "np.expm1({a} / 4)"),
    *("{a} / {a}.shape[0]", "{a} * {a}.shape[0]", "{a} * np.arange({a}.shape[-1])"),
    *("logsumexp({a}, axis=-1)", "softmax({a}, axis=-1)", "log_softmax({a}, axis=0)"),
    *("2.0 ** ({a} / 3)", "(1.5 + np.abs({a})) ** -1.5", "{a} - {a}.mean(axis=0)"),
]
BINARY = [
    *(
        "{a} + {b}",
        "{a} - {b}",
        "{a} * {b}",
        "{a} / (1.5 + {b} ** 2)",
        "{b} * {a} * {b}",
    ),
    *("np.maximum({a}, {b})", "np.minimum({a}, {b})", "np.hypot({a}, {b})"),
    *("np.where({a} > {b}, {a}, 0.5 * {b})", "np.logaddexp({a}, {b})"),
    *(
        "np.arctan2({a}, 2 + {b} ** 2)",
        "(1 + {a} ** 2) ** {b}",
        "xlogy({a}, 2 + {b}**2)",
    ),
    *("{a} @ {b}", "{a} @ {b}.T", "{a}.T @ {b}", "np.dot({a}, {b})", "{a}.dot({b})"),
    *("np.outer({a}, {b})", "np.inner({a}, {b})", "np.vdot({a}, {b})"),
    *("np.tensordot({a}, {b}, 1)", "np.einsum('ij,jk->ki', {a}, {b})"),
    *("np.einsum('ij,ij->i', {a}, {b})", "np.einsum('...i,...i->...', {a}, {b})"),
    *("np.einsum('ij,jk,ik->k', {a}, {b}, {a})", "np.einsum('ii,ij->j', {a}, {b})"),
    *("np.einsum('i,j->ij', {a}, {b})", "np.einsum('ij,kj', {a}, {b})"),
    *("np.concatenate([{a}, {b}])", "np.concatenate([{a}, {b}], axis=-1)"),
    *("np.stack([{a}, {b}])", "np.stack([{a}, {b}], axis=-1)", "{a} + {b} + {a} * {b}"),
]
AXES = ["", "axis=0", "axis=-1", "axis=1", "axis=(0, 1)", "axis=(0, -1)", "axis=None"]
REDUCED = [
    f"{{a}}.{name}({inside})"
    for name in ("sum", "mean", "max", "min", "prod", "var", "std", "sum", "mean")
    for axis in AXES
    for inside in (axis, f"{axis}, keepdims=True" if axis else "keepdims=True")
]
MOVED = [
    *("{a}.T", "{a}[None]", "{a}[..., None]", "{a}.reshape(-1)", "{a}.swapaxes(0, -1)"),
    *(
        "{a}.reshape({a}.shape[0], -1)",
        "np.expand_dims({a}, 1)",
        "np.moveaxis({a}, 0, -1)",
    ),
    *(
        "np.broadcast_to({a}, (2, *{a}.shape))",
        "np.stack([{a}, 2 * {a}])",
        "{a}.ravel()",
    ),
    *("np.transpose({a}, (1, 0, 2))", "np.squeeze({a}[None], 0)", "{a}.copy()"),
]
INDEXED = [
    f"{{a}}[{key}]"
    for key in (
        *(
            "0",
            "-1",
            "1:",
            ":-1",
            ":2",
            "-2:",
            "::-1",
            "::2",
            ":, 0",
            ":, 1:",
            "..., -1",
        ),
        *(":, None", "..., ::-1", "[0, 1, 0]", ":, [0, 2, 2]", "[0, 1], [1, 0]"),
        *("1, 1:", "..., None, 0", "k", "np.arange(len(k)), k", ":, k", "k, 0"),
    )
]
KINDS = [UNARY, UNARY, BINARY, BINARY, BINARY, REDUCED, MOVED, INDEXED]
LOSSES = [
    "np.sum({a})",
    "np.mean({a} * {a})",
    "np.sum(np.sin({a}))",
    "np.vdot({a}, {a})",
]


@dataclass
class Program:
    """A drawn program: the shapes of its parameters and its text."""

    shapes: dict[str, tuple]
    text: str

    def loss(self, numpy=np, special=scipy.special):
        names = ("expit", "erf", "logsumexp", "softmax", "log_softmax", "xlogy")
        space = {one: getattr(special, one, None) for one in names} | {"np": numpy}
        exec(self.text, space)
        return space["loss"]

    def arguments(self, length: int, seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        shapes = [
            tuple(length if one == "n" else one for one in shape)
            for shape in self.shapes.values()
        ]
        return [
            *(np.asarray(0.2 + rng.standard_normal(shape)) for shape in shapes),
            rng.integers(0, 2, length),
        ]


def draw(seed: int) -> Program:
    """Return a program that NumPy runs at both lengths."""
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 4)
    shapes = {f"p{i}": SHAPES[rng.integers(len(SHAPES))] for i in range(count)}
    program = Program(shapes, "")
    spaces = [
        {"np": np, **dict(zip([*shapes, "k"], program.arguments(n, 0), strict=True))}
        for n in LENGTHS
    ]
    for space in spaces:
        space |= {
            one: getattr(scipy.special, one)
            for one in ("expit", "erf", "logsumexp", "softmax", "log_softmax", "xlogy")
        }
    values, lines = list(shapes), []
    for _ in range(200):
        if len(lines) == 3 + seed % 9:
            break
        templates = KINDS[rng.integers(len(KINDS))]
        # Late values more often than early ones: programs are to be deep.
        a, b = (values[-1 - int(rng.beta(1, 2) * len(values))] for _ in "ab")
        text = templates[rng.integers(len(templates))].format(a=a, b=b)
        if all(runs(text, space) for space in spaces):
            name = f"v{len(lines)}"
            for space in spaces:
                space[name] = eval(text, space)
            lines.append(f"{name} = {text}")
            values.append(name)
    ends = [f"v{i}" for i in range(max(0, len(lines) - 2), len(lines))] or values
    total = " + ".join(
        LOSSES[rng.integers(len(LOSSES))].format(a=one) for one in ends + values[:1]
    )
    body = "".join(f"    {line}\n" for line in lines)
    names = ", ".join([*shapes, "k"])
    program.text = f"def loss({names}):\n{body}    return {total}\n"
    return program


def runs(text: str, space: dict) -> bool:
    """Whether NumPy computes an expression, to finite numbers in a small array."""
    try:
        with quiet():
            value = np.asarray(eval(text, space))
    except (ValueError, IndexError, TypeError, AttributeError):
        return False
    return 0 < value.size <= 100 and value.ndim <= 4 and bool(np.all(abs(value) < 50))


def differences_along(loss, arguments, directions, width):
    """The slope along a direction by Richardson's differences of a width."""

    def at(step):
        pairs = zip(arguments, directions, strict=False)
        moved = [np.asarray(x + step * d) for x, d in pairs]
        return float(loss(*moved, arguments[-1]))

    near, far = at(width) - at(-width), at(2 * width) - at(-2 * width)
    return (8 * near - far) / (12 * width)


def outcome(seed: int) -> str:
    """Return "right", "kink", "no gradient" or what is wrong with a random program."""
    program = draw(seed)
    loss = program.loss()
    args = {**program.shapes, "k": symdiff.ArraySpec(("n",), "int64")}
    wrt = tuple(program.shapes)
    try:
        compiled = symdiff.compile(loss, args, wrt=wrt, verify=False)
    except symdiff.SymdiffError as error:
        if "Min(" in str(error):
            return "kink"  # its shapes depend on how long an axis is
        return f"does not compile: {type(error).__name__}: {error}\n{program.text}"
    with quiet():
        found = [judged(program, loss, compiled, n, seed) for n in (5, 2, 1)]
    wrong = [one for one in found if one not in ("right", "kink")]
    return wrong[0] if wrong else ("kink" if "kink" in found[:1] else "right")


def judged(program, loss, compiled, length, seed) -> str:
    arguments = program.arguments(length, seed)
    try:
        expected = float(loss(*arguments))
    except (ValueError, IndexError, TypeError, AttributeError):
        return "right"  # NumPy itself does not run it at this length
    for one in arguments:
        one.flags.writeable = False
    about = f"at n = {length}, seed {seed}\n{program.text}"
    value, gradient = compiled.value_and_grad(*arguments)
    if not np.allclose(value, expected, rtol=1e-9, atol=1e-9, equal_nan=True):
        return f"value {value}, not {expected}, {about}"
    if not np.isfinite(expected):
        return "kink"
    rng = np.random.default_rng(seed)
    for _ in range(2):
        directions = [rng.standard_normal(one.shape) for one in arguments[:-1]]
        slope = sum(np.sum(g * d) for g, d in zip(gradient, directions, strict=True))
        wide, narrow = (
            differences_along(loss, arguments, directions, width)
            for width in (1e-3, 2.5e-4)
        )
        scale = 1e-5 * max(1.0, abs(narrow), abs(expected) / 100)
        if not np.isfinite(slope) or abs(slope - narrow) > scale:
            if abs(wide - narrow) > scale / 10 or not np.isfinite(narrow):
                return "kink"
            return f"slope {slope}, not {narrow}, {about}"
    return against_autograd(program, gradient, arguments, about)


def against_autograd(program, gradient, arguments, about) -> str:
    """Hold the gradient against autograd's, where autograd can run the program."""
    loss = program.loss(autograd.numpy, autograd.scipy.special)
    for place, part in enumerate(gradient):
        try:
            given = [np.array(one) for one in arguments]
            expected = autograd.grad(loss, place)(*given)
        except Exception:  # noqa: BLE001 - its faults are no fault of the program
            return "right"
        if np.shape(expected) != np.shape(part):
            return "right"  # its rule of `where` does not sum over repeated axes
        scale = max(1.0, np.max(np.abs(expected), initial=0))
        if np.all(np.isfinite(expected)) and np.max(abs(part - expected), initial=0) > (
            1e-9 * scale
        ):
            return f"autograd's gradient differs: {part}, not {expected}, {about}"
    return "right"


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_random_programs_have_the_right_gradient(first):
    found = {seed: outcome(seed) for seed in range(first, first + BATCH)}
    wrong = [one for one in found.values() if one not in ("right", "kink")]
    assert not wrong, "\n\n".join(wrong)
    assert sum(one == "kink" for one in found.values()) <= BATCH // 4


def main(count: int, first: int) -> None:
    """Run programs and print what is wrong, then the counts."""
    tally: Counter = Counter()
    for seed in range(first, first + count):
        try:
            result = outcome(seed)
        except Exception as error:  # noqa: BLE001 - reported with its program
            result = f"{type(error).__name__}: {error}, seed {seed}\n{draw(seed).text}"
        tally[result if result in ("right", "kink") else "wrong"] += 1
        if result not in ("right", "kink"):
            print(result, flush=True)
    print(dict(tally))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
