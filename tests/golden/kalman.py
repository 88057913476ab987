"""The negative log-likelihood of a Kalman filter over four observations."""

import numpy as np

ARGS = {"A": (2, 2), "C": (1, 2), "log_q": (), "log_r": (), "Y": (4, 1)}
WRT = ("A", "C", "log_q", "log_r")


def loss(A, C, log_q, log_r, Y):
    m, P = np.zeros(2), np.eye(2)
    Q, R = np.exp(log_q) * np.eye(2), np.exp(log_r) * np.eye(1)
    total = 0.0
    for y in Y:
        m, P = A @ m, A @ P @ A.T + Q
        S = C @ P @ C.T + R
        K = np.linalg.solve(S, C @ P).T
        error = y - C @ m
        _, log_det = np.linalg.slogdet(S)
        total = total + 0.5 * (log_det + error @ np.linalg.solve(S, error))
        m, P = m + K @ error, P - K @ C @ P
    return total
