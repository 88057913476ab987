"""Names, keys, comments and docstrings of the user's, whatever they are called."""

import ast
import keyword
import linecache
import random
import string
import types
import zlib

import black
import numpy as np
import pytest
from cases import checks_itself

import symdiff
from symdiff.errors import SpecError

# What the module calls its own functions, values and parts, and what Python does.
HARD = (
    *("np", "float", "range", "max", "min", "value", "forward", "backward", "cache"),
    *("cotangent", "grad", "Gradient", "sys", "n", "d_W", "d_x", "lambda_", "self"),
    *("open", "eval", "exec", "print", "scipy", "NamedTuple", "namedtuple", "zip"),
    *("_check", "_array", "_match", "_made_up", "_self_check", "_random", "_leaves"),
    *("name", "dtype", "shape", "sizes", "array", "rng", "arguments", "gradient"),
    *("value_and_grad", "isinstance", "α", "λ_", "h_1", "z", "rows"),
)


def function(text: str, name: str = "loss", **scope):
    """Return a function made of its text, which linecache knows."""
    path = f"<loss {zlib.crc32(text.encode(errors='replace'))}>"
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    namespace = {"np": np, **scope}
    exec(compile(text, path, "exec"), namespace)
    return namespace[name]


def loss_of(first: str, second: str):
    return function(
        f"def loss({first}, {second}):\n"
        f"    return (np_.sum({first}[1:] * {second}[:-1]) + {first}[0] ** 3\n"
        f"            + np_.sum({second}) ** 2)\n",
        np_=np,
    )


@pytest.mark.parametrize("name", HARD)
def test_fault_15_parameters_called_as_what_the_module_needs(name):
    loss = loss_of(name, "other")
    args = {name: ("n",), "other": ("n",)}
    compiled = symdiff.compile(loss, args, wrt=(name, "other"))
    a, b = np.array([2.0, 3.0, 4.0]), np.array([5.0, 6.0, 7.0])
    value, gradient = compiled.value_and_grad(a, b)
    assert value == loss(a, b)
    np.testing.assert_allclose(gradient[0], [12.0, 5.0, 6.0])
    np.testing.assert_allclose(gradient[1], [39.0, 40.0, 36.0])
    assert black.format_str(compiled.source, mode=black.Mode()) == compiled.source


def test_fault_15_all_of_them_at_once():
    names = list(dict.fromkeys(HARD))
    body = " + ".join(f"np_.sum({name} ** 2)" for name in names)
    loss = function(f"def loss({', '.join(names)}):\n    return {body}\n", np_=np)
    args = dict.fromkeys(names, ("n",))
    compiled = symdiff.compile(loss, args, wrt=tuple(names))
    value, gradient = compiled.value_and_grad(*[np.ones(2)] * len(names))
    assert value == 2 * len(names)
    assert all(np.array_equal(one, [2.0, 2.0]) for one in gradient)
    assert compiled.module.value(*[np.ones(2)] * len(names)) == value


def test_fault_15_the_self_check_gives_way_too():
    names = ("rng", "value", "grad", "array", "norm", "step", "float", "zip")
    body = " + ".join(f"np_.sum({name} ** 3)" for name in names)
    loss = function(f"def loss({', '.join(names)}):\n    return {body}\n", np_=np)
    args = dict.fromkeys(names, ("n",))
    compiled = symdiff.compile(loss, args, wrt=names)
    assert checks_itself(compiled.source)


@pytest.mark.parametrize("parameter", ["W", "d_W", "X", "n", "max"])
def test_fault_16_a_size_called_as_a_parameter(parameter):
    loss = loss_of(parameter, "other")
    size = parameter
    compiled = symdiff.compile(
        loss, {parameter: (size,), "other": (size,)}, wrt=(parameter, "other")
    )
    a, b = np.array([2.0, 3.0]), np.array([5.0, 6.0])
    assert compiled.value(a, b) == loss(a, b)
    with pytest.raises(ValueError, match="other has shape"):
        compiled.value(a, np.ones(3))


