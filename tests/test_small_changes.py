"""A small change of a loss makes a small change of its module: names and order stay.

Counted are the lines that a difference adds and removes, empty ones left out.
"""

from __future__ import annotations

import difflib
import re
import tempfile
from pathlib import Path

import pytest
from cases import passes_of

import symdiff
from symdiff.loading import load

LOSS = """\
import numpy as np

ARGS = {
    "W1": ("d", "k"), "b1": "k", "W2": ("k", 10), "b2": "10",
    "X": ("n", "d"), "labels": "n:int64",
}


def loss(W1, b1, W2, b2, X, labels):
    h = np.tanh(X @ W1 + b1)  # hidden layer
    z = h @ W2 + b2
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    picked = log_p[np.arange(len(labels)), labels]
    penalty = np.sum(W1**2) + np.sum(W2**2)
    return -np.mean(picked) + 0.01 * penalty
"""

# What is replaced by what.
EDITS = {
    "a sign": [("+ 0.01", "- 0.01")],
    "a constant": [("0.01", "0.02")],
    "a variable's name": [("h = np", "hidden = np"), ("z = h @", "z = hidden @")],
    "another activation": [("np.tanh", "np.sin")],
    "a sum for a mean": [("np.mean(picked)", "np.sum(picked)")],
    "a factor": [("h @ W2 + b2", "0.5 * (h @ W2 + b2)")],
    "a term": [("* penalty", "* penalty + 0.1 * np.sum(b1**2)")],
    "a term less": [(" + np.sum(W2**2)", "")],
    "a name for a part": [
        ("h = np.tanh(X @ W1 + b1)", "a = X @ W1 + b1\n    h = np.tanh(a)")
    ],
    "a layer": [
        ("    z = h @", "    h2 = np.tanh(h @ W3)\n    z = h2 @"),
        ('"X":', '"W3": ("k", "k"), "X":'),
        ("b2, X", "b2, W3, X"),
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("losses")


def module(loss: str, folder: Path) -> str:
    """The text of the module of a loss."""
    file = folder / "edited.py"
    file.write_text(loss, encoding="utf-8")
    weights = tuple(re.findall(r'"([Wb]\d)":', loss))
    loaded = load(f"{file}:loss").function
    return symdiff.compile(loaded, wrt=weights, verify=False).source


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), n=0, lineterm=""
    )
    return [one for one in lines if re.match(r"[-+](?![-+]{2} |$)", one)]


def edited(edits: list[tuple[str, str]]) -> str:
    loss = LOSS
    for old, new in edits:
        assert old in loss
        loss = loss.replace(old, new)
    return loss


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_few_lines(edit: str, folder: Path) -> None:
    loss = edited(EDITS[edit])
    before, after = module(LOSS, folder), module(loss, folder)
    found = changed(before, after)
    assert found
    # The header, the equation, the tables of costs and bytes change with any edit.
    assert len(found) <= 14 + 9 * len(changed(LOSS, loss)), "\n".join(found)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("def loss", "# What is minimised.\ndef loss", []),
        ("import numpy as np\n", "import math\n\nimport numpy as np\n", []),
        ("    z = h", "    # logits\n    z = h", []),
        ("\n    z = h", "\n\n    z = h", []),
        ("hidden layer", "a layer", ["h = np.tanh(X @ W1 + b1)"]),
    ],
)
def test_what_changes_no_value_changes_no_code(
    old: str, new: str, parts: list[str], folder: Path
) -> None:
    before, after = module(LOSS, folder), module(edited([(old, new)]), folder)
    found = changed(before, after)
    assert len(found) == 2 * len(parts)
    assert all(any(part in line for part in parts) for line in found)


def test_an_edit_and_its_opposite_give_the_same_module(folder: Path) -> None:
    first = module(LOSS, folder)
    module(edited(EDITS["a layer"]), folder)
    assert module(LOSS, folder) == first


def main() -> None:
    """Print the lines that each edit changes, in all and in the two passes."""
    print(f"{'':22}{'loss':>6}{'module':>8}{'passes':>8}")
    with tempfile.TemporaryDirectory() as name:
        before = module(LOSS, Path(name))
        for edit, parts in EDITS.items():
            after = module(edited(parts), Path(name))
            counts = [
                len(changed(*texts))
                for texts in (
                    (LOSS, edited(parts)),
                    (before, after),
                    (passes_of(before), passes_of(after)),
                )
            ]
            print(f"{edit:<22}{counts[0]:6}{counts[1]:8}{counts[2]:8}")


if __name__ == "__main__":
    main()
