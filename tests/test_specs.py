"""Specs: what stands for an argument, how it is named, what is refused."""

from __future__ import annotations

import collections
import functools
import inspect
import keyword
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import black
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import (
    Bool,
    Complex64,
    Float,
    Float32,
    Float64,
    Int,
    Int64,
    Num,
    Shaped,
    UInt8,
)

from symdiff.errors import SpecError
from symdiff.specs import ArraySpec, parse_spec, read_signature

HOSTILE = 'W"]; import os #'


class Layer(NamedTuple):
    W: object
    b: object


def one(p):
    return p


def leaves_of(spec, dtype="float64"):
    return read_signature(one, {"p": spec}, None, dtype).leaves


def leaf_of(spec, dtype="float64"):
    (leaf,) = leaves_of(spec, dtype)
    return leaf


def refusal(fn, args=None, static=None, dtype="float64"):
    with pytest.raises(SpecError) as caught:
        read_signature(fn, args, static, dtype)
    assert caught.value.remedy
    return caught.value


# One array.


@pytest.mark.parametrize(
    ("spec", "shape", "dtype"),
    [
        ((), (), "float64"),
        ((3,), (3,), "float64"),
        (("n", 784), ("n", 784), "float64"),
        ((0, 1), (0, 1), "float64"),
        ((np.int64(3), 4), (3, 4), "float64"),
        (("match", "type"), ("match", "type"), "float64"),
        ("n", ("n",), "float64"),
        ("n:int64", ("n",), "int64"),
        (" n , 784 : float32 ", ("n", 784), "float32"),
        ("()", (), "float64"),
        ("():bool", (), "bool"),
        (ArraySpec(("n", 3)), ("n", 3), "float64"),
        (ArraySpec((2,), "uint8"), (2,), "uint8"),
        (ArraySpec((2,), np.dtype("f4")), (2,), "float32"),  # type: ignore[arg-type]
        (np.zeros((2, 3), "float32"), (2, 3), "float32"),
        (np.zeros((0, 3), "int32"), (0, 3), "int32"),
        (np.float32(1.5), (), "float32"),
        (np.float64(1.5), (), "float64"),
        (1.5, (), "float64"),
        (3, (), "int64"),
        (True, (), "bool"),
        (Float64[np.ndarray, "n 3"], ("n", 3), "float64"),
    ],
)
def test_forms_of_a_spec(spec, shape, dtype):
    leaf = leaf_of(spec)
    assert (leaf.shape, leaf.dtype) == (shape, dtype)
    assert (leaf.argument, leaf.path, leaf.access, leaf.name) == ("p", (), "p", "p")


@pytest.mark.parametrize(
    ("spec", "dtype"),
    [
        ((3,), "float32"),
        ("n", "float32"),
        (1.5, "float32"),
        (np.float64(1.5), "float64"),
        (np.zeros(3), "float64"),
        ("n:float64", "float64"),
        (3, "int64"),
    ],
)
def test_compile_dtype_is_for_specs_that_name_none(spec, dtype):
    assert leaf_of(spec, "float32").dtype == dtype


def test_examples_are_kept():
    array = np.arange(6.0).reshape(2, 3)
    assert leaf_of(array).example is array
    assert leaf_of(1.5, "float32").example.dtype == np.float32
    assert leaf_of(1.5).example == 1.5
    assert leaf_of((2, 3)).example is None


def test_parse_spec_reads_the_command_line_form():
    assert parse_spec("n,784") == ArraySpec(("n", 784))
    assert parse_spec("n:int64") == ArraySpec(("n",), "int64")
    assert parse_spec("()") == ArraySpec(())
    assert parse_spec("784,256:float32") == ArraySpec((784, 256), "float32")


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "n,", ",n", "n;m", "n m", "-1", "1.5", "1e3", "n-1", "2*n", "class"]
    + ["n:", ":", ":int64", "n:int64:int64", "(n)", "n:flot64", "n:complex64", "None"]
    + ["n:float16", "n:object", "n:str", "n:U3", "n:i8,f8", "9" * 30]
    + ["__debug__", "n²", "٣", "*n", "...", HOSTILE, pytest.param("9" * 9999, id="9s")],
)
def test_malformed_texts_are_refused(text):
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert caught.value.remedy


