from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symdiff.errors import FileError, SpecError
from symdiff.loading import guarded, last_position, load, load_module, split_target

Write = Callable[..., Path]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Write]:
    """Return a function that writes a file of the user's; its modules go at the end."""
    before = dict(sys.modules)

    def write(text: str | bytes, name: str = "loss.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    yield write
    for name in set(sys.modules) - set(before):
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("target", "path", "name"),
    [
        ("loss.py:loss", "loss.py", "loss"),
        ("a/loss.py:Model.loss", "a/loss.py", "Model.loss"),
        ("loss.py", "loss.py", ""),
        ("loss.py:", "loss.py", ""),
        ("loss", "loss", ""),
        ("C:/a/loss.py", "C:/a/loss.py", ""),
    ],
)
def test_target_is_split_at_its_last_colon(target: str, path: str, name: str) -> None:
    assert split_target(target) == (Path(path), name)


def test_function_is_found_with_its_file_and_name(user: Write) -> None:
    path = user("def f(x):\n    return x + 1\n\ndef g(x):\n    return 2 * x\n")
    loaded = load(f"{path}:g")
    assert (loaded.path, loaded.name, loaded.function(3)) == (path, "g", 6)


def test_the_only_public_function_is_taken(user: Write) -> None:
    path = user("from math import exp\ndef _h(x): return x\ndef f(x): return _h(x)\n")
    assert load(str(path)).name == "f"


@pytest.mark.parametrize("text", ["", "from math import exp\n", "def _f(x): pass\n"])
def test_without_a_public_function_the_name_must_be_given(
    user: Write, text: str
) -> None:
    with pytest.raises(FileError, match="defines no functions"):
        load(str(user(text)))


def test_with_several_functions_they_are_listed(user: Write) -> None:
    with pytest.raises(FileError, match="2 functions") as caught:
        load(str(user("def relu(x): pass\ndef loss(x): pass\n")))
    assert "There: relu, loss." in str(caught.value)
    assert "loss.py:FUNC" in str(caught.value)


def test_a_path_of_attributes_leads_to_a_method(user: Write) -> None:
    path = user("class Model:\n    @staticmethod\n    def loss(x): return x\n")
    assert load(f"{path}:Model.loss").function(3) == 3
    with pytest.raises(FileError, match="no function 'Model.lose'"):
        load(f"{path}:Model.lose")


def test_a_missing_function_is_named_with_the_near_ones(user: Write) -> None:
    path = user("def relu(x): pass\ndef loss(x): pass\n")
    with pytest.raises(FileError, match="no function 'losss' in loss.py") as caught:
        load(f"{path}:losss")
    assert "Did you mean loss? There: relu, loss." in caught.value.remedy


@pytest.mark.parametrize(("name", "kind"), [("a", "int"), ("C", "class")])
def test_what_is_no_function_is_refused(user: Write, name: str, kind: str) -> None:
    path = user("a = 1\nclass C: pass\n")
    with pytest.raises(FileError, match=f"not a function but of type {kind}"):
        load(f"{path}:{name}")


def test_a_missing_file_is_named_with_the_near_ones(user: Write) -> None:
    path = user("")
    with pytest.raises(FileError, match="no file .*los.py") as caught:
        load(f"{path.with_name('los.py')}:loss")
    assert "Did you mean loss.py?" in caught.value.remedy
    with pytest.raises(FileError, match="no file"):
        load(f"{path.parent / 'nowhere' / 'loss.py'}:loss")


@pytest.mark.parametrize("name", ["loss", "loss.txt"])
def test_what_is_no_python_file_is_refused(user: Write, name: str) -> None:
    with pytest.raises(FileError, match="not a Python file"):
        load(f"{user('', name)}:loss")


@pytest.mark.parametrize("name", ["numpy.py", "random.py", "__main__.py", "rich.py"])
def test_a_name_that_would_replace_a_loaded_module_is_refused(
    user: Write, name: str
) -> None:
    before = sys.modules.get(name[:-3])
    with pytest.raises(FileError, match="which symdiff needs"):
        load_module(user("", name))
    assert sys.modules.get(name[:-3]) is before


def test_a_file_of_the_same_name_elsewhere_takes_its_place(user: Write) -> None:
    first = load_module(user("a = 1\n", "one/loss.py"))
    second = load_module(user("a = 2\n", "two/loss.py"))
    assert (first.a, second.a, sys.modules["loss"]) == (1, 2, second)


def test_a_file_edited_within_the_same_second_is_read_anew(user: Write) -> None:
    path = user("a = 1\n")
    assert load_module(path).a == 1
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    os.utime(user("a = 2\n"), ns=times)
    assert load_module(path).a == 2
    assert not (path.parent / "__pycache__").exists()


# Errors in the user's file.


def test_a_syntax_error_is_underlined(user: Write) -> None:
    path = user("größe = 1\nx = (größe +* 2)\n")
    with pytest.raises(FileError, match="loss.py:2: .*SyntaxError") as caught:
        load_module(path)
    assert "    x = (größe +* 2)\n                ^" in str(caught.value)
    assert "loss" not in sys.modules


def test_an_exception_at_import_is_placed_and_chained(user: Write) -> None:
    path = user("def f():\n    return 1 / 0\n\nf()\n")
    with pytest.raises(FileError, match="loss.py:2: .*ZeroDivisionError") as caught:
        load_module(path)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "    return 1 / 0\n           ^^^^^" in str(caught.value)
    assert "loss" not in sys.modules


