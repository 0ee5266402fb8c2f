"""Write problems/data: `python -m tests.references.make_references [NAME ...]` from the root of the project."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from . import harmonic, inverse_data, ks, obstacle
from .allen_cahn_spectral import solve_allen_cahn
from .cavity import solve_cavity
from .pipe import half_width, solve_pipe
from .turbulence import solve_turbulence

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


def turbulence_table(rows: int = 11, columns: int = 32) -> dict[str, np.ndarray]:
    """Return the axes x, y (columns + 1), t (rows), and w, psi on their grid, psi(pi, pi, t) = 0."""
    t = np.linspace(0, 1, rows)
    axis, w, psi = solve_turbulence(t)
    middle = axis.size // 2
    around = np.append(np.arange(0, axis.size, axis.size // columns), 0)  # both ends of the period
    ends = np.append(axis[around[:-1]], 2 * np.pi)
    thin = {"w": w, "psi": psi - psi[:, middle, middle][:, None, None]}
    grids = {name: v[:, around][:, :, around].transpose(1, 2, 0) for name, v in thin.items()}
    return {"x": ends, "y": ends, "t": t, **grids}


def cavity_table(columns: int = 64) -> dict[str, np.ndarray]:
    """Return the axes x, y and u, v, p at the middles of a uniform grid: off the lid's ends, where p is singular."""
    axis = (np.arange(columns) + 0.5) / columns
    return _grid_table({"x": axis, "y": axis}, solve_cavity().at)


def obstacle_table(count: int = 4096) -> dict[str, np.ndarray]:
    """Return x, y, u, v, p at quasi-random points of the channel, off the obstacle."""
    x, y = _unit_points(count) * np.array([[obstacle.LENGTH], [obstacle.HEIGHT]])
    center_x, center_y = obstacle.CENTER
    off = np.hypot(x - center_x, y - center_y) > obstacle.RADIUS
    x, y = x[off], y[off]
    return {"x": x, "y": y, **obstacle.solve_obstacle().at(x, y)}


def wavy_channel_table(along: int = 192, across: int = 32) -> dict[str, np.ndarray]:
    """Return the axes x, eta and u, v, p at the middles of a uniform grid of theirs."""
    flow = solve_pipe()
    axes = {"x": (np.arange(along) + 0.5) / along, "eta": (2 * np.arange(across) + 1) / across - 1}
    return _grid_table(axes, lambda x, eta: flow.at(x, eta * half_width(x)))


def _grid_table(
    axes: dict[str, np.ndarray], at: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return two axes and fields on their grid."""
    points = np.meshgrid(*axes.values(), indexing="ij")
    values = at(*(p.ravel() for p in points))
    return {**axes, **{name: v.reshape(points[0].shape) for name, v in values.items()}}


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
    "turbulence": turbulence_table,
}
SLOW_TABLES = {  # half a minute each
    "cavity": cavity_table,
    "obstacle_flow": obstacle_table,
    "wavy_channel": wavy_channel_table,
}


def main() -> None:
    """Write the named tables, or every table and every file of measurements."""
    DATA.mkdir(exist_ok=True)
    rows = ks.start_series()
    text = "k,cos,sin\n" + "".join(f"{k:.0f},{a:.6f},{b:.6f}\n" for k, a, b in rows)
    ks.START.write_text(text, encoding="utf-8")
    tables = TABLES | SLOW_TABLES
    for name in sys.argv[1:] or tables:
        np.savez(DATA / f"{name}.npz", **tables[name]())
    rows = inverse_data.make_measurements()
    text = "x,t,u\n" + "".join(f"{x:.4f},{t:.4f},{u:.6f}\n" for x, t, u in rows)
    (DATA / "inverse_diffusion.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
