"""Every choice that a user may take out of the automatic hands; None means: choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)

from pinnsolver.errors import DeclarationError

Activation = Literal["tanh", "sin", "silu", "gelu"]
NetworkKind = Literal["mlp", "modified", "modal"]
Trunks = Literal["shared", "separate"]


MOST_THREADS = 4096


class _Group(BaseModel):
    """A frozen group of settings that refuses unknown keys with a message of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)
    prefix: ClassVar[str] = ""

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise DeclarationError(_explain(type(self), error)) from None


class PointSettings(_Group):
    """How many points each term gets.

    Args:
        interior: points for the equations.
        boundary: points for each condition that runs over two or more coordinates; fewer where only one runs.
        integral: quadrature nodes along each integrated coordinate.
        redraw: steps after which all points are drawn anew; 0: only when the method changes or cannot move.
        growth: how many times more interior points there may be in the end, where the held-out points show
            that too few are learnt by heart; 1 for none.
    """

    prefix: ClassVar[str] = "points."

    interior: int | None = Field(default=None, gt=0, le=10**8)
    boundary: int | None = Field(default=None, gt=0, le=10**7)
    integral: int | None = Field(default=None, gt=0, le=10**4)
    redraw: int | None = Field(default=None, ge=0)
    growth: float | None = Field(default=None, ge=1, le=1000)


class NetworkSettings(_Group):
    """The networks of the fields.

    Args:
        kind: "mlp", a multilayer perceptron; "modified", one whose layers choose between two encodings; or "modal", Fourier
            series along the periodic coordinates, whose amplitudes are a perceptron of the other coordinates.
        trunks: "shared", one network for the fields that share their arguments, or "separate", one a field.
        width: neurons in a layer.
        depth: hidden layers.
        activation: of the hidden layers.
        harmonics: pairs cos(k w x), sin(k w x), k = 1..harmonics, for a periodic coordinate; for several of them in modes, the
            length of the longest wave vector.
        fourier: random frequencies b, each of which adds cos(b x), sin(b x) to the inputs; 0 for none.
        fourier_scale: standard deviation of the frequencies, the coordinates that are not periodic scaled to [-1, 1].
    """

    prefix: ClassVar[str] = "network."

    kind: NetworkKind | None = None
    trunks: Trunks | None = None
    width: int | None = Field(default=None, gt=0, le=10**4)
    depth: int | None = Field(default=None, gt=0, le=100)
    activation: Activation | None = None
    harmonics: int | None = Field(default=None, gt=0, le=1000)
    fourier: int | None = Field(default=None, ge=0, le=10**4)
    fourier_scale: PositiveFloat | None = None


class OptimizerSettings(_Group):
    """The plan of training: Adam, then a second-order method.

    Args:
        adam: steps of Adam; 0 for none.
        learning_rate: of Adam at its start; dimensionless.
        second: after Adam: "gauss-newton" (Levenberg-Marquardt on the residuals), "broyden" or "bfgs" (self-scaled,
            a dense matrix), or "lbfgs".
        memory: pairs that L-BFGS remembers.
        rank: of the randomised form of Gauss-Newton for large networks; 0 for the exact one.
    """

    prefix: ClassVar[str] = "optimizer."

    adam: int | None = Field(default=None, ge=0)
    learning_rate: PositiveFloat | None = None
    second: Literal["gauss-newton", "broyden", "bfgs", "lbfgs"] | None = None
    memory: PositiveInt | None = None
    rank: int | None = Field(default=None, ge=0)


