"""Flow through a channel with six waves in its walls, y = +-R(x), by finite elements on curved triangles."""

from dataclasses import replace

import numpy as np
from skfem import MeshTri, MeshTri2

from .navier_stokes import MappedFlow, solve_steady, still

RADIUS, AMPLITUDE, WAVES, NU = 0.05, 0.005, 6, 1e-3  # Re 100 by the highest speed at the inlet and 2 RADIUS


def half_width(x: np.ndarray) -> np.ndarray:
    """Return R(x); both ends lie at crests, where the walls are parallel."""
    return RADIUS + AMPLITUDE * np.cos(2 * np.pi * WAVES * x)


def solve_pipe(cells: int = 20, order: int = 3) -> MappedFlow:
    """Return the flow from a parabola of height 1; nu du/dn = p n at the outlet x = 1.

    Args:
        cells: across, and along each wave.
    """
    across = np.sin(np.pi / 2 * np.linspace(-1, 1, cells + 1))
    along = np.linspace(0, 1, WAVES * cells + 1) ** 1.2  # finer at the inlet
    flat = MeshTri.init_tensor(along, across)
    curved = MeshTri2.from_mesh(flat)
    x, eta = curved.doflocs
    mesh = replace(curved, doflocs=np.stack([x, eta * half_width(x)])).with_boundaries(
        {
            "inlet": lambda x: x[0] < 1e-9,
            "wall": lambda x: (x[0] > 1e-9) & (x[0] < 1 - 1e-9),
        }
    )
    held = {"inlet": lambda x, y: (1 - (y / half_width(x)) ** 2, 0 * y), "wall": still}
    return MappedFlow(
        solve_steady(mesh, NU, held, order), flat, lambda p: np.stack([p[0], p[1] / half_width(p[0])])
    )
