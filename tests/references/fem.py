"""Finite elements (P2 on triangles, scikit-fem) for the two shaped Poisson problems."""

from dataclasses import dataclass, replace

import numpy as np
from skfem import Basis, BilinearForm, ElementTriP2, LinearForm, MeshQuad, MeshTri, MeshTri2, condense, solve
from skfem.helpers import dot, grad


@dataclass(frozen=True)
class Solved:
    """A finite element solution.

    Args:
        basis: scikit-fem's basis; its `doflocs` (2, n) are the nodes.
        values: (n,) at the nodes.
    """

    basis: Basis
    values: np.ndarray

    @property
    def nodes(self) -> np.ndarray:
        """The nodes as complex numbers (n,)."""
        return self.basis.doflocs[0] + 1j * self.basis.doflocs[1]

    def integral(self) -> float:
        """Return the integral of u over the mesh."""
        return float(_load.assemble(self.basis) @ self.values)

    def relative_l2(self, exact) -> float:
        """Return the relative L2 error against a function of complex points (n,)."""
        at = np.asarray(self.basis.global_coordinates())
        true = exact((at[0] + 1j * at[1]).ravel()).reshape(at.shape[1:])
        error = np.asarray(self.basis.interpolate(self.values)) - true
        return float(np.sqrt(np.sum(self.basis.dx * error**2) / np.sum(self.basis.dx * true**2)))


@BilinearForm
def _stiffness(u, v, w):
    return dot(grad(u), grad(v))


@LinearForm
def _load(v, w):
    return v


def solve_lshape(n: int, grading: float = 2) -> Solved:
    """Solve -Laplace u = 1 on [-1, 1]^2 without [0, 1]^2, zero on the boundary.

    Args:
        n: cells from the re-entrant corner to each end; they shrink towards it.
        grading: a node lies at s^grading; more helps the corner, where u ~ r^(2/3), and hurts the rest.
    """
    s = np.linspace(-1, 1, 2 * n + 1)
    axis = np.sign(s) * abs(s) ** grading
    mesh = MeshTri.init_tensor(axis, axis)
    middle = mesh.p[:, mesh.t].mean(axis=1)
    mesh = mesh.remove_elements(np.flatnonzero((middle > 0).all(axis=0)))
    basis = Basis(mesh, ElementTriP2(), intorder=5)
    fixed = basis.get_dofs().all()
    values = solve(*condense(_stiffness.assemble(basis), _load.assemble(basis), D=fixed))
    return Solved(basis, values)


def solve_holes(n: int) -> Solved:
    """Solve Laplace u = 0 on a quarter of the square with holes: [0, 0.5]^2 and one hole.

    u = 1 on the sides x = 0.5 and y = 0.5, 0 on the hole; the axes of symmetry are natural conditions.

    Args:
        n: cells along each side of the square, and from the hole to the side.
    """
    mesh = _quarter_mesh(n)
    basis = Basis(mesh, ElementTriP2(), intorder=6)
    x, y = basis.doflocs
    wall = np.flatnonzero(np.maximum(x, y) > 0.5 - 1e-12)
    hole = np.flatnonzero(np.hypot(x - 0.3, y - 0.3) < 0.1 + 1e-9)
    values = np.zeros(x.size)
    values[wall] = 1
    matrix = _stiffness.assemble(basis)
    return Solved(basis, solve(*condense(matrix, x=values, D=np.concatenate([wall, hole]))))


def _quarter_mesh(n: int) -> MeshTri2:
    """Return curved triangles: a square ring, its inner square mapped to the hole, its outer to the sides."""
    across, along = np.linspace(1, 2, n + 1), np.linspace(-1, 1, n + 1)
    quarter = MeshQuad.init_tensor(across, along)
    points, cells, offset = [], [], 0
    for turn in (1, 1j, -1, -1j):
        z = turn * (quarter.p[0] + 1j * quarter.p[0] * quarter.p[1])
        points.append(np.stack([z.real, z.imag]))
        cells.append(quarter.t + offset)
        offset += z.size
    corners, cell = np.hstack(points), np.hstack(cells)
    _, first, inverse = np.unique(np.round(corners, 9), axis=1, return_index=True, return_inverse=True)
    ring = MeshQuad(np.ascontiguousarray(corners[:, first]), inverse.ravel()[cell]).to_meshtri()
    curved = MeshTri2.from_mesh(ring)
    return replace(curved, doflocs=_ring_to_quarter(curved.doflocs))


def _ring_to_quarter(ring: np.ndarray) -> np.ndarray:
    """Map the ring 1 <= max(|x|, |y|) <= 2 to [0, 0.5]^2 without the hole, rays to straight lines."""
    size = abs(ring).max(axis=0)
    side = 0.25 + 0.25 * ring / size
    spoke = side - 0.3
    arc = 0.3 + 0.1 * spoke / np.hypot(*spoke)
    return arc + (size - 1) * (side - arc)
