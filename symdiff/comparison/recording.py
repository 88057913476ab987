"""Automatic differentiation by recording: autograd, JAX, PyTorch, symdiff's own tape.

In: a `Problem`. Out: a `Method` that runs the user's own function on the library's
arrays, so that but for the tape nothing of symdiff's is in it. A library that is not installed is
`Absent`; what one of them cannot do it refuses itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from .method import Costs, Method, Sampling
from .problem import Problem
from .rebinding import Rebinding

__all__ = ["autograd", "jax", "jax_jit", "tape", "torch"]

# What a loss may have from SciPy, under the same names in the libraries.
_OF_SCIPY = ("scipy.linalg", "scipy.special", "scipy.stats")


def autograd(problem: Problem, costs: Costs, _: Sampling) -> Method:
    """Return the method of HIPS autograd."""
    library = costs.imported("autograd")
    modules = _modules(costs, "autograd.numpy", "autograd")
    differentiate = library.value_and_grad(problem.of_leaves, tuple(problem.indices))
    return Method(
        lambda: differentiate(*problem.leaves),
        problem.flat,
        Rebinding(problem.fn, modules),
    )


def jax(problem: Problem, costs: Costs, _: Sampling) -> Method:
    """Return the method of JAX, one operation after the other."""
    library, context, leaves, differentiate = _jax(problem, costs)
    return Method(
        lambda: library.block_until_ready(differentiate(*leaves)),
        problem.flat,
        context,
        traced=False,
    )


def jax_jit(problem: Problem, costs: Costs, _: Sampling) -> Method:
    """Return the method of JAX, compiled by XLA for these shapes."""
    library, context, leaves, differentiate = _jax(problem, costs)
    with costs.compiles(), context():
        compiled = library.jit(differentiate).lower(*leaves).compile()
    return Method(
        lambda: library.block_until_ready(compiled(*leaves)),
        problem.flat,
        context,
        traced=False,
    )


def _jax(
    problem: Problem, costs: Costs
) -> tuple[ModuleType, Callable[[], AbstractContextManager], list, Callable]:
    """Return JAX, the context in which it has double precision and the loss its arrays,
    and what it differentiates at these.
    """
    library = costs.imported("jax")
    rebound = Rebinding(problem.fn, _modules(costs, "jax.numpy", "jax"))

    @contextmanager
    def context() -> Iterator[None]:
        with library.enable_x64(True), rebound():
            yield

    with context():
        leaves = [library.numpy.asarray(leaf) for leaf in problem.leaves]
    differentiate = library.value_and_grad(problem.of_leaves, tuple(problem.indices))
    return library, context, leaves, differentiate


def torch(problem: Problem, costs: Costs, _: Sampling) -> Method:
    """Return the method of PyTorch, whose own NumPy namespace the loss is run in."""
    library = costs.imported("torch")
    numpy = costs.imported("torch._numpy")
    modules = {np: numpy, np.linalg: numpy.linalg}
    if "scipy.special" in sys.modules:
        modules[sys.modules["scipy.special"]] = _Special(library.special, numpy)
    rebound = Rebinding(problem.fn, modules)
    tensors = [library.from_numpy(leaf.copy()) for leaf in problem.leaves]
    wanted = [tensors[i].requires_grad_() for i in problem.indices]
    arrays = [numpy.asarray(tensor) for tensor in tensors]

    @contextmanager
    def context() -> Iterator[None]:
        threads = library.get_num_threads()
        library.set_num_threads(1)
        try:
            with rebound():
                yield
        finally:
            library.set_num_threads(threads)

    def run() -> tuple:
        value = numpy.asarray(problem.of_leaves(*arrays)).tensor
        return value, library.autograd.grad(
            value, wanted, allow_unused=True, materialize_grads=True
        )

    return Method(
        run,
        lambda result: problem.flat((result[0].detach(), result[1])),
        context,
        traced=False,
    )


def tape(problem: Problem, costs: Costs, _: Sampling) -> Method:
    """Return the method of symdiff's tape."""
    costs.imported("sympy")
    library = costs.imported("symdiff.tape")
    recorded = library.value_and_grad(problem.fn, problem.asked)
    called = problem.signature.bind(recorded)
    return Method(lambda: called(*problem.arguments), problem.nested)


class _Special:
    """PyTorch's special functions on arrays of its NumPy namespace."""

    def __init__(self, special: ModuleType, numpy: ModuleType) -> None:
        self._special, self._numpy = special, numpy

    def __getattr__(self, name: str) -> Callable:
        function = getattr(self._special, name)
        as_array = self._numpy.asarray
        return lambda *args: as_array(function(*(as_array(x).tensor for x in args)))


def _modules(costs: Costs, numpy: str, home: str) -> dict[ModuleType, Any]:
    """Return a library's modules by those of NumPy and SciPy that they stand for."""
    own = costs.imported(numpy)
    found: dict[ModuleType, Any] = {np: own, np.linalg: own.linalg}
    for name in _OF_SCIPY:
        if name in sys.modules:
            found[sys.modules[name]] = costs.imported(f"{home}.{name}")
    if "scipy" in sys.modules and len(found) > 2:
        found[sys.modules["scipy"]] = costs.imported(f"{home}.scipy")
    return found
