"""W2: a function of ten numbers."""

import math

import numpy as np


def plain(a, b, c, d, e, f, g, h, i, j):
    sine, bell = np.sin(a * b), np.exp(-(c**2))
    d_square, root = 1 + d**2, np.sqrt(1 + e**2)
    wave, growth = sine + bell, np.log(d_square) + root
    switch, gap = np.tanh(f * g + h), i - j
    value = wave * growth + switch * gap**2

    d_product = growth * np.cos(a * b)
    d_sum = gap**2 * (1 - switch**2)
    d_gap = 2 * switch * gap
    return value, (
        d_product * b,
        d_product * a,
        -2 * growth * bell * c,
        2 * wave * d / d_square,
        wave * e / root,
        d_sum * g,
        d_sum * f,
        d_sum,
        d_gap,
        -d_gap,
    )


def tuned(*arguments):
    sin, cos, exp, log, sqrt, tanh = (
        math.sin,
        math.cos,
        math.exp,
        math.log,
        math.sqrt,
        math.tanh,
    )

    def value_and_grad(a, b, c, d, e, f, g, h, i, j):
        angle = a * b
        bell, root, switch = exp(-c * c), sqrt(1 + e * e), tanh(f * g + h)
        d_square, gap = 1 + d * d, i - j
        wave, growth = sin(angle) + bell, log(d_square) + root
        square = gap * gap
        d_product, twice = growth * cos(angle), 2 * wave
        d_sum, d_gap = square * (1 - switch * switch), 2 * switch * gap
        return wave * growth + switch * square, (
            d_product * b,
            d_product * a,
            -2 * growth * bell * c,
            twice * d / d_square,
            wave * e / root,
            d_sum * g,
            d_sum * f,
            d_sum,
            d_gap,
            -d_gap,
        )

    return value_and_grad
