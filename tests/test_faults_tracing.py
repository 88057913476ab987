"""Rows of the table of faults that concern tracing, by their numbers."""

import functools
import math
import subprocess
import sys
import textwrap
import threading
import tracemalloc

import numpy as np
import pytest
import scipy.special
from agreement import agrees

import symdiff
from symdiff.errors import (
    MutationError,
    NondeterminismError,
    ShapeError,
    SpecError,
    TraceError,
    UnsupportedError,
    ValueDependenceError,
)
from symdiff.specs import read_signature
from symdiff.trace import trace

VECTOR = {"x": (3,)}


QUESTIONS = {
    "if": lambda x: np.sum(x) if x[0] > 0 else 0.0,
    "and": lambda x: x[0] and x[1],
    "not": lambda x: np.sum(x) * (not x[0]),
    "in": lambda x: np.sum(x) * (2.0 in x),
    "chained": lambda x: np.sum(x) * (0 < x[0] < 1),
    "sorted": lambda x: sorted(x)[0],
    "max": lambda x: max(x),
    "any": lambda x: np.sum(x) * any(x > 0),
    "float": lambda x: float(x[0]),
    "int": lambda x: x[0] * int(x[1]),
    "complex": lambda x: abs(complex(x[0])),
    "math": lambda x: math.exp(x[0]),
    "math.floor": lambda x: math.floor(x[0]) * x[1],
    "hex": lambda x: x[0] * len(hex(x[1])),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: sum(x.tolist()),
    "format": lambda x: len(f"{x[0]:.2f}") * x[0],
    "list index": lambda x: [1.0, 2.0][x[0]] * x[1],
    "slice of a list": lambda x: len([1, 2, 3][: x[0]]) * x[0],
    "a table's item": lambda x: {1.0: 2.0}.get(float(x[0])) * x[0],
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_fault_1_a_question_for_a_value_is_refused(name):
    with pytest.raises(ValueDependenceError) as caught:
        symdiff.compile(QUESTIONS[name], VECTOR)
    error = caught.value
    assert error.position.line == QUESTIONS[name].__code__.co_firstlineno
    assert error.position.column is not None
    assert "^" in str(error)
    assert "np." in error.remedy


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.hypot.reduceat(x, [0]), "np.hypot.reduceat"),
        (lambda x: np.packbits(x > 0).sum() * x[0], "np.packbits"),
        (lambda x: np.spacing(x), "np.spacing"),
        (lambda x: x.getfield(float), ".getfield"),
        (lambda x: scipy.special.btdtria(x, 1, 2), "scipy.special.btdtria"),
    ],
)
def test_fault_2_an_unsupported_function_is_named(call, name):
    def loss(x):
        return np.sum(call(x))

    with pytest.raises(UnsupportedError, match=f"{name}.* is not supported") as caught:
        symdiff.compile(loss, VECTOR)
    assert caught.value.position.line == call.__code__.co_firstlineno
    assert "loss" in str(caught.value.callers[-1].segment + "loss")


def test_fault_2_near_names_are_told():
    with pytest.raises(UnsupportedError, match=r"Near ones that are: \.sum"):
        symdiff.compile(lambda x: x.summ(), VECTOR)


PLAIN = np.array([0.5, 1.5, 2.5])


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: np.sum(np.vectorize(lambda v: v * v)(x)),
        lambda x: np.sum(PLAIN[x > 0]),
        lambda x: PLAIN.dot(x),
        lambda x: np.float64(x[0]),
        lambda x: np.sum(np.fromiter((one for one in x), float)),
        lambda x: np.sum(np.ma.array(PLAIN) * x),
    ],
)
def test_fault_3_what_asks_for_plain_arrays_is_refused(loss):
    with pytest.raises((TraceError, ValueDependenceError)) as caught:
        symdiff.compile(loss, VECTOR)
    assert "^" in str(caught.value)
    assert caught.value.remedy


def test_fault_3_arrays_of_traced_arrays_work():
    def loss(x):
        rows = np.array([x, [x[0], 1.0, x[1]], PLAIN])
        total = np.sum([np.sum(x), np.mean([x[0], x[1]])]) + np.max((x[0], x[2]))
        return np.sum(np.asarray(rows) ** 2) + total + np.dot([x[0], x[1]], [1.0, x[2]])

    agrees(loss, VECTOR)


