"""Rosenbrock's banana valley, a function of two numbers."""

ARGS = {"x": (), "y": (), "a": (), "b": ()}
WRT = ("x", "y")


def loss(x, y, a, b):
    return (a - x) ** 2 + b * (y - x**2) ** 2
