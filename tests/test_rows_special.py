"""Rows of `scipy.special`: each against SciPy itself, and against differences."""

import math

import autograd
import autograd.scipy.special
import numpy as np
import pytest
from cases import case, check, over
from second_order import check_second_order

import symdiff


def special(name, *before, domain="real"):
    """A case of a function of one array, behind numbers."""
    inside = ", ".join([*map(str, before), "x"])
    return case(f"scipy.special.{name}({inside})", domain, x=("n",))


def special_of_two(name):
    """A case of a function of two arrays that broadcast."""
    return case(f"scipy.special.{name}(x, y)", "positive", x=("n", 2), y=(2,))


CASES = [
    special("erf"),
    special("erfc"),
    special("erfinv", domain="unit"),
    case("scipy.special.erfcinv(x)", domain="positive", x=("n",)),
    special("erfcx"),
    special("expit"),
    case("scipy.special.logit(x / 3)", domain="positive", x=("n",)),
    special("log_expit"),
    special("softplus"),
    special("gamma", domain="positive"),
    special("gammaln", domain="positive"),
    special("loggamma", domain="positive"),
    special("digamma", domain="positive"),
    special("psi", domain="positive"),
    special("polygamma", 0, domain="positive"),
    special("polygamma", 2, domain="positive"),
    case("scipy.special.multigammaln(x[0], 3)", domain="above", x=(1,)),
    *map(special_of_two, ("beta", "betaln", "xlogy", "xlog1py", "rel_entr", "kl_div")),
    special("entr", domain="positive"),
    special("ndtr"),
    special("log_ndtr"),
    case("scipy.special.ndtri(x / 3)", domain="positive", x=("n",)),
    *(special(name) for name in ("i0", "i1", "j0", "j1", "i0e", "i1e")),
    *(special(name, domain="positive") for name in ("y0", "y1", "k0", "k1", "k0e")),
    *(
        special(name, order, domain="positive")
        for name in ("jv", "yv", "iv", "kv", "ive", "kve")
        for order in (0, 2, 1.5)
    ),
    special("lambertw", domain="positive"),
    case("scipy.special.lambertw(-0.1 * x, -1).real", domain="positive", x=("n",)),
    special("huber", 0.5),
    special("pseudo_huber", 0.5),
    special("cbrt", domain="positive"),
    special("exp2"),
    special("log1p", domain="positive"),
    special("expm1"),
    case("scipy.special.logsumexp(x, axis=1)", x=("n", 3)),
    case("scipy.special.softmax(x, axis=-1)", x=("n", 3)),
    case("scipy.special.log_softmax(x)", x=("n",)),
    case("scipy.special.logsumexp(x, b=y)", "positive", x=("n", 3), y=(3,)),
    case(
        "scipy.special.logsumexp(x, axis=1, b=[1.0, 0.0, -2.0], return_sign=True)[0]",
        x=("n", 3),
    ),
    case("x * scipy.special.logsumexp(x, b=-1.0, return_sign=True)[1]", x=("n", 2)),
    case("scipy.special.logsumexp(x, 0, None, True)", x=(4, 3)),
    special("k1e", domain="positive"),
    special("dawsn"),
    special("erfi"),
    special("expi", domain="positive"),
    special("exp1", domain="positive"),
    special("expn", 3, domain="positive"),
    special("gammainc", 2.5, domain="positive"),
    special("gammaincc", 1, domain="positive"),
    case("scipy.special.betainc(2.0, 1.5, x / 2)", domain="positive", x=("n",)),
    special("hyp1f1", 1.5, 2.5),
    special("hyp2f1", 1.0, 0.5, 1.5, domain="unit"),
    special("zeta", 2.5, domain="positive"),
    special("exprel"),
    special("exp10"),
    special("cosm1"),
    case("scipy.special.cosdg(40 * x) * scipy.special.sindg(30 * x)", x=("n",)),
    case("scipy.special.tandg(20 * x)", x=("n",)),
    special_of_two("boxcox"),
    special_of_two("boxcox1p"),
    special("jn", 2),
    special("kn", 1, domain="positive"),
    special("yn", 2, domain="positive"),
    case("np.i0(x)", x=("n",)),
    case("np.sinc(x)", x=("n",)),
    case("np.sinc(0.1 * x)", x=("n",)),
]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64")


@over(CASES)
def test_single_precision(case):
    check(case, "float32")


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)


def gradient(text, *points):
    """The compiled gradient of an expression at points, each by itself."""
    compiled = case(text, x=("n",)).compiled()
    weights = np.cos(1.0 + np.arange(len(points)))
    return compiled.grad(np.array(points, float)).x / weights


def test_the_slope_of_sinc_is_accurate_near_0():
    points = np.array([0.0, 1e-9, -1e-5, 1e-3, 0.0999, 0.1001])
    angle = np.pi * points
    # The series of (cos(a) - sin(a) / a) / x to the order a**13.
    series = sum(
        (-1) ** k * angle ** (2 * k - 1) * 2 * k / math.factorial(2 * k + 1)
        for k in range(1, 8)
    )
    expected = np.pi * series
    np.testing.assert_allclose(gradient("np.sinc(x)", *points), expected, 1e-12)


def test_fault_30_the_slope_of_log_ndtr_is_accurate_far_out():
    slope = gradient("scipy.special.log_ndtr(x)", -1e4, -40.0, 40.0)
    # The inverse Mills ratio's expansion: x + 1 / x - 2 / x**3.
    far = [1e4 + 1e-4 - 2e-12, 40 + 1 / 40 - 2 / 40**3 + 10 / 40**5]
    np.testing.assert_allclose(slope[:2], far, 1e-8)
    assert slope[2] < 1e-300


def test_the_slope_of_lambertw_is_nan_where_it_is_not_real():
    slope = gradient("scipy.special.lambertw(x).real", -1.0, 0.0, np.e)
    np.testing.assert_allclose(slope, [np.nan, 1, 1 / (2 * np.e)])


def test_fault_30_the_slope_of_softplus_saturates():
    slope = gradient("scipy.special.softplus(x)", -800.0, 0.0, 800.0)
    np.testing.assert_allclose(slope, [0, 0.5, 1])


REFUSED = [
    ("scipy.special.polygamma(x, 2.0)", "order"),
    ("scipy.special.jv(x, 2.0)", "for its order"),
    ("scipy.special.lambertw(x, 1)", "branch 1"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_not_supported_is_refused(text, message):
    with pytest.raises(symdiff.SymdiffError, match=message):
        case(text, x=("n",)).compiled()


@pytest.mark.parametrize(
    "text",
    [
        *("erf(x)", "erfc(x)", "gammaln(x)", "digamma(x)", "polygamma(1, x)"),
        *("gamma(x)", "j0(x)", "j1(x)", "jn(2, x)", "i0(x)", "i1(x)", "iv(2, x)"),
        *("logit(x / 3)", "expit(x)", "erfinv(x / 3)", "betaln(x, 2.0)"),
    ],
)
def test_gradient_is_autograds(text):
    one = case(f"scipy.special.{text}", "positive", x=(5,))
    (x,) = one.draw({}, "float64", seed=1)
    space = vars(autograd.scipy.special)
    slope = autograd.elementwise_grad(lambda x: eval(text, space, {"x": x}))(x)
    weights = np.cos(1.0 + np.arange(5))
    np.testing.assert_allclose(one.compiled().grad(x).x, slope * weights, 1e-10, 1e-12)
