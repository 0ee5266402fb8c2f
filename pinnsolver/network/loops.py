"""Both passes of a jet through a perceptron as compiled loops: small blocks of points go through all layers in the cache.

The formulas are those of `activations.py`; what the tables say becomes a short program of sums of products on a block's
derivatives. A block's jet is (K, width, POINTS), small enough for the second cache.
"""

# mypy: disallow-untyped-defs=False
# (The compiled functions take what they are given: numba infers the types.)

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from pinnsolver.network.jets import Index, JetTables, Term, jet_tables
from pinnsolver.network.kernels import (
    POINTS,
    ROWS,
    add_outer,
    multiply,
    pack,
    padded,
    power_of_two,
    resolve,
    run,
    turn,
)

# Arrays of a program: values, companion; argument or gradient by the values; gradient by the argument.
Y, C, Z, D = range(4)
NEURONS = 8  # measured: those whose values stay in the first cache until their derivatives are made
_FAST = {"reassoc", "contract", "nsz", "arcp"}  # what the compiler may do; not-a-numbers stay what they are
Program = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # as `kernels.resolve` takes it
_Sum = tuple[tuple[int, int], list[tuple[float, int, int, int, int]]]  # target; number and two places a term
# (That a division may be by zero would keep its loop from being vectorised.)
_compiled = njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")


# ------------------------------------------------------------------------------------------ programs


@dataclass(frozen=True)
class Programs:
    """The sums for the first and for the other layers.

    Args:
        forward: to y and its companion c from z, but for their zeroth derivatives.
        backward: to the companion of tanh from y, then to the gradient by z from the one by y.
    """

    forward: tuple[Program, Program]
    backward: tuple[Program, Program]


@lru_cache(maxsize=256)
def programs(indices: tuple[Index, ...], present: frozenset[Index], sine: bool) -> Programs:
    """Return the sums for a closed set of multi-indices; arguments as of `jet_tables`."""
    first, other = jet_tables(indices, present), jet_tables(indices)
    ways: list[Callable[[JetTables, bool], Program]] = [_forward, _backward]
    return Programs(*((way(first, sine), way(other, sine)) for way in ways))


def _forward(tables: JetTables, sine: bool) -> Program:
    sums: list[_Sum] = []
    for level in tables.levels:
        for k in range(*level.span):
            sums.append(_sum((Y, k), (C, Z), level.chain, 1.0 if sine else -2.0))
        if sine:
            sums += [_sum((C, k), (Y, Z), level.chain, -1.0, -1.0) for k in range(*level.span)]
        elif level is not tables.levels[-1]:
            sums += [_sum((C, k), (Y, Y), level.square, 1.0) for k in range(*level.span)]
    return _program(sums)


def _backward(tables: JetTables, sine: bool) -> Program:
    sums: list[_Sum] = []
    for level in () if sine else tables.levels:
        sums += [_sum((C, k), (Y, Y), level.square, 1.0) for k in range(*level.span)]
    for k in range(tables.count):
        sums.append(_sum((D, k), (C, Z), tables.adjoint, 1.0 if sine else -2.0))
    return _program(sums)


def _sum(
    target: tuple[int, int], factors: tuple[int, int], terms: Sequence[Term], chain: float, own: float = 1.0
) -> _Sum:
    """Return the sum for one derivative: own times the zeroth of the first factor times the same of the second, and the terms.

    Args:
        target: array and position.
        factors: arrays.
        chain: factor of the terms.
    """
    first, second = factors
    found = [(own, first, 0, second, target[1])]
    for term in terms:
        k = target[1] - term.target[0]
        if 0 <= k < term.target[1] - term.target[0]:
            a, b = (span[0] + (k if span[1] - span[0] > 1 else 0) for span in (term.first, term.second))
            found.append((chain * term.number, first, a, second, b))
    return target, found


def _program(sums: Sequence[_Sum]) -> Program:
    terms = [term for _, found in sums for term in found]
    return (
        np.array([target for target, _ in sums], dtype=np.int64).reshape(-1, 2),
        np.cumsum([0, *(len(found) for _, found in sums)], dtype=np.int64),
        np.array([places for _, *places in terms], dtype=np.int64).reshape(-1, 4),
        np.array([number for number, *_ in terms], dtype=float),
    )