@given(st.text())
def test_any_text_is_a_spec_or_refused(text):
    try:
        spec = parse_spec(text)
    except SpecError:
        return
    for size in spec.shape:
        assert size >= 0 if isinstance(size, int) else size.isidentifier()


@pytest.mark.parametrize(
    "shape",
    [(-1, 3), (2.0, 3), (True, 3), ("class", 3), ("n-1", 3), ("a b", 3), ("784", 3)]
    + [(2.0, "n"), (2**63,), ("", 3), (np.float64(2), 3), ("n", HOSTILE)],
)
def test_bad_sizes_are_refused(shape):
    with pytest.raises(SpecError, match="not a size"):
        ArraySpec(shape)
    assert "not a size" in refusal(one, {"p": shape}).message


@pytest.mark.parametrize("shape", [3, "n,3", None, {3}])
def test_what_is_no_tuple_is_no_shape(shape):
    with pytest.raises(SpecError, match="not a shape"):
        ArraySpec(shape)


@pytest.mark.parametrize(
    "dtype",
    ["flot64", "complex128", "float16", "object", "str", complex, dict, 5, "f8"],
)
def test_unsupported_dtypes_are_refused(dtype):
    with pytest.raises(SpecError, match="not supported"):
        ArraySpec((3,), dtype)


def test_a_mistyped_dtype_is_answered_with_the_near_one():
    with pytest.raises(SpecError, match="Did you mean float64"):
        ArraySpec((3,), "flot64")


@pytest.mark.parametrize(
    "example",
    [np.zeros(3, complex), np.zeros(3, "float16"), np.array(["a"]), 1j, 10**30, b"n"]
    + [
        np.array([None]),
        np.zeros(3, "M8[s]"),
        np.zeros(3, [("a", float)]),
        {3},
        object(),
    ]
    + [collections.OrderedDict(W=(3,)), collections.deque([(3,)]), print, None],
)
def test_what_is_no_array_of_numbers_is_no_spec(example):
    assert "spec of p" in refusal(one, {"p": example}).message


@pytest.mark.parametrize("kind", [np.ma.MaskedArray, np.recarray])
def test_fault_24_array_subclasses_are_refused(kind):
    assert kind.__name__ in refusal(one, {"p": np.zeros(3).view(kind)}).message


def test_fault_24_memmap_is_an_example(tmp_path):
    array = np.memmap(tmp_path / "x.bin", dtype="float32", mode="w+", shape=(2, 3))
    assert (leaf_of(array).shape, leaf_of(array).dtype) == ((2, 3), "float32")


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "double"])
def test_the_compile_dtype_is_a_float(dtype):
    refusal(one, {"p": (3,)}, dtype=dtype)


# Structures.


def test_a_tuple_of_sizes_is_a_shape_and_any_other_a_container():
    assert leaf_of(("n", "m")).shape == ("n", "m")
    assert [leaf.shape for leaf in leaves_of(["n", "m"])] == [("n",), ("m",)]
    assert [leaf.shape for leaf in leaves_of(((3,), ("n", 4)))] == [(3,), ("n", 4)]
    assert [leaf.shape for leaf in leaves_of(("n:int64", "n"))] == [("n",), ("n",)]
    assert [leaf.shape for leaf in leaves_of((0.1, 0.2))] == [(), ()]
    assert [leaf.shape for leaf in leaves_of(Layer(3, 4))] == [(), ()]
    assert [leaf.shape for leaf in leaves_of(Layer("n", "m"))] == [("n",), ("m",)]


