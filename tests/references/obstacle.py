"""Flow past a round obstacle in a channel, the benchmark "2D-1" of Schaefer and Turek 1996, by finite elements.

In units of the obstacle's diameter 0.1 m and the mean speed 0.2 m/s at the inlet, Re = 20.
"""

from dataclasses import replace

import numpy as np
from skfem import MeshQuad, MeshTri, MeshTri2

from .navier_stokes import MappedFlow, solve_steady, still

LENGTH, HEIGHT, CENTER, RADIUS = 22.0, 4.1, (2.0, 2.0), 0.5
RE = 20.0
GRADING = 2  # the triangles are smaller at the obstacle


def inlet(y: np.ndarray) -> np.ndarray:
    """Return the parabola whose mean is 1."""
    return 6 * y * (HEIGHT - y) / HEIGHT**2


def solve_obstacle(cells: int = 16, order: int = 3) -> MappedFlow:
    """Return the flow; nu du/dn = p n at the outlet.

    Args:
        cells: along each side of a square around the obstacle, and from it to the obstacle.
    """
    flat = _flat_mesh(cells)
    curved = MeshTri2.from_mesh(flat)
    mesh = replace(curved, doflocs=_to_channel(curved.doflocs)).with_boundaries(
        {
            "inlet": lambda x: x[0] < 1e-9,
            "wall": lambda x: (x[1] < 1e-9) | (x[1] > HEIGHT - 1e-9),
            "obstacle": lambda x: np.hypot(x[0] - CENTER[0], x[1] - CENTER[1]) < RADIUS + 1e-9,
        }
    )

    held = {"inlet": lambda x, y: (inlet(y), 0 * y), "wall": still, "obstacle": still}
    return MappedFlow(solve_steady(mesh, 1 / RE, held, order), flat, _from_channel)


def _flat_mesh(n: int) -> MeshTri:
    """Return triangles on a square ring 1 <= max(|x|, |y|) <= 2 and on a block 2 <= x <= 6 beside it."""
    along = np.linspace(-1, 1, n + 1)
    quarter = MeshQuad.init_tensor(np.linspace(1, 2, n + 1), along)
    block = MeshQuad.init_tensor(np.linspace(2, 6, 2 * n + 1), 2 * along)
    points, cells, offset = [block.p], [block.t], block.p.shape[1]
    for turn in (1, 1j, -1, -1j):
        z = turn * (quarter.p[0] + 1j * quarter.p[0] * quarter.p[1])
        points.append(np.stack([z.real, z.imag]))
        cells.append(quarter.t + offset)
        offset += z.size
    corners, cell = np.hstack(points), np.hstack(cells)
    _, first, inverse = np.unique(np.round(corners, 9), axis=1, return_index=True, return_inverse=True)
    return MeshQuad(np.ascontiguousarray(corners[:, first]), inverse.ravel()[cell]).to_meshtri()


def _to_channel(flat: np.ndarray) -> np.ndarray:
    """Map the ring to a square around the obstacle, rays to straight lines, and the block to what lies downstream."""
    center = np.array(CENTER)[:, None]
    size = abs(flat).max(axis=0)
    side = HEIGHT / 2 * (1 + flat / size)
    spoke = side - center
    arc = center + RADIUS * spoke / np.hypot(*spoke)
    ring = arc + (np.minimum(size, 2) - 1) ** GRADING * (side - arc)
    share = (flat[0] - 2) / 4
    along = HEIGHT + (LENGTH - HEIGHT) * share * (1 + share) / 2  # coarser towards the outlet
    return np.where(flat[0] > 2, np.stack([along, HEIGHT / 2 + HEIGHT / 4 * flat[1]]), ring)


def _from_channel(points: np.ndarray) -> np.ndarray:
    """Return where `_to_channel` maps to points (2, n)."""
    spoke = points - np.array(CENTER)[:, None]
    from_center = np.hypot(*spoke)
    ends = np.where(spoke > 0, HEIGHT, 0.0) - np.array(CENTER)[:, None]
    reach = np.min(abs(ends) / np.maximum(abs(spoke), 1e-300), axis=0) * from_center  # to the square's side
    size = 1 + (np.maximum(from_center - RADIUS, 0) / (reach - RADIUS)) ** (1 / GRADING)
    side = np.array(CENTER)[:, None] + spoke / from_center * reach
    ring = (side - HEIGHT / 2) / (HEIGHT / 2) * np.minimum(size, 2)
    share = np.sqrt(0.25 + 2 * np.maximum(points[0] - HEIGHT, 0) / (LENGTH - HEIGHT)) - 0.5
    block = np.stack([2 + 4 * share, (points[1] - HEIGHT / 2) / (HEIGHT / 4)])
    return np.where(points[0] > HEIGHT, block, ring)
