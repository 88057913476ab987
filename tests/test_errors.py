"""Errors, to the letter: what, where with the columns underlined, and the remedy."""

import itertools
import linecache
import re
import textwrap

import numpy as np
import pytest

import symdiff
from symdiff import errors
from symdiff.source import Position

HEAD = "import math\nimport random\nimport time\n\nimport numpy as np\n\n"
numbers = itertools.count()


def loss_of(source, *, known=True):
    """The function `loss` of a source, which stands in loss.py below six lines of imports."""
    text = HEAD + textwrap.dedent(source).lstrip()
    path = f"/made/up/{next(numbers)}/loss.py"
    if known:
        linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    scope = {"__name__": "made_up"}
    exec(compile(text, path, "exec"), scope)
    return scope["loss"]


def error_of(source, args, *, known=True, **options):
    """The error of a loss, and its text."""
    with pytest.raises(errors.SymdiffError) as caught:
        symdiff.compile(loss_of(source, known=known), args, **options)
    return type(caught.value), "\n" + str(caught.value) + "\n"


def expect(text):
    return "\n" + textwrap.dedent(text).strip("\n") + "\n"


class Refused:
    """A loss, its arguments, and the error that it ends with."""

    def __init__(self, kind, loss, text, args=None, **options):
        self.kind, self.loss, self.text = kind, loss, text
        self.args = {"x": (3,)} if args is None else args
        self.options = options


VALUE = """
  Tracing records one path for all inputs. Write np.where(condition, a, b), use
  NumPy's functions in the place of math's, or pass a flag with static=.
"""
PLAIN = """
  Where a plain array meets a traced one, write np.take(table, x, axis=0) for
  table[x], and np.dot(a, x) for a.dot(x). np.vectorize and compiled functions take no
  traced arrays: write it with NumPy's functions of arrays.
"""
ANEW = """
  Make a new array: write x = x + 1 in the place of x += 1.
"""
CHANCE = """
  Draw random numbers outside of the loss and pass them as an argument; keep no state
  between calls.
"""

