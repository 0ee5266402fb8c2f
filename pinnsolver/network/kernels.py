"""Products of small matrices and sums of products for the compiled loops, written as vectors of the processor.

A tile of a matrix product stays in registers over the whole sum: some rows times some vectors of columns, as many as the
processor has registers for. A call of a linear algebra library costs as much as the product itself at these sizes. The compiler
makes of the vectors what there is, so every processor gets the same sums; only the shape of a tile depends on it.

What is compiled here also lies in the cache of `loops.py`, which notices changes of that file only: whoever changes this one
changes that one too, or empties `__pycache__`.
"""

# mypy: disallow-untyped-defs=False
# (The compiled functions take what they are given: numba infers the types.)

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils, config
from numba.extending import intrinsic

POINTS = 32  # measured: 64 are no faster and leave less to share between threads


def _features() -> set[str]:
    """Return the names of what the processor can do that numba compiles for."""
    if config.CPU_FEATURES is not None:  # asked for by the user
        return {name[1:] for name in config.CPU_FEATURES.split(",") if name.startswith("+")}
    try:
        return {name for name, there in binding.get_host_cpu_features().items() if there}
    except RuntimeError:  # not known for this kind of processor
        return set()


def _vectors() -> tuple[int, int, int]:
    """Return doubles in a vector of this processor, and rows and vectors of a tile: with a row of factors they fit the registers."""
    features = _features()
    if "avx512f" in features:
        return 8, 6, 4  # 24 of 32 registers
    if "avx" in features:
        return 4, 6, 2  # 12 of 16
    if "neon" in features:
        return 2, 6, 4  # 24 of 32
    return 2, 6, 2  # 12 of 16


LANES, ROWS, COLUMNS = _vectors()
STRIP = LANES * COLUMNS  # columns of a tile
CHUNK = 8 * LANES  # numbers of a sum that stay in registers
PART = POINTS // LANES  # vectors of a neuron
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(64)
_CONTRACT = ("contract",)  # a product and its sum may become one instruction, where there is one
_compiled = njit(nogil=True, cache=True)


# ------------------------------------------------------------------------------------------ instructions


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Return the address of an array's first number."""
    return context.make_array(kind)(context, builder, array).data


def _load(builder: Any, data: Any, place: Any) -> Any:
    """Return the vector that begins at a place."""
    pointer = builder.bitcast(builder.gep(data, [place]), _VECTOR.as_pointer())
    return builder.load(pointer, align=8)


def _store(builder: Any, vector: Any, data: Any, place: Any) -> None:
    builder.store(vector, builder.bitcast(builder.gep(data, [place]), _VECTOR.as_pointer()), align=8)


