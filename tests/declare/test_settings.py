"""Settings refuse unknown keys and wrong values, each by its name; None means: choose."""

import pytest

from pinnsolver.declare import Settings
from pinnsolver.declare.settings import setting_names
from pinnsolver.errors import DeclarationError


@pytest.mark.parametrize(
    ("values", "phrases"),
    [
        ({"foo": 1}, ["There is no setting 'foo'", "The settings are: steps, seconds"]),
        ({"steps": -1}, ["The setting steps = -1 is wrong", "greater than or equal to 0"]),
        ({"steps": 1.5}, ["The setting steps = 1.5"]),
        ({"steps": "many"}, ["The setting steps = 'many'"]),
        ({"seconds": 0}, ["The setting seconds = 0"]),
        ({"seconds": float("inf")}, ["The setting seconds = inf"]),
        ({"seconds": float("nan")}, ["The setting seconds = nan"]),
        ({"seed": -1}, ["The setting seed = -1"]),
        ({"seed": 2**64}, ["The setting seed"]),
        ({"device": "gpu"}, ["The setting device = 'gpu'"]),
        ({"precision": "float16"}, ["The setting precision", "'float32' or 'float64'"]),
        ({"frame": "swinging"}, ["The setting frame", "'eulerian', 'lagrangian' or 'moving'"]),
        ({"hard": "maybe"}, ["The setting hard = 'maybe'"]),
        ({"weights": {"equation": -1}}, ["The setting weights.equation = -1"]),
        ({"weights": {1: 1}}, ["The setting weights"]),
        ({"weights": 3}, ["The setting weights = 3"]),
        ({"points": 5}, ["The setting points = 5"]),
        (
            {"points": {"inner": 5}},
            ["There is no setting 'points.inner'", "points.interior, points.boundary"],
        ),
        ({"points": {1: 5}}, ["There is no setting 'points.1'"]),
        ({"network": {"activation": "relu"}}, ["The setting network.activation = 'relu'", "'tanh'"]),
        ({"network": {"width": 0}}, ["The setting network.width = 0", "network.width=20"]),
        (
            {"network": {"kind": "resnet"}},
            ["network.kind = 'resnet'", "'mlp', 'modified' or 'modal'", "network.kind=mlp"],
        ),
        ({"network": {"trunks": 2}}, ["network.trunks = 2", "'shared' or 'separate'"]),
        ({"network": {"fourier": -1}}, ["network.fourier = -1", "network.fourier=32, or 0 for none"]),
        ({"network": {"fourier_scale": 0}}, ["network.fourier_scale = 0", "network.fourier_scale=2"]),
        ({"optimizer": {"learning_rate": 0}}, ["learning_rate = 0"]),
    ],
)
def test_a_wrong_setting_is_refused(values, phrases):
    with pytest.raises(DeclarationError) as caught:
        Settings(**values)
    assert all(phrase in str(caught.value) for phrase in phrases), caught.value


@pytest.mark.parametrize(
    "key", ["foo", "points", "points.inner", "points.interior.x", "seed.x", "foo.bar", "", ".", "weights"]
)
def test_an_unknown_dotted_key_is_refused(key):
    with pytest.raises(DeclarationError):
        Settings().with_values({key: 5})


def test_dotted_keys_replace_single_values():
    settings = Settings(seed=1, points={"interior": 10, "boundary": 5})
    changed = settings.with_values({"points.interior": 20, "weights.u(x, 0) = 0.5": 3, "seed": None})
    assert (changed.points.interior, changed.points.boundary, changed.seed) == (20, 5, 1)
    assert changed.weights == {"u(x, 0) = 0.5": 3}
    assert settings.points.interior == 10


def test_everything_is_automatic_at_first():
    assert all(value is None for name, value in Settings() if name not in ("points", "network", "optimizer"))
    assert Settings(points=None) == Settings()


def test_settings_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        Settings().seed = 3


def test_every_setting_is_named():
    assert {"seed", "points.interior", "weights.TERM", "network.activation"} <= set(setting_names())


def test_groups_are_dictionaries_or_dotted_keys():
    dotted = Settings.of({"points.interior": 40, "network": {"width": 8}, "weights.u(0.5, t) = 0": 2})
    nested = {"points": {"interior": 40}, "network": {"width": 8}, "weights": {"u(0.5, t) = 0": 2}}
    assert dotted == Settings(**nested)
    with pytest.raises(DeclarationError, match=r"no setting 'points\.inner'"):
        Settings.of({"points.inner": 5})
