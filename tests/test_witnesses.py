"""Gradients against autograd's: one expression each for what both have."""

from types import SimpleNamespace

import autograd
import autograd.numpy
import autograd.scipy.linalg
import autograd.scipy.special
import numpy as np
import pytest
from cases import LOSS, case

SPACE = {
    "np": autograd.numpy,
    "scipy": SimpleNamespace(
        special=autograd.scipy.special, linalg=autograd.scipy.linalg
    ),
}

OF_A_MATRIX = [
    "x[np.lexsort((x[:, 0], x[:, 1]))] ** 2 * x",
    "np.partition(x[0], 1)[1] ** 2",
    "np.max(x, axis=0, initial=0.9) ** 2",
    "np.sum(x, axis=1, where=x > 0.8) ** 2",
    "np.var(x, axis=0, ddof=1) * np.std(x)",
    "np.select([x > 1, x > 0.7], [x ** 2, np.sin(x)], x)",
    "np.einsum('ij,kj,...k->i...', x, x, x)",
    "np.cross(x, x[::-1])",
    "np.tensordot(x, x, 1)",
    "np.cumsum(x, axis=0) ** 2",
    "np.tile(x, (2, 1)) ** 2",
    "np.rot90(x) ** 2",
    "np.fft.fftshift(x) ** 2",
    "np.sinc(x) * np.clip(x, 0.6, 1.1) * np.nan_to_num(x)",
    "np.linalg.norm(x, 'nuc')",
    "np.linalg.solve(x, x[0]) * np.linalg.slogdet(x)[1]",
    "np.linalg.det(x) * np.linalg.inv(x)",
    "np.linalg.eigh(x @ x.T)[0] ** 2",
    "np.linalg.pinv(x[:, :2]) ** 2",
    "scipy.linalg.solve_triangular(x, x[0], lower=True)",
]
ELEMENTWISE = [
    "np.logaddexp(x, y) * np.hypot(x, y) * np.arctan2(x, y) * np.logaddexp2(x, y)",
    "np.fmax(x, y) * np.fmin(x, 0.9) * np.mod(x, 0.3)",
    "scipy.special.beta(x, y) * scipy.special.betaln(x, y)",
    "scipy.special.betainc(2.0, 1.5, x / 2) * scipy.special.gammaincc(1.5, y)",
    "scipy.special.gammainc(2.5, x) * scipy.special.psi(y)",
    "scipy.special.polygamma(1, x) * scipy.special.multigammaln(y + 2, 2)",
    "scipy.special.logit(x / 2) * scipy.special.expit(y)",
    "scipy.special.logsumexp(x, axis=1, keepdims=True) * y",
    "scipy.special.erfinv(x / 2) * scipy.special.erfcinv(y)",
    "scipy.special.jn(2, x) * scipy.special.iv(1, y) * scipy.special.ive(1, x)",
    "scipy.special.i0(x) * scipy.special.j0(x) * scipy.special.y1(y)",
]
CASES = [
    *(case(text, "positive", x=(3, 3)) for text in OF_A_MATRIX),
    *(case(text, "positive", x=(2, 3), y=(3,)) for text in ELEMENTWISE),
]


@pytest.mark.parametrize("one", CASES, ids=str)
def test_gradient_is_autograds(one):
    space = dict(SPACE)
    exec(LOSS.format(names=", ".join(one.shapes), text=one.text), space)
    arguments = one.draw({}, "float64", seed=4)
    places = tuple(range(len(arguments)))
    expected = autograd.grad(space["loss"], places)(*arguments)
    for part, slope in zip(one.compiled().grad(*arguments), expected, strict=True):
        np.testing.assert_allclose(part, slope, 1e-9, 1e-9)