@pytest.mark.parametrize(
    ("spec", "accesses", "names"),
    [
        ([{"W": (2,), "b": ()}], ['p[0]["W"]', 'p[0]["b"]'], ["W_0", "b_0"]),
        ({"W1": (2,)}, ['p["W1"]'], ["W1"]),
        (
            {"encoder": [(2,), (3,), {"W": (4,)}]},
            ['p["encoder"][0]', 'p["encoder"][1]', 'p["encoder"][2]["W"]'],
            ["encoder_0", "encoder_1", "encoder_W_2"],
        ),
        (Layer((2,), ()), ["p.W", "p.b"], ["W", "b"]),
        ([Layer((2,), ())], ["p[0].W", "p[0].b"], ["W_0", "b_0"]),
        ([(2,), [(3,)]], ["p[0]", "p[1][0]"], ["p_0", "p_1_0"]),
        (((2,), (3,)), ["p[0]", "p[1]"], ["p_0", "p_1"]),
        ({3: (2,), -1: (3,)}, ["p[3]", "p[-1]"], ["p_3", "p_1"]),
        ({(1, "a"): (2,), (): (3,)}, ['p[(1, "a")]', "p[()]"], ["p_0", "p_1"]),
        ({True: (2,)}, ["p[True]"], ["p_0"]),
        ({"p": (2,)}, ['p["p"]'], ["p_p"]),
        ({"class": (2,), "class_": ()}, None, ["class_", "p_class_"]),
        ({"__debug__": ()}, None, ["__debug___"]),
        ({"a b": {"W": ()}, "c d": {"W": ()}, "e f": {"W": ()}}, None)
        + (["W", "p_W", "W_2"],),
        ({"W_0": (), "W": [()]}, None, ["W_0", "p_W_0"]),
    ],
)
def test_access_and_names_of_nested_leaves(spec, accesses, names):
    leaves = leaves_of(spec)
    assert [leaf.name for leaf in leaves] == names
    if accesses:
        assert [leaf.access for leaf in leaves] == accesses


def test_paths_tell_items_from_attributes():
    W, b = leaves_of([{"l": Layer((2,), ())}])
    assert W.path == (("item", 0), ("item", "l"), ("attr", "W"))
    assert b.path == (("item", 0), ("item", "l"), ("attr", "b"))


def test_fields_that_python_normalises_go_by_index():
    kind = collections.namedtuple("kind", ["ﬁ"])
    (leaf,) = leaves_of(kind((3,)))
    assert leaf.access == "p[0]"
    assert eval(leaf.access, {"p": kind(5)}) == 5


def test_leaves_never_take_the_name_of_a_parameter():
    def loss(enc, dec, W):
        return W

    specs = {"enc": {"W": (2,), "b": ()}, "dec": {"W": (2,), "b": ()}, "W": ()}
    names = [leaf.name for leaf in read_signature(loss, specs, None, "float64").leaves]
    assert names == ["enc_W", "b", "dec_W", "dec_b", "W"]


def test_structure_keeps_the_order_of_dicts():
    spec = {"z": (1,), "a": [{"y": (2,), "b": (3,)}], 3: (4,), (1, "k"): (5,)}
    (argument,) = read_signature(one, {"p": spec}, None, "float64").arguments
    assert [leaf.shape for leaf in argument.leaves] == [(i,) for i in range(1, 6)]
    rebuilt = argument.unflatten("vwxyz")
    assert (
        repr(rebuilt)
        == "{'z': 'v', 'a': [{'y': 'w', 'b': 'x'}], 3: 'y', (1, 'k'): 'z'}"
    )


def test_none_in_a_container_is_structure():
    (argument,) = read_signature(
        one, {"p": {"W": (2,), "b": None, "l": []}}, None, "float64"
    ).arguments
    assert [leaf.name for leaf in argument.leaves] == ["W"]
    assert argument.unflatten([7]) == {"W": 7, "b": None, "l": []}


@pytest.mark.parametrize("key", [1.5, None, b"k", np.int64(3), np.str_("k"), (1, 1.5)])
@pytest.mark.parametrize("below", [(2,), None, []])
def test_keys_that_are_no_plain_text_are_refused(key, below):
    assert "dict key" in refusal(one, {"p": [{key: below}]}).message


def test_a_string_subclass_cannot_choose_its_text():
    class Key(str):
        def __repr__(self):
            return "__import__('os')"

    assert "Key" in refusal(one, {"p": {Key("k"): (2,)}}).message


def test_errors_say_which_leaf():
    error = refusal(one, {"p": [{"W": (2,)}, {"W": (-2,)}]})
    assert error.message == 'spec of p[1]["W"]: -2 is not a size'


@pytest.mark.parametrize("cyclic", [False, True])
def test_structures_without_bottom_are_refused(cyclic):
    spec = []
    spec.append(spec if cyclic else (2,))
    for _ in range(5000):
        spec = [spec]
    assert "too deeply" in refusal(one, {"p": spec}).message


