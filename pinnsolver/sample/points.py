"""A checked problem to its points: all over the domain, and where each condition holds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from pinnsolver.declare.checked import CheckedProblem, Region
from pinnsolver.declare.lower import Coordinate
from pinnsolver.errors import DeclarationError, UnsupportedProblem
from pinnsolver.sample.geometry import Geometry, build_geometry
from pinnsolver.sample.quasi import collect


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points of a problem.

    Args:
        points: (n, D) float64, all coordinates of the problem in column order.
        normals: (n, number of space coordinates) outward unit normals, on a shaped boundary only.
    """

    points: np.ndarray
    normals: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, eq=False)
class _Place:
    """A region by columns: pinned ones with their value, running ones, and what narrows it."""

    pins: dict[int, float]
    running: set[int]
    keep: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws the points of a problem; built once, by `Sampler.of(checked)`.

    What it draws depends on the generator that is passed in and on nothing else.

    Args:
        coordinates: the columns of the points: space, time, parameters.
        geometry: the shaped domain, None for a box.
    """

    coordinates: tuple[Coordinate, ...]
    geometry: Geometry | None

    @classmethod
    def of(cls, checked: CheckedProblem) -> Sampler:
        """Return the sampler of a problem."""
        return cls(checked.coordinates, None if checked.shape is None else build_geometry(checked.shape))

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The low and the high corner, (D,) each, of a box around all points."""
        return np.array([c.low for c in self.coordinates]), np.array([c.high for c in self.coordinates])

    def interior(self, n: int, rng: np.random.Generator) -> PointSet:
        """Return n quasi-random points, uniform in the domain, time and parameters.

        Raises:
            DeclarationError: the shaped domain has no points.
        """
        found = self._draw(n, rng, _Place({}, set(range(len(self.coordinates)))))
        if len(found) < n and self.geometry is not None:
            raise self.geometry.empty()
        return PointSet(found)

    def region(
        self,
        region: Region,
        n: int,
        rng: np.random.Generator,
        free: Collection[str] | None = None,
    ) -> PointSet:
        """Return points of a condition's place, quasi-random and uniform.

        Pinned coordinates have exactly their value. There are n points; one where nothing runs; the ends only
        where nothing but the ends of an interval is meant; fewer where the place is a sliver, at least one.

        Args:
            region: the place.
            n: how many points are wanted.
            rng: where the random shifts come from.
            free: names of the coordinates that matter, all by default; the others stay at one inner value.
                Those that `where` mentions run in any case, and so do all space coordinates of a shape
                together.

        Raises:
            DeclarationError: the place is empty.
        """
        columns = {c.name: i for i, c in enumerate(self.coordinates)}
        pins = {columns[name]: float(value) for name, value in region.pins}
        wanted = set(columns) if free is None else set(free)
        if region.where is not None:
            wanted |= {str(s.name) for s in region.where.free_symbols}
        running = {columns[name] for name in wanted} - set(pins)
        keep = None if region.where is None else self._narrowed(region)
        if region.boundary is not None:
            return self._on_boundary(region, n, rng, _Place(pins, running, keep))
        if self.geometry is not None and running & set(self._space):
            running |= set(self._space) - set(pins)
        found = self._draw(n, rng, _Place(pins, running, keep))
        if n and not len(found):
            raise self._empty(region)
        return PointSet(found)

    def contains(self, points: np.ndarray, slack: float = 1e-9) -> np.ndarray:
        """Say which points (n, D) lie in the domain, within `slack` times its size; NaN lies nowhere."""
        low, high = self.bounds
        room = slack * (high - low)
        inside = ((points >= low - room) & (points <= high + room)).all(axis=1)
        if self.geometry is not None:
            rows = np.flatnonzero(inside)
            inside[rows] = self.geometry.contains(points[rows][:, self._space], slack * self.geometry.size)
        return inside

    @property
    def _space(self) -> list[int]:
        """Columns of the space coordinates: the first ones."""
        return [i for i, c in enumerate(self.coordinates) if c.role == "space"]

    def _draw(self, n: int, rng: np.random.Generator, place: _Place) -> np.ndarray:
        """Return points (at most n, D) off any boundary, drawn by rejection."""
        low, high = self.bounds
        columns, keep = sorted(place.running), place.keep
        fixed = self._fixed(place.pins)
        shaped = self.geometry is not None and set(self._space) <= place.running | set(place.pins)

        def propose(unit: np.ndarray) -> np.ndarray:
            points = np.tile(fixed, (len(unit), 1))
            points[:, columns] = np.minimum(low[columns] + unit * (high - low)[columns], high[columns])
            if shaped:
                points = points[self.contains(points)]
            return points if keep is None else points[keep(points)]

        if not columns:
            return propose(np.empty((min(n, 1), 0)))
        rejects = shaped or keep is not None
        return collect(n, len(columns), rng, propose, expected=0.6 if rejects else 1.0)

    def _on_boundary(self, region: Region, n: int, rng: np.random.Generator, place: _Place) -> PointSet:
        """Return points on a shaped boundary, with normals."""
        geometry, space, piece = self.geometry, self._space, region.boundary or ""
        assert geometry is not None
        if set(place.pins) & set(space):
            name = next(self.coordinates[i].name for i in place.pins if i in space)
            raise DeclarationError(
                f"A condition at the place {region} pins {name} on a shaped boundary, where {name} runs.\n"
                f"Leave On(...) out for the line on which {name} is pinned, or narrow the boundary by where="
            )
        low, high = self.bounds
        columns, keep = sorted(place.running - set(space)), place.keep
        fixed = self._fixed(place.pins)
        taken = geometry.boundary_dimension

        def propose(unit: np.ndarray) -> np.ndarray:
            places, normals, real = geometry.place_on_boundary(unit[:, :taken], piece)
            points = np.tile(fixed, (len(unit), 1))
            points[:, space] = places
            points[:, columns] = low[columns] + unit[:, taken:] * (high - low)[columns]
            rows = np.hstack([points, normals])[real]
            return rows if keep is None else rows[keep(rows[:, : len(fixed)])]

        found = collect(n, taken + len(columns), rng, propose)
        if n and not len(found):
            if keep is not None:
                geometry.boundary(1, rng, piece)  # raises where the piece itself is empty
                raise self._empty(region)
            raise geometry.cut_away(piece)
        if geometry.dimension == 1 and not columns:
            found = np.unique(found, axis=0)
        return PointSet(found[:, : len(fixed)], found[:, len(fixed) :])

    def _fixed(self, pins: dict[int, float]) -> np.ndarray:
        """Return (D,) the values of coordinates that do not run: their pins, else a place in the domain."""
        low, high = self.bounds
        values = (low + high) / 2
        if self.geometry is not None and not set(self._space) & set(pins):
            values[self._space] = self.geometry.interior(1, np.random.default_rng(0))[0]
        for i, value in pins.items():
            values[i] = value
        return values

    def _narrowed(self, region: Region) -> Callable[[np.ndarray], np.ndarray]:
        """Return the region's relation as a function of points (n, D) that says which obey it."""
        relation = sympy.lambdify([c.symbol for c in self.coordinates], region.where, "numpy")

        def keep(points: np.ndarray) -> np.ndarray:
            try:
                with np.errstate(all="ignore"):  # off its range a root is NaN, which obeys nothing
                    values: Any = relation(*points.T)
            except (NameError, TypeError, ValueError, AttributeError) as error:
                raise UnsupportedProblem(
                    f"where={region.where} has no counterpart in numpy ({error}).\n"
                    "Write inequalities of the coordinates, for example where=x < 0, joined by & and |"
                ) from error
            return np.broadcast_to(np.asarray(values, dtype=bool), len(points))

        return keep

    def _empty(self, region: Region) -> DeclarationError:
        """Return the error for a place without points."""
        ranges = ", ".join(f"{c.name} in [{c.low:g}, {c.high:g}]" for c in self.coordinates)
        where = "the shape " + str(self.geometry.shape) if self.geometry else "the domain"
        if region.where is None:
            return DeclarationError(
                f"A condition at the place {region} has no points: {where} does not reach it ({ranges}).\n"
                "Pin the coordinate inside the shape, or write On(domain.boundary, ...) for its boundary"
            )
        return DeclarationError(
            f"A condition with where={region.where} at the place {region} has no points: "
            f"none there obeys it ({ranges}).\n"
            "Write a relation that holds on a part of the place, such as where=x < 0; "
            "to fix a coordinate at a value, put the value in the equation, as in Eq(u(0, y), 1)"
        )
