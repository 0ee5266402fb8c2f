"""Both passes of a jet through a perceptron as compiled loops: small blocks of points go through all layers in the cache.

The formulas are those of `activations.py`; what the tables say becomes a short program of steps on a block's derivatives.
A block's jet is (K, width, points), small enough for the second cache, and a derivative long enough for loops to pay.
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

BLOCK, LEAST_BLOCK, MOST_BLOCK = 2**12, 32, 128  # measured: neurons times points; points at least and at most
SERIAL = 2**18  # products up to this size are not spread over threads by the linear algebra library
SET_COMPANION, ADD_CHAIN, ADD_SQUARE, SUBTRACT_CHAIN = range(4)
_FAST = {"reassoc", "contract", "nsz", "arcp"}  # what the compiler may do; not-a-numbers stay what they are
Program = tuple[
    np.ndarray, np.ndarray
]  # numbers, (steps); kinds, targets, first and second factors, (steps, 4)
_compiled = njit(nogil=True, cache=True, fastmath=_FAST)


# ------------------------------------------------------------------------------------------ programs


def block_size(width: int) -> int:
    """Return the number of points of a block, a multiple of eight."""
    return min(MOST_BLOCK, max(LEAST_BLOCK, BLOCK // width // 8 * 8))


@dataclass(frozen=True)
class Programs:
    """The steps for the first and for the other layers.

    Args:
        forward: to y and its companion c from z, after those to first order in z.
        companion: to the companion of tanh from y.
        adjoint: of the gradient by z, to c0 times the one by y.
    """

    forward: tuple[Program, Program]
    companion: tuple[Program, Program]
    adjoint: tuple[Program, Program]


@lru_cache(maxsize=256)
def programs(indices: tuple[Index, ...], present: frozenset[Index], sine: bool) -> Programs:
    """Return the steps for a closed set of multi-indices; arguments as of `jet_tables`."""
    first, other = jet_tables(indices, present), jet_tables(indices)
    ways: list[Callable[[JetTables, bool], Program]] = [_forward, _companion, _adjoint]
    return Programs(*((way(first, sine), way(other, sine)) for way in ways))


def _forward(tables: JetTables, sine: bool) -> Program:
    steps: list[tuple[int, Term]] = []
    for level in tables.levels:
        steps += [(ADD_CHAIN, term) for term in level.chain]
        if sine:
            steps += [(SUBTRACT_CHAIN, term) for term in level.chain]
        elif level is not tables.levels[-1]:
            steps.append((SET_COMPANION, Term(1.0, level.span, level.span, level.span)))
            steps += [(ADD_SQUARE, term) for term in level.square]
    return _program(steps, 1.0 if sine else -2.0)


def _companion(tables: JetTables, sine: bool) -> Program:
    terms = () if sine else tuple(term for level in tables.levels for term in level.square)
    return _program([(ADD_SQUARE, term) for term in terms], 1.0)


def _adjoint(tables: JetTables, sine: bool) -> Program:
    return _program([(ADD_CHAIN, term) for term in tables.adjoint], 1.0 if sine else -2.0)


def _program(steps: Sequence[tuple[int, Term]], chain: float) -> Program:
    """Return steps on single multi-indices.

    Args:
        chain: factor of the chain rule's terms.
    """
    numbers, places = [], []
    for kind, term in steps:
        for k in range(term.target[1] - term.target[0]):
            first, second = (
                span[0] + (k if span[1] - span[0] > 1 else 0) for span in (term.first, term.second)
            )
            numbers.append(term.number * (chain if kind == ADD_CHAIN else 1.0))
            places.append((kind, term.target[0] + k, first, second))
    return np.array(numbers, dtype=float), np.array(places, dtype=np.int64).reshape(-1, 4)


# ------------------------------------------------------------------------------------------ activations


@_compiled
def _tanh(z, y, power):
    """Set y to tanh(z) = 1 - 2 / (1 + exp(2 z)).

    exp(t) = 2^k exp(r), |r| <= log(2) / 2, by Taylor's series to the order that leaves 1e-16.

    Args:
        power: for 2^k, and the same memory as integers.
    """
    as_number, as_bits = power
    for p in range(z.shape[0]):
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
        y[p] = e * r + 1.0
        as_bits[p] = (np.int64(k) + 1023) << 52
    for p in range(z.shape[0]):
        y[p] = 1.0 - 2.0 / (1.0 + y[p] * as_number[p])


@_compiled
def _sine(z, y, c):
    """Set y and c to sine and cosine of z.

    The argument less the nearest multiple of pi / 2, in three parts, then Taylor's series.
    """
    for p in range(z.shape[0]):
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
def _run(program, y, c, z):
    """Run a program on jets, each (K, width * block)."""
    numbers, places = program
    for step in range(len(numbers)):
        kind, target, first, second = places[step]
        if kind == ADD_CHAIN:
            _add_product(numbers[step], c[first], z[second], y[target])
        elif kind == SUBTRACT_CHAIN:
            _add_product(-numbers[step], y[first], z[second], c[target])
        elif kind == ADD_SQUARE:
            _add_product(numbers[step], y[first], y[second], c[target])
        else:
            _set_product(1.0, y[0], y[target], c[target])


@_compiled
def _add_product(number, a, b, out):
    for p in range(len(out)):
        out[p] += number * a[p] * b[p]


@_compiled
def _set_product(number, a, b, out):
    for p in range(len(out)):
        out[p] = number * a[p] * b[p]


@_compiled
def _one_less_square(y, c):
    for p in range(len(y)):
        c[p] = 1.0 - y[p] * y[p]


@_compiled
def _activate(z, bias, y, c, sine, program, power):
    """Set y and its companion c to an activation's jet, each (K, width * block)."""
    block = z.shape[1] // len(bias)
    for w in range(len(bias)):
        row = z[0, w * block : (w + 1) * block]
        for p in range(block):
            row[p] += bias[w]
    if sine:
        _sine(z[0], y[0], c[0])
    else:
        _tanh(z[0], y[0], power)
        _one_less_square(y[0], c[0])
    for k in range(1, len(z)):
        _set_product(1.0, c[0], z[k], y[k])
        if sine:
            _set_product(-1.0, y[0], z[k], c[k])
    _run(program, y, c, z)


