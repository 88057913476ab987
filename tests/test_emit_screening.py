"""What was never meant to be code is caught before it is written."""

import re
import shutil

import numpy as np
import pytest

import symdiff
from symdiff.emit import module as emission
from symdiff.emit import rendering
from symdiff.errors import TextError


def loss(params, X):
    h = np.tanh(X @ params["W"] + params["b"])
    return np.sum(h**2) + np.sum(h[1:])


def compile_with(monkeypatch, change):
    """Compile with the rendered text changed before it is screened."""
    render = emission.render

    def changed(name, fields):
        text = render(name, fields)
        return change(text) if name == "module.py.jinja" else text

    monkeypatch.setattr(emission, "render", changed)
    args = {"params": {"W": (3, 2), "b": (2,)}, "X": ("n", 3)}
    return symdiff.compile(loss, args, verify=False)


def after(line, injected):
    """Return a change that puts a statement behind a line of the module."""

    def change(text):
        found = re.search(rf"^( *){re.escape(line)}.*$", text, re.M)
        assert found, line
        return f"{text[:found.end()]}\n{found.group(1)}{injected}{text[found.end():]}"

    return change


STATEMENTS = [
    "import os",
    "from os import system",
    "import numpy",
    "import scipy.linalg",
    "eval('1')",
    "exec('1')",
    "__import__('os')",
    "open('x', 'w')",
    "print(h)",
    "h.tofile('x')",
    "h.dump('x')",
    "h.__class__",
    "h.__array_interface__",
    "np.load('x')",
    "np.save('x', h)",
    "np.lib.format",
    "np.core",
    "os.system('x')",
    "sys.exit()",
    "h = lambda: 0",
    "global h",
    "pass",
    "assert h",
    "while h: h = 0",
    "with h: h = 0",
    "h = (g := 1)",
    "h = [x for x in h]",
    "h = f'{h}'",
    "raise ValueError",
    "async_ = 1",
    "type(h)",
    "getattr(h, 'x')",
    "globals()",
    "h.x = 1",
    "_array.__globals__",
    "h = b.__init__",
    "np.sum(h, **h)",
    "breakpoint()",
    "try:\n        h = 1\n    except ValueError:\n        h = 2",
    "def inner():\n        return 1",
    "class Inner:\n        x = 1",
    "if h:\n        h = 1",
    "match h:\n        case 1:\n            h = 1",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_in_a_pass_is_caught(monkeypatch, statement):
    with pytest.raises(TextError):
        compile_with(monkeypatch, after("h = np.tanh(", statement))


@pytest.mark.parametrize(
    "statement",
    [
        "import os",
        "open('x')",
        "x = 1",
        "_leaves.__globals__",
        "@_array\ndef more(): return 1",
        "async def more(): return 1",
        "exec('')",
        "rm = os.system",
    ],
)
def test_a_statement_of_the_module_is_caught(monkeypatch, statement):
    change = after("import numpy as np", f"\n{statement}")
    with pytest.raises(TextError):
        compile_with(monkeypatch, change)


def test_a_decorator_is_caught(monkeypatch):
    def change(text):
        return text.replace("def value(", "@_array\ndef value(")

    with pytest.raises(TextError):
        compile_with(monkeypatch, change)


def test_text_that_is_no_python_is_caught(monkeypatch):
    with pytest.raises(TextError, match="no Python, at its line"):
        compile_with(
            monkeypatch, lambda text: text.replace("def value(", "def value((")
        )


def test_the_error_names_what_and_where(monkeypatch):
    with pytest.raises(TextError, match="holds the name eval, at its line"):
        compile_with(monkeypatch, after("h = np.tanh(", "eval('1')"))


def test_the_unchanged_text_passes(monkeypatch):
    assert compile_with(monkeypatch, lambda text: text).value is not None


def test_fault_42_a_template_that_asks_for_what_is_not_there(monkeypatch, tmp_path):
    text = (rendering.templates() / "module.py.jinja").read_text()
    lines = text.splitlines()
    lines.insert(4, "{{ what_is_not_there }}")
    shutil.copytree(rendering.templates(), tmp_path, dirs_exist_ok=True)
    (tmp_path / "module.py.jinja").write_text("\n".join(lines))
    monkeypatch.setattr(rendering, "templates", lambda: tmp_path)
    rendering.environment.cache_clear()
    try:
        with pytest.raises(
            TextError, match=r"module\.py\.jinja:5: .*what_is_not_there"
        ):
            symdiff.compile(lambda x: x**2, {"x": ()})
        (tmp_path / "module.py.jinja").write_text("{% for %}")
        rendering.environment.cache_clear()
        with pytest.raises(TextError, match=r"template module\.py\.jinja:1: "):
            symdiff.compile(lambda x: x**2, {"x": ()})
    finally:
        rendering.environment.cache_clear()