def _spread(builder: Any, number: Any) -> Any:
    """Return a vector of one number."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _plus_product(builder: Any, total: Any, first: Any, second: Any) -> Any:
    return builder.fadd(total, builder.fmul(first, second, flags=_CONTRACT), flags=_CONTRACT)


def _at(builder: Any, place: Any, *steps: tuple[Any, Any]) -> Any:
    """Return a place and some steps, each so many times a stride."""
    for count, stride in steps:
        many = ir.Constant(_INDEX, count) if isinstance(count, int) else count
        far = ir.Constant(_INDEX, stride) if isinstance(stride, int) else stride
        place = builder.add(place, builder.mul(many, far))
    return place


def _tile(builder: Any, rows: int, columns: int, add: bool, a: Any, b: Any, out: Any, counts: Any) -> None:
    """Write the instructions for one tile, rows times columns vectors.

    Args:
        add: to what is there.
        a: address, place, and strides by row, step and segment.
        b: address, place, and strides by step and segment.
        out: address, place, and stride by row.
        counts: steps of a segment, segments.
    """
    a_data, a_start, a_row, a_step, a_segment = a
    b_data, b_start, b_step, b_segment = b
    out_data, out_start, out_row = out
    steps, segments = counts
    tile = [(r, c) for r in range(rows) for c in range(columns)]
    sums = {rc: cgutils.alloca_once(builder, _VECTOR) for rc in tile}
    targets = {(r, c): _at(builder, out_start, (r, out_row), (c, LANES)) for r, c in tile}
    for rc in tile:
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        builder.store(_load(builder, out_data, targets[rc]) if add else zero, sums[rc])
    with cgutils.for_range(builder, segments, intp=_INDEX) as segment:
        a_here = _at(builder, a_start, (segment.index, a_segment))
        b_here = _at(builder, b_start, (segment.index, b_segment))
        with cgutils.for_range(builder, steps, intp=_INDEX) as step:
            b_place = _at(builder, b_here, (step.index, b_step))
            across = [_load(builder, b_data, _at(builder, b_place, (c, LANES))) for c in range(columns)]
            a_place = _at(builder, a_here, (step.index, a_step))
            for r in range(rows):
                factor = builder.load(builder.gep(a_data, [_at(builder, a_place, (r, a_row))]))
                down = _spread(builder, factor)
                for c in range(columns):
                    total = _plus_product(builder, builder.load(sums[r, c]), down, across[c])
                    builder.store(total, sums[r, c])
    for rc in tile:
        _store(builder, builder.load(sums[rc]), out_data, targets[rc])


@intrinsic(prefer_literal=True)
def _stripe(typing, columns, add, a, a_tile, a_strides, b, b_place, b_strides, out, out_places, counts):
    """Set some columns of a product, a literal number of vectors, in all its rows, or add to them.

    Args:
        columns, add: literals.
        a: an array; a_tile: how far the first rows of two tiles are apart; a_strides: by row, step and segment.
        b: an array; b_place: where to begin; b_strides: by step and segment.
        out: an array; out_places: where to begin; the stride by row.
        counts: rows, steps of a segment, segments.
    """
    if not isinstance(columns, types.IntegerLiteral) or not isinstance(add, types.IntegerLiteral):
        return None
    width, more = columns.literal_value, bool(add.literal_value)
    index = types.int64
    signature = types.void(
        *(columns, add, a, index, types.UniTuple(index, 3)),
        *(b, index, types.UniTuple(index, 2), out, types.UniTuple(index, 2), types.UniTuple(index, 3)),
    )

    def generate(context, builder, signature, arguments):
        _, _, a, a_tile, a_strides, b, b_place, b_strides, out, out_places, counts = arguments
        kinds = signature.args
        a_data, b_data, out_data = (
            _data(context, builder, kinds[k], array) for k, array in ((2, a), (5, b), (8, out))
        )
        rows, *lengths = cgutils.unpack_tuple(builder, counts)
        strides = cgutils.unpack_tuple(builder, a_strides)
        b_all = (b_data, b_place, *cgutils.unpack_tuple(builder, b_strides))
        out_start, out_row = cgutils.unpack_tuple(builder, out_places)
        zero, height = ir.Constant(_INDEX, 0), ir.Constant(_INDEX, ROWS)
        whole = builder.udiv(rows, height)

        def tile(number, first, size):
            a_place = _at(builder, zero, (number, a_tile), (first, strides[0]))
            row = _at(builder, first, (number, ROWS))
            out_all = (out_data, _at(builder, out_start, (row, out_row)), out_row)
            _tile(builder, size, width, more, (a_data, a_place, *strides), b_all, out_all, lengths)

        with cgutils.for_range(builder, whole, intp=_INDEX) as loop:
            tile(loop.index, zero, ROWS)
        left = builder.urem(rows, height)
        for size in (4, 2, 1):  # the rows that are left, by the digits of their number
            bit = builder.and_(left, ir.Constant(_INDEX, size))
            with builder.if_then(builder.icmp_unsigned("!=", bit, zero)):
                done = builder.and_(left, ir.Constant(_INDEX, 8 - 2 * size))
                tile(whole, done, size)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def _turn(typing, source, place, row, last, target, target_place, target_row):
    """Write a square of LANES rows and columns, turned over its diagonal.

    Args:
        source, target: arrays; place, target_place: where to begin; row, target_row: strides by row.
        last: number of the last row there is, copies of which stand for those beyond.
    """
    index = types.int64
    signature = types.void(source, index, index, index, target, index, index)

    def generate(context, builder, signature, arguments):
        source, place, row, last, target, target_place, target_row = arguments
        source = _data(context, builder, signature.args[0], source)
        target = _data(context, builder, signature.args[4], target)
        square = []
        for k in range(LANES):
            beyond = builder.icmp_signed(">", ir.Constant(_INDEX, k), last)
            there = builder.select(beyond, last, ir.Constant(_INDEX, k))
            square.append(_load(builder, source, _at(builder, place, (there, row))))
        size = 1
        while size < LANES:  # pairs of rows exchange blocks of this size
            low = [k if not k & size else LANES + k - size for k in range(LANES)]
            high = [k + size if not k & size else LANES + k for k in range(LANES)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), LANES), m) for m in (low, high)]
            for k in range(LANES):
                if not k & size:
                    pair = square[k], square[k + size]
                    square[k], square[k + size] = (builder.shuffle_vector(*pair, mask) for mask in masks)
            size *= 2
        for k, vector in enumerate(square):
            _store(builder, vector, target, _at(builder, target_place, (k, target_row)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def _sums(typing, vectors, targets, edges, firsts, seconds, numbers, place):
    """Set numbers that lie one after the other in each target to its sum of numbers times products of two factors.

    Args:
        vectors: a literal, how many of them.
        targets, firsts, seconds: addresses, (sums) and (terms).
        edges: first term of each sum, and the number of terms.
        numbers: (terms).
        place: numbers to leave out at each address.
    """
    if not isinstance(vectors, types.IntegerLiteral):
        return None
    many, index = range(vectors.literal_value), types.int64
    signature = types.void(vectors, targets, edges, firsts, seconds, numbers, index)

    def generate(context, builder, signature, arguments):
        targets, edges, firsts, seconds, numbers = (
            _data(context, builder, signature.args[k], arguments[k]) for k in range(1, 6)
        )
        place, count = (
            arguments[6],
            context.make_array(signature.args[1])(context, builder, arguments[1]).nitems,
        )
        number_pointer = ir.DoubleType().as_pointer()

        def there(addresses, k):
            return builder.inttoptr(builder.load(builder.gep(addresses, [k])), number_pointer)

        steps = [_at(builder, place, (k, LANES)) for k in many]
        sums = [cgutils.alloca_once(builder, _VECTOR) for _ in many]
        with cgutils.for_range(builder, count, intp=_INDEX) as loop:
            for total in sums:
                builder.store(ir.Constant(_VECTOR, [0.0] * LANES), total)
            start = builder.load(builder.gep(edges, [loop.index]))
            stop = builder.load(builder.gep(edges, [builder.add(loop.index, ir.Constant(_INDEX, 1))]))
            with cgutils.for_range_slice(builder, start, stop, ir.Constant(_INDEX, 1), intp=_INDEX) as (
                term,
                _,
            ):
                first, second = there(firsts, term), there(seconds, term)
                number = _spread(builder, builder.load(builder.gep(numbers, [term])))
                for step, total in zip(steps, sums, strict=True):
                    scaled = builder.fmul(number, _load(builder, first, step))
                    more = _plus_product(builder, builder.load(total), scaled, _load(builder, second, step))
                    builder.store(more, total)
            target = there(targets, loop.index)
            for step, total in zip(steps, sums, strict=True):
                _store(builder, builder.load(total), target, step)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def power_of_two(typing, k):
    """Return 2^k of an integer k, -1022 <= k <= 1023."""

    def generate(context, builder, signature, arguments):
        bits = builder.shl(builder.add(arguments[0], ir.Constant(_INDEX, 1023)), ir.Constant(_INDEX, 52))
        return builder.bitcast(bits, ir.DoubleType())

    return types.float64(types.int64), generate


# ------------------------------------------------------------------------------------------ products


@_compiled
def pack(a, turned):
    """Return a matrix, (rows, inner), or a turned one, as `multiply` takes it: (tiles, inner, ROWS), zero beyond the last row."""
    rows, inner = (a.shape[1], a.shape[0]) if turned else a.shape
    packed = np.zeros((-(-rows // ROWS), inner, ROWS))
    for r in range(rows):
        tile, row = r // ROWS, r % ROWS
        for i in range(inner):
            packed[tile, i, row] = a[i, r] if turned else a[r, i]
    return packed


@_compiled
def multiply(packed, b, out):
    """Set each out_k, (rows, POINTS), to a @ b_k.

    Args:
        packed: a by `pack`.
        b: (K, inner, POINTS), and not longer than out.
    """
    inner, rows = b.shape[1], out.shape[1]
    for k in range(len(b)):
        for p in range(0, POINTS, STRIP):
            ways, places, counts = (1, ROWS, 0), (k * rows * POINTS + p, POINTS), (rows, inner, 1)
            start = k * inner * POINTS + p
            _stripe(COLUMNS, 0, packed, inner * ROWS, ways, b, start, (POINTS, 0), out, places, counts)


@_compiled
def padded(width):
    """Return a width made a multiple of LANES."""
    return -(-width // LANES) * LANES


@_compiled
def turn(b, turned):
    """Write each b_k, (width, POINTS), turned, as `add_outer` takes it; in padded columns stand copies of the last.

    Args:
        turned: takes K * padded(width) * POINTS numbers: STRIP columns, fewer in the last strip, for all k and points, then the next.
    """
    width, whole = b.shape[1], padded(b.shape[1])
    for first in range(0, whole, STRIP):
        columns = min(STRIP, whole - first)
        for k in range(len(b)):
            for v in range(first, first + columns, LANES):
                for p in range(0, POINTS, LANES):
                    place = (first * len(b) + k * columns) * POINTS + p * columns + v - first
                    last, here = width - 1 - v, (k * width + v) * POINTS + p
                    _turn(b, here, POINTS, last, turned, place, columns)


@_compiled
def add_outer(a, turned, out):
    """Add sum_k a_k b_k^T to out, (rows, padded width), whose columns beyond b's width mean nothing.

    Args:
        a: (K, rows, POINTS).
        turned: b, of as many derivatives, by `turn`.
    """
    K, rows, _ = a.shape
    whole = out.shape[1]
    tile, ways, counts = ROWS * POINTS, (POINTS, 1, rows * POINTS), (rows, POINTS, K)
    for first in range(0, whole, STRIP):
        columns = min(STRIP, whole - first)
        start, strides, places = first * K * POINTS, (columns, columns * POINTS), (first, whole)
        vectors = columns // LANES
        if vectors == 4:
            _stripe(4, 1, a, tile, ways, turned, start, strides, out, places, counts)
        elif vectors == 3:
            _stripe(3, 1, a, tile, ways, turned, start, strides, out, places, counts)
        elif vectors == 2:
            _stripe(2, 1, a, tile, ways, turned, start, strides, out, places, counts)
        else:
            _stripe(1, 1, a, tile, ways, turned, start, strides, out, places, counts)


# ------------------------------------------------------------------------------------------ sums of products


@_compiled
def resolve(program, bases, size):
    """Return a program on jets as `run` takes it: addresses of targets, edges, addresses of first and of second factors, numbers.

    Args:
        program: targets, (sums, 2), edges, (sums + 1), terms, (terms, 4), numbers, (terms); a place is an array and a derivative.
        bases: the arrays' addresses.
        size: numbers of a derivative.
    """
    targets, edges, terms, numbers = program
    addresses = np.empty(len(targets), dtype=np.int64)
    firsts, seconds = np.empty(len(terms), dtype=np.int64), np.empty(len(terms), dtype=np.int64)
    for k in range(len(targets)):
        addresses[k] = bases[targets[k, 0]] + 8 * size * targets[k, 1]
    for k in range(len(terms)):
        firsts[k] = bases[terms[k, 0]] + 8 * size * terms[k, 1]
        seconds[k] = bases[terms[k, 2]] + 8 * size * terms[k, 3]
    return addresses, edges, firsts, seconds, numbers


@_compiled
def run(resolved, start, stop):
    """Work out the sums of a program, from one number of a derivative to another, multiples of POINTS."""
    targets, edges, firsts, seconds, numbers = resolved
    whole = start + (stop - start) // CHUNK * CHUNK
    for place in range(start, whole, CHUNK):
        _sums(8, targets, edges, firsts, seconds, numbers, place)
    for place in range(whole, stop, POINTS):
        _sums(PART, targets, edges, firsts, seconds, numbers, place)
