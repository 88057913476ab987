"""Who computes a gradient: by name, what makes a function of no arguments that does it.

Each takes a workload's name, its sizes, its arguments and their dtype. What the function
returns is the value and the gradient. What a peer needs is imported in its process only.
"""

import importlib
from functools import partial

import numpy as np

from symdiff.settings import STYLES

from . import workloads

__all__ = ["BUILDERS", "WITHOUT", "builder", "compiled"]

# The fast style without one of the things that it does: this and its name.
WITHOUT = "without-"


def builder(implementation):
    """Return what makes an implementation's function."""
    if implementation.startswith(WITHOUT):
        return emitted("fast", implementation.removeprefix(WITHOUT))
    return BUILDERS[implementation]


def compiled(name, arguments, dtype, style, without=()):
    """Return what symdiff makes of a workload in a style, for exactly these sizes."""
    import symdiff

    module = workloads.load(name)
    return symdiff.compile(
        module.loss,
        arguments,
        wrt=module.WRT,
        dtype=dtype,
        style=style,
        rewrites="fast" if style == "fast" else "safe",
        no_rewrite=without,
        verify=False,
    )


def emitted(style, without=()):
    """Return the builder of what symdiff emits in a style."""

    def build(name, sizes, arguments, dtype):
        made = compiled(name, arguments, dtype, style, without)
        return partial(made.value_and_grad, *arguments.values())

    return build


def by_hand(kind):
    """Return the builder of a gradient written by hand: "plain" or "tuned"."""

    def build(name, sizes, arguments, dtype):
        module = importlib.import_module(f".by_hand.{name}", __package__)
        inputs = tuple(arguments.values())
        function = module.plain if kind == "plain" else module.tuned(*inputs)
        return partial(function, *inputs)

    return build


def products(name, sizes, arguments, dtype):
    """The matrix products of both passes alone: no gradient can be faster."""
    made = {}
    calls = []
    for rows, inner, columns in workloads.load(name).products(**sizes):
        shape = (rows, inner, columns)
        if shape not in made:
            left, right = np.ones((rows, inner), dtype), np.ones(
                (inner, columns), dtype
            )
            made[shape] = (left, right, np.empty((rows, columns), dtype))
        calls.append(made[shape])

    def run():
        for left, right, out in calls:
            np.dot(left, right, out=out)

    return run


def autograd(name, sizes, arguments, dtype):
    import autograd
    import autograd.numpy

    from .in_autograd import REPLACED

    module = workloads.load(name)
    loss = workloads.rebound(module.loss, autograd.numpy, REPLACED.get(name, ()))
    places = tuple(list(arguments).index(one) for one in module.WRT)
    return partial(autograd.value_and_grad(loss, places), *arguments.values())


def jax(name, sizes, arguments, dtype):
    import jax

    from .in_jax import REPLACED

    jax.config.update("jax_enable_x64", dtype == "float64")
    module = workloads.load(name)
    loss = workloads.rebound(module.loss, jax.numpy, REPLACED.get(name, ()))
    places = tuple(list(arguments).index(one) for one in module.WRT)
    function = jax.jit(jax.value_and_grad(loss, places))
    inputs = workloads.mapped(jax.numpy.asarray, list(arguments.values()))
    return lambda: jax.block_until_ready(function(*inputs))


def torch(compiled):
    """Return the builder of PyTorch's gradient, eager or compiled."""

    def build(name, sizes, arguments, dtype):
        import torch

        from .in_torch import LOSSES

        tensors = workloads.mapped(
            lambda one: torch.as_tensor(np.asarray(one)), arguments
        )
        wanted = [tensors[one] for one in workloads.load(name).WRT]
        wanted = [leaf.requires_grad_() for leaf in workloads.leaves(wanted)]
        loss = torch.compile(LOSSES[name]) if compiled else LOSSES[name]
        inputs = tuple(tensors.values())

        def run():
            value = loss(*inputs)
            return value.detach(), torch.autograd.grad(value, wanted)

        return run

    return build


# What the table compares, in the order of its columns.
BUILDERS = {
    **{f"symdiff-{style}": emitted(style) for style in STYLES},
    "by-hand": by_hand("plain"),
    "tuned": by_hand("tuned"),
    "autograd": autograd,
    "jax": jax,
    "torch": torch(compiled=False),
    "torch-compile": torch(compiled=True),
    "products": products,
}