# ------------------------------------------------------------------------------------------ activations


@_compiled
def _tanh(z, y):
    """Set y to tanh(z) = 1 - 2 / (1 + exp(2 z)).

    exp(t) = 2^k exp(r), |r| <= log(2) / 2, by Taylor's series to the order that leaves 1e-16.
    """
    for p in range(len(z)):
        t = 2.0 * z[p]
        if t > 700.0:  # noqa: PLR1730 (min and max would lose what is not a number)
            t = 700.0
        if t < -700.0:  # noqa: PLR1730
            t = -700.0
        k = np.floor(t * 1.4426950408889634 + 0.5)
        r = (t - k * 0.6931471803691238) - k * 1.9082149292705877e-10
        e = 1 / 6227020800.0
        e = e * r + 1 / 479001600.0
        e = e * r + 1 / 39916800.0
        e = e * r + 1 / 3628800.0
        e = e * r + 1 / 362880.0
        e = e * r + 1 / 40320.0
        e = e * r + 1 / 5040.0
        e = e * r + 1 / 720.0
        e = e * r + 1 / 120.0
        e = e * r + 1 / 24.0
        e = e * r + 1 / 6.0
        e = e * r + 0.5
        e = e * r + 1.0
        y[p] = 1.0 - 2.0 / (1.0 + (e * r + 1.0) * power_of_two(np.int64(k)))


@_compiled
def _sine(z, y, c):
    """Set y and c to sine and cosine of z.

    The argument less the nearest multiple of pi / 2, in three parts, then Taylor's series.
    """
    for p in range(len(z)):
        t = z[p]
        k = np.floor(t * 0.6366197723675814 + 0.5)
        r = ((t - k * 1.5707963267341256) - k * 6.077100506303966e-11) - k * 2.0222662487959506e-21
        q = r * r
        s = 1 / 355687428096000.0
        s = s * q - 1 / 1307674368000.0
        s = s * q + 1 / 6227020800.0
        s = s * q - 1 / 39916800.0
        s = s * q + 1 / 362880.0
        s = s * q - 1 / 5040.0
        s = s * q + 1 / 120.0
        s = s * q - 1 / 6.0
        s = r + r * q * s
        d = 1 / 20922789888000.0
        d = d * q - 1 / 87178291200.0
        d = d * q + 1 / 479001600.0
        d = d * q - 1 / 3628800.0
        d = d * q + 1 / 40320.0
        d = d * q - 1 / 720.0
        d = d * q + 1 / 24.0
        d = d * q - 0.5
        d = 1.0 + q * d
        quarter = np.int64(k) & 3
        sine, cosine = (d, s) if quarter & 1 else (s, d)
        y[p] = -sine if quarter & 2 else sine
        c[p] = -cosine if (quarter + 1) & 2 else cosine


@_compiled
def _one_less_square(y, c):
    for p in range(len(y)):
        c[p] = 1.0 - y[p] * y[p]


@_compiled
def _bases(y, c, z, d):
    return y.ctypes.data, c.ctypes.data, z.ctypes.data, d.ctypes.data