def test_fault_17_hostile_keys_stay_data():
    spec = {HOSTILE: {"class": (2,)}, "a b": (3,), 'it\'s "x"': (), "\n\u202e\0": ()}
    leaves = leaves_of(spec)
    assert leaves[0].access == 'p[\'W"]; import os #\']["class"]'
    assert "\n" not in leaves[3].access
    assert "\u202e" not in leaves[3].access
    values = {key: {"class": 0} if key == HOSTILE else i for i, key in enumerate(spec)}
    assert [eval(leaf.access, {"p": values}) for leaf in leaves] == [0, 1, 2, 3]
    assert all(leaf.name.isidentifier() for leaf in leaves)


def test_fault_18_names_are_normalised_and_stay_apart():
    leaves = leaves_of({"ﬁ": (), "fi": (), "𝐱": (), "ﬁnally": ()})
    assert [leaf.name for leaf in leaves] == ["fi", "p_fi", "x", "finally_"]
    assert leaves[0].access == 'p["ﬁ"]'
    assert leaf_of(("ﬁ", "𝐱")).shape == ("fi", "x")


def test_fault_18_parameters_are_found_by_their_normal_form():
    def loss(ﬁ):
        return ﬁ

    assert read_signature(loss, {"ﬁ": (3,)}, None, "float64").leaves[0].name == "fi"
    assert read_signature(loss, None, {"ﬁ": 3}, "float64").static == {"fi": 3}
    assert "two entries" in refusal(loss, {"ﬁ": (), "fi": ()}).message


def test_fault_18_parameters_that_collide_are_refused():
    def loss(*values):
        return values

    kind = inspect.Parameter.POSITIONAL_ONLY
    loss.__signature__ = inspect.Signature(
        [inspect.Parameter("fi", kind), inspect.Parameter("ﬁ", kind)]
    )
    assert "same name" in refusal(loss, {"fi": ()}).message


KEYS = st.recursive(
    st.text() | st.integers() | st.booleans() | st.sampled_from([HOSTILE, "W", "'\""]),
    lambda keys: st.lists(keys, max_size=3).map(tuple),
    max_leaves=3,
)
SHAPES = st.lists(st.integers(0, 9) | st.sampled_from("nmk"), max_size=3).map(tuple)
TREES = st.recursive(
    SHAPES,
    lambda trees: st.one_of(
        st.lists(trees, max_size=3),
        st.lists(trees, max_size=3).map(lambda items: (ArraySpec(()), *items)),
        st.dictionaries(KEYS, trees, max_size=3),
        st.builds(Layer, trees, trees),
    ),
    max_leaves=12,
)


@given(TREES)
def test_nested_structures_come_back_and_access_finds_each_leaf(tree):
    (argument,) = read_signature(one, {"p": tree}, None, "float64").arguments
    marks = [f"leaf {i}" for i in range(len(argument.leaves))]
    value = argument.unflatten(marks)
    assert [eval(leaf.access, {"p": value}) for leaf in argument.leaves] == marks
    shapes = argument.unflatten([leaf.shape for leaf in argument.leaves])
    assert repr(shapes) == repr(tree).replace(repr(ArraySpec(())), "()")


@given(TREES)
def test_names_are_unique_normal_identifiers(tree):
    names = [leaf.name for leaf in leaves_of(tree)]
    assert names == [leaf.name for leaf in leaves_of(tree)]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert unicodedata.normalize("NFKC", name) == name


@given(st.dictionaries(KEYS, st.just(()), min_size=1))
def test_access_is_one_line_that_black_leaves_alone(tree):
    for leaf in leaves_of(tree):
        line = f"{leaf.access}\n"
        assert black.format_str(line, mode=black.Mode(line_length=10_000)) == line


# Where specs stand.


ARGS = {"X": ("n", 64), "labels": "n:int64", "unrelated": object(), 5: (), "lr": ()}


def beside(X, labels, lr=0.1):
    return X, labels, lr


def test_args_beside_the_function():
    signature = read_signature(beside, None, None, "float64")
    shapes = [(leaf.name, leaf.shape, leaf.dtype) for leaf in signature.leaves]
    assert shapes[:2] == [("X", ("n", 64), "float64"), ("labels", ("n",), "int64")]
    assert shapes[2:] == [("lr", (), "float64")]
    assert signature.static == {}


def test_given_args_go_before_those_beside():
    signature = read_signature(beside, {"X": ("m", 2)}, {"lr": 0.5}, "float32")
    assert [leaf.shape for leaf in signature.leaves] == [("m", 2), ("n",)]
    assert signature.static == {"lr": 0.5}
    assert signature.sizes == ("m", "n")


