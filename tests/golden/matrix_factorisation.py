"""Ratings as products of factors of users and items, looked up by index."""

import numpy as np

ARGS = {
    "users": ("m", 8),
    "items": ("k", 8),
    "bias": ("k",),
    "user": "n:int64",
    "item": "n:int64",
    "rating": ("n",),
}
WRT = ("users", "items", "bias")


def loss(users, items, bias, user, item, rating):
    predicted = np.sum(users[user] * items[item], axis=1) + bias[item]
    penalty = np.sum(users**2) + np.sum(items**2)
    return np.mean((predicted - rating) ** 2) + 1e-3 * penalty
