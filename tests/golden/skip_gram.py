"""Skip-gram with negative sampling (Mikolov et al., 2013), words looked up by index."""

import numpy as np

ARGS = {
    "inside": ("words", 16),
    "outside": ("words", 16),
    "centre": "n:int64",
    "context": "n:int64",
    "others": "n,5:int64",
}
WRT = ("inside", "outside")


def log_sigmoid(x):
    return -np.logaddexp(0, -x)


def loss(inside, outside, centre, context, others):
    v = inside[centre]
    near = np.sum(v * outside[context], axis=1)
    far = np.einsum("nd,nkd->nk", v, outside[others])
    return -np.mean(log_sigmoid(near) + np.sum(log_sigmoid(-far), axis=1))
