"""symdiff: standalone NumPy gradients from plain NumPy losses.

`compile` takes a loss and gives a module's text with its forward pass and its
reverse-mode gradient. What is heavy is imported when it is first asked for, so that the
command line answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import numerical, tape, testing
    from .checkup import Checkup, check
    from .comparison import Comparison, compare
    from .errors import (
        CornerWarning,
        FileError,
        MutationError,
        NondeterminismError,
        ShapeError,
        SizeError,
        SpecError,
        SymdiffError,
        TextError,
        TraceError,
        UnsupportedError,
        ValueDependenceError,
        VerificationError,
    )
    from .pipeline import Compiled, compile
    from .proof import Proof, prove
    from .several import CompiledModule, compile_module
    from .specs import ArraySpec

_HOMES = {
    "ArraySpec": "specs",
    "Comparison": "comparison",
    "Checkup": "checkup",
    "Compiled": "pipeline",
    "CompiledModule": "several",
    "Proof": "proof",
    "check": "checkup",
    "compare": "comparison",
    "compile": "pipeline",
    "compile_module": "several",
    "prove": "proof",
}

_MODULES = ("numerical", "tape", "testing")

__all__ = [
    "ArraySpec",
    "Checkup",
    "Compiled",
    "CompiledModule",
    "Comparison",
    "CornerWarning",
    "FileError",
    "MutationError",
    "NondeterminismError",
    "Proof",
    "ShapeError",
    "SizeError",
    "SpecError",
    "SymdiffError",
    "TextError",
    "TraceError",
    "UnsupportedError",
    "ValueDependenceError",
    "VerificationError",
    "check",
    "compare",
    "compile",
    "compile_module",
    "numerical",
    "prove",
    "tape",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'symdiff' has no attribute {name!r}")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f".{name}", __name__)
    return getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
