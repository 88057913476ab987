"""Unrolled loops as a reader sees them: names with the loop's index, a mark an
iteration, forward and in reverse.
"""

import ast
import re

import numpy as np
from cases import passes_of
from test_emit_names import function

import symdiff

X = {"X": (3, "n")}


def texts(text: str, args=None, **scope) -> tuple[str, str]:
    """Return the two passes of a loss that is made of its text."""
    compiled = symdiff.compile(function(text, **scope), args or X)
    forward, _, backward = passes_of(compiled.source).partition("def backward")
    return forward, backward


def names(text: str) -> list[str]:
    return re.findall(r"^    (\w+) = ", text, re.MULTILINE)


def marks(text: str) -> list[str]:
    return re.findall(r"# (for .*|while .*)", text)


def test_a_value_of_a_loop_has_the_number_of_the_iteration():
    forward, backward = texts(
        "def loss(w, X):\n"
        "    h = X[0]\n"
        "    for x in X:\n"
        "        h = np.tanh(h @ w + x)\n"
        "    return np.sum(h)\n",
        {"w": ("n", "n"), **X},
    )
    ours = [one for one in names(forward) if one[0] == "h"]
    assert ours == ["h", "h_0", "h_1", "h_2"]
    iterations = [f"for x in X: iteration {place}" for place in range(3)]
    assert marks(forward) == iterations
    assert marks(backward) == iterations[::-1]


def test_a_counting_variable_numbers_the_iterations():
    forward, backward = texts(
        "def loss(X):\n"
        "    for t in range(1, 3):\n"
        "        h = np.tanh(X[t]) * np.sum(X[t - 1])\n"
        "        X = X + np.sin(h)\n"
        "    return np.sum(X)\n"
    )
    assert {"h_1", "h_2"} <= {*names(forward)}
    expected = ["for t in range(1, 3): t = 1", "for t in range(1, 3): t = 2"]
    assert marks(forward) == expected
    assert marks(backward) == expected[::-1]


def test_what_only_its_iteration_reads_has_the_users_own_name():
    forward, backward = texts(
        "def loss(w, X):\n"
        "    h = X[0]\n"
        "    for x in X:\n"
        "        z = h @ w\n"
        "        h = np.tanh(z + x)\n"
        "    return np.sum(h)\n",
        {"w": ("n", "n"), **X},
    )
    assert [one for one in names(forward) if one[0] in "hz"] == (
        ["h", "z", "h_0", "z", "h_1", "z", "h_2"]
    )
    assert "z" not in re.findall(r"\b\w+\b", backward.partition("\n\n")[0])


def test_loops_within_loops_have_two_numbers():
    forward, _ = texts(
        "def loss(X):\n"
        "    h = X[0]\n"
        "    for i in range(2):\n"
        "        for j, x in enumerate(X):\n"
        "            h = np.tanh(h + x)\n"
        "    return np.sum(h)\n"
    )
    ours = [one for one in names(forward) if one.startswith("h_")]
    assert ours == ["h_0_0", "h_0_1", "h_0_2", "h_1_0", "h_1_1", "h_1_2"]
    assert marks(forward)[3:5] == [
        "for j, x in enumerate(X): j = 2",
        "for i in range(2): i = 1",
    ]


def test_a_called_function_is_in_its_callers_loop():
    forward, backward = texts(
        "def layer(h, x):\n"
        "    z = h * x\n"
        "    return np.tanh(z) * z\n"
        "def loss(X):\n"
        "    h = X[0]\n"
        "    for x in X[1:]:\n"
        "        h = layer(h, x)\n"
        "    return np.sum(h)\n"
    )
    assert {"z_0", "h_0", "z_1", "h_1"} <= {*names(forward)}
    assert "d_z_1" in backward


def test_a_while_loop_is_one_too():
    forward, _ = texts(
        "def loss(X):\n"
        "    h, steps = X[0], 0\n"
        "    while steps < 3:\n"
        "        h = np.sin(h)\n"
        "        steps += 1\n"
        "    return np.sum(h)\n"
    )
    assert marks(forward) == [
        f"while steps < 3: iteration {place}" for place in range(3)
    ]


def test_equal_values_of_a_loops_variable_are_iterations_of_their_own():
    forward, _ = texts(
        "def loss(X):\n"
        "    h = X[0]\n"
        "    for w in [X[1], X[1], X[1]]:\n"
        "        h = np.tanh(h * w)\n"
        "    return np.sum(h)\n"
    )
    assert {"h_0", "h_1", "h_2"} <= {*names(forward)}


def test_comprehensions_and_lists_give_names_by_place():
    forward, backward = texts(
        "def loss(X):\n"
        "    hidden = [np.tanh(x) for x in X]\n"
        "    state = {'cell': hidden[0] * hidden[1]}\n"
        "    return np.sum(state['cell'] * hidden[2] * np.exp(state['cell']))\n"
    )
    assert {"hidden_0", "hidden_1", "hidden_2", "state_cell"} <= {*names(forward)}
    assert "d_state_cell" in backward


def test_attributes_give_names():
    forward, _ = texts(
        "class Net:\n"
        "    def __call__(self, x):\n"
        "        self.h = np.tanh(x)\n"
        "        return self.h * np.sum(self.h)\n"
        "def loss(X):\n"
        "    net = Net()\n"
        "    return sum(np.sum(np.sin(net(x))) for x in X)\n"
    )
    assert {"h_0", "h_1", "h_2"} <= {*names(forward)}


def test_a_sum_within_a_loop_is_one_iteration():
    forward, _ = texts(
        "def loss(X):\n"
        "    h = X[0]\n"
        "    for w in [X[1], X[2]]:\n"
        "        h = sum(h * np.sin(x) for x in X)\n"
        "        h = sum([h, w, X[0], X[1]])\n"
        "    return np.sum(h)\n"
    )
    loop = "for w in [X[1], X[2]]"
    ours = [one for one in marks(forward) if one.startswith(loop)]
    assert ours == [f"{loop}: iteration 0", f"{loop}: iteration 1"]


def test_a_loop_of_one_iteration_has_no_mark():
    forward, _ = texts(
        "def loss(X):\n"
        "    for x in [X]:\n"
        "        h = np.tanh(x)\n"
        "        h = h * h.sum()\n"
        "    return np.sum(h)\n"
    )
    assert not marks(forward)


def test_behind_a_loop_stands_an_empty_line():
    forward, _ = texts(
        "def loss(X):\n"
        "    h = X[0]\n"
        "    for x in X:\n"
        "        h = np.tanh(h * x)\n"
        "    total = np.sum(h)\n"
        "    return total * total\n"
    )
    assert "\n\n    total = h_2.sum()" in forward


def test_loops_without_source_are_no_loops():
    space = {"np": np}
    exec(
        "def loss(X):\n    for x in X:\n        X = np.tanh(X * x)\n    return np.sum(X)\n",
        space,
    )
    forward, _, _ = passes_of(symdiff.compile(space["loss"], X).source).partition(
        "def backward"
    )
    assert not marks(forward)


def test_keys_of_any_kind_make_safe_names():
    forward, _ = texts(
        "def loss(X):\n"
        "    state = {'a\"]; import os #': np.tanh(X)}\n"
        "    (key,) = state\n"
        "    return np.sum(state[key] * np.exp(state[key]))\n"
    )
    code = ast.unparse(ast.parse(forward))  # without the comments, which quote him
    assert "import os" not in code.replace("_import_os", "")
