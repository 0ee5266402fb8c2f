"""Products in tiles of registers and sums of products against numpy, for sizes that fill tiles and vectors and that do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from pinnsolver.network import kernels
from pinnsolver.network.kernels import CHUNK, POINTS, ROWS, STRIP
from pinnsolver.network.loops import _sine, _tanh

SIZES = st.integers(1, 2 * STRIP + 3)


def some(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def multiplied(a, b):
    out = np.full((len(b), len(a), POINTS), np.inf)  # what was there must not matter
    kernels.multiply(kernels.pack(a, False), b, out)
    return out


def outer(a, b, before=0.0):
    """Return before + sum_k a_k b_k^T, and assert that nothing beyond the buffers' ends is touched."""
    width = kernels.padded(b.shape[1])
    turned = np.full(len(b) * POINTS * width + 1, 7.25)
    out = np.full((a.shape[1] + 1, width), before)
    kernels.turn(b, turned)
    kernels.add_outer(a, turned, out[:-1])
    assert turned[-1] == 7.25
    assert (out[-1] == before).all()
    return out[:-1, : b.shape[1]]


@settings(deadline=None, max_examples=60)
@given(K=st.integers(1, 5), rows=SIZES, inner=SIZES)
def test_products_are_numpys_for_any_shape(K, rows, inner):
    a, b, g = some(rows, inner), some(K, inner, POINTS, seed=1), some(K, rows, POINTS, seed=2)
    assert multiplied(a, b) == pytest.approx(a @ b, rel=1e-12, abs=1e-12)
    assert outer(g, b, 0.5) == pytest.approx(0.5 + np.einsum("krp,kvp->rv", g, b), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("rows", range(1, 2 * ROWS + 2))
def test_a_turned_matrix_is_packed_as_the_matrix(rows):
    a = some(rows, 5)
    assert (kernels.pack(a, False) == kernels.pack(np.ascontiguousarray(a.T), True)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("inner", [3, STRIP, STRIP + 1])
def test_what_is_no_number_reaches_its_row_and_column_only(bad, inner):
    a, b, g = some(ROWS + 3, inner), some(2, inner, POINTS, seed=1), some(2, ROWS + 3, POINTS, seed=2)
    b[1, 2, 7] = bad
    finite = np.isfinite(multiplied(a, b))
    assert not finite[1, :, 7].any()
    assert finite.sum() == finite.size - len(a)
    finite = np.isfinite(outer(g, b))
    assert not finite[:, 2].any()
    assert finite.sum() == finite.size - len(a)


@pytest.mark.parametrize("size", [POINTS, 3 * POINTS, 2 * max(CHUNK, POINTS), 5 * POINTS])
def test_a_program_sums_products_in_its_order(size):
    """Its sums: y1 = 2 y0 c0, then c1 = y1 c0 - 3 y0 y0, which needs the first."""
    y, c = some(2, size), some(2, size, seed=1)
    targets, edges = np.array([[0, 1], [1, 1]]), np.array([0, 1, 3])
    terms = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    program = (targets, edges, terms, np.array([2.0, 1.0, -3.0]))
    first = 2 * y[0] * c[0]
    second = first * c[0] - 3 * y[0] ** 2
    untouched = y[1, :POINTS].copy()
    resolved = kernels.resolve(program, (y.ctypes.data, c.ctypes.data), size)
    kernels.run(resolved, POINTS, size)
    assert (y[1, :POINTS] == untouched).all()
    kernels.run(resolved, 0, size)
    assert y[1] == pytest.approx(first, rel=1e-14)
    assert c[1] == pytest.approx(second, rel=1e-13, abs=1e-13)


def test_powers_of_two_are_exact():
    from numba import njit

    power = njit(lambda k: kernels.power_of_two(k))  # noqa: PLW0108 (an intrinsic is no function by itself)
    assert [power(k) for k in (-1022, -1, 0, 1, 1023)] == [2.0**k for k in (-1022, -1, 0, 1, 1023)]


def test_activations_are_numpys_and_keep_what_is_no_number():
    z = np.concatenate([np.linspace(-40, 40, 4001), [0.0, 1e-12, -1e-12, 500.0, -500.0, np.nan]])
    y, c = np.empty_like(z), np.empty_like(z)
    _tanh(z, y)
    assert y[:-1] == pytest.approx(np.tanh(z[:-1]), abs=4e-16)
    assert np.isnan(y[-1])
    _sine(z, y, c)
    within = 2e-16 * (2 + abs(z[:-1]))  # an argument's own rounding grows with it
    assert (abs(y - np.sin(z))[:-1] <= within).all()
    assert (abs(c - np.cos(z))[:-1] <= within).all()
    assert np.isnan(y[-1]) and np.isnan(c[-1])