@pytest.mark.parametrize("store", ["PLAIN[0] = x[0]", "PLAIN[:] = x", "PLAIN += x"])
def test_fault_3_a_plain_array_takes_no_traced_values(store):
    scope = {"np": np, "PLAIN": np.ones(3)}
    exec(
        f"def loss(x):\n    global PLAIN\n    {store}\n    return np.sum(PLAIN)", scope
    )
    with pytest.raises(TraceError):
        symdiff.compile(scope["loss"], VECTOR)
    assert np.array_equal(scope["PLAIN"], np.ones(3))


def test_fault_4_a_handle_is_a_bounded_sequence():
    lengths = []

    def loss(x):
        lengths.append(len(list(x)))
        with pytest.raises(TraceError):
            np.ndarray((3, 3)).__setitem__(0, x)
        for use in (tuple, list, iter, enumerate, reversed):
            lengths.append(sum(1 for _ in use(x)))
        with pytest.raises((IndexError, ShapeError)):
            x[3]
        return np.sum(x)

    tracemalloc.start()
    trace(loss, read_signature(loss, VECTOR), "float64")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set(lengths) == {3}
    assert peak < 50e6


SOURCES = {}


@pytest.mark.parametrize("setting", [None, "0", "1"])
def test_fault_5_scipys_array_api_makes_no_difference(setting):
    code = """
    import numpy as np, symdiff
    from scipy.special import expit, logsumexp, softmax
    def loss(x):
        return logsumexp(x) + softmax(x) @ expit(x)
    print(symdiff.compile(loss, {"x": (3,)}).source)
    """
    environment = {"PYTHONPATH": ":".join(sys.path)}
    if setting is not None:
        environment["SCIPY_ARRAY_API"] = setting
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert SOURCES.setdefault("source", result.stdout) == result.stdout


WRITES = {
    "augmented": "x += 1",
    "product": "x *= 2",
    "power": "x **= 2",
    "matrix product": "x @= np.eye(3)",
    "item": "x[0] = 0",
    "slice": "x[:] = 0",
    "mask": "x[x > 0] = 0",
    "alias": "y = x; y += 1",
    "view": "y = x[1:]; y += 1",
    "reshaped": "y = x.reshape(3, 1); y += 1",
    "transposed": "y = x.T; y -= 1",
    "raveled": "y = np.ravel(x); y -= 1",
    "as an array": "y = np.asarray(x); y -= 1",
    "out": "np.add(x, 1, out=x)",
    "positional out": "np.sqrt(x, x)",
    "out of a reduction": "np.cumsum(x, out=x)",
    "sort": "x.sort()",
    "fill": "x.fill(0)",
    "put": "x.put([0], 1)",
    "partition": "x.partition(1)",
    "resize": "x.resize(6)",
    "setflags": "x.setflags(write=True)",
    "copyto": "np.copyto(x, 0)",
    "fill diagonal": "np.fill_diagonal(x, 0)",
    "place": "np.place(x, x > 0, 1)",
    "deletion": "del x[0]",
    "shape": "x.shape = (1, 3)",
}


@pytest.mark.parametrize("name", WRITES)
def test_fault_6_writing_into_an_input_is_refused(name):
    scope = {"np": np}
    exec(f"def loss(x):\n    {WRITES[name]}\n    return np.sum(x)", scope)
    with pytest.raises((TraceError, TypeError, AttributeError)) as caught:
        symdiff.compile(scope["loss"], VECTOR)
    if name not in ("deletion", "shape"):
        assert isinstance(caught.value, MutationError | UnsupportedError), caught.value


def test_fault_6_an_example_is_never_touched():
    def loss(x, y):
        z = x * 1
        z += y
        z *= 2
        y = y + 1
        y -= z
        return np.sum(z * y)

    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    x.flags.writeable = y.flags.writeable = False
    compiled = symdiff.compile(loss, {"x": x, "y": y})
    assert compiled.value(x, y) == loss(x.copy(), y.copy())


