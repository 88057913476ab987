"""A pendulum's parameters fitted to angles seen: Euler steps through the equation."""

import numpy as np

ARGS = {"length": (), "damping": (), "start": (2,), "seen": (6,)}
WRT = ("length", "damping", "start")


def loss(length, damping, start, seen):
    angle, speed = start
    error = 0.0
    for target in seen:
        acceleration = -9.81 / length * np.sin(angle) - damping * speed
        speed = speed + 0.05 * acceleration
        angle = angle + 0.05 * speed
        error = error + (angle - target) ** 2
    return error