def test_an_exception_below_the_file_is_placed_where_the_file_called(
    user: Write,
) -> None:
    user("raise RuntimeError('deep')\n", "deep_helper.py")
    with pytest.raises(FileError, match="loss.py:2: .*RuntimeError: deep"):
        load_module(user("a = 1\nimport deep_helper\n"))


def test_errors_of_symdiff_and_interrupts_pass(user: Write) -> None:
    line = "from symdiff.errors import SpecError\nraise SpecError('mine')\n"
    with pytest.raises(SpecError, match="mine"):
        load_module(user(line))
    with pytest.raises(KeyboardInterrupt):
        load_module(user("raise KeyboardInterrupt\n"))


def test_the_last_place_in_the_file_is_where_an_exception_passed(user: Write) -> None:
    path = user("def g(x):\n    return x.nope\n\ndef f(x):\n    return [g(x)]\n")
    with pytest.raises(AttributeError) as caught:
        load(f"{path}:f").function(1)
    position = last_position(caught.value, path)
    assert position is not None
    assert (str(position), position.segment) == ("loss.py:2", "x.nope")
    assert last_position(caught.value, path.with_name("other.py")) is None


# What the user's module does to the interpreter.


def test_fault_40_imported_under_its_own_name(user: Write) -> None:
    path = user(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "@dataclass\n"
        "class Point:\n"
        "    x: int\n"
        "    origin: ClassVar[int] = 0\n"
        "def loss(x): return x\n"
        "ran = __name__\n"
        'if __name__ == "__main__": raise SystemExit(3)\n'
    )
    module = load_module(path)
    assert module.ran == "loss"
    assert sys.modules["loss"] is module
    assert pickle.loads(pickle.dumps(module.loss)) is module.loss
    assert pickle.loads(pickle.dumps(module.Point(1))) == module.Point(1)


def test_fault_40_prints_do_not_reach_stdout(
    user: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    load_module(user("print('hello')\n"))
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize("how", ["raise SystemExit(3)", "import sys; sys.exit(3)"])
def test_fault_40_exit_is_caught(user: Write, how: str) -> None:
    with pytest.raises(FileError, match="loss.py:1: .*exit code 3") as caught:
        load_module(user(f"{how}\n"))
    assert "__main__" in caught.value.remedy


@pytest.mark.parametrize("fails", [False, True])
def test_fault_40_path_folder_and_streams_are_put_back(
    user: Write, fails: bool
) -> None:
    path = user(
        "import io, os, sys\n"
        "sys.path.append('/nowhere')\n"
        "sys.path = ['/elsewhere']\n"
        "os.chdir('/')\n"
        "sys.stdin = sys.stdout = sys.stderr = io.StringIO()\n"
        "sys.argv = ['mine']\n" + "1 / 0\n" * fails
    )
    before = sys.path, list(sys.path), sys.argv, list(sys.argv), os.getcwd()
    streams = sys.stdin, sys.stdout, sys.stderr
    try:
        load_module(path)
    except FileError:
        assert fails
    assert sys.path is before[0]
    assert sys.argv is before[2]
    assert (sys.path, sys.argv, os.getcwd()) == (before[1], before[3], before[4])
    assert (sys.stdin, sys.stdout, sys.stderr) == streams


def test_fault_40_a_stream_wrapped_around_ours_does_not_close_it(
    user: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stderr", ours)
    load_module(
        user(
            "import io, sys\n"
            "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
            "sys.stderr = sys.stdout\n"
            "print('größe')\n"
        )
    )
    print("after", file=sys.stderr, flush=True)
    assert ours.buffer.getvalue() == "größe\nafter\n".encode()  # type: ignore[attr-defined]


def test_fault_40_the_words_of_our_command_are_not_the_users(user: Write) -> None:
    text = "import argparse\nargparse.ArgumentParser().parse_args()\n"
    assert load_module(user(text))


def test_fault_40_its_folder_is_searched_first_and_only_meanwhile(user: Write) -> None:
    user("b = 3\n", "neighbour_of_loss.py")
    path = user(
        "from neighbour_of_loss import b\n"
        "def late(x):\n"
        "    import late_neighbour\n"
        "    return late_neighbour.c\n"
    )
    user("c = 4\n", "late_neighbour.py")
    module = load_module(path)
    assert module.b == 3
    with pytest.raises(ModuleNotFoundError):
        module.late(1)
    with guarded(path):
        assert module.late(1) == 4


@pytest.mark.parametrize(
    "source",
    [
        "name = 'größe'\r\ndef loss(x): return name\r\n".encode(),
        "name = 'größe'\ndef loss(x): return name\n".encode("utf-8-sig"),
        "# coding: latin-1\nname = 'größe'\ndef loss(x): return name\n".encode(
            "latin-1"
        ),
        b"name = 'gr\xc3\xb6\xc3\x9fe'\rdef loss(x): return name\r",
    ],
)
def test_fault_41_source_is_read_as_python_reads_it(user: Write, source: bytes) -> None:
    assert load(f"{user(source)}:loss").function(1) == "größe"


def test_fault_41_a_line_of_a_file_in_another_encoding_is_shown(user: Write) -> None:
    source = "# coding: latin-1\r\ngröße = 1\r\nx = größe / 0\r\n".encode("latin-1")
    with pytest.raises(FileError) as caught:
        load_module(user(source))
    assert "    x = größe / 0\n        ^^^^^^^^^" in str(caught.value)


@pytest.mark.parametrize("source", [b"x = '\xff'\n", b"x = 1\0\n", b"# coding: no\n"])
def test_fault_41_what_python_cannot_read_is_refused(
    user: Write, source: bytes
) -> None:
    with pytest.raises(FileError, match="loss.py cannot be imported: .*Error"):
        load_module(user(source))
