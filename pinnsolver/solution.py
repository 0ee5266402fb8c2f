"""A trained problem: evaluate it, audit it, compare it with a known answer, save it, load it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import CheckedProblem, Field, Settings, norm_conditions
from pinnsolver.declare.checked import Reference
from pinnsolver.errors import DeclarationError, RunFolderError
from pinnsolver.panels import make_panels
from pinnsolver.readout import Readout, read_out, read_out_in_units
from pinnsolver.records import (
    read_result,
    refuse_another_ansatz,
    run_mark,
    transform_as_recorded,
    write_declaration,
)
from pinnsolver.runfolder import (
    Panel,
    RunData,
    has_training,
    new_run_folder,
    read_history,
    read_json,
    unwritable,
    write_arrays,
    write_history,
    write_json,
    write_panels,
)
from pinnsolver.sample import Sampler
from pinnsolver.scoring import Scored, interpolated_table, reference_values, relative_l2, scoring_points
from pinnsolver.second import solve_again
from pinnsolver.train import (
    TrainableProblem,
    WindowedProblem,
    compile_transformed,
    find_device,
    module_of,
    read_checkpoint,
    read_training,
    write_checkpoint,
    write_training,
)
from pinnsolver.transform import describe
from pinnsolver.verify import ErrorEstimate, SecondRun, estimate_error
from pinnsolver.verify.estimate import allowed_seconds
from pinnsolver.verify.wording import tolerance_entry, warnings_of

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

# Points along each axis of solution.npz and to_xarray, by the number of axes.
AXIS = {1: 1001, 2: 201, 3: 65, 4: 25, 5: 13}
ZERO_SHARE = 0.9  # of what fields of zero leave in a norm condition, above which the zero state was found
NEGLIGIBLE = 1e-6  # of the largest residual: what is below it is rounding, as of a hard condition
AUDIT_SHARE = 2  # fresh points for the audit, as a multiple of the training's


@dataclass(frozen=True, eq=False)
class Solution:
    """The trained fields of a problem, with what the run measured.

    Call it with coordinates for the fields, or with a sympy expression of the fields first:

        solution(x=0.5, t=[0, 1])                       # dict of arrays by field name
        solution(u(x, t).diff(x), x=0.5, t=[0, 1])      # one array

    Args:
        compiled: the problem.
        module: its trained network and unknowns.
        result: the content of `result.json`.
        history: columns of `history.csv`.
        folder: where it is saved, None if nowhere.
        training: the state from which its training can go on, None if it lies in the folder or nowhere.
    """

    compiled: CompiledProblem
    module: TrainableProblem | WindowedProblem
    result: Mapping[str, Any]
    history: Mapping[str, np.ndarray]
    folder: Path | None = field(default=None)
    training: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def checked(self) -> CheckedProblem:
        """The declaration."""
        return self.compiled.transformed.declared

    @property
    def unknowns(self) -> dict[str, float]:
        """The values found for the unknown numbers."""
        return self.module.unknowns.numbers()

    @property
    def relative_l2(self) -> dict[str, float | None]:
        """Relative L2 error by field, None where no answer is known."""
        return dict(self.result["relative_l2"])

    def __call__(self, expression: sympy.Expr | None = None, /, **coordinates: Any) -> Any:
        """Evaluate the fields, or an expression of them, at points.

        Args:
            expression: of the fields, for example `u(x, t).diff(x)`; all fields if left out.
            coordinates: numbers or arrays by name, broadcast against each other.

        Returns:
            An array of the broadcast shape; without an expression a dict of them by field name.
            Points off the domain give NaN.

        Raises:
            DeclarationError: a coordinate is missing or unknown, or the expression means nothing here.
        """
        fields = {f.name: f.applied for f in self.checked.fields}
        expressions = fields if expression is None else {"": sympy.sympify(expression)}
        points, shape = self._points(coordinates, self._needed(expressions))
        values = self.evaluate(points, expressions)
        found = {name: column.reshape(shape) for name, column in values.items()}
        return found if expression is None else found[""]

    def evaluate(
        self, points: np.ndarray, expressions: Mapping[str, sympy.Expr] | None = None
    ) -> dict[str, np.ndarray]:
        """Return named expressions, all fields by default, at (n, D) points in column order, (n,) each.

        Points off the domain give NaN.
        """
        if expressions is None:
            expressions = {f.name: f.applied for f in self.checked.fields}
        return self._evaluated(self._readout, self._sampler, points, expressions)

    def evaluate_in_units(
        self, points: np.ndarray, expressions: Mapping[str, sympy.Expr] | None = None
    ) -> dict[str, np.ndarray]:
        """Return named expressions as `evaluate` does, with everything in the units of the training."""
        if expressions is None:
            expressions = {f.name: f.applied for f in self.checked.fields}
        sampler = Sampler.of(self.compiled.transformed.in_units)
        return self._evaluated(self._readout_in_units, sampler, points, expressions)

    def _evaluated(
        self, readout: Readout, sampler: Sampler, points: np.ndarray, expressions: Mapping[str, sympy.Expr]
    ) -> dict[str, np.ndarray]:
        """Return named expressions of what is read out at (n, D) points, NaN off the domain."""
        inside = sampler.contains(points)
        unknowns = self.module.unknowns.values()
        found = readout.compiled.evaluate(
            expressions, points[inside], readout.network, unknowns, self.module.device
        )
        whole = {name: np.full(len(points), np.nan) for name in found}
        for name, values in found.items():
            whole[name][inside] = values
        return whole

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Say which (n, D) points lie in the domain."""
        return self._sampler.contains(points)

    @cached_property
    def _readout(self) -> Readout:
        return read_out(self.compiled, self.module)

    @cached_property
    def _readout_in_units(self) -> Readout:
        if self.compiled.transformed.units is None:
            return self._readout
        return read_out_in_units(self.compiled, self.module)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the result has to know of it."""
        return (*self._readout.notes, *self._zero_states)

    @cached_property
    def _zero_states(self) -> tuple[str, ...]:
        """What to say where training fell into the zero state: a size that was asked for is missing."""
        missing = norm_conditions(self.checked)
        if not missing or isinstance(self.module, WindowedProblem):
            return ()
        found = []
        for k, group in enumerate(self._readout.compiled.groups):
            if group.kind != "condition" or missing.keys().isdisjoint(group.names):
                continue
            assert group.region is not None
            points = self._sampler.region(group.region, 16, np.random.default_rng(0)).points
            for name, values in self._group_residuals(k, points, None).items():
                if name in missing and float(np.abs(values).max()) > ZERO_SHARE * missing[name]:
                    found.append(_zero_state(name, self.checked))
        return tuple(found)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler.of(self.checked)

    def _needed(self, expressions: Mapping[str, sympy.Expr]) -> set[str]:
        """Return the coordinates without which the expressions cannot be evaluated."""
        symbols = {s for e in expressions.values() for s in e.free_symbols}
        functions = {a.func.__name__ for e in expressions.values() for a in e.atoms(sympy.Function)}
        needed = {c.name for c in self.checked.coordinates if c.symbol in symbols}
        if functions & {f.name for f in self.checked.fields}:
            needed |= {c.name for c in self.checked.coordinates if c.role == "parameter"}
        return needed

    def _points(self, coordinates: Mapping[str, Any], needed: set[str]) -> tuple[np.ndarray, tuple[int, ...]]:
        """Return (n, D) points and the broadcast shape."""
        names = [c.name for c in self.checked.coordinates]
        example = f"solution({', '.join(f'{n}=...' for n in names)})"
        alien = [n for n in coordinates if n not in names]
        missing = [n for n in names if n in needed and n not in coordinates]
        if alien or missing:
            culprit = f"{alien[0]} is no coordinate" if alien else f"{missing[0]} is missing"
            raise DeclarationError(
                f"The solution was asked for at {', '.join(coordinates) or 'nothing'}: {culprit}.\nWrite {example}"
            )
        try:
            given = {n: np.asarray(v, dtype=float) for n, v in coordinates.items()}
            arrays = dict(zip(given, np.broadcast_arrays(*given.values()), strict=True))
        except (TypeError, ValueError) as error:
            raise DeclarationError(
                f"The coordinates are no arrays of numbers that fit together: {error}.\nWrite {example}"
            ) from None
        shape = next(iter(arrays.values())).shape if arrays else ()
        points = np.tile([0.5 * (c.low + c.high) for c in self.checked.coordinates], (int(np.prod(shape)), 1))
        if self.checked.shape is not None and not needed & {c.name for c in self.checked.space}:
            inner = self._sampler.interior(1, np.random.default_rng(0)).points[0]
            points[:, : len(self.checked.space)] = inner[: len(self.checked.space)]
        for k, name in enumerate(names):
            if name in arrays:
                points[:, k] = arrays[name].ravel()
        return points, shape

    # ------------------------------------------------------------------------------- audit and error

    def residuals(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Return each equation's residual at (n, D) points inside the domain, (n,) each."""
        found: dict[str, list[np.ndarray]] = {e.name: [] for e in self.checked.equations}
        for start in range(0, len(points), 10000):
            chunk = self._group_residuals(0, points[start : start + 10000], None)
            for name, values in chunk.items():
                found[name].append(values)
        return {name: np.concatenate(parts) if parts else np.empty(0) for name, parts in found.items()}

    def _group_residuals(
        self, k: int, points: np.ndarray, normals: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        compiled = self._readout.compiled
        prepared = compiled.prepare(k, points, normals, self.module.device)
        with torch.no_grad():
            unknowns = self.module.unknowns.values()
            found = compiled.residuals(prepared, self._readout.network, unknowns)
        return {name: values.cpu().numpy()[:, 0] for name, values in found.items()}

    def audit(self, seed: int = 0) -> tuple[dict[str, float], dict[str, float]]:
        """Return the root mean square of every equation's and every condition's residual on fresh points.

        Hard conditions are measured like the others.
        """
        rng = np.random.default_rng([seed, 3])
        settings = self.compiled.transformed.settings.points
        equations: dict[str, float] = {}
        conditions: dict[str, float] = {}
        for k, group in enumerate(self._readout.compiled.groups):
            normals = None
            if group.kind == "equation":
                points = self._sampler.interior(AUDIT_SHARE * (settings.interior or 1000), rng).points
            elif group.fixed is not None:
                points = group.fixed[0]
            else:
                assert group.region is not None
                count = (
                    64
                    if any(r.integrals for r in group.residuals)
                    else AUDIT_SHARE * (settings.boundary or 100)
                )
                drawn = self._sampler.region(group.region, count, rng)
                points, normals = drawn.points, drawn.normals
            target = equations if group.kind == "equation" else conditions
            seen = self.reaches(points)
            normals = None if normals is None else normals[seen]
            for name, found in self._group_residuals(k, points[seen], normals).items():
                values = found[np.isfinite(found)]  # where particles have crossed there is nothing to measure
                target[name] = float(np.sqrt(np.mean(values**2))) if len(values) else math.nan
        return equations, conditions

    def reaches(self, points: np.ndarray) -> np.ndarray:
        """Say at which (n, D) points there is a solution: a run in windows of time may have been cut off."""
        if not isinstance(self.module, WindowedProblem):
            return np.ones(len(points), dtype=bool)
        units = self.compiled.transformed.units
        points = points if units is None else units.restated_points(points)
        return points[:, self.module.column] <= self.module.reached

    def scored(self) -> dict[str, Scored]:
        """Return by field where its answer is known."""
        return scoring_points(self.checked, self._sampler)

    def errors(self, scored: Mapping[str, Scored]) -> tuple[dict[str, float | None], dict[str, float | None]]:
        """Return relative L2 error and largest absolute error by field; None where no answer is known."""
        relative: dict[str, float | None] = {f.name: None for f in self.checked.fields}
        largest = dict(relative)
        for name, known in scored.items():
            values = self.evaluate(known.points)[name]
            answer = known.sign(values) * known.values
            seen = np.isfinite(values)  # a table's point may lie just off a curved boundary
            relative[name] = relative_l2(values[seen], answer[seen])
            largest[name] = float(np.abs(values - answer)[seen].max()) if seen.any() else None
        return relative, largest

    def estimate(self, seconds: float | None = None) -> ErrorEstimate:
        """Return how far the fields are off, by a classical solver on the same declaration or a second run; see `pinnsolver.verify`.

        Args:
            seconds: how long it may take; no longer than the training took, 5 s at least, if left out.
        """
        allowed = allowed_seconds(float(self.result.get("seconds") or 0.0)) if seconds is None else seconds
        checked = (
            self.compiled.transformed.in_units
        )  # relative errors know no units, classical solvers' tolerances do
        return estimate_error(checked, self.evaluate_in_units, self.unknowns, allowed, self.second_run)

    def second_run(self, seconds: float) -> SecondRun | None:
        """Return the problem solved once more, as evidence of the error; None where it came to nothing.

        Args:
            seconds: how long it may take.
        """
        found = solve_again(self.compiled.transformed, seconds)
        if found is None:
            return None
        compiled, trained = found
        again = Solution(compiled, trained.module, {}, trained.history.columns())
        own, other = (s.audit() for s in (self, again))
        pairs = [(own[k][name], other[k][name]) for k in (0, 1) for name in own[k]]
        least = NEGLIGIBLE * max((max(p) for p in pairs if math.isfinite(sum(p))), default=0.0)
        shares = [a**2 / (a**2 + b**2) for a, b in pairs if math.isfinite(a + b) and max(a, b) > least]
        words = (
            f"seed {compiled.transformed.settings.seed}, {trained.module.size} instead of {self.module.size} "
            f"parameters, {trained.seconds:.0f} s"
        )
        share = float(np.mean(shares)) if shares else 0.5
        return SecondRun(again.evaluate_in_units, share, words)

    def verify(self, seconds: float | None = None) -> Solution:
        """Return the solution with its error estimate among the results; a saved run's `result.json` is written anew.

        Args:
            seconds: as in `estimate`.

        Raises:
            RunFolderError: the run folder cannot be written.
        """
        found = self.estimate(seconds).entries()
        tolerance = self.compiled.transformed.settings.tolerance
        if tolerance is not None:
            found["tolerance"] = tolerance_entry(found["error_estimate"], tolerance)
            if found["tolerance"]["reached"]:
                found["verified_against"]["notes"].append(
                    f"Every estimate is below the tolerance, {tolerance:.1e}."
                )
        result = {key: value for key, value in self.result.items() if key != "reference_l2"} | found
        result["warnings"] = warnings_of(result)
        if self.folder is not None:
            try:
                write_json(self.folder / "result.json", result)
            except OSError as error:
                raise unwritable(self.folder, error) from None
        return replace(self, result=result)

    # ------------------------------------------------------------------------------ grids and pictures

    def to_xarray(self, shape: Mapping[str, int] | None = None) -> xarray.Dataset:
        """Return the fields on a uniform grid.

        Args:
            shape: number of points by coordinate name; chosen where it is left out.

        Returns:
            A dataset with the coordinates as dimensions; NaN off a shaped domain.
        """
        import xarray

        axes = self._axes(shape or {})
        fields = {}
        for f in self.checked.fields:
            names = [self.checked.coordinates[i].name for i in self.checked.inputs(f)]
            grids = np.meshgrid(*(axes[n] for n in names), indexing="ij")
            values = self(f.applied, **dict(zip(names, grids, strict=True)))
            fields[f.name] = (names, values)
        used = {n for names, _ in fields.values() for n in names}
        return xarray.Dataset(fields, coords={n: a for n, a in axes.items() if n in used})

    def _axes(self, shape: Mapping[str, int]) -> dict[str, np.ndarray]:
        names = [c.name for c in self.checked.coordinates]
        alien = [n for n in shape if n not in names]
        if alien:
            raise DeclarationError(
                f"shape names {alien[0]}, which is no coordinate.\nThe coordinates are {', '.join(names)}"
            )
        usual = AXIS.get(len(names), 7)
        return {
            c.name: np.linspace(c.low, c.high, int(shape.get(c.name, usual)))
            for c in self.checked.coordinates
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the content of `solution.npz`: axes and fields on them, or points on a shaped domain."""
        data = self.to_xarray()
        if self.checked.shape is None:
            named = {str(n): np.asarray(a) for n, a in {**data.coords, **data.data_vars}.items()}
            return named
        names = [c.name for c in self.checked.coordinates]
        grids = np.meshgrid(*(data.coords[n].values for n in names if n in data.coords), indexing="ij")
        points = {n: g.ravel() for n, g in zip([n for n in names if n in data.coords], grids, strict=True)}
        matrix = np.stack(
            [points.get(c.name, np.full(grids[0].size, c.low)) for c in self.checked.coordinates], 1
        )
        inside = self.contains(matrix)
        values = self.evaluate(matrix[inside])
        return {n: p[inside] for n, p in points.items()} | values

    def panels(self) -> tuple[Panel, ...]:
        """Return the lines and planes for the pictures."""
        fields = {f.name: f for f in self.checked.fields}
        signs = {
            name: s.sign(self.evaluate(s.points)[name]) for name, s in self.scored().items() if s.free_sign
        }

        def evaluate(points: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
            return self.evaluate(points), self.residuals(points)

        def known(points: np.ndarray) -> dict[str, np.ndarray]:
            return {
                name: self._known(fields[name], reference, points, signs.get(name, 1.0))
                for name, reference in self.checked.references.items()
            }

        return make_panels(self.checked, evaluate, known, self.contains)

    def _known(self, function: Field, reference: Reference, points: np.ndarray, sign: float) -> np.ndarray:
        """Return a field's known values at (n, D) points with a sign, (n,); those of a table interpolated."""
        if reference.table is None:
            return sign * reference_values(self.checked, function, reference, points)
        return sign * interpolated_table(
            self.checked, reference, points, lambda p: sign * self.evaluate(p)[function.name]
        )

    def run_data(self) -> RunData:
        """Return everything that the report shows."""
        return RunData(
            folder=self.folder,
            result=self.result,
            settings=self.compiled.transformed.settings.model_dump(),
            understood=describe(self.compiled.transformed),
            history=self.history,
            panels=self.panels(),
            source=self.checked.problem.source,
        )

    def plot(self) -> Figure:
        """Return a matplotlib figure of the solution; a notebook shows it."""
        from pinnsolver.report import draw_solution

        return draw_solution(self.run_data())

    def report(self) -> Path:
        """Write the report page into the run folder, saving the solution first if it is not saved.

        Returns:
            Path of `report.html`.
        """
        from pinnsolver.report import write_report

        saved = self if self.folder is not None else self.save()
        assert saved.folder is not None
        return write_report(saved.run_data(), saved.folder)

    # ----------------------------------------------------------------------------------- save and load

    def save(self, folder: str | Path | None = None, overwrite: bool = False) -> Solution:
        """Write the run folder and return the solution with its place.

        Args:
            folder: where; `outputs/<problem>/<run>` if left out.
            overwrite: replace a run that is there.

        Raises:
            RunFolderError: the folder holds a run already, or cannot be written.
        """
        seed = self.compiled.transformed.settings.seed
        place = new_run_folder(folder, self.checked.problem.name, f"seed{seed}", overwrite)
        write_declaration(place, self.compiled, self.scored())
        training = self.training
        if training is None and self.folder is not None and has_training(self.folder):
            training = read_training(self.folder, run_mark(self.folder))
        if training is not None:
            try:
                write_training(place, training, run_mark(place))
            except OSError as error:
                raise unwritable(place, error) from None
        return self.save_in(place)

    def save_in(self, place: Path) -> Solution:
        """Write what training gave into a run folder that holds the declaration already."""
        try:
            # While files of two states lie side by side there is no result that they could be taken for.
            (place / "result.json").unlink(missing_ok=True)
            progress = {"steps": self.result["steps"], "seconds": self.result["seconds"]}
            write_checkpoint(place, self.module.state_dict(), progress)
            write_history(place / "history.csv", self.history)
            write_arrays(place / "solution.npz", self.arrays())
            write_panels(place / "panels.npz", self.panels())
            write_json(place / "result.json", self.result)  # last: a folder that has it is complete
        except OSError as error:
            raise unwritable(place, error) from None
        return replace(self, folder=place)

    @classmethod
    def load(cls, folder: str | Path, device: str = "cpu") -> Solution:
        """Read a saved solution. Nothing of the folder is executed: the declaration is kept as data.

        Raises:
            RunFolderError: it is no run folder, or a file of it is damaged.
        """
        place = Path(folder)
        if not place.is_dir():
            raise RunFolderError(
                f"{place} is not a folder.\nName a folder that `pinnsolver solve` wrote, for example outputs/burgers/seed0"
            )
        result = read_result(place)
        transformed, _ = transform_as_recorded(place)
        refuse_another_ansatz(place, transformed, read_json(place / "understood.json"))
        compiled = compile_transformed(transformed)
        state, _ = read_checkpoint(place)
        where = find_device(device)
        _refuse_misfit(place, state, transformed.settings)
        try:
            module = module_of(compiled).to(where)
            module.load_state_dict(state)
        except RuntimeError:  # torch lists every tensor
            raise _misfit(place) from None
        return cls(compiled, module, result, read_history(place / "history.csv"), place)


def _refuse_misfit(place: Path, state: Mapping[str, torch.Tensor], settings: Settings) -> None:
    """Refuse settings of a network that the weights cannot be, before so large a one is made."""
    sizes = {n for tensor in state.values() for n in tensor.shape}
    network = settings.network
    most = max(len(state), *sizes, 1)
    asked = (network.depth, network.fourier, network.harmonics, settings.windows)
    if (network.width or 0) not in {0, *sizes} or any((n or 0) > most for n in asked):
        raise _misfit(place)


def _misfit(place: Path) -> RunFolderError:
    return RunFolderError(f"The weights of {place} do not fit its settings.\nSolve the problem again")


def _zero_state(name: str, checked: CheckedProblem) -> str:
    """Return the warning that a trained state is zero, named by the condition that it breaks."""
    condition = next(c for c in checked.conditions if c.name == name)
    fields = ", ".join(dict.fromkeys(v.field for v in condition.residual.all_values()))
    numbers = ", ".join(u.name for u in checked.unknowns)
    lost = (
        f", so that {numbers} {'mean' if len(checked.unknowns) > 1 else 'means'} nothing" if numbers else ""
    )
    return (
        f"Zero state: {fields} fell to zero and breaks {name}{lost}. "
        "Solve again with another seed, more steps, or starts of the unknown numbers nearer to their values."
    )
