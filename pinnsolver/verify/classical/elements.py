"""A steady scalar equation of second order on a plane shape by finite elements: its sympy to a weak form.

The residual is A:D²u + g(x, u, ∇u) = 0. Multiplied by v and integrated by parts it is

    ∫ -(A ∇u)·∇v + (g - (div A)·∇u) v + ∮ n·(A ∇u) v = 0,

in which a condition on the flux gives the integral over the boundary, and a value is set at the nodes (Ciarlet 1978, 1.2).
Quadratic elements on curved triangles, Newton's method with exact derivatives. The assembly is scikit-fem's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import sympy
from scipy.spatial import cKDTree

from pinnsolver.declare.checked import Condition
from pinnsolver.declare.levels import level
from pinnsolver.declare.values import FieldValue
from pinnsolver.verify.classical.arcs import ON
from pinnsolver.verify.classical.formula import number_function, numpy_function
from pinnsolver.verify.classical.forward import Deadline, Forward, NotApplicableError
from pinnsolver.verify.classical.triangles import COARSE, Outline, coarse_mesh, graded

MOST_TRIANGLES = 200_000
NEWTON_STEPS = 30
CONVERGED = 1e-11
HALVINGS = 8
ORDER = 5  # of the quadrature
OBLIQUE = 1e-8
PIVOT = 0.01  # the pattern is symmetric: pivots off the diagonal, which fill the factors, only where it is far smaller
U, UX, UY, NX, NY = sympy.symbols("u u_x u_y n_x n_y", real=True, cls=sympy.Dummy)
GRADIENT = (UX, UY)
PLAIN = {(0, 0): U, (1, 0): UX, (0, 1): UY}


@dataclass(frozen=True, eq=False)
class WeakForm:
    """An equation in its weak form, numpy functions of (x, y, u, u_x, u_y).

    Args:
        flux: the two components of A ∇u, then their six derivatives by u, u_x, u_y.
        rest: what stands beside v, then its three derivatives.
        matrix: sympy's A, for the conditions.
        linear: whether all of it is of first degree in u.
    """

    flux: Callable[..., Any]
    rest: Callable[..., Any]
    matrix: sympy.Matrix
    linear: bool


@dataclass(frozen=True, eq=False)
class Side:
    """A condition on a part of the boundary.

    Args:
        condition: as checked.
        holds: says at which points (n, 2) of the boundary.
        value: a function of points (n, 2) that gives u; None for a flux.
        flux: numpy function of (x, y, u, n_x, n_y): n·(A ∇u), its derivative by u, and how oblique it is; None for a value.
        linear: whether it is of first degree in u.
    """

    condition: Condition
    holds: Callable[[np.ndarray], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray] | None
    flux: Callable[..., Any] | None
    linear: bool


def weak_form(forward: Forward) -> WeakForm:
    """Return the weak form of a forward problem's equation.

    Raises:
        NotApplicableError: it is not one scalar equation of second order, linear in its second derivatives.
    """
    if len(forward.fields) != 1 or len(forward.equations) != 1:
        raise NotApplicableError("made for a single equation of a single field")
    if forward.time is not None or len(forward.coordinates) != 2:
        raise NotApplicableError("made for steady problems in 2 dimensions")
    if forward.unknowns or forward.periodic:
        raise NotApplicableError("made for problems without unknown numbers and periodic coordinates")
    (lowered,) = forward.equations.values()
    if lowered.integrals or any(v.pins or v.normal for v in lowered.values):
        raise NotApplicableError("made for equations that hold at their points alone")
    if any(sum(v.orders) > 2 for v in lowered.values):
        raise NotApplicableError("made for equations up to the second order")
    second = {v.orders: v.symbol for v in lowered.values if sum(v.orders) == 2}
    expr = lowered.expr.xreplace({v.symbol: PLAIN[v.orders] for v in lowered.values if v.orders in PLAIN})
    by = {orders: expr.diff(symbol) for orders, symbol in second.items()}
    half = by.get((1, 1), sympy.Integer(0)) / 2
    matrix = sympy.Matrix([[by.get((2, 0), 0), half], [half, by.get((0, 2), 0)]])
    if matrix.free_symbols & {UX, UY, *second.values()}:
        raise NotApplicableError("its highest derivatives do not stand linearly")
    rest = expr.xreplace(dict.fromkeys(second.values(), sympy.Integer(0)))
    places = [c.symbol for c in forward.coordinates]
    for i, place in enumerate(places):
        for j in range(2):
            slope = matrix[i, j].diff(place) + matrix[i, j].diff(U) * GRADIENT[i]
            rest -= slope * GRADIENT[j]
    flux = matrix * sympy.Matrix(GRADIENT)
    state = [U, UX, UY]
    parts = [*flux, *(f.diff(s) for f in flux for s in state)]
    others = [rest, *(rest.diff(s) for s in state)]
    linear = not any(p.free_symbols & set(state) for p in [*parts[2:], *others[1:]])
    return WeakForm(
        numpy_function([*places, *state], parts, "it"),
        numpy_function([*places, *state], others, "it"),
        matrix,
        linear,
    )


def sides(forward: Forward, form: WeakForm) -> list[Side]:
    """Return the conditions on the boundary of a shape.

    Raises:
        NotApplicableError: one of them is neither a value nor a flux along the conormal.
    """
    return [_side(condition, forward, form) for condition in forward.conditions]


def _side(condition: Condition, forward: Forward, form: WeakForm) -> Side:
    if condition.residual.integrals or len(condition.locations) > 1:
        raise NotApplicableError(f"not made for conditions like {condition.name}")
    holds = partial(_holds, condition, forward)
    values = condition.residual.values
    if all(sum(v.orders) == 0 and not v.normal for v in values):
        if condition.solved is None:
            raise NotApplicableError(f"the condition {condition.name} does not give the value outright")
        return Side(
            condition,
            holds,
            number_function(_at_pins(condition, condition.solved[1], forward), forward),
            None,
            True,
        )
    expr = _at_pins(condition, condition.residual.expr, forward)
    expr = expr.xreplace({v.symbol: _along(v, condition) for v in values})
    gradient: list[sympy.Expr] = [expr.diff(s) for s in GRADIENT]
    if any(g.free_symbols & set(GRADIENT) for g in gradient):
        raise NotApplicableError(f"the flux does not stand linearly in the condition {condition.name}")
    conormal = form.matrix * sympy.Matrix([NX, NY])
    square = conormal.dot(conormal)
    share = (gradient[0] * conormal[0] + gradient[1] * conormal[1]) / square
    flux = -expr.xreplace(dict.fromkeys(GRADIENT, sympy.Integer(0))) / share
    oblique = sympy.sqrt(sum((g - share * c) ** 2 for g, c in zip(gradient, conormal, strict=True)))
    slope = flux.diff(U)
    arguments = [*(c.symbol for c in forward.coordinates), U, NX, NY]
    return Side(
        condition,
        holds,
        None,
        numpy_function(arguments, [flux, slope, oblique], "it"),
        U not in slope.free_symbols,
    )


def _along(value: FieldValue, condition: Condition) -> sympy.Expr:
    """Return a value of a condition by u, its gradient and the normal."""
    if value.normal and sum(value.orders) == 0:
        return UX * NX + UY * NY
    if value.normal or value.orders not in PLAIN:
        raise NotApplicableError(f"the condition {condition.name} is of second order")
    return PLAIN[value.orders]


def _at_pins(condition: Condition, expr: sympy.Expr, forward: Forward) -> sympy.Expr:
    symbols = {c.name: c.symbol for c in forward.coordinates}
    return sympy.sympify(expr).xreplace({symbols[name]: at for name, at in condition.region.pins})


def _holds(condition: Condition, forward: Forward, points: np.ndarray) -> np.ndarray:
    """Say at which points (n, 2) of the boundary a condition holds."""
    shape = forward.shape
    assert shape is not None
    size = shape.size
    held = np.ones(len(points), dtype=bool)
    piece = condition.region.boundary
    if piece:
        own = [abs(level(p, points)) <= ON * size for p in shape.primitives() if p.name == piece]
        held &= np.any(own, axis=0)
    names = [c.name for c in forward.coordinates]
    for name, at in condition.region.pins:
        held &= abs(points[:, names.index(name)] - float(at)) <= ON * size
    if condition.region.where is not None:
        function = sympy.lambdify([c.symbol for c in forward.coordinates], condition.region.where, "numpy")
        held &= np.broadcast_to(function(*points.T), len(points))
    return held


@dataclass(eq=False)
class Elements:
    """A problem on triangles, to be refined level by level.

    Args:
        forward: the problem.
        deadline: when to give up.
    """

    forward: Forward
    deadline: Deadline

    def __post_init__(self) -> None:
        try:
            from skfem import MeshTri
        except ImportError:
            raise NotApplicableError(
                "they take scikit-fem, which is not installed: pip install 'pinnsolver[verify]'"
            ) from None
        shape = self.forward.shape
        if shape is None:
            raise NotApplicableError("made for shaped domains")
        self.form = weak_form(self.forward)
        self.sides = sides(self.forward, self.form)
        self.outline = Outline.of(shape, [s.holds for s in self.sides])
        points, triangles = coarse_mesh(self.outline)
        self.mesh = MeshTri(np.ascontiguousarray(points.T), np.ascontiguousarray(triangles.T))
        self.longest = COARSE * shape.size
        self.last: tuple[Any, np.ndarray] | None = None

    def refine(self) -> None:
        """Halve the triangles, and crowd them at corners accordingly."""
        self.longest /= 2
        self.mesh = graded(self.mesh, self.outline, self.longest, self.deadline, MOST_TRIANGLES)

    def solve(self, start: Callable[[np.ndarray], np.ndarray], places: np.ndarray) -> np.ndarray:
        """Return u at places (m, 2) of the domain, (m,); NaN where no triangle is.

        Args:
            start: a function of points (n, 2) from which Newton's method sets out.
            places: where u is wanted.

        Raises:
            NotApplicableError: the equation is not elliptic, a part of the boundary has no condition, or Newton's method fails.
        """
        basis = self._basis()
        fixed, values = self._fixed(basis)
        u = np.zeros(basis.N)
        if not self._linear:
            u = np.nan_to_num(start(basis.doflocs.T))
        u[fixed] = values
        return probe(basis, _Assembled(self, basis, fixed).newton(u), places)

    @property
    def _linear(self) -> bool:
        return self.form.linear and all(side.linear for side in self.sides)

    def _basis(self) -> Any:
        """Return quadratic elements on triangles whose sides on the boundary are bent onto it."""
        from dataclasses import replace

        from skfem import Basis, ElementTriP2, MeshTri2

        curved = MeshTri2.from_mesh(self.mesh)
        straight = Basis(self.mesh, ElementTriP2(), intorder=1)
        rim = straight.get_dofs(self.mesh.boundary_facets()).all()
        moved = straight.doflocs.copy()
        moved[:, rim] = self.outline.onto(moved[:, rim].T).T
        bent = np.zeros(curved.doflocs.shape)
        bent[:, np.asarray(curved.dofs.element_dofs)] = moved[:, np.asarray(straight.element_dofs)]
        return Basis(replace(curved, doflocs=bent), ElementTriP2(), intorder=ORDER)

    def facets(self, side: Side) -> np.ndarray:
        """Return the indices of the boundary's facets on which a condition holds."""
        every = self.mesh.boundary_facets()
        middles = self.mesh.p[:, self.mesh.facets[:, every]].mean(axis=1)
        return np.asarray(every[side.holds(self.outline.onto(middles.T))])

    def _fixed(self, basis: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the nodes with a given value, and those values."""
        known = np.full(basis.N, np.nan)
        covered = np.zeros(self.mesh.facets.shape[1], dtype=bool)
        for side in self.sides:
            facets = self.facets(side)
            if not len(facets):
                raise NotApplicableError(
                    f"the condition {side.condition.name} holds on no edge of the boundary"
                )
            covered[facets] = True
            if side.value is not None:
                nodes = basis.get_dofs(facets).all()
                known[nodes] = side.value(basis.doflocs[:, nodes].T)
                if not np.isfinite(known[nodes]).all():
                    raise NotApplicableError(f"the condition {side.condition.name} is not finite everywhere")
        if not covered[self.mesh.boundary_facets()].all():
            raise NotApplicableError("a part of the boundary has no condition")
        fixed = np.flatnonzero(np.isfinite(known))
        return fixed, known[fixed]


class _Assembled:
    """The weak form on one mesh."""

    def __init__(self, elements: Elements, basis: Any, fixed: np.ndarray) -> None:
        self.elements, self.basis, self.fixed = elements, basis, fixed
        self.rims = [
            (side, _Rim.of(elements.mesh, basis, elements.facets(side)))
            for side in elements.sides
            if side.flux is not None
        ]
        self.free = np.setdiff1d(np.arange(basis.N), fixed)

    def newton(self, u: np.ndarray) -> np.ndarray:
        """Return the solution from a first guess that has the given values."""
        from scipy.sparse.linalg import splu

        linear, deadline = self.elements._linear, self.elements.deadline
        matrix, residual = self.assemble(u)
        for _ in range(NEWTON_STEPS):
            deadline.check()
            try:
                factor = splu(
                    matrix[self.free][:, self.free].tocsc(),
                    permc_spec="MMD_AT_PLUS_A",
                    diag_pivot_thresh=PIVOT,
                    options={"SymmetricMode": True},
                )
            except RuntimeError:
                raise NotApplicableError("its equation does not determine the field") from None
            step = np.zeros(len(u))
            step[self.free] = factor.solve(-residual[self.free])
            if not np.isfinite(step).all():
                raise NotApplicableError("its equation does not determine the field")
            if linear:
                return u + step
            size = float(np.linalg.norm(step)) / max(float(np.linalg.norm(u)), 1e-30)
            if size < CONVERGED:
                return u + step
            before, share = float(np.linalg.norm(residual[self.free])), 1.0
            for _ in range(HALVINGS):
                matrix, residual = self.assemble(u + share * step)
                after = float(np.linalg.norm(residual[self.free]))
                if np.isfinite(after) and (after < before or size < 1e-6):
                    break
                share /= 2
            u = u + share * step
        raise NotApplicableError("Newton's method does not converge")

    def assemble(self, u: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the derivative (n, n) and the residual (n,) of the weak form at nodal values (n,)."""
        form = self.elements.form
        field = self.basis.interpolate(u)
        x, y = np.asarray(self.basis.global_coordinates())
        state = (x, y, np.asarray(field), *np.asarray(field.grad))
        flux, rest = form.flux(*state), form.rest(*state)
        self._check_elliptic(flux)
        named = {f"f{k}": part for k, part in enumerate(flux)} | {
            f"g{k}": part for k, part in enumerate(rest)
        }
        if not all(np.isfinite(part).all() for part in named.values()):
            raise NotApplicableError("its coefficients are not finite everywhere")
        matrix = _slope_form().assemble(self.basis, **named)
        residual = _residual_form().assemble(self.basis, **named)
        for side, rim in self.rims:
            assert side.flux is not None
            here = np.einsum("km,kq->mq", u[rim.nodes], rim.shape)
            value, slope, oblique = side.flux(*rim.places, here, *rim.normals)
            if not (np.isfinite(value).all() and (oblique < OBLIQUE).all()):
                raise NotApplicableError(
                    f"the condition {side.condition.name} gives no flux along the conormal"
                )
            matrix = matrix + rim.slope(len(u), slope)
            residual = residual + rim.residual(len(u), value)
        return matrix, residual

    @staticmethod
    def _check_elliptic(flux: Sequence[np.ndarray]) -> None:
        _, _, _, a, b, _, c, d = flux
        if not (a * d - b * c > 0).all():
            raise NotApplicableError("its equation is not elliptic everywhere")


def _slope_form() -> Any:
    from skfem import BilinearForm

    return BilinearForm(
        lambda u, v, w: (
            -(w.f2 * u + w.f3 * u.grad[0] + w.f4 * u.grad[1]) * v.grad[0]
            - (w.f5 * u + w.f6 * u.grad[0] + w.f7 * u.grad[1]) * v.grad[1]
            + (w.g1 * u + w.g2 * u.grad[0] + w.g3 * u.grad[1]) * v
        )
    )


def _residual_form() -> Any:
    from skfem import LinearForm

    return LinearForm(lambda v, w: -w.f0 * v.grad[0] - w.f1 * v.grad[1] + w.g0 * v)


@dataclass(frozen=True, eq=False)
class _Rim:
    """A part of the boundary as curves of second degree through three nodes each.

    Args:
        nodes: (3, m), the ends and the middle.
        places: (2, m, q) quadrature points.
        normals: (2, m, q) outward.
        weights: (m, q).
        shape: (3, q), the quadratic functions along an edge.
    """

    nodes: np.ndarray
    places: np.ndarray
    normals: np.ndarray
    weights: np.ndarray
    shape: np.ndarray

    @classmethod
    def of(cls, mesh: Any, basis: Any, facets: np.ndarray) -> _Rim:
        """Return the quadrature of some facets of the boundary."""
        nodes = np.stack([*mesh.facets[:, facets], basis.facet_dofs[0, facets]])
        s, w = np.polynomial.legendre.leggauss(4)
        shape = np.stack([s * (s - 1) / 2, s * (s + 1) / 2, 1 - s**2])
        slope = np.stack([s - 0.5, s + 0.5, -2 * s])
        at = basis.doflocs[:, nodes]
        places, along = (np.einsum("dkm,kq->dmq", at, n) for n in (shape, slope))
        length = np.hypot(*along)
        normals = np.stack([along[1], -along[0]]) / length
        inner = mesh.p[:, mesh.t[:, mesh.f2t[0, facets]]].mean(axis=1)
        normals *= np.sign(((at[:, 2] - inner)[:, :, None] * normals).sum(axis=0))
        return cls(nodes, places, normals, w * length, shape)

    def residual(self, count: int, q: np.ndarray) -> np.ndarray:
        """Return the integrals of q (m, quadrature) times each function, (count,)."""
        found = np.zeros(count)
        np.add.at(found, self.nodes, np.einsum("mq,kq->km", q * self.weights, self.shape))
        return found

    def slope(self, count: int, q: np.ndarray) -> Any:
        """Return the integrals of q times each pair of functions, a sparse (count, count) matrix."""
        local = np.einsum("mq,kq,lq->klm", q * self.weights, self.shape, self.shape)
        rows, columns = (np.broadcast_to(n, local.shape) for n in (self.nodes[:, None], self.nodes[None]))
        return sp.csr_matrix((local.ravel(), (rows.ravel(), columns.ravel())), shape=(count, count))


def probe(basis: Any, u: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the finite element function with nodal values (n,) at places (m, 2), NaN where no triangle is."""
    mesh = basis.mesh
    corners = mesh.doflocs[:, mesh.t]  # (2, 3, triangles)
    middle = corners.mean(axis=1)
    reach = np.sqrt(((corners - middle[:, None]) ** 2).sum(axis=0)).max(axis=0)
    near = cKDTree(places).query_ball_point(middle.T, 1.3 * reach)
    counts = np.array([len(n) for n in near])
    pairs = np.concatenate([np.asarray(n, dtype=int) for n in near])
    cells = np.repeat(np.arange(len(near)), counts)
    a, b, c = (corners[:, k][:, cells] for k in range(3))
    p = places[pairs].T
    det = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    s = ((p[0] - a[0]) * (c[1] - a[1]) - (p[1] - a[1]) * (c[0] - a[0])) / det
    t = ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])) / det
    depth = np.min([s, t, 1 - s - t], axis=0)
    order = np.lexsort((-depth, pairs))
    first = order[np.unique(pairs[order], return_index=True)[1]]
    first = first[depth[first] > -0.3]  # a curved side holds a little more than the straight one
    found = np.full(len(places), np.nan)
    cells, seen = cells[first], pairs[first]
    dofs = basis.element_dofs[:, cells]
    found[seen] = (
        u[dofs] * _quadratic(_inverted(basis.doflocs[:, dofs], places[seen].T, s[first], t[first]))[0]
    ).sum(axis=0)
    return found


def _inverted(
    nodes: np.ndarray, wanted: np.ndarray, s: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the local coordinates (n,) of points (2, n) in triangles with six nodes (2, 6, n), from a first guess."""
    for _ in range(6):
        shape, by_s, by_t = _quadratic((s, t))
        miss = wanted - (nodes * shape).sum(axis=1)
        a, b = (nodes * by_s).sum(axis=1), (nodes * by_t).sum(axis=1)
        det = a[0] * b[1] - a[1] * b[0]
        s = s + (miss[0] * b[1] - miss[1] * b[0]) / det
        t = t + (a[0] * miss[1] - a[1] * miss[0]) / det
    return s, t


def _quadratic(local: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the six quadratic functions of a triangle, vertices first, and their derivatives, (6, n) each."""
    s, t = local
    r = 1 - s - t
    zero = np.zeros_like(s)
    values = [r * (2 * r - 1), s * (2 * s - 1), t * (2 * t - 1), 4 * r * s, 4 * s * t, 4 * r * t]
    by_s = [1 - 4 * r, 4 * s - 1, zero, 4 * (r - s), 4 * t, -4 * t]
    by_t = [1 - 4 * r, zero, 4 * t - 1, -4 * s, 4 * s, 4 * (r - t)]
    return np.stack(values), np.stack(by_s), np.stack(by_t)
