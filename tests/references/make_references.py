"""Write problems/data: `python -m tests.references.make_references` from the root of the project."""

from pathlib import Path

import numpy as np
from scipy.stats import qmc

from . import harmonic, inverse_data, ks
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
    return _ring_table(t, *solve_allen_cahn(t, modes), 1.0, columns)


def ks_regular_table(rows: int = 51) -> dict[str, np.ndarray]:
    """Return the axes x, t (rows) and u on their grid."""
    t = np.linspace(0, 1, rows)
    return _ring_table(t, *ks.solve_regular(t), 1.0)


def ks_onset_table(rows: int = 51) -> dict[str, np.ndarray]:
    """Return the axes x, t (rows) and u on their grid."""
    t = np.linspace(0, 0.5, rows)
    return _ring_table(t, *ks.solve_onset(t), 2 * np.pi)


def ks_chaotic_table(rows: int = 51) -> dict[str, np.ndarray]:
    """Return the axes x, t (rows) and u on their grid."""
    t = np.linspace(0.5, 1, rows)
    return _ring_table(t, *ks.solve_chaotic(t), 2 * np.pi)


def _ring_table(
    t: np.ndarray, x: np.ndarray, u: np.ndarray, end: float, columns: int = 256
) -> dict[str, np.ndarray]:
    """Return x (columns + 1), t and u on their grid, both ends of the period among them."""
    thin = u[:, :: x.size // columns].T
    return {"x": np.append(x[:: x.size // columns], end), "t": t, "u": np.vstack([thin, thin[:1]])}


def _unit_points(count: int) -> np.ndarray:
    """Return (2, count) Sobol points strictly inside the unit square."""
    return qmc.Sobol(2, scramble=True, rng=np.random.default_rng(0)).random(count).T


TABLES = {
    "allen_cahn": allen_cahn_table,
    "poisson_lshape": lshape_table,
    "poisson_holes": holes_table,
    "ks_regular": ks_regular_table,
    "ks_onset": ks_onset_table,
    "ks_chaotic": ks_chaotic_table,  # from the series, which main writes first
}


def main() -> None:
    """Write every table and every file of measurements."""
    DATA.mkdir(exist_ok=True)
    rows = ks.start_series()
    text = "k,cos,sin\n" + "".join(f"{k:.0f},{a:.6f},{b:.6f}\n" for k, a, b in rows)
    ks.START.write_text(text, encoding="utf-8")
    for name, table in TABLES.items():
        np.savez(DATA / f"{name}.npz", **table())
    rows = inverse_data.make_measurements()
    text = "x,t,u\n" + "".join(f"{x:.4f},{t:.4f},{u:.6f}\n" for x, t, u in rows)
    (DATA / "inverse_diffusion.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