REFUSED = {
    # Python asks for the value of a traced array.
    "if": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            if np.sum(x) > 0:
                return np.sum(x)
            return -np.sum(x)
        """,
        """
loss.py:8: this condition asks for the value of a traced array
    if np.sum(x) > 0:
       ^^^^^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "while": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            while x[0] < 3:
                x = 2 * x
            return np.sum(x)
        """,
        """
loss.py:8: this condition asks for the value of a traced array
    while x[0] < 3:
          ^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "and": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return np.sum(x * (x > 0 and x < 1))
        """,
        """
loss.py:8: this condition asks for the value of a traced array
    return np.sum(x * (x > 0 and x < 1))
                       ^^^^^^^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "max": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return max(x[0], x[1])
        """,
        """
loss.py:8: this condition asks for the value of a traced array
    return max(x[0], x[1])
           ^^^^^^^^^^^^^^^
  Python's max() compares values: write np.max(x), or np.maximum(a, b) of two arrays.
""",
    ),
    "float": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return float(np.sum(x))
        """,
        """
loss.py:8: this asks for a plain float, the value of a traced array
    return float(np.sum(x))
           ^^^^^^^^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "math.sqrt": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return math.sqrt(np.sum(x))
        """,
        """
loss.py:8: this asks for a plain float, the value of a traced array
    return math.sqrt(np.sum(x))
           ^^^^^^^^^^^^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "int": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return np.sum(x) * int(x[0])
        """,
        """
loss.py:8: this asks for a plain integer, the value of a traced array
    return np.sum(x) * int(x[0])
                       ^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "bool": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return np.sum(x) * bool(x[0])
        """,
        """
loss.py:8: this condition asks for the value of a traced array
    return np.sum(x) * bool(x[0])
                       ^^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "range": Refused(
        errors.ValueDependenceError,
        """
        def loss(x, i):
            return sum(x[0] for _ in range(i))
        """,
        """
loss.py:8: this asks for a plain integer, the value of a traced array
    return sum(x[0] for _ in range(i))
                             ^^^^^^^^
""" + VALUE.lstrip("\n"),
        {"x": (3,), "i": "():int64"},
    ),
    "index of a list": Refused(
        errors.ValueDependenceError,
        """
        def loss(x, i):
            return np.sum(x) * [1.0, 2.0][i]
        """,
        """
loss.py:8: this asks for a plain integer, the value of a traced array
    return np.sum(x) * [1.0, 2.0][i]
                       ^^^^^^^^^^^^^
""" + VALUE.lstrip("\n"),
        {"x": (3,), "i": "():int64"},
    ),
    "item": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            return np.sum(x).item()
        """,
        """
loss.py:8: .item asks for the value of a traced array
    return np.sum(x).item()
           ^^^^^^^^^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    "format": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            print(f"{np.sum(x):.3f}")
            return np.sum(x)
        """,
        None,
    ),
    # Plain arrays of traced ones.
    "vectorize": Refused(
        errors.TraceError,
        """
        def loss(x):
            return np.sum(np.vectorize(lambda v: v**2)(x))
        """,
        """
loss.py:8: this makes a plain array of a traced one
    return np.sum(np.vectorize(lambda v: v**2)(x))
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
""" + PLAIN.lstrip("\n"),
    ),
    "table": Refused(
        errors.TraceError,
        """
        TABLE = np.array([1.0, 2.0, 3.0])

        def loss(x, y):
            return np.sum(x * TABLE[y])
        """,
        """
loss.py:10: this makes a plain array of a traced one
    return np.sum(x * TABLE[y])
                      ^^^^^^^^
""" + PLAIN.lstrip("\n"),
        {"x": (3,), "y": "3:int64"},
    ),
    "into a plain array": Refused(
        errors.ValueDependenceError,
        """
        def loss(x):
            out = np.random.default_rng(0).normal(size=3)
            out[0] = x[0]
            return np.sum(out)
        """,
        """
loss.py:9: this asks for a plain float, the value of a traced array
    out[0] = x[0]
    ^^^^^^
""" + VALUE.lstrip("\n"),
    ),
    # Writing.
    "augmented": Refused(
        errors.MutationError,
        """
        def loss(x):
            x += 1
            return np.sum(x)
        """,
        """
loss.py:8: this writes into x, which the loss was given
    x += 1
    ^^^^^^
""" + ANEW.lstrip("\n"),
    ),
    "out": Refused(
        errors.MutationError,
        """
        def loss(params):
            np.add(params["W"], 1, out=params["W"])
            return np.sum(params["W"])
        """,
        """
loss.py:8: this writes into params["W"], which the loss was given
    np.add(params["W"], 1, out=params["W"])
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
""" + ANEW.lstrip("\n"),
        {"params": {"W": (2,)}},
    ),
    "out of a reduction": Refused(
        errors.MutationError,
        """
        def loss(x):
            return np.sum(x, out=x[0])
        """,
        """
loss.py:8: np.sum(..., out=) writes into an array
    return np.sum(x, out=x[0])
           ^^^^^^^^^^^^^^^^^^^
  Use the result instead of out=.
""",
    ),
    "item assignment": Refused(
        errors.MutationError,
        """
        def loss(x):
            x[0] = 0
            return np.sum(x)
        """,
        """
loss.py:8: this writes into x, which the loss was given
    x[0] = 0
    ^^^^
""" + ANEW.lstrip("\n"),
    ),
    "sort": Refused(
        errors.MutationError,
        """
        def loss(x):
            x.sort()
            return np.sum(x)
        """,
        """
loss.py:8: this writes into x, which the loss was given
    x.sort()
    ^^^^^^^^
""" + ANEW.lstrip("\n"),
    ),
    "view": Refused(
        errors.MutationError,
        """
        def loss(x):
            hidden = 2 * x
            part = hidden.reshape(3, 1)
            part += 1
            return np.sum(hidden)
        """,
        """
loss.py:10: this writes into part, which may be a view of another array
    part += 1
    ^^^^^^^^^
""" + ANEW.lstrip("\n"),
    ),
    "viewed": Refused(
        errors.MutationError,
        """
        def loss(x):
            hidden = 2 * x
            part = hidden.reshape(3, 1)
            hidden += 1
            return np.sum(part)
        """,
        """
loss.py:10: this writes into hidden, of which there may be a view
    hidden += 1
    ^^^^^^^^^^^
""" + ANEW.lstrip("\n"),
    ),
    "in place, larger": Refused(
        errors.ShapeError,
        """
        def loss(x):
            hidden = 2 * x
            hidden += np.ones((2, 3))
            return np.sum(hidden)
        """,
        """
loss.py:9: a result of shape (2, 3) is written into hidden of shape (3,)
    hidden += np.ones((2, 3))
    ^^^^^^^^^^^^^^^^^^^^^^^^^
""",
    ),
    "in place, real into integers": Refused(
        errors.TraceError,
        """
        def loss(x):
            steps = np.arange(3)
            steps += x
            return np.sum(steps)
        """,
        """
loss.py:9: a result of dtype float64 is written into steps of dtype int64
    steps += x
    ^^^^^^^^^^
""" + ANEW.lstrip("\n"),
    ),
    # What the table does not have.
    "function": Refused(
        errors.UnsupportedError,
        """
        def loss(x):
            return np.sum(np.spacing(x))
        """,
        """
loss.py:8: np.spacing is not supported: it tells how numbers are rounded, not what they are
    return np.sum(np.spacing(x))
                  ^^^^^^^^^^^^^
  Write it with supported functions.
""",
    ),
    "ufunc method": Refused(
        errors.UnsupportedError,
        """
        def loss(x):
            return np.hypot.reduce(x)
        """,
        """
loss.py:8: np.hypot.reduce is not supported
    return np.hypot.reduce(x)
           ^^^^^^^^^^^^^^^^^^
  Write it with supported functions.
""",
    ),
    "method": Refused(
        errors.UnsupportedAttributeError,
        """
        def loss(x):
            return np.sum(x.getfield(np.float64))
        """,
        """
loss.py:8: .getfield of an array is not supported
    return np.sum(x.getfield(np.float64))
                  ^^^^^^^^^^
  Write it with supported functions.
""",
    ),
    "misspelled method": Refused(
        errors.UnsupportedAttributeError,
        """
        def loss(x):
            return x.summ()
        """,
        """
loss.py:8: .summ of an array is not supported
    return x.summ()
           ^^^^^^
  Write it with supported functions.
""",
    ),
    # Shapes.
    "matrix product": Refused(
        errors.ShapeError,
        """
        def loss(X, w):
            return np.sum(X @ w)
        """,
        """
loss.py:8: arrays of shapes (n, 4) and (3,) cannot be multiplied: sizes 4 and 3 should be equal
    return np.sum(X @ w)
                  ^^^^^
  X has shape (n, 4), traced as (7, 4).
  w has shape (3,).
""",
        {"X": ("n", 4), "w": (3,)},
    ),
    "sum of unknown sizes": Refused(
        errors.ShapeError,
        """
        def loss(X, w):
            hidden = 2 * X
            return np.sum(hidden.T + w)
        """,
        """
loss.py:9: shapes (4, n) and (m,) do not fit together
    return np.sum(hidden.T + w)
                  ^^^^^^^^^^^^
  hidden.T has shape (4, n), traced as (4, 7).
  w has shape (m,), traced as (11,).
  If n and m are always equal, give them one name.
""",
        {"X": ("n", 4), "w": ("m",)},
    ),
    "in a helper": Refused(
        errors.ShapeError,
        """
        def dense(h, layer):
            return h @ layer["W"] + layer["b"]

        def loss(params, X):
            return np.sum(dense(X, params[0]))
        """,
        """
loss.py:8: shapes (n, 4) and (5,) do not fit together
    return h @ layer["W"] + layer["b"]
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  called at loss.py:11: dense(X, params[0])
  h @ layer["W"] has shape (n, 4), traced as (7, 4).
  params[0]["b"] has shape (5,).
""",
        {"params": [{"W": (3, 4), "b": (5,)}], "X": ("n", 3)},
    ),
    "a constant": Refused(
        errors.ShapeError,
        """
        SCALE = np.ones(4)

        def loss(x):
            return np.sum(x * SCALE)
        """,
        """
loss.py:10: shapes (3,) and (4,) do not fit together
    return np.sum(x * SCALE)
                  ^^^^^^^^^
  x has shape (3,).
  SCALE has shape (4,).
""",
    ),
    # Results.
    "an array": Refused(
        errors.ShapeError,
        """
        def loss(x):
            return 2 * x
        """,
        """
loss.py:8: the loss returns an array of shape (3,), not a scalar
    return 2 * x
           ^^^^^
  Return one number: sum or average the array.
""",
    ),
    "nothing": Refused(
        errors.TraceError,
        """
        def loss(x):
            np.sum(x)
        """,
        """
loss.py:7: the loss returns None
    def loss(x):
  Does it end with return?
""",
    ),
    "a tuple": Refused(
        errors.TraceError,
        """
        def loss(x):
            return np.sum(x), x
        """,
        """
loss.py:7: the loss returns a tuple
    def loss(x):
  Return one number: a traced scalar.
""",
    ),
    "a text": Refused(
        errors.TraceError,
        """
        def loss(x):
            return "loss"
        """,
        """
loss.py:7: the loss returns a str
    def loss(x):
  Return one number: a traced scalar.
""",
    ),
    "a dict": Refused(
        errors.TraceError,
        """
        import functools

        def logged(fn):
            @functools.wraps(fn)
            def inner(x):
                return {"loss": fn(x)}
            return inner

        @logged
        def loss(x):
            return np.sum(x)
        """,
        """
loss.py:16: the loss returns a dict
    def loss(x):
  Return one number: a traced scalar.
""",
    ),
    "a plain number": Refused(
        errors.TraceError,
        """
        def loss(x):
            return 3.0
        """,
        """
loss.py:7: the loss returns a plain float, in which no argument enters
    def loss(x):
  Compute it from the arguments with NumPy's functions.
""",
    ),
    "an integer": Refused(
        errors.TraceError,
        """
        def loss(x, y):
            return np.sum(y)
        """,
        """
loss.py:8: the loss is of dtype int64, which has no derivative
    return np.sum(y)
           ^^^^^^^^^
  Return a real number: one that is computed from real arguments.
""",
        {"x": (3,), "y": "3:int64"},
    ),
    # Constants.
    "a large constant": Refused(
        errors.SpecError,
        """
        DATA = np.ones((50, 50))

        def loss(x):
            return np.sum(DATA @ x)
        """,
        """
loss.py:10: DATA of shape (50, 50) is a constant of the loss with 2500 elements
    return np.sum(DATA @ x)
                  ^^^^^^^^
  Constants of over 1000 elements are not written into emitted code: pass the array as
  an argument.
""",
        {"x": (50,)},
    ),
    "no numbers": Refused(
        errors.TraceError,
        """
        NAMES = np.array(["a", "b", "c"])

        def loss(x):
            return np.sum(x * (NAMES == x))
        """,
        """
loss.py:10: an array of dtype <U1 cannot be traced
    return np.sum(x * (NAMES == x))
                       ^^^^^^^^^^
  Traced losses compute with real numbers, integers and bools.
""",
    ),
    "None in arithmetic": Refused(
        errors.TraceError,
        """
        def loss(x):
            return np.sum(x + None)
        """,
        """
loss.py:8: a value of type NoneType stands where an array is expected
    return np.sum(x + None)
                  ^^^^^^^^
""",
    ),
    # Unknown sizes.
    "loop over a length": Refused(
        errors.SizeError,
        """
        def loss(x):
            total = 0.0
            for i in range(len(x)):
                total = total + x[i] ** 2
            return total
        """,
        """
loss.py:9: how often this loop runs depends on an unknown size
    for i in range(len(x)):
    ^^^^^^^^^^^^^^^^^^^^^^
  Write it over the whole array without the loop, or give the size as a number.
""",
        {"x": ("n",)},
    ),
    "loop in an expression": Refused(
        errors.SizeError,
        """
        def loss(x):
            return sum(x[i] ** 2 for i in range(x.shape[0]))
        """,
        """
loss.py:8: how often this loop runs depends on an unknown size
    return sum(x[i] ** 2 for i in range(x.shape[0]))
                             ^^^^^^^^^^^^^^^^^^^^^^
  Write it over the whole array without the loop, or give the size as a number.
""",
        {"x": ("n",)},
    ),
    "loop over the array": Refused(
        errors.SizeError,
        """
        def loss(x):
            total = 0.0
            for one in x:
                total = total + one
            return total
        """,
        """
loss.py:9: this loops over an axis of unknown size n
    for one in x:
    ^^^^^^^^^^^^
  Write it without the loop, over the whole array, or give the size as a number.
""",
        {"x": ("n",)},
    ),
    "branch on a length": Refused(
        errors.SizeError,
        """
        def loss(x):
            if len(x) > 100:
                return np.sum(x)
            return np.sum(x**2)
        """,
        """
loss.py:8: which branch is taken here depends on an unknown size
    if len(x) > 100:
       ^^^^^^^^^^^^
  The answer would hold for some sizes only. Write it without the branch, or give the
  size as a number.
""",
        {"x": ("n",)},
    ),
    "comparison of a size": Refused(
        errors.SizeError,
        """
        def loss(x):
            return np.sum(x) if x.shape[0] > 3 else np.sum(x**2)
        """,
        """
loss.py:8: this compares the unknown size n with 3
    return np.sum(x) if x.shape[0] > 3 else np.sum(x**2)
                        ^^^^^^^^^^^^^^
  The answer would hold for some sizes only. Leave the comparison out, give the size
  as a number, or give sizes that are always equal one name.
""",
        {"x": ("n",)},
    ),
    "number of a size": Refused(
        errors.SizeError,
        """
        def loss(x):
            return np.sum(x) * 2 ** len(x)
        """,
        None,
        {"x": ("n",)},
    ),
    # Chance.
    "random": Refused(
        errors.NondeterminismError,
        """
        def loss(x):
            noise = np.random.normal(size=3)
            return np.sum(x * noise)
        """,
        """
loss.py:9: two runs of the loss differ: a constant array, of shape (3,), (3,) in turn
    return np.sum(x * noise)
                  ^^^^^^^^^
""" + CHANCE.lstrip("\n"),
    ),
    "generator": Refused(
        errors.NondeterminismError,
        """
        def loss(x):
            noise = np.random.default_rng().normal(size=x.shape)
            return np.sum(x * noise)
        """,
        """
loss.py:9: two runs of the loss differ: a constant array, of shape (7,), (7,) in turn
    return np.sum(x * noise)
                  ^^^^^^^^^
""" + CHANCE.lstrip("\n"),
        {"x": ("n",)},
    ),
    "counter": Refused(
        errors.NondeterminismError,
        """
        calls = 0

        def loss(x):
            global calls
            calls += 1
            return np.sum(x) * calls
        """,
        """
loss.py:12: two runs of the loss differ: a number that is 1, 3 in turn
    return np.sum(x) * calls
           ^^^^^^^^^^^^^^^^^
""" + CHANCE.lstrip("\n"),
    ),
    "state that chooses": Refused(
        errors.NondeterminismError,
        """
        seen = []

        def loss(x):
            seen.append(x.shape)
            return np.sum(x) if len(seen) % 2 else np.sum(x**2)
        """,
        None,
        {"x": ("n",)},
    ),
    # Arguments.
    "no spec": Refused(
        errors.SpecError,
        """
        def loss(x, y):
            return np.sum(x * y)
        """,
        """
loss.py:7: parameter 'y' of loss has no spec
    def loss(x, y):
  Give its own sizes: args={"y": ("n", 784)}, or on the command line --arg y=n,784;
  or bake a value in: static={"y": ...}.
""",
    ),
    "unknown wrt": Refused(
        errors.SpecError,
        """
        def loss(x):
            return np.sum(x)
        """,
        None,
        wrt="z",
    ),
    "integer wrt": Refused(
        errors.SpecError,
        """
        def loss(x, y):
            return np.sum(x * y)
        """,
        None,
        {"x": (3,), "y": "3:int64"},
        wrt="y",
    ),
}