def aliases():
    def results_are_boxes(x):
        h = 2 * x
        g = h
        g += 1
        return np.sum(h * g)

    def in_a_list(x):
        kept = [2 * x] * 2
        kept[0] *= x
        return np.sum(kept[1])

    def in_a_helper(x):
        def add_one(z):
            z += 1

        h = np.exp(x)
        add_one(h)
        return np.sum(h**2)

    def numbers_are_not(x):
        total = np.sum(x)
        first = total
        total += np.prod(x)
        return first * total

    def elements_are_copies(x):
        h = 2 * x
        first = h[0]
        h += 1
        return first * np.sum(h)

    def copies_are_arrays_of_their_own(x):
        h, y = 2 * x, x.copy()
        a, b, c = h.copy(), +h, np.array(h)
        a += 1
        b -= 2
        c *= 3
        y /= 2
        h **= 2
        return np.sum(h * a) + np.sum(b * c) + np.sum(y)

    def a_view_that_is_gone(x):
        h = np.outer(x, x)
        total = np.sum(h.T @ h)
        h += 1
        return np.sum(h) * total

    def gathered_rows_are_copies(x):
        h = 2 * x
        some = h[np.array([0, 2])]
        some += 1
        h -= 1
        return np.sum(some) * np.sum(h)

    def into_made_arrays(x):
        z, o = np.zeros(3), np.ones((3, 3))
        z += x
        o *= x
        return np.sum(z**2) + np.sum(o**3)

    def by_out(x):
        h = 2 * x
        np.multiply(h, x, out=h)
        np.exp(h, h)
        return np.sum(h)

    def accumulated(x):
        total = 0
        for one in x:
            total += one**2
        return total

    return {name: one for name, one in locals().items() if callable(one)}


@pytest.mark.parametrize("name", aliases())
def test_fault_6_results_change_as_numpys_do(name):
    agrees(aliases()[name], VECTOR)


VIEWS = {
    "reshape": "h.reshape(3, 1)",
    "ravel": "np.ravel(h)",
    "broadcast": "np.broadcast_to(h, (2, 3))",
    "view of a view": "h[1:].reshape(2, 1)",
    "atleast": "np.atleast_2d(h)",
    "unpacked": "[*h.reshape(3, 1)][0]",
}


SURE_VIEWS = {
    "slice": "h[1:]",
    "transpose": "h.T",
    "new axis": "h[:, None]",
    "view of a view": "h[None, 1:][0]",
    "squeezed": "np.squeeze(h)",
    "split": "np.split(h, 3)[0]",
    "backward": "h[::-1][:2]",
}


@pytest.mark.parametrize("name", SURE_VIEWS)
@pytest.mark.parametrize("written", ["v", "h", "v[0]", "h[1]"])
def test_fault_6_what_is_written_is_seen_through_views(name, written):
    scope = {"np": np}
    code = f"h = 2 * x\n    v = {SURE_VIEWS[name]}\n    {written} *= x[0]"
    exec(f"def loss(x):\n    {code}\n    return np.sum(h**2) * np.sum(v**3)", scope)
    agrees(scope["loss"], VECTOR)


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("written", ["v", "h"])
def test_fault_6_writing_where_a_view_would_see_it_is_refused(name, written):
    scope = {"np": np}
    code = f"h = 2 * x\n    v = {VIEWS[name]}\n    {written} += 1"
    exec(f"def loss(x):\n    {code}\n    return np.sum(h) + np.sum(v)", scope)
    with pytest.raises(MutationError, match="view"):
        symdiff.compile(scope["loss"], VECTOR)


def chances():
    import random
    import time

    state = {"calls": 0, "seen": []}

    def legacy(x):
        return np.sum(x * np.random.normal(size=x.shape))

    def generator(x):
        return np.sum(x * np.random.default_rng().random(len(x)))

    def python(x):
        return np.sum(x) * random.random()

    def drawn(x):
        return x[0] * random.randint(1, 10**12)

    def clock(x):
        return np.sum(x) * time.perf_counter()

    def counter(x):
        state["calls"] += 1
        return np.sum(x) * state["calls"]

    def remembered(x):
        state["seen"].append(1)
        return np.sum(x ** len(state["seen"]))

    def alternating(x):
        state["calls"] += 1
        return np.sum(x) if state["calls"] % 2 else np.sum(x**2)

    def growing(x):
        state["calls"] += 1
        for _ in range(state["calls"]):
            x = np.tanh(x)
        return np.sum(x)

    return {name: one for name, one in locals().items() if callable(one)}


