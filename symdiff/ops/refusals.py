"""What of NumPy is not in the table, and why: a reason for each, told by errors and in
the guide. Also the functions that have no slope, and those that meet no traced array.

The names are those that a user writes. A test holds that each public function of NumPy
is in the table or here, and in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FLAT", "REFUSED", "REFUSED_METHODS", "UNTRACED"]


def _names(text: str) -> list[str]:
    return [f"np.{name}" for name in text.split()]


_REASONS: Mapping[str, str] = {
    "its result's shape depends on values": """
        unique unique_all unique_counts unique_inverse unique_values union1d
        intersect1d setdiff1d setxor1d trim_zeros argwhere flatnonzero nonzero
    """,
    "its results are complex": """
        linalg.eig linalg.eigvals roots sort_complex
        fft.fft fft.fft2 fft.fftn fft.ifft fft.ifft2 fft.ifftn fft.rfft fft.rfft2
        fft.rfftn fft.irfft fft.irfft2 fft.irfftn fft.hfft fft.ihfft
    """,
    "it counts what falls between edges: that jumps, and has no slope": """
        histogram histogram2d histogramdd histogram_bin_edges
    """,
    "it tells how numbers are rounded, not what they are": "nextafter spacing",
    "it fits by a decomposition that cuts off what is small: write np.linalg.lstsq": """
        polyfit
    """,
    "division of polynomials depends on which leading coefficients are 0": "polydiv",
    "it asks whether values are finite": "asarray_chkfinite",
    "NumPy is to drop it: write np.vstack": "row_stack",
    "it calls Python once for each element": "frompyfunc",
    "it packs the bits of bytes": "packbits unpackbits",
    "it makes text of values": """
        array2string array_repr array_str base_repr binary_repr format_float_positional
        format_float_scientific
    """,
    "it makes a kind of array that is not supported": "asmatrix bmat isnat",
    "it asks how an array lies in memory": """
        isfortran may_share_memory shares_memory asfortranarray require nested_iters
        from_dlpack frombuffer
    """,
    "it reads or writes files or text": """
        fromfile fromregex fromstring genfromtxt load loadtxt save savetxt savez
        savez_compressed
    """,
    "it is about dates": """
        busday_count busday_offset datetime_as_string datetime_data is_busday
    """,
}

# Each name that is refused, with its reason.
REFUSED: dict[str, str] = {
    name: reason for reason, text in _REASONS.items() for name in _names(text)
}

# Methods of ufuncs that are refused, with their reasons.
REFUSED_METHODS: Mapping[str, str] = {
    "reduceat": "what it joins depends on which of its bounds rise: write it with slices",
}

# Of numbers, dtypes and settings: they run as they are, on no traced array.
UNTRACED: frozenset[str] = frozenset(_names("""
        bartlett blackman hamming hanning kaiser fft.fftfreq fft.rfftfreq
        fromiter indices diag_indices mask_indices tril_indices triu_indices
        broadcast_shapes can_cast common_type einsum_path get_include get_printoptions
        getbufsize geterr geterrcall info isdtype isscalar issubdtype iterable
        min_scalar_type mintypecode printoptions promote_types
        set_printoptions setbufsize seterr seterrcall show_config show_runtime test
        typename
    """))

# In the table, and flat wherever they have a slope: their results are truths, places,
# whole numbers, or steps.
FLAT: frozenset[str] = frozenset(_names("""
        all allclose any argmax argmin argpartition argsort around array_equal
        array_equiv bitwise_and bitwise_count bitwise_invert bitwise_left_shift
        bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil count_nonzero
        digitize equal fix floor floor_divide gcd greater greater_equal imag invert
        isclose iscomplex iscomplexobj isfinite isin isinf isnan isneginf isposinf
        isreal isrealobj lcm left_shift less less_equal lexsort
        linalg.matrix_rank logical_and logical_not logical_or logical_xor nanargmax
        nanargmin diag_indices_from tril_indices_from triu_indices_from unravel_index
        ravel_multi_index ndim not_equal right_shift rint round searchsorted shape sign signbit
        size trunc angle ones_like zeros_like arange eye identity ones zeros tri
        result_type
    """))