@pytest.mark.parametrize("name", [name for name in REFUSED if REFUSED[name].text])
def test_the_complete_text_of_an_error(name):
    case = REFUSED[name]
    kind, text = error_of(case.loss, case.args, **case.options)
    # Which functions are near changes with the table.
    assert re.sub(r" Near ones that are: .*", "", text) == case.text
    assert kind is case.kind


@pytest.mark.parametrize("name", REFUSED)
def test_without_a_source_an_error_says_the_same_but_the_line(name):
    case = REFUSED[name]
    kind, text = error_of(case.loss, case.args, known=False, **case.options)
    assert kind is case.kind
    first = (case.text or text).splitlines()[1]
    if name in NEEDS_SOURCE:
        first = NEEDS_SOURCE[name]
    assert text.splitlines()[1] == first
    assert "^" not in text


NEEDS_SOURCE = {
    "a dict": "loss.py:15: the loss returns a dict",
    "loop over a length": "loss.py:10: how often this is computed depends on an unknown size",
    "loop in an expression": "loss.py:8: how often this is computed depends on an unknown size",
    "branch on a length": "loss.py:9: whether this is computed depends on an unknown size",
}


def test_messages_that_hold_numbers_of_the_runs():
    case = REFUSED["number of a size"]
    _, text = error_of(case.loss, case.args)
    assert "this depends on an unknown size in a way that is not understood:" in text
    assert "a number that is 128, 4096, " in text
    assert text.splitlines()[4] == "           ^^^^^^^^^^^^^^^^^^^^^^^"


