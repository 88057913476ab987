"""Every error that symdiff raises: one class per kind of failure, each under
`SymdiffError`.

An error says what happened, where (the user's file and line, the columns underlined)
and the remedy. Each class has a stable `code`, which is also its anchor in the README's
guide, and derives from the builtin exception that fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import TextWrapper

from .source import Position

__all__ = [
    "CornerWarning",
    "FileError",
    "MutationError",
    "NondeterminismError",
    "OutOfBoundsError",
    "ShapeError",
    "SizeError",
    "SpecError",
    "SymdiffError",
    "TextError",
    "TraceError",
    "UnsupportedAttributeError",
    "UnsupportedError",
    "ValueDependenceError",
    "VerificationError",
]


_wrap = TextWrapper(
    width=84, break_long_words=False, break_on_hyphens=False, subsequent_indent=""
).wrap


class SymdiffError(Exception):
    """Base of every error of symdiff.

    Attributes: `message` (what), `position` (where, or None), `callers` (the user's
    calls that led there, the innermost first), `details` (the operands' shapes),
    `remedy` (what to do), `code` (stable name).
    """

    code = "error"

    def __init__(
        self, message: str, *, position: Position | None = None, remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.callers: tuple[Position, ...] = ()
        self.details = ""
        self.remedy = remedy

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position else ""
        lines = [f"{where}{self.message}"]
        if self.position and (source := self.position.underlined()):
            lines.append(source)
        for caller in self.callers:
            call = f": {caller.segment}" if caller.segment else ""
            lines.append(f"  called at {caller}{call}")
        for line in (*self.details.splitlines(), *self.remedy.splitlines()):
            lines += [f"  {part}" for part in _wrap(line)]
        return "\n".join(lines)


class TraceError(SymdiffError, TypeError):
    """The loss does something that cannot be recorded."""

    code = "trace"


class ValueDependenceError(TraceError):
    """Python asks for the value of a traced array: `if`, `while`, `float()`, `int()`,
    `math.*`.
    """

    code = "value-dependence"


class UnsupportedError(TraceError):
    """A NumPy or SciPy function, or one of its options, that symdiff does not know."""

    code = "unsupported"


class UnsupportedAttributeError(UnsupportedError, AttributeError):
    """A method or attribute of arrays that symdiff does not know."""


class MutationError(TraceError):
    """The loss writes into an array that it was given."""

    code = "mutation"


class ShapeError(TraceError, ValueError):
    """Shapes, axes or dtypes that do not fit together; NumPy too would raise."""

    code = "shape"


class OutOfBoundsError(ShapeError, IndexError):
    """An index beyond the end of its axis; NumPy would raise too."""


class SizeError(TraceError, ValueError):
    """Something depends on an unknown size in a way that no expression in the sizes
    describes.
    """

    code = "size"


class NondeterminismError(TraceError):
    """Two runs of the loss differ: randomness, a clock, or state that changes between
    calls.
    """

    code = "nondeterminism"


class SpecError(SymdiffError, ValueError):
    """Arguments of `compile` that do not describe the loss: a missing or malformed
    spec, an unknown `wrt`.
    """

    code = "spec"


class VerificationError(SymdiffError, ArithmeticError):
    """The emitted module disagrees with the user's own function; nothing is written.

    sizes: the values of the unknown sizes at which they disagree, where they do.
    """

    code = "verification"
    sizes: Mapping[str, int] | None = None


class TextError(SymdiffError, RuntimeError):
    """Emitted text or a template failed its own check: an internal fault or an edited
    template.
    """

    code = "text"


class CornerWarning(UserWarning):
    """The slope where the loss has no derivative depends on how the loss is written."""

    code = "corners"


class FileError(SymdiffError, OSError):
    """A file that cannot be read, loaded, or safely written."""

    code = "file"
