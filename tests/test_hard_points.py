"""The gradient is right, and without a warning, at every hard point."""

import numpy as np
import pytest
from hard_points import POINTS, TABLE, error


@pytest.mark.parametrize("point", POINTS, ids=lambda one: one.name)
def test_the_gradient_is_right(point):
    gradient, expected = point.symdiff(), point.expected()
    assert gradient.dtype == point.dtype
    assert error(gradient, expected) <= point.loose, f"{gradient}, not {expected}"


def test_the_points_are_hard():
    assert len(TABLE) == 8
    assert len({one.name for one in POINTS}) == len(POINTS) >= 38
    assert all(np.isfinite(one.expected()).all() for one in POINTS)