@pytest.mark.parametrize("size", [3, "n"])
@pytest.mark.parametrize("name", chances())
def test_fault_7_chance_clocks_and_state_are_found(name, size):
    with pytest.raises(NondeterminismError, match="two runs of the loss differ"):
        symdiff.compile(chances()[name], {"x": (size,)})


def test_fault_7_seeded_noise_is_a_constant():
    def loss(x):
        return np.sum(x * np.random.default_rng(7).normal(size=3))

    agrees(loss, VECTOR)


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (lambda x: 2 * x, ShapeError),
        (lambda x: x[None, :1], ShapeError),
        (lambda x: None, TraceError),
        (lambda x: [np.sum(x)], TraceError),
        (lambda x: 1.5, TraceError),
        (lambda x: np.float64(1.5), TraceError),
        (lambda x: np.array(1.5), TraceError),
        (lambda x: len(x), TraceError),
        (lambda x: x.shape[0], TraceError),
        (lambda x: np.sum(x > 0), TraceError),
        (lambda x: x[0] > 0, TraceError),
        (lambda x: np.sum, TraceError),
    ],
)
def test_fault_8_a_loss_that_is_no_traced_scalar_is_refused(loss, kind):
    with pytest.raises(kind, match="the loss"):
        symdiff.compile(loss, {"x": ("n",)})


def test_fault_8_what_the_loss_does_not_depend_on_has_gradient_zero():
    def loss(x, y, z):
        return np.sum(x) + 0.0 * np.sum(np.sign(z))

    compiled = symdiff.compile(
        loss, {"x": (3,), "y": (2, "n"), "z": ()}, wrt=("y", "z")
    )
    gradient = compiled.grad(np.ones(3), np.ones((2, 4)), 1.0)
    assert np.array_equal(gradient.y, np.zeros((2, 4)))
    assert gradient.z == 0
    assert np.shape(gradient.z) == ()


def test_fault_9_both_operands_are_named_with_their_shapes():
    def loss(W, batch):
        hidden = batch @ W
        return np.sum(
            hidden + batch["x"] if isinstance(batch, dict) else hidden * batch
        )

    with pytest.raises(ShapeError) as caught:
        symdiff.compile(loss, {"W": (4, 6), "batch": ("n", 4)})
    text = str(caught.value)
    assert "hidden has shape (n, 6), traced as (7, 6)." in text
    assert "batch has shape (n, 4), traced as (7, 4)." in text
    assert "^^^^^^^^^^^^^^" in text


@pytest.mark.parametrize(
    "call",
    [
        lambda x, W: x @ W,
        lambda x, W: np.dot(x, W.T[0][:2]),
        lambda x, W: x + W.T,
        lambda x, W: np.concatenate([x[None], W]),
        lambda x, W: np.stack([x, W]),
        lambda x, W: W.reshape(5),
        lambda x, W: np.where(x > 0, x, W.T),
        lambda x, W: np.einsum("i,jk->j", x, W[0]),
        lambda x, W: np.einsum("i,ij->j", x, W),
        lambda x, W: np.broadcast_to(x, (2, 2)),
        lambda x, W: W.sum(axis=3),
        lambda x, W: x[0, 0],
        lambda x, W: np.squeeze(W, axis=0),
        lambda x, W: np.transpose(W, (0, 0)),
        lambda x, W: np.tensordot(x, W, axes=1),
    ],
)
def test_fault_9_every_misfit_says_where_and_what(call):
    def loss(x, W):
        return np.sum(call(x, W))

    with pytest.raises(ShapeError) as caught:
        symdiff.compile(loss, {"x": (3,), "W": (2, 4)})
    assert caught.value.position.line == call.__code__.co_firstlineno
    assert "has shape" in caught.value.details


def test_fault_10_code_of_every_kind():
    """Each kind has a test in test_trace; here all of them in one loss."""
    scope = {"np": np}
    exec("def made(x):\n    return np.sum(np.eye(3) @ x)", scope)

    class Holder:
        scale = 2.0

        def method(self, x):
            return self.scale * scope["made"](x)

        def __call__(self, x):
            return self.method(x) + (lambda y: np.prod(y))(x)

    @functools.lru_cache
    def constant(n):
        return sum(range(n))

    def loss(x, *, holder, power=2):
        return constant(4) * holder(x) + np.sum(x**power)

    agrees(functools.partial(loss, holder=Holder()), VECTOR)