@_compiled
def _activate(z, bias, y, c, sine, program):
    """Set y and its companion c to an activation's jet, each (K, width, POINTS), some neurons after the others."""
    width = z.shape[1]
    size = width * POINTS
    z0, y0, c0 = z[0].reshape(size), y[0].reshape(size), c[0].reshape(size)
    resolved = resolve(program, _bases(y, c, z, z), size)
    for neuron in range(0, width, NEURONS):
        start, stop = neuron * POINTS, min(neuron + NEURONS, width) * POINTS
        some, values, companion = z0[start:stop], y0[start:stop], c0[start:stop]
        for w in range(len(some) // POINTS):
            row, add = some[w * POINTS : (w + 1) * POINTS], bias[neuron + w]
            for p in range(POINTS):
                row[p] += add
        if sine:
            _sine(some, values, companion)
        else:
            _tanh(some, values)
            _one_less_square(values, companion)
        run(resolved, start, stop)


@_compiled
def _through_activation(y, c, g, d, sine, program):
    """Set d to the gradient by the argument of an activation whose gradient by the values is g."""
    size = y.shape[1] * POINTS
    if not sine:
        _one_less_square(y[0].reshape(size), c[0].reshape(size))
    run(resolve(program, _bases(y, c, g, d), size), 0, size)


# ------------------------------------------------------------------------------------------ passes


@_compiled
def _packed(weights, turned):
    """Return matrices, or turned ones, one after the other as `multiply` takes them."""
    rows = weights.shape[2] if turned else weights.shape[1]
    inner = weights.shape[1] if turned else weights.shape[2]
    packed = np.empty((len(weights), -(-rows // ROWS), inner, ROWS))
    for k in range(len(weights)):
        packed[k] = pack(weights[k], turned)
    return packed


@_compiled
def _add_rows(a, b, out):
    """Add sum_k a_k b_k^T to out, for a of few rows."""
    for o in range(len(out)):
        for v in range(b.shape[1]):
            total = 0.0
            for k in range(len(a)):
                for p in range(POINTS):
                    total += a[k, o, p] * b[k, v, p]
            out[o, v] += total


@_compiled
def _features(phi, block, out):
    """Copy a block's features, (1, features + 1, POINTS); beyond the last point stand copies of it."""
    last, start = phi.shape[1] - 1, block * POINTS
    valid = min(POINTS, phi.shape[1] - start)
    for i in range(len(phi)):
        for p in range(valid):
            out[0, i, p] = phi[i, start + p]
        for p in range(valid, POINTS):
            out[0, i, p] = phi[i, last]


@_compiled
def forward(phi, heads, weights, biases, last, shift, sine, steps, saved, kept, blocks, result):
    """Fill in the outputs' jet of some blocks.

    Args:
        phi: the features, (features + 1, n).
        heads: of the first layer, (count, width, features + 1).
        weights: of the layers between, (layers - 1, width, width).
        biases: of the hidden layers, (layers, width).
        last: (outputs, width).
        shift: bias of the last layer, (outputs).
        sine: whether the activation is the sine, else tanh.
        steps: programs of the first and of the other layers.
        saved: takes each hidden layer's values, (blocks or 1, layers, 1 or 2, K, width, POINTS), for the sine its companion too.
        kept: whether saved has room for all blocks.
        blocks: first one and the one after the last.
        result: (K, outputs, n).
    """
    layers, _, K, width, _ = saved.shape[1:]
    n = phi.shape[1]
    first, between, top = _packed(heads, False), _packed(weights, False), pack(last, False)
    local = np.empty((1, len(phi), POINTS))
    z = np.empty((K, width, POINTS))
    out = np.empty((K, len(last), POINTS))
    scratch = np.empty((K, width, POINTS))
    for block in range(blocks[0], blocks[1]):
        place = saved[block if kept else 0]
        _features(phi, block, local)
        for k in range(len(first)):
            multiply(first[k], local, z[k : k + 1])
        z[len(first) :] = 0.0
        for layer in range(layers):
            if layer > 0:
                multiply(between[layer - 1], place[layer - 1, 0], z)
            companion = place[layer, 1] if sine else scratch
            _activate(z, biases[layer], place[layer, 0], companion, sine, steps[min(layer, 1)])
        multiply(top, place[layers - 1, 0], out)
        start = block * POINTS
        valid = min(POINTS, n - start)
        for k in range(K):
            for o in range(len(last)):
                row, add = result[k, o, start : start + valid], shift[o] if k == 0 else 0.0
                for p in range(valid):
                    row[p] = out[k, o, p] + add


@_compiled
def _above(gradient, block, out):
    """Copy a block's gradients by the outputs, (K, outputs, points); zero beyond the last point."""
    K, outputs, n = gradient.shape
    start = block * out.shape[2]
    valid = min(out.shape[2], n - start)
    for k in range(K):
        for o in range(outputs):
            out[k, o, :valid] = gradient[k, o, start : start + valid]
            out[k, o, valid:] = 0.0


@_compiled
def backward(phi, weights, last, sine, steps, saved, gradient, blocks, head, between, biases, top, shift):
    """Add up the gradients of some blocks.

    Args:
        phi: the features, (features + 1, n).
        weights, last, sine, steps: as in `forward`.
        saved: from the way up.
        gradient: by the outputs' jet, (K, outputs, n).
        head, between, biases, top, shift: take the gradients, shaped as the parameters of `forward`, but for the rows of
            the first two, which are padded (what is there means nothing).
    """
    layers, _, K, width, _ = saved.shape[1:]
    packed, packed_last = _packed(weights, True), pack(last, True)
    local = np.empty((1, len(phi), POINTS))
    above = np.empty((K, len(last), POINTS))
    g, d = np.empty((K, width, POINTS)), np.empty((K, width, POINTS))
    scratch = np.empty((K, width, POINTS))
    turned = np.empty(max(K * padded(width), padded(len(phi))) * POINTS)
    for block in range(blocks[0], blocks[1]):
        place = saved[block]
        _above(gradient, block, above)
        _add_rows(above, place[layers - 1, 0], top)
        for o in range(len(shift)):
            shift[o] += above[0, o].sum()
        multiply(packed_last, above, g)
        for layer in range(layers - 1, -1, -1):
            companion = place[layer, 1] if sine else scratch
            _through_activation(place[layer, 0], companion, g, d, sine, steps[min(layer, 1)])
            if layer > 0:
                turn(place[layer - 1, 0], turned)
                add_outer(d, turned, between[layer - 1])
                for w in range(width):
                    biases[layer, w] += d[0, w].sum()
                multiply(packed[layer - 1], d, g)
        _features(phi, block, local)
        turn(local, turned)
        for k in range(len(head)):
            add_outer(d[k : k + 1], turned, head[k])


@_compiled
def _slopes(above, values, count, start, valid, out):
    """Set rows of out to sum_k above_k values_k, k < count, each output by each input, then each output's own."""
    outs, ins = above.shape[1], values.shape[1]
    for o in range(outs):
        for i in range(ins):
            row = out[o * ins + i, start : start + valid]
            a, v = above[0, o], values[0, i]
            for p in range(valid):
                row[p] = a[p] * v[p]
            for k in range(1, count):
                a, v = above[k, o], values[k, i]
                for p in range(valid):
                    row[p] += a[p] * v[p]
        out[outs * ins + o, start : start + valid] = above[0, o, :valid]


@_compiled
def jacobian(phi, partners, factors, weights, last, sine, steps, saved, gradient, blocks, out):
    """Fill in the gradients of some blocks point by point.

    Args:
        partners, factors: (count, features), from the features to their derivatives.
        out: (number of parameters, n), weights row by row before biases, layer after layer.
            The others as in `backward`.
    """
    layers, _, K, width, _ = saved.shape[1:]
    n = phi.shape[1]
    count, features = partners.shape
    packed, packed_last = _packed(weights, True), pack(last, True)
    local = np.empty((1, len(phi), POINTS))
    entering = np.empty((count, features, POINTS))
    above = np.empty((K, len(last), POINTS))
    g, d = np.empty((K, width, POINTS)), np.empty((K, width, POINTS))
    scratch = np.empty((K, width, POINTS))
    first, inner = width * (features + 1), width * (width + 1)  # number of parameters in each layer
    for block in range(blocks[0], blocks[1]):
        place, start = saved[block], block * POINTS
        valid = min(POINTS, n - start)
        _above(gradient, block, above)
        _slopes(above, place[layers - 1, 0], K, start, valid, out[first + (layers - 1) * inner :])
        multiply(packed_last, above, g)
        for layer in range(layers - 1, -1, -1):
            companion = place[layer, 1] if sine else scratch
            _through_activation(place[layer, 0], companion, g, d, sine, steps[min(layer, 1)])
            if layer > 0:
                rows = out[first + (layer - 1) * inner : first + layer * inner]
                _slopes(d, place[layer - 1, 0], K, start, valid, rows)
                multiply(packed[layer - 1], d, g)
        _features(phi, block, local)
        for k in range(count):
            for i in range(features):
                for p in range(POINTS):
                    entering[k, i, p] = factors[k, i] * local[0, partners[k, i], p]
        _slopes(d, entering, count, start, valid, out[:first])
