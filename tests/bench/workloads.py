"""The workloads: their losses' modules, and the arguments that they are timed on.

A file of `losses/` holds one loss in plain NumPy, what of it is differentiated (`WRT`),
in which dtypes it is timed (`DTYPES`), its sizes (`SIZES`, and `TINY` for tests), random `arguments(rng, **sizes)`, and where
matrix products bound its time, these `products(**sizes)`.
"""

import importlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "losses"
NAMES = sorted(path.stem for path in FOLDER.glob("w*.py"))


def load(name):
    """Return the module of a loss."""
    return importlib.import_module(f".losses.{name}", __package__)


def rebound(loss, numpy, replaced=()):
    """Return a loss over another module in NumPy's place, some of its functions replaced.

    Its file is run anew, so that what the loss calls is rebound with it.
    """
    path = Path(loss.__code__.co_filename)
    space = {"__name__": path.stem}
    exec(compile(path.read_text(), str(path), "exec"), space)
    space |= {"np": numpy, **dict(replaced)}
    return space[loss.__name__]


def draw(module, sizes, dtype):
    """Return a loss's arguments at sizes: name and value, of a dtype where they are real."""
    drawn = module.arguments(np.random.default_rng(0), **sizes)
    return mapped(lambda array: _cast(array, dtype), drawn)


def _cast(array, dtype):
    if isinstance(array, float):
        return array
    return array.astype(dtype) if array.dtype.kind == "f" else array


def mapped(function, tree):
    """Return a tree of lists, tuples and dicts with a function applied to its leaves."""
    if isinstance(tree, dict):
        return {name: mapped(function, part) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [mapped(function, part) for part in tree]
    return function(tree)


def leaves(tree):
    """Return the arrays of a tree, those of a dict in the order of its keys."""
    if isinstance(tree, dict):
        return [leaf for name in sorted(tree) for leaf in leaves(tree[name])]
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree]
