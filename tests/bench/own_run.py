"""One run of pinnsolver with its automatic choices, a process of its own: prints its curve as JSON in the last line.

`--write-points` writes where the answer is known instead, for those who race.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from pinnsolver import Problem, load_problem, solve
from pinnsolver.declare import check_problem
from pinnsolver.sample import Sampler
from pinnsolver.scoring import Scored, relative_l2, scoring_points

PROBLEMS = Path(__file__).parents[2] / "problems"
SAMPLE = 2000  # as `pinnsolver.scoring.live_score`


def sample_of(scored: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Return the points, (n, D), and values, (n,), at which `live_score` looks during training."""
    rows = np.random.default_rng(0).permutation(len(scored.values))[:SAMPLE]
    return scored.points[rows], scored.values[rows]


def scored_of(problem: Problem) -> tuple[str, Scored]:
    """Return the name of a problem's first field with a known answer, and where it is known."""
    checked = check_problem(problem)
    return next(iter(scoring_points(checked, Sampler.of(checked)).items()))


def write_points(problem: Problem, path: Path) -> None:
    """Write all points where the answer is known, and the sample of them that both are scored at."""
    _, scored = scored_of(problem)
    sample, values = sample_of(scored)
    np.savez(path, points=scored.points, values=scored.values, sample=sample, sample_values=values)


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("problem")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write-points", type=Path)
    given = parser.parse_args()
    problem = load_problem(PROBLEMS / f"{given.problem}.py")
    if given.write_points is not None:
        write_points(problem, given.write_points)
        return
    solution = solve(problem, seconds=given.seconds, seed=given.seed, threads=given.threads, quiet=True)
    name, scored = scored_of(problem)
    history, result = solution.history, solution.result
    curve = [
        (float(s), float(e)) for s, e in zip(history["seconds"], history[f"relative_l2:{name}"], strict=True)
    ]
    sample, known = sample_of(scored)
    # The solution is the best state by held-out points, which need not be the last one.
    curve.append((result["seconds"], relative_l2(solution.evaluate(sample)[name], known)))
    print(
        json.dumps(
            {
                "peer": "pinnsolver",
                "curve": curve,
                "final_all_points": result["relative_l2"][name],
                "unknowns": result["unknowns"],
                "iterations": {"all": result["steps"]},
                "stopped": result["stopped"],
                "threads": result["threads"],
                "notes": f"{result['precision']}, all choices automatic",
            }
        )
    )


if __name__ == "__main__":
    main()