@_compiled
def _through_activation(y, c, g, d, sine, companion, adjoint):
    """Set d to the gradient by the argument of an activation whose gradient by the values is g."""
    if not sine:
        _one_less_square(y[0], c[0])
        for k in range(1, len(y)):
            _set_product(1.0, y[0], y[k], c[k])
        _run(companion, y, c, c)
    for k in range(len(d)):
        _set_product(1.0, c[0], g[k], d[k])
    _run(adjoint, d, c, g)


# ------------------------------------------------------------------------------------------ passes


@_compiled
def _products(a, b, out):
    """Set each out_k, (rows, block), to a @ b_k, in parts that the linear algebra library does on the calling thread."""
    rows, (inner, block) = len(a), b.shape[1:]
    some = max(1, SERIAL // (inner * block))
    for k in range(len(b)):
        for start in range(0, rows, some):
            stop = min(start + some, rows)
            np.dot(a[start:stop], b[k], out[k, start:stop])


@_compiled
def _add_outer(a, b, part, out):
    """Add sum_k a_k b_k^T to out; part is scratch of its shape."""
    for k in range(len(a)):
        np.dot(a[k], b[k].T, part)
        for w in range(len(out)):
            row, more = out[w], part[w]
            for v in range(len(row)):
                row[v] += more[v]


@_compiled
def _features(phi, block, out):
    """Copy a block's features, (features + 1, points); beyond the last point stand copies of it."""
    last, points = phi.shape[1] - 1, out.shape[1]
    for i in range(len(phi)):
        for p in range(points):
            out[i, p] = phi[i, min(block * points + p, last)]


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
        steps: of the first and of the other layers.
        saved: takes each hidden layer's values, (blocks or 1, layers, 1 or 2, K, width, points), for the sine its companion too.
        kept: whether saved has room for all blocks.
        blocks: first one and the one after the last.
        result: (K, outputs, n).
    """
    layers, _, K, width, points = saved.shape[1:]
    n, size = phi.shape[1], width * points
    local = np.empty((len(phi), points))
    z = np.empty((K, width, points))
    out = np.empty((K, len(last), points))
    scratch = np.empty((K, size))
    bits = np.empty(size, dtype=np.int64)
    power = (bits.view(np.float64), bits)
    for block in range(blocks[0], blocks[1]):
        place = saved[block if kept else 0]
        _features(phi, block, local)
        for k in range(len(heads)):
            np.dot(heads[k], local, z[k])
        z[len(heads) :] = 0.0
        for layer in range(layers):
            if layer > 0:
                _products(weights[layer - 1], place[layer - 1, 0], z)
            companion = place[layer, 1].reshape(K, size) if sine else scratch
            values = place[layer, 0].reshape(K, size)
            program = steps[min(layer, 1)]
            _activate(z.reshape(K, size), biases[layer], values, companion, sine, program, power)
        _products(last, place[layers - 1, 0], out)
        start = block * points
        valid = min(points, n - start)
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
def backward(
    phi, weights, last, sine, companions, adjoints, saved, gradient, blocks, head, between, biases, top, shift
):
    """Add up the gradients of some blocks.

    Args:
        phi: the features, (features + 1, n).
        weights: transposed, of the layers between, (layers - 1, width, width).
        last: transposed, (width, outputs).
        companions, adjoints: steps of the first and of the other layers.
        saved: from the way up.
        gradient: by the outputs' jet, (K, outputs, n).
        head, between, biases, top, shift: take the gradients, shaped as the parameters of `forward`.
    """
    layers, _, K, width, points = saved.shape[1:]
    size = width * points
    local = np.empty((len(phi), points))
    above = np.empty((K, last.shape[1], points))
    g, d = np.empty((K, width, points)), np.empty((K, width, points))
    scratch = np.empty((K, size))
    slope, slope_top, slope_head = np.empty((width, width)), np.empty_like(top), np.empty_like(head[0])
    for block in range(blocks[0], blocks[1]):
        place = saved[block]
        _above(gradient, block, above)
        _add_outer(above, place[layers - 1, 0], slope_top, top)
        for o in range(len(shift)):
            shift[o] += above[0, o].sum()
        _products(last, above, g)
        for layer in range(layers - 1, -1, -1):
            companion = place[layer, 1].reshape(K, size) if sine else scratch
            values, kind = place[layer, 0].reshape(K, size), min(layer, 1)
            ways = (companions[kind], adjoints[kind])
            _through_activation(values, companion, g.reshape(K, size), d.reshape(K, size), sine, *ways)
            if layer > 0:
                _add_outer(d, place[layer - 1, 0], slope, between[layer - 1])
                for w in range(width):
                    biases[layer, w] += d[0, w].sum()
                _products(weights[layer - 1], d, g)
        _features(phi, block, local)
        for k in range(len(head)):
            np.dot(d[k], local.T, slope_head)
            head[k] += slope_head


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
def jacobian(phi, partners, factors, weights, last, sine, companions, adjoints, saved, gradient, blocks, out):
    """Fill in the gradients of some blocks point by point.

    Args:
        partners, factors: (count, features), from the features to their derivatives.
        out: (number of parameters, n), weights row by row before biases, layer after layer.
            The others as in `backward`.
    """
    layers, _, K, width, points = saved.shape[1:]
    n, size = phi.shape[1], width * points
    count, features = partners.shape
    local = np.empty((len(phi), points))
    entering = np.empty((count, features, points))
    above = np.empty((K, last.shape[1], points))
    g, d = np.empty((K, width, points)), np.empty((K, width, points))
    scratch = np.empty((K, size))
    first, inner = width * (features + 1), width * (width + 1)  # number of parameters in each layer
    for block in range(blocks[0], blocks[1]):
        place, start = saved[block], block * points
        valid = min(points, n - start)
        _above(gradient, block, above)
        _slopes(above, place[layers - 1, 0], K, start, valid, out[first + (layers - 1) * inner :])
        _products(last, above, g)
        for layer in range(layers - 1, -1, -1):
            companion = place[layer, 1].reshape(K, size) if sine else scratch
            values, kind = place[layer, 0].reshape(K, size), min(layer, 1)
            ways = (companions[kind], adjoints[kind])
            _through_activation(values, companion, g.reshape(K, size), d.reshape(K, size), sine, *ways)
            if layer > 0:
                rows = out[first + (layer - 1) * inner : first + layer * inner]
                _slopes(d, place[layer - 1, 0], K, start, valid, rows)
                _products(weights[layer - 1], d, g)
        _features(phi, block, local)
        for k in range(count):
            for i in range(features):
                for p in range(points):
                    entering[k, i, p] = factors[k, i] * local[partners[k, i], p]
        _slopes(d, entering, count, start, valid, out[:first])