def test_fault_11_ten_thousand_deep_and_fifty_thousand_wide_are_traced():
    def deep(x):
        for _ in range(5_000):
            x = np.sin(x) * 1.5
        return np.sum(x)

    def wide(x):
        total = 0.0
        for i in range(12_500):
            total = total + np.tanh(x * (0.5 + i))
        return np.sum(total)

    limit = sys.getrecursionlimit()
    for loss, least in ((deep, 10_000), (wide, 50_000)):
        graph = trace(loss, read_signature(loss, VECTOR), "float64")
        count = len(graph.walk())
        assert count > least
    assert sys.getrecursionlimit() == limit


def test_fault_12_no_walk_goes_over_paths():
    def loss(x):
        for _ in range(18):
            x = np.tanh(x) + x
        return np.sum(x)

    compiled = agrees(loss, VECTOR)
    assert len(compiled.traced.walk()) < 60


def test_fault_13_a_sum_of_many_terms():
    def loss(x):
        total = 0.0
        for i in range(1_000):
            total = total + x[i % 3] * i
        return total

    compiled = symdiff.compile(loss, VECTOR, verify=False)
    assert max(map(len, compiled.source.splitlines())) < 120
    counts = [sum(range(start, 1_000, 3)) for start in range(3)]
    np.testing.assert_allclose(compiled.grad(np.ones(3)), counts, rtol=1e-12)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
def test_fault_14_the_original_exception_and_everything_restored(error, tmp_path):
    originals = dict(vars(np))
    special = dict(vars(scipy.special))

    def loss(x):
        np.zeros(3) + scipy.special.logsumexp(x)
        raise error("mine")

    with pytest.raises(error, match="mine") as caught:
        symdiff.compile(loss, {"x": ("n",)})
    assert caught.traceback[-1].name == "loss"
    assert dict(vars(np)) == originals
    assert dict(vars(scipy.special)) == special


def test_fault_14_an_interrupt_at_any_moment_restores_everything():
    """An exception is thrown into the tracing thread again and again, wherever it is."""
    import ctypes

    def loss(x):
        return np.sum(np.ones(3) * np.array([x, x]) + scipy.special.logsumexp(x))

    class Interrupt(BaseException):
        pass

    ended = []

    def work():
        for _ in range(15):
            try:
                symdiff.compile(loss, VECTOR, verify=False)
            except Interrupt:
                ended.append(1)

    names = ("zeros", "ones", "array", "eye", "sum", "mean")
    originals = {name: getattr(np, name) for name in names}
    symdiff.compile(loss, VECTOR)
    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(12):
        thread.join(0.02)
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupt)
            )
    thread.join()
    assert {name: getattr(np, name) for name in names} == originals


def test_fault_18_names_that_unicode_normalises_are_one():
    with pytest.raises(SpecError, match="normal form|two entries"):
        symdiff.compile(lambda x: np.sum(x), {"x": (3,), "𝐱": (3,)})


def test_fault_18_identifiers_are_normalised():
    scope = {"np": np}
    exec("def loss(ﬁt):\n    ﬁrst = np.tanh(ﬁt)\n    return np.sum(ﬁrst * ﬁrst)", scope)
    source = agrees(scope["loss"], {"ﬁt": (3,)}).source
    assert "def value(fit):" in source
    assert "first = np.tanh(fit)" in source


@pytest.mark.parametrize(
    "held",
    [
        np.ndarray.__new__(np.matrix, (1, 3)),
        np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]),
        np.array([1.0, "a", None], dtype=object),
        np.array(["a", "b", "c"]),
        np.array([1j, 2j, 3j]),
        np.array(["2020-01-01"] * 3, dtype="datetime64[D]"),
        np.rec.array([(1.0,), (2.0,), (3.0,)]),
    ],
    ids=lambda held: f"{type(held).__name__} {held.dtype.kind}",
)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_fault_24_constants_that_are_no_plain_arrays_of_numbers(held):
    with pytest.raises(TraceError):
        symdiff.compile(lambda x: np.sum(np.multiply(x, held)), VECTOR)


def test_fault_24_a_memory_map_is_fine(tmp_path):
    held = np.memmap(tmp_path / "held", dtype=float, mode="w+", shape=(3,))
    held[:] = [1.0, 2.0, 3.0]
    agrees(lambda x: np.sum(x * held), VECTOR)