class Settings(_Group):
    """All settings of a run; whatever is not said is chosen automatically, with its reason in the report.

    Args:
        steps: at most so many iterations, over all optimizers.
        seconds: at most so much wall clock for the training.
        tolerance: training stops once every held-out residual is below it, rms, in units of what one wave of size
            1 across the domain leaves in it; dimensionless. Where the run is verified, its estimated errors are compared with it.
        seed: of everything that is drawn.
        device: "cpu", "cuda" or "cuda:1".
        precision: "float64" or "float32".
        threads: of torch on the CPU.
        hard: True or False: build the conditions into the ansatz where that is possible, or not at all.
        causal: causal weighting in time.
        early: so many times as much a residual counts at the start of the time, or of each window, as at its end.
        windows: stretches of time that are solved one after the other, each from the last one's final state.
        frame: "eulerian", fixed places; "lagrangian", the particles; "moving", a frame that goes with the mean velocity.
        stream_function: True puts a stream function in the place of a plane velocity whose divergence vanishes.
        symmetry: True builds in that the solution is even or odd where the declaration is.
        units: True trains in units in which coordinates and fields are of size 1, False in those of the declaration.
        weights: weight of a named term of the loss, by the name that `pinnsolver show` gives it.
        points, network, optimizer: groups of settings; a dictionary will do, as in points={"interior": 4000}.
    """

    steps: int | None = Field(default=None, ge=0)
    seconds: PositiveFloat | None = None
    tolerance: PositiveFloat | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    device: str | None = Field(default=None, pattern=r"^(cpu|cuda(:\d+)?)$")
    precision: Literal["float32", "float64"] | None = None
    threads: int | None = Field(default=None, gt=0, le=MOST_THREADS)
    hard: bool | None = None
    causal: bool | None = None
    early: float | None = Field(default=None, gt=0, le=1e6)
    windows: int | None = Field(default=None, gt=0, le=1000)
    frame: Literal["eulerian", "lagrangian", "moving"] | None = None
    stream_function: bool | None = None
    symmetry: bool | None = None
    units: bool | None = None
    weights: dict[str, PositiveFloat] | None = None
    points: PointSettings = PointSettings()
    network: NetworkSettings = NetworkSettings()
    optimizer: OptimizerSettings = OptimizerSettings()

    @field_validator("points", "network", "optimizer", mode="before")
    @classmethod
    def _none_is_automatic(cls, value: Any) -> Any:
        value = {} if value is None else value
        return {str(k): v for k, v in value.items()} if isinstance(value, dict) else value

    @classmethod
    def of(cls, values: Mapping[Any, Any]) -> Self:
        """Return settings by their names: groups as dictionaries, or dotted, as `setting_names` has them.

        Args:
            values: for example {"points": {"interior": 4000}, "network.width": 40}.

        Raises:
            DeclarationError: a key or a value is wrong.
        """
        named = {str(key): value for key, value in values.items()}
        dotted = {key: value for key, value in named.items() if "." in key}
        return cls(**{k: v for k, v in named.items() if k not in dotted}).with_values(dotted)

    def with_values(self, values: dict[str, Any]) -> Self:
        """Return these settings with dotted keys replaced; None replaces nothing.

        Args:
            values: for example {"points.interior": 4000, "seed": 1}.

        Raises:
            DeclarationError: a key or a value is wrong.
        """
        tree = self.model_dump()
        for key, value in values.items():
            if value is None:
                continue
            group, _, leaf = str(key).rpartition(".")
            if str(key).startswith("weights."):
                group, leaf = "weights", str(key).removeprefix("weights.")
                tree["weights"] = tree["weights"] or {}
            node = tree.get(group) if group else tree
            if not isinstance(node, dict) or (leaf not in node and group != "weights"):
                raise DeclarationError(
                    f"There is no setting {str(key)!r}.\nThe settings are: {', '.join(setting_names())}"
                )
            node[leaf] = value
        return type(self)(**tree)


def setting_names() -> list[str]:
    """Return the dotted name of every setting."""
    names = []
    for name, info in Settings.model_fields.items():
        group = info.annotation
        if isinstance(group, type) and issubclass(group, _Group):
            names += [f"{name}.{inner}" for inner in group.model_fields]
        else:
            names.append(name if name != "weights" else "weights.TERM")
    return names


def _explain(model: type[_Group], error: ValidationError) -> str:
    """Return pydantic's findings as one message that names the culprit and says what to write."""
    lines = []
    for found in error.errors():
        key = model.prefix + ".".join(str(part) for part in found["loc"])
        if found["type"] == "extra_forbidden":
            lines.append(f"There is no setting {key!r}.\nThe settings are: {', '.join(setting_names())}")
            continue
        example = _EXAMPLES.get(key.partition(".")[0] if key.startswith("weights") else key)
        write = (
            f"Write for example {example}" if example else f"Leave {key} out, and it is chosen automatically"
        )
        reason = (
            found["msg"].lower() if found["type"] not in ("string_pattern_mismatch", "model_type") else ""
        )
        lines.append(
            f"The setting {key} = {found['input']!r} is wrong{': ' * bool(reason)}{reason}.\n{write}"
        )
    return "\n".join(lines)


_EXAMPLES = {
    "steps": "steps=5000",
    "seconds": "seconds=60",
    "seed": "seed=0",
    "device": 'device="cpu" or device="cuda"',
    "precision": 'precision="float64"',
    "threads": "threads=2",
    "frame": 'frame="eulerian"',
    "stream_function": "stream_function=True, or False for none",
    "symmetry": "symmetry=True, or False for none",
    "units": "units=True, or False for those of the declaration",
    "early": "early=10, or 1 for none",
    "windows": "windows=10, or 1 for none",
    "weights": 'weights={"equation": 10}, by the names of `pinnsolver show`',
    "points": 'points={"interior": 4000}',
    "network": 'network={"width": 40}',
    "optimizer": 'optimizer={"adam": 1000}',
    "points.interior": "points.interior=4000",
    "points.boundary": "points.boundary=200",
    "points.integral": "points.integral=48",
    "points.redraw": "points.redraw=250, or 0 for none",
    "points.growth": "points.growth=4, or 1 for none",
    "optimizer.rank": "optimizer.rank=400, or 0 for the exact form",
    "tolerance": "tolerance=1e-6",
    "network.kind": "network.kind=mlp",
    "network.trunks": "network.trunks=shared",
    "network.width": "network.width=20",
    "network.depth": "network.depth=3",
    "network.activation": "network.activation=tanh",
    "network.harmonics": "network.harmonics=2",
    "network.fourier": "network.fourier=32, or 0 for none",
    "network.fourier_scale": "network.fourier_scale=2",
    "optimizer.adam": "optimizer.adam=500, or 0 for none",
    "optimizer.learning_rate": "optimizer.learning_rate=0.005",
    "optimizer.second": "optimizer.second=gauss-newton",
    "optimizer.memory": "optimizer.memory=50",
}