def test_fault_16_the_users_own_gradients_and_temporaries():
    def loss(W, d_W, d_h, h_1):
        h = np.tanh(W * d_W)
        d_x = h * d_h
        cache = np.sin(d_x + h_1)
        value = cache * 2
        return np.sum(value**2)

    args = dict.fromkeys(("W", "d_W", "d_h", "h_1"), (3,))
    compiled = symdiff.compile(loss, args, wrt=tuple(args))
    rng = np.random.default_rng(0)
    given = [rng.normal(size=3) for _ in args]
    value, gradient = compiled.value_and_grad(*given)
    assert value == pytest.approx(loss(*given), rel=1e-14)
    step = 1e-6
    for place, part in enumerate(gradient):
        moved = [one.copy() for one in given]
        moved[place][1] += step
        above = loss(*moved)
        moved[place][1] -= 2 * step
        assert part[1] == pytest.approx((above - loss(*moved)) / (2 * step), rel=1e-6)


KEYS = [
    "class",
    "a b",
    'W"]; import os #',
    "it's",
    '\'"""\n',
    "\\",
    "\\N{BULLET}",
    "{x}",
    "%s",
    "\x00\x1b[31m",
    "\u202e\u2066",
    "ﬁ",
    "Ω≈ç√",
    "",
    "self",
    "__class__",
    0,
    -1,
    True,
    ("a", 1),
    ("x",),
    (),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_fault_17_keys_of_all_kinds(key):
    def loss(params):
        return np.sum(params[key] ** 2) + params["other"]

    args = {"params": {key: (2,), "other": ()}}
    compiled = symdiff.compile(loss, args)
    gradient = compiled.grad({key: np.array([1.0, 2.0]), "other": 3.0})
    assert list(gradient) == [key, "other"]
    np.testing.assert_array_equal(gradient[key], [2.0, 4.0])
    assert black.format_str(compiled.source, mode=black.Mode()) == compiled.source
    with pytest.raises(ValueError, match="params"):
        compiled.value({"other": 1.0})


def test_fault_18_names_that_unicode_normalises():
    loss = function("def loss(ﬁ, 𝐱):\n    return np.sum(fi * x ** 2)\n")
    compiled = symdiff.compile(loss, {"ﬁ": (2,), "𝐱": (2,)}, wrt=("fi", "x"))
    gradient = compiled.grad(fi=np.ones(2), x=np.ones(2))
    np.testing.assert_array_equal(gradient.x, [2.0, 2.0])


def test_fault_18_keys_that_normalise_to_one_name():
    def loss(params):
        return np.sum(params["ﬁ"] * params["fi"])

    compiled = symdiff.compile(loss, {"params": {"ﬁ": (2,), "fi": (2,)}})
    gradient = compiled.grad({"ﬁ": np.ones(2), "fi": np.array([2.0, 3.0])})
    np.testing.assert_array_equal(gradient["ﬁ"], [2.0, 3.0])
    np.testing.assert_array_equal(gradient["fi"], [1.0, 1.0])


def test_fault_18_parameters_that_collide_are_refused():
    loss = types.FunctionType((lambda a, b: a).__code__, {"np": np})
    loss.__code__ = loss.__code__.replace(co_varnames=("fi", "ﬁ"))
    with pytest.raises(SpecError, match="same name"):
        symdiff.compile(loss, {"fi": (), "ﬁ": ()})


def test_greek_letters_stay():
    loss = function(
        "def loss(θ, β):\n    σ = np.exp(θ)\n    return np.sum(np.sin(σ) * β - σ / β)\n"
    )
    source = symdiff.compile(loss, {"θ": ("n",), "β": ("n",)}, wrt=("θ", "β")).source
    assert "σ = np.exp(θ)" in source
    assert "np.cos(σ)" in source
    assert "return Gradient(θ=d_θ, β=d_β)" in source


CONTROLS = "".join(map(chr, (0, 7, 8, 9, 10, 11, 12, 13, 27, 127, 133, 173)))
MARKS = "\u200b\u200e\u202a\u202e\u2028\u2029\u2066\u2069\ufeff\u00a0"
PIECES = (
    *('"""', "'''", '"', "'", "\\", "\\n", "\\\\", "#", "\n", "\r\n", "\n\n", "\t"),
    *("{", "}", "{{ 7*7 }}", "{% raw %}", "%s", ";", ")", "(", "]", "[", ":", ","),
    *("import os", "__import__('os').system('x')", "eval", "raise SystemExit", "=1"),
    *("*/", "\ud800", "é", "ﬁ", "α", "𝐱", "  ", "    return 1", "def f():", "@x"),
    *CONTROLS,
    *MARKS,
)


def hostile(rng: random.Random) -> str:
    pieces = [rng.choice(PIECES) for _ in range(rng.randint(1, 6))]
    letters = rng.choices(string.printable, k=rng.randint(0, 6))
    return "".join([*pieces, *letters])


def sane(text: str) -> None:
    """Hold a text against its own lines: one header, no characters that mislead."""
    assert text.startswith("# Code generated by symdiff ")
    assert all(one.isprintable() or one == "\n" for one in text)
    ast.parse(text)


@pytest.mark.parametrize("seed", range(6))
def test_fault_17_hostile_keys(seed):
    rng = random.Random(seed)
    keys = list(dict.fromkeys(hostile(rng) for _ in range(400)))

    def loss(params):
        total = 0.0
        for place, key in enumerate(keys):
            total = total + params[key] * (place + 1)
        return total

    compiled = symdiff.compile(loss, {"params": dict.fromkeys(keys, ())}, verify=False)
    text = compiled.source
    sane(text)
    gradient = compiled.grad(dict.fromkeys(keys, 1.0))
    assert list(gradient) == keys
    assert [float(one) for one in gradient.values()] == list(range(1, len(keys) + 1))


@pytest.mark.parametrize("seed", range(10))
def test_fault_19_hostile_docstrings_comments_and_commands(seed):
    rng = random.Random(seed)
    for _ in range(10):
        doc, comment = hostile(rng), hostile(rng)
        one_line = comment.replace("\n", " ").replace("\r", " ").replace("\x0c", " ")
        body = f"def loss(x):\n    y = x * 2  # {one_line}\n    return np.sum(y)\n"
        try:
            loss = function(body.replace("\x00", ""))
        except (SyntaxError, UnicodeEncodeError):
            continue
        loss.__doc__ = doc
        loss.__qualname__ = loss.__name__ = hostile(rng)
        compiled = symdiff.compile(
            loss, {"x": ("n",)}, verify=False, command=hostile(rng)
        )
        sane(compiled.source)
        tree = ast.parse(compiled.source)
        names = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
        assert names[:5] == ["forward", "backward", "value_and_grad", "value", "grad"]
        assert compiled.value(np.ones(2)) == 4.0


def test_identifiers_are_ones():
    from symdiff.program.naming import Names, identifier

    rng = random.Random(0)
    names = Names()
    given = []
    for _ in range(5000):
        wish = hostile(rng)
        name = identifier(wish)
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        given.append(names.give(wish))
    assert len(set(given)) == len(given)
    assert all(one.isidentifier() and not keyword.iskeyword(one) for one in given)


def test_fault_19_hostile_texts_in_docstrings_and_comments():
    """Thousands of strings, by the functions through which all texts go."""
    from symdiff.emit.description import docstring, header
    from symdiff.program.quoting import one_line

    rng = random.Random(1)
    compiled = symdiff.compile(lambda x: np.sum(x), {"x": ("n",)})
    for _ in range(1500):
        loss = types.FunctionType(loss_of("x", "y").__code__, {}, hostile(rng))
        loss.__doc__ = hostile(rng)
        lines = docstring(loss, compiled.part, compiled.report, compiled.graph)
        lines = [*header([loss], "0", hostile(rng)), *lines]
        (statement,) = ast.parse("\n".join(lines)).body
        assert isinstance(statement, ast.Expr)
        assert isinstance(statement.value, ast.Constant)
        assert all(line.isprintable() for line in lines)
        for text in one_line(hostile(rng)):
            assert text.isprintable()
