"""Densities and distribution functions of `scipy.stats`, as functions on handles.

Those of distributions on all real numbers, which are smooth everywhere in their
location and scale, and the multivariate normal; `trace` leads the calls of their
methods here. Formulas: Johnson, Kotz and Balakrishnan (1994), "Continuous univariate
distributions". Refused: frozen distributions (`norm(loc, scale)`), singular covariances.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..shapes import show
from .handle import handle_of
from .scipy_linalg import SCIPY_LINALG
from .special import SPECIAL

__all__ = ["DISTRIBUTIONS"]

_LOG_2PI = math.log(2 * math.pi)


def _standard(x: Any, loc: Any, scale: Any) -> Any:
    return (handle_of(x) - loc) / scale


def normal(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the normal density."""
    return -(_standard(x, loc, scale) ** 2 + _LOG_2PI) / 2 - np.log(scale)


def laplace(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the Laplace density."""
    return -np.abs(_standard(x, loc, scale)) - np.log(2 * handle_of(scale))


def cauchy(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the Cauchy density."""
    z = _standard(x, loc, scale)
    return -np.log1p(z**2) - np.log(math.pi * handle_of(scale))


def student(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density of Student's t."""
    gammaln, df = SPECIAL["gammaln"], handle_of(df)
    tails = (df + 1) / 2 * np.log1p(_standard(x, loc, scale) ** 2 / df)
    size = gammaln((df + 1) / 2) - gammaln(df / 2) - np.log(df * math.pi) / 2
    return size - tails - np.log(scale)


def _normal_distribution(name: str, sign: int) -> Callable:
    """Return a function of scipy.special as a distribution function, or of the tail."""

    def distribution(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
        return SPECIAL[name](sign * _standard(x, loc, scale))

    return distribution


def multivariate_normal(
    x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False
) -> Any:
    """The logarithm of the density of points, one in a row, by Cholesky's factor."""
    x = handle_of(x)
    cov = _covariance(handle_of(cov), x if mean is None else handle_of(mean))
    if allow_singular:
        raise UnsupportedError("a singular covariance is not supported")
    if x.ndim not in (1, 2) or x.sizes[-1] != cov.sizes[-1]:
        raise ShapeError(
            f"points of shape {show(x.sizes)} have not the {cov.sizes[-1]} dimensions of "
            "the covariance",
        )
    factor = np.linalg.cholesky(cov)
    centred = x if mean is None else x - mean
    whitened = SCIPY_LINALG["solve_triangular"](factor, centred.T, lower=True)
    distance = np.sum(whitened**2, axis=0)
    logdet = 2 * np.sum(np.log(np.diagonal(factor)))
    return -(distance + logdet + cov.shape[0] * _LOG_2PI) / 2


def _covariance(cov: Any, point: Any) -> Any:
    """Return a covariance that is given as a number, variances or a matrix."""
    if cov.ndim == 0 and point.ndim:
        return cov * np.eye(point.shape[-1])
    if cov.ndim == 1:
        return np.diag(cov)
    if cov.ndim != 2:
        raise UnsupportedError("a covariance is a number, variances or one matrix")
    return cov


def _both(logpdf: Callable) -> dict[str, Callable]:
    """Return the logarithm of a density and the density."""

    @functools.wraps(logpdf)
    def pdf(*args: Any, **kwargs: Any) -> Any:
        return np.exp(logpdf(*args, **kwargs))

    return {"logpdf": logpdf, "pdf": pdf}


# The methods of scipy.stats's distributions, each as a function on handles.
DISTRIBUTIONS: dict[str, dict[str, Callable]] = {
    "norm": {
        **_both(normal),
        "cdf": _normal_distribution("ndtr", 1),
        "logcdf": _normal_distribution("log_ndtr", 1),
        "sf": _normal_distribution("ndtr", -1),
        "logsf": _normal_distribution("log_ndtr", -1),
    },
    "laplace": _both(laplace),
    "cauchy": _both(cauchy),
    "t": _both(student),
    "multivariate_normal": _both(multivariate_normal),
}