def wrapping(fn):
    @functools.wraps(fn)
    def call(*args, **kwargs):
        return fn(*args, **kwargs)

    return call


class Model:
    def loss(self, X, *, labels):
        return X, labels

    def __call__(self, X, labels):
        return X, labels

    @classmethod
    def of_class(cls, X):
        return X


class Decorated:
    @wrapping
    def __call__(self, X):
        return X


@pytest.mark.parametrize(
    ("fn", "names"),
    [
        (wrapping(beside), ["X", "labels", "lr"]),
        (functools.partial(beside, 1.0), ["labels", "lr"]),
        (functools.partial(wrapping(beside), 1.0), ["labels", "lr"]),
        (wrapping(functools.partial(beside, 1.0)), ["labels", "lr"]),
        (functools.lru_cache(beside), ["X", "labels", "lr"]),
        (Model().loss, ["X", "labels"]),
        (functools.partial(Model().loss, labels=3), ["X", "labels"]),
        (Model(), ["X", "labels"]),
        (Model.of_class, ["X"]),
        (Decorated(), ["X"]),
        (lambda X: X, ["X"]),
    ],
)
def test_fault_10_args_are_found_below_wrappers(fn, names):
    signature = read_signature(fn, None, None, "float64")
    assert [argument.name for argument in signature.arguments] == names


DEFAULT = np.ones(3, np.float32)


def annotated(
    images: Float64[np.ndarray, "n 784"],
    weights: Float[np.ndarray, "784 k"],
    targets: Int64[np.ndarray, " m"],
    flag: Bool[np.ndarray, ""],
    pixels: UInt8[np.ndarray, " n  3 "],
    whole: Int[np.ndarray, " n"],
    number: Num[np.ndarray, " n"],
    shaped: Shaped[np.ndarray, " n"],
    half: Float32[np.ndarray, " n"] = DEFAULT,
    option: UnknownToPython = 2,  # type: ignore[name-defined]  # noqa: F821
    text: str = "a",
):
    return images


def test_jaxtyping_annotations_are_specs():
    signature = read_signature(annotated, None, None, "float32")
    assert [(leaf.name, leaf.shape, leaf.dtype) for leaf in signature.leaves] == [
        ("images", ("n", 784), "float64"),
        ("weights", (784, "k"), "float32"),
        ("targets", ("m",), "int64"),
        ("flag", (), "bool"),
        ("pixels", ("n", 3), "uint8"),
        ("whole", ("n",), "int64"),
        ("number", ("n",), "float32"),
        ("shaped", ("n",), "float32"),
        ("half", ("n",), "float32"),
    ]
    assert signature.static == {"option": 2, "text": "a"}
    assert signature.sizes == ("n", "k", "m")


def test_annotations_that_are_not_texts_are_read_too():
    def loss(p):
        return p

    loss.__annotations__["p"] = Float64[np.ndarray, "rows 2"]
    assert read_signature(loss, None, None, "float64").leaves[0].shape == ("rows", 2)


def test_args_and_those_beside_go_before_annotations():
    def loss(X: Float64[np.ndarray, "a b"], W: Float64[np.ndarray, "a b"]):
        return X, W

    signature = read_signature(loss, {"W": (2,)}, None, "float64")
    assert [leaf.shape for leaf in signature.leaves] == [("n", 64), (2,)]


@pytest.mark.parametrize(
    "dims", ["*n 3", "...", "#n", "n-1", "n+1 2", "_", "_n 3", "?n", "rows=3", "{n}"]
)
def test_annotations_that_say_more_than_sizes_are_refused(dims):
    def loss(p):
        return p

    loss.__annotations__["p"] = Float64[np.ndarray, dims]
    error = refusal(loss)
    assert "spec of p" in error.message
    assert "size" in error.message


def test_annotations_of_unsupported_dtype_are_refused():
    def loss(p):
        return p

    loss.__annotations__["p"] = Complex64[np.ndarray, "n"]
    assert "complex64" in refusal(loss).message


def test_a_parameter_without_spec_is_named_with_both_remedies():
    error = refusal(lambda images: images)
    assert "'images' of <lambda> has no spec" in error.message
    assert 'args={"images": ("n", 784)}' in error.remedy
    assert "--arg images=n,784" in error.remedy
    assert error.position.file == "test_specs.py"
    assert error.position.line == error_line()


