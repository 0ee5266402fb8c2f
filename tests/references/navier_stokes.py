"""Steady incompressible flow in two dimensions by finite elements (Taylor-Hood, Newton, scikit-fem).

u . grad u + grad p = nu Laplace u, div u = 0; on what is not held, nu du/dn = p n (the natural condition).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import bmat
from scipy.sparse.linalg import splu
from skfem import (
    Basis,
    BilinearForm,
    ElementTriP1,
    ElementTriP2,
    ElementTriP3,
    ElementVector,
    LinearForm,
    Mesh,
    MeshTri,
)
from skfem.helpers import ddot, div, dot, grad, mul

ORDERS = {2: (ElementTriP2, ElementTriP1), 3: (ElementTriP3, ElementTriP2)}
Velocity = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Flow:
    """A computed flow.

    Args:
        velocity, pressure: scikit-fem's bases.
        u, p: their coefficients.
    """

    velocity: Basis
    pressure: Basis
    u: np.ndarray
    p: np.ndarray

    def at(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return u, v, p at points (n,) of the domain; its triangles have to be straight."""
        cells = self.velocity.mesh.element_finder()(x, y)
        return self.within(cells, self.velocity.mapping.invF(np.stack([x, y])[:, :, None], tind=cells))

    def within(self, cells: np.ndarray, local: np.ndarray) -> dict[str, np.ndarray]:
        """Return u, v, p at local coordinates (2, n, 1) of cells (n,)."""
        u, v = _values(self.velocity, self.u, local, cells)
        return {"u": u, "v": v, "p": _values(self.pressure, self.p, local, cells)}


@dataclass(frozen=True)
class MappedFlow:
    """A flow on the image of a flat mesh.

    Args:
        flow: on curved triangles.
        flat: mesh of the same triangles, straight.
        back: takes points (2, n) of the flow and returns them on the flat mesh.
    """

    flow: Flow
    flat: MeshTri
    back: Callable[[np.ndarray], np.ndarray]

    def at(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return u, v, p at points (n,), whose local coordinates are corrected until they hit."""
        places, curved = self.back(np.stack([x, y])), self.flow.velocity.mapping
        cells, wanted = self.flat.element_finder()(*places), places
        for _ in range(5):
            local = self.flat.mapping().invF(wanted[:, :, None], tind=cells)
            wanted = wanted + places - self.back(curved.F(local, tind=cells)[..., 0])
        return self.flow.within(cells, local)


def still(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return no velocity."""
    return 0 * x, 0 * x


def _values(basis: Basis, coefficients: np.ndarray, local: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return (components, n) or (n,) values at local coordinates (2, n, 1) of cells (n,)."""
    total = 0.0
    for k in range(basis.Nbfun):
        shape = np.asarray(basis.elem.gbasis(basis.mapping, local, k, tind=cells)[0])[..., 0]
        total = total + shape * coefficients[basis.element_dofs[k, cells]]
    return total


@BilinearForm
def _viscous(u, v, w):
    return ddot(grad(u), grad(v))


@BilinearForm
def _divergence(u, q, w):
    return -q * div(u)


@BilinearForm
def _linearised(u, v, w):
    return dot(mul(grad(u), w["u"]) + mul(w["u"].grad, u), v)


@BilinearForm
def _mass(p, q, w):
    return p * q


@LinearForm
def _advection(v, w):
    return dot(mul(w["u"].grad, w["u"]), v)


def solve_steady(
    mesh: Mesh,
    nu: float,
    held: dict[str, Velocity],
    order: int = 2,
    tolerance: float = 1e-11,
    most: int = 20,
) -> Flow:
    """Solve by Newton's method from the Stokes flow.

    Args:
        mesh: of triangles, with named boundaries.
        nu: viscosity.
        held: the velocity (u, v) of points (n,) by boundary; where two meet, the later one counts. Where all of the
            boundary is held, the pressure is zero at the first node.
        order: of the velocity's polynomials, 2 or 3; the pressure's are one lower.
        tolerance: of the last step's largest change.
        most: steps.
    """
    quick, slow = ORDERS[order]
    velocity = Basis(mesh, ElementVector(quick()), intorder=3 * order)
    pressure = velocity.with_element(slow())
    x = np.zeros(velocity.N + pressure.N)
    fixed = _hold(velocity, held, x)
    if set(mesh.boundary_facets()) <= {f for name in held for f in mesh.boundaries[name]}:
        fixed = np.append(fixed, velocity.N)
    free = np.setdiff1d(np.arange(x.size), fixed)
    stiffness, coupling = nu * _viscous.assemble(velocity), _divergence.assemble(velocity, pressure)
    mass = _mass.assemble(pressure)
    linear = bmat([[stiffness, coupling.T], [coupling, None]], "csr")
    x[free] = splu(linear[free][:, free].tocsc()).solve(-(linear @ x)[free])
    for _ in range(most):
        flow = velocity.interpolate(x[: velocity.N])
        slope = linear + bmat([[_linearised.assemble(velocity, u=flow), None], [None, 0 * mass]], "csr")
        misfit = linear @ x
        misfit[: velocity.N] += _advection.assemble(velocity, u=flow)
        change = splu(slope[free][:, free].tocsc()).solve(-misfit[free])
        x[free] += change
        if abs(change).max() < tolerance:
            return Flow(velocity, pressure, x[: velocity.N], x[velocity.N :])
    raise RuntimeError(f"Newton's method still moves by {abs(change).max():.1e} after {most} steps")


def _hold(velocity: Basis, held: dict[str, Velocity], x: np.ndarray) -> np.ndarray:
    """Write the held velocities into the coefficients x and return which of them are held."""
    found = []
    for name, value in held.items():
        dofs = velocity.get_dofs(name)
        for k in (0, 1):
            of_component = dofs.all([f"u^{k + 1}"])
            x[of_component] = value(*velocity.doflocs[:, of_component])[k]
            found.append(of_component)
    return np.unique(np.concatenate(found))
