"""W6: a Gaussian mixture with a Wishart prior."""

import numpy as np

from ..losses.w6_mixture import FREEDOM, GAMMA


def softmax(x):
    """The logarithm of the sum of exp(x) along the first axis, and its gradient."""
    top = x.max(axis=0)
    e = np.exp(x - top)
    total = e.sum(axis=0)
    return np.log(total) + top, e / total


def plain(weights, means, log_diagonals, lower, X):
    n, d = X.shape
    diagonals = np.exp(log_diagonals)
    Q = np.tril(lower, -1) + diagonals[:, :, None] * np.eye(d, dtype=X.dtype)
    centred = X - means[:, None, :]
    y = centred @ Q.transpose(0, 2, 1)
    log_scales = weights + log_diagonals.sum(axis=1)
    sums, p = softmax(log_scales[:, None] - 0.5 * np.sum(y**2, axis=2))
    whole, p_whole = softmax(weights)
    prior = 0.5 * GAMMA**2 * np.sum(Q**2) - FREEDOM * log_diagonals.sum()
    value = prior - sums.sum() + n * whole

    d_y = p[:, :, None] * y
    d_Q = d_y.transpose(0, 2, 1) @ centred + GAMMA**2 * Q
    d_scales = -p.sum(axis=1)
    d_means = -(d_y.sum(axis=1)[:, None, :] @ Q)[:, 0]
    d_diagonals = np.diagonal(d_Q, axis1=1, axis2=2) * diagonals
    d_log_diagonals = d_diagonals + d_scales[:, None] - FREEDOM
    return value, (d_scales + n * p_whole, d_means, d_log_diagonals, np.tril(d_Q, -1))


def tuned(weights, means, log_diagonals, lower, X):
    """Return a function that has the points last: y = [Q, -Q mu] [X, 1].T in a product."""
    (n, d), count, dtype = X.shape, len(weights), X.dtype
    strictly = np.tril(np.ones((d, d), dtype), -1)
    diagonal = np.arange(d)
    A, d_A = np.empty((2, count, d, d + 1), dtype)
    points = np.ones((d + 1, n), dtype)
    y, squares = np.empty((count, d, n), dtype), np.empty((d, n), dtype)
    terms = np.empty((count, n), dtype)

    def value_and_grad(weights, means, log_diagonals, lower, X):
        points[:d] = X.T
        Q = A[:, :, :d]
        np.multiply(lower, strictly, out=Q)
        diagonals = np.exp(log_diagonals)
        Q[:, diagonal, diagonal] = diagonals
        A[:, :, d] = -(Q @ means[:, :, None])[:, :, 0]
        np.dot(A.reshape(count * d, d + 1), points, out=y.reshape(count * d, n))
        log_scales = weights + log_diagonals.sum(axis=1)
        for one, term in zip(y, terms, strict=True):
            np.multiply(one, one, out=squares)
            np.add.reduce(squares, axis=0, out=term)
        terms.__imul__(-0.5)
        terms.__iadd__(log_scales[:, None])
        top = terms.max(axis=0)
        p = np.exp(np.subtract(terms, top, out=terms), out=terms)
        total = p.sum(axis=0)
        p /= total
        whole, p_whole = softmax(weights)
        prior = 0.5 * GAMMA**2 * np.vdot(Q, Q) - FREEDOM * log_diagonals.sum()
        value = prior - (np.log(total).sum() + top.sum()) + n * whole

        for one, responsibility in zip(y, p, strict=True):
            np.multiply(one, responsibility, out=one)
        np.dot(y.reshape(count * d, n), points.T, out=d_A.reshape(count * d, d + 1))
        # y = Q x - Q mu: the last column's gradient reaches Q through mu.
        d_last = d_A[:, :, d]
        d_Q = d_A[:, :, :d] - d_last[:, :, None] * means[:, None, :]
        d_Q += GAMMA**2 * Q
        d_scales = -p.sum(axis=1)
        d_means = -(d_last[:, None, :] @ Q)[:, 0]
        d_log_diagonals = d_Q[:, diagonal, diagonal] * diagonals
        d_log_diagonals += d_scales[:, None] - FREEDOM
        d_Q *= strictly
        return value, (d_scales + n * p_whole, d_means, d_log_diagonals, d_Q)

    return value_and_grad
