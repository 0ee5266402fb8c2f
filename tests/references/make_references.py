"""Write problems/data: `python -m tests.references.make_references` from the root of the project."""

from pathlib import Path

import numpy as np
from scipy.stats import qmc

from . import harmonic, inverse_data
from .allen_cahn_spectral import solve_allen_cahn

DATA = Path(__file__).parents[2] / "problems" / "data"


def lshape_table(count: int = 4096) -> dict[str, np.ndarray]:
    """Return x, y, u at quasi-random points of the L-shape."""
    x, y = 2 * _unit_points(count) - 1
    inside = (x < 0) | (y < 0)
    x, y = x[inside], y[inside]
    return {"x": x, "y": y, "u": harmonic.solve_lshape().evaluate(x + 1j * y)}


def holes_table(count: int = 4096) -> dict[str, np.ndarray]:
    """Return x, y, u at quasi-random points of the square with holes."""
    x, y = _unit_points(count) - 0.5
    outside = np.hypot(abs(x) - 0.3, abs(y) - 0.3) > harmonic.HOLE_RADIUS
    x, y = x[outside], y[outside]
    return {"x": x, "y": y, "u": harmonic.solve_holes().evaluate(x + 1j * y)}


def allen_cahn_table(rows: int = 51, modes: int = 8192, columns: int = 256) -> dict[str, np.ndarray]:
    """Return the axes x (columns + 1), t (rows) and u on their grid, both ends of the period among them."""
    t = np.linspace(0, 1, rows)
    x, u = solve_allen_cahn(t, modes)
    thin = u[:, :: modes // columns].T
    return {"x": np.append(x[:: modes // columns], 1.0), "t": t, "u": np.vstack([thin, thin[:1]])}


def _unit_points(count: int) -> np.ndarray:
    """Return (2, count) Sobol points strictly inside the unit square."""
    return qmc.Sobol(2, scramble=True, rng=np.random.default_rng(0)).random(count).T


TABLES = {"allen_cahn": allen_cahn_table, "poisson_lshape": lshape_table, "poisson_holes": holes_table}


def main() -> None:
    """Write every table and every file of measurements."""
    DATA.mkdir(exist_ok=True)
    for name, table in TABLES.items():
        np.savez(DATA / f"{name}.npz", **table())
    rows = inverse_data.make_measurements()
    text = "x,t,u\n" + "".join(f"{x:.4f},{t:.4f},{u:.6f}\n" for x, t, u in rows)
    (DATA / "inverse_diffusion.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