def error_line():
    source = inspect.getsource(inspect.getmodule(error_line)).splitlines()
    marker = "error = refusal(lambda images: images)"
    return 1 + next(i for i, line in enumerate(source) if marker in line)


def test_a_name_that_is_no_parameter_is_answered_with_near_ones():
    error = refusal(lambda images, y: y, {"image": (3,), "y": ()})
    assert "args names 'image'" in error.message
    assert error.remedy == "Did you mean images?"
    assert refusal(lambda p, y: y, {"qqq": ()}).remedy == "There is p, y."
    assert refusal(lambda: 0, {3: ()}).remedy == "There is none."
    assert "static names" in refusal(one, {"p": ()}, {"q": 3}).message


def test_a_parameter_is_an_argument_or_static_but_not_both():
    assert "args and in static" in refusal(one, {"p": ()}, {"p": 3}).message


@pytest.mark.parametrize("option", [[("p", ())], (3,), "p"])
def test_options_are_dicts(option):
    assert "not a dict" in refusal(one, option).message
    assert "not a dict" in refusal(one, {"p": ()}, option).message


@pytest.mark.parametrize("fn", [lambda *xs: xs, lambda **rest: rest])
def test_variadic_parameters_need_specs(fn):
    error = refusal(fn, {})
    assert "has no spec" in error.message
    assert "any number of arguments" in error.remedy
    assert "functools.wraps" in error.remedy


@pytest.mark.parametrize("fn", [dict, 3, None])
def test_what_has_no_parameters_to_read_is_refused(fn):
    refusal(fn, {})


# Static values and calls.


def test_defaults_without_spec_are_static():
    def loss(X, power=2, *, scale=0.5, labels):
        return X, power, scale, labels

    signature = read_signature(loss, None, None, "float64")
    assert [argument.name for argument in signature.arguments] == ["X", "labels"]
    assert signature.static == {"power": 2, "scale": 0.5}
    assert signature.bind(loss)(1, 2) == (1, 2, 0.5, 2)


def test_static_goes_before_args_beside_and_annotations():
    def loss(X, W: Float64[np.ndarray, " n"]):
        return X, W

    signature = read_signature(loss, None, {"W": 5, "X": None}, "float64")
    assert signature.arguments == ()
    assert signature.static == {"X": None, "W": 5}
    assert signature.bind(loss)() == (None, 5)


def test_bind_puts_every_value_in_its_place():
    def loss(a, b, /, c, d, *, e, f):
        return a, b, c, d, e, f

    specs = dict.fromkeys("fdca", ())
    signature = read_signature(loss, specs, {"b": "B", "e": "E"}, "float64")
    assert [argument.name for argument in signature.arguments] == list("acdf")
    assert signature.arguments[0].kind is inspect.Parameter.POSITIONAL_ONLY
    assert signature.arguments[3].kind is inspect.Parameter.KEYWORD_ONLY
    assert signature.bind(loss)(1, 3, 4, 6) == (1, "B", 3, 4, "E", 6)


@pytest.mark.parametrize("values", [(), (1,), (1, 2, 3)])
def test_bind_wants_every_argument_once(values):
    signature = read_signature(lambda a, b: 0, {"a": (), "b": ()}, None, "float64")
    with pytest.raises(ValueError, match="argument"):
        signature.bind(lambda a, b: 0)(*values)


def test_bind_calls_partials_with_keywords():
    fn = functools.partial(lambda a, b, c: (a, b, c), b=2)
    signature = read_signature(fn, {"a": (), "c": ()}, None, "float64")
    assert signature.static == {"b": 2}
    assert signature.bind(fn)(1, 3) == (1, 2, 3)


def test_sizes_are_in_order_of_first_appearance():
    spec = {"z": ("k", 3), "a": [("n", "k"), ("b",)]}
    assert read_signature(one, {"p": spec}, None, "float64").sizes == ("k", "n", "b")


def test_a_thousand_layers():
    layers = [{"W": (2, 2), "b": (2,)} for _ in range(1000)]
    leaves = leaves_of(layers)
    assert (leaves[-1].access, leaves[-1].name) == ('p[999]["b"]', "b_999")


def test_threads_keep_the_order_of_dicts():
    spec = dict.fromkeys("zyxwvu", ())
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: [leaf.name for leaf in leaves_of(spec)], range(400))
    assert all(names == list("zyxwvu") for names in found)