def test_every_error_is_also_the_builtin_that_fits():
    assert issubclass(errors.TraceError, TypeError)
    assert issubclass(errors.ShapeError, ValueError)
    assert issubclass(errors.SizeError, ValueError)
    assert issubclass(errors.SpecError, ValueError)
    assert issubclass(errors.UnsupportedAttributeError, AttributeError)
    codes = [getattr(errors, name).code for name in errors.__all__]
    assert all(code and code == code.lower() for code in codes)


def test_attributes_of_arrays_may_be_asked_for():
    def loss(x):
        assert hasattr(x, "sum")
        assert not hasattr(x, "no_such_thing")
        assert getattr(x, "weights", None) is None
        return np.sum(x)

    symdiff.compile(loss, {"x": (3,)})


def test_an_option_that_is_not_supported_is_named():
    source = """
        def loss(x):
            return np.exp(x, where=[True, False, True])
        """
    kind, text = error_of(source, {"x": (3,)})
    assert kind is errors.UnsupportedError
    assert "np.exp" in text
    assert "where=" in text
    assert "^^^^^^^^^^^^^^^^^" in text


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [np.matrix, np.ma.masked_array])
def test_constants_of_other_types_are_refused(kind):
    held = kind([[1.0, 2.0, 3.0]])

    def loss(x):
        return np.sum(np.multiply(held, x))

    with pytest.raises(errors.TraceError, match=f"of type {type(held).__name__}"):
        symdiff.compile(loss, {"x": (3,)})


