"""One run of DeepXDE's recipe under a clock, a process of its own: prints its curve as JSON in the last line.

It imports nothing of pinnsolver, so that its peak memory is DeepXDE's own.
"""

from __future__ import annotations

import argparse
import inspect
import json
import time
from pathlib import Path
from typing import Any

import deepxde as dde
import numpy as np
import torch

from .recipes import RECIPES, Recipe

ADAM_SHARE = 0.5  # of the time; L-BFGS gets the rest
LOOK_EVERY = (
    50  # iterations of L-BFGS between two looks at the clock, of which the documented default is 1000
)
SCORE_EVERY = 2.0  # seconds at most between two scores; a thirtieth of a shorter run


class Referee(dde.callbacks.Callback):
    """Stops a phase when its time is up and scores now and then, with its clock standing still.

    Args:
        points: (n, D), where the answer is known.
        known: (n,) values there.
        every: seconds between two scores.
    """

    def __init__(self, points: np.ndarray, known: np.ndarray, every: float) -> None:
        super().__init__()
        self.points, self.known, self.every = points, known, every
        self.curve: list[tuple[float, float]] = []
        self.limit = float("inf")
        self._start, self._paused = time.perf_counter(), 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without scoring."""
        return time.perf_counter() - self._start - self._paused

    def on_epoch_end(self) -> None:
        """Look at the clock."""
        seconds = self.seconds
        if seconds - (self.curve[-1][0] if self.curve else 0.0) >= self.every:
            self.score()
        if seconds >= self.limit:
            self.model.stop_training = True

    def score(self) -> None:
        """Add a point to the curve."""
        seconds, begin = self.seconds, time.perf_counter()
        self.curve.append((seconds, error_of(self.model, self.points, self.known)))
        self._paused += time.perf_counter() - begin


def error_of(model: Any, points: np.ndarray, known: np.ndarray, batch: int = 2000) -> float:
    """Return the relative L2 error at (n, D) points, taken in batches that cost no memory to speak of."""
    parts = [model.predict(points[k : k + batch]) for k in range(0, len(points), batch)]
    found = np.concatenate(parts)[:, 0].astype(float)
    return float(np.linalg.norm(found - known) / np.linalg.norm(known))


def train(make: Any, referee: Referee, limit: float) -> tuple[Any, Recipe, dict[str, int]]:
    """Make and train a recipe; return the model, the recipe and the iterations by optimizer."""
    recipe = make()
    model = dde.Model(recipe.data, recipe.net)
    unknowns = {"external_trainable_variables": list(recipe.unknowns.values())} if recipe.unknowns else {}
    model.compile("adam", lr=1e-3, verbose=0, **unknowns)
    referee.limit = ADAM_SHARE * limit
    model.train(iterations=recipe.adam, display_every=10**9, callbacks=[referee], verbose=0)
    adam = model.train_state.step
    dde.optimizers.LBFGS_options.update(iter_per_step=LOOK_EVERY, fun_per_step=int(1.25 * LOOK_EVERY))
    model.compile("L-BFGS", verbose=0, **unknowns)
    referee.limit = limit
    model.train(display_every=10**9, callbacks=[referee], verbose=0)
    referee.score()
    return model, recipe, {"adam": adam, "lbfgs": model.train_state.step - adam}


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("problem", choices=sorted(RECIPES))
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--points", type=Path, required=True, help="where the answer is known")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    dde.config.set_random_seed(given.seed)
    known = np.load(given.points)
    referee = Referee(known["sample"], known["sample_values"], min(SCORE_EVERY, given.seconds / 30))
    model, recipe, iterations = train(RECIPES[given.problem], referee, given.seconds)
    print(
        json.dumps(
            {
                "peer": "deepxde",
                "curve": referee.curve,
                "final_all_points": error_of(model, known["points"], known["values"]),
                "unknowns": {name: float(value.detach()) for name, value in recipe.unknowns.items()},
                "iterations": iterations,
                "threads": torch.get_num_threads(),
                "notes": "float32. " + inspect.cleandoc(RECIPES[given.problem].__doc__ or ""),
            }
        )
    )


if __name__ == "__main__":
    main()