def test_the_users_own_exceptions_pass_with_their_traceback():
    def loss(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        symdiff.compile(loss, {"x": ("n",)})
    assert caught.traceback[-1].name == "loss"


# Positions.


def position(text, column, end_column, *, line=1, end_line=1):
    path = f"/made/up/{next(numbers)}/text.py"
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    return Position(path, line, end_line, column, end_column)


@pytest.mark.parametrize(
    ("text", "column", "end_column", "lines"),
    [
        ("y = x @ w", 4, 9, ("y = x @ w", "    ^^^^^")),
        ("    y = x @ w  # ok", 8, 13, ("y = x @ w  # ok", "    ^^^^^")),
        ("\ty = x\t@ w", 5, 10, ("y = x @ w", "    ^^^^^")),
        ("café = x @ w", 8, 13, ("café = x @ w", "       ^^^^^")),
        ("重 = x @ w", 6, 11, ("重 = x @ w", "     ^^^^^")),
        ("y = '\u202e' + x", 4, 13, ("y = ' ' + x", "    ^^^^^^^")),
        ("y = f(x,", 4, 3, ("y = f(x,", "    ^^^^")),
        ("y = x", None, None, ("y = x",)),
    ],
)
def test_underlines(text, column, end_column, lines):
    one = position(text, column, end_column, end_line=2 if "," in text else 1)
    assert one.underlined().splitlines() == [f"    {line}" for line in lines]


def test_long_lines_are_cut_around_what_is_underlined():
    text = "y = " + " + ".join(f"x{i}" for i in range(1000))
    start = text.index("x700")
    lines = position(text, start, start + 4).underlined().splitlines()
    assert max(map(len, lines)) < 140
    source, carets = lines
    assert source[carets.index("^") : carets.rindex("^") + 1] == "x700"


def test_a_position_beyond_its_source_has_no_text():
    assert position("y = x", 4, 5, line=9, end_line=9).underlined() == ""
    assert Position("/no/such/file.py", 3, 3, 0, 4).underlined() == ""
    assert Position("odd\0name.py", 3, 3, 0, 4).text == ""
