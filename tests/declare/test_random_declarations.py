"""Random right problems: none is refused, the exact solution has no residual, a few steps of training end."""

import os
import time

import numpy as np
import pytest
import sympy
import torch
from conftest import exact_network
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pinnsolver import solve
from pinnsolver.compile import CompiledProblem
from pinnsolver.declare import Settings, check_problem
from pinnsolver.errors import PinnsolverError
from pinnsolver.network import AutogradNetwork
from pinnsolver.sample import Sampler
from pinnsolver.transform import transform_problem

from .damages import damages_of
from .random_problems import KINDS, drafts

# HYPOTHESIS_EXAMPLES=10000 python -m pytest -m slow tests/declare/test_random_declarations.py
MANY = int(os.environ.get("HYPOTHESIS_EXAMPLES", "3000"))
SECONDS = 20  # longer is a hang
TINY = {
    "points.interior": 24,
    "points.boundary": 8,
    "points.integral": 8,
    "network.width": 4,
    "network.depth": 1,
}


def examples(count, **more):
    """Return the settings of a property: the same examples every time, as they are; to shrink one takes minutes."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=count,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=checks,
        **more,
    )


# --------------------------------------------------------------------------------------- right problems


def check_right(draft):
    """Check and transform a right problem; the formulas of its exact solution solve what was read of it."""
    problem, begin = draft.problem(), time.process_time()
    checked = check_problem(problem)
    transformed = transform_problem(checked, Settings())
    assert time.process_time() - begin < SECONDS
    for part in (*checked.equations, *checked.conditions):
        gap = residual_of_exact(part, checked, draft)
        assert gap < 1e-8, f"{part.name}: {gap}"
    return checked, transformed


def residual_of_exact(part, checked, draft):
    """Return the largest residual of the exact solution in a lowered equation or condition, relative to its terms."""
    if part.residual.integrals or any(v.normal for v in part.residual.values):
        return 0.0  # numbers for these come with the compiled problem
    rng, boundary = np.random.default_rng(0), getattr(getattr(part, "region", None), "boundary", None)
    put = {u: draft.unknowns[u.name] for u in checked.unknowns}
    for value in part.residual.values:
        by = [(c.symbol, k) for c, k in zip(checked.coordinates, value.orders, strict=True) if k]
        formula = draft.exact[value.field]
        formula = formula.diff(*by) if by else formula
        put[value.symbol] = formula.subs(
            {c.symbol: dict(value.pins)[c.name] for c in checked.coordinates if c.name in dict(value.pins)}
        )
    terms = [t.xreplace(put) for t in sympy.Add.make_args(sympy.expand(part.residual.expr, deep=False))]
    points = Sampler.of(checked).region(part.region, 8, rng).points if boundary is not None else None
    columns = (
        [c.low + c.length * rng.random(8) for c in checked.coordinates] if points is None else list(points.T)
    )
    symbols = [c.symbol for c in checked.coordinates]
    values = [np.broadcast_to(sympy.lambdify(symbols, t, "numpy")(*columns), len(columns[0])) for t in terms]
    return float((np.abs(np.sum(values, axis=0)) / (1 + np.sum(np.abs(values), axis=0))).max())


@examples(60)
@given(drafts())
def test_a_right_problem_is_read_rightly(draft):
    check_right(draft)


@pytest.mark.slow
@examples(MANY)
@given(drafts())
def test_many_right_problems_are_read_rightly(draft):
    check_right(draft)


def check_compiled(draft, hard):
    """The exact solution has no residual in the compiled problem, whose ansatz carries what it can."""
    made = CompiledProblem(
        transform_problem(
            check_problem(draft.problem()), Settings(hard=hard).with_values({**TINY, "points.integral": 24})
        )
    )
    exact = exact_network(made)
    if exact is None:  # slopes of a shaped boundary are built in: the network is the solution of an equation
        return
    network = AutogradNetwork(exact, [f.name for f in made.checked.fields])
    unknowns = {n: torch.tensor(v, dtype=torch.float64) for n, v in draft.unknowns.items()}
    sampler, rng = Sampler.of(made.checked), np.random.default_rng(1)
    for k, group in enumerate(made.groups):
        if group.fixed is not None:
            points, normals = group.fixed[0], None
        else:
            drawn = (
                sampler.interior(50, rng) if group.region is None else sampler.region(group.region, 20, rng)
            )
            points, normals = drawn.points, drawn.normals
        for name, values in made.residuals(
            made.prepare(k, points, normals, "cpu"), network, unknowns
        ).items():
            if group.kind == "condition" and made.transformed.enforcement[name].how == "hard":
                continue  # (u - lift) / factor is 0/0 there
            found = values.detach().abs()
            assert torch.isfinite(found).any(), name
            # A raw output divided by a factor loses digits close to a face: judged by the median.
            assert float(found[torch.isfinite(found)].median()) < 1e-6, name


@examples(20)
@given(drafts(), st.booleans())
def test_the_exact_solution_has_no_residual(draft, hard):
    check_compiled(draft, hard)


@pytest.mark.slow
@examples(MANY // 20)
@given(drafts(), st.booleans())
def test_many_exact_solutions_have_no_residual(draft, hard):
    check_compiled(draft, hard)


def check_solved(draft, steps):
    """A few steps end, with numbers."""
    begin = time.process_time()
    solution = solve(
        draft.problem(), steps=steps, threads=1, settings=Settings().with_values(TINY), quiet=True
    )
    assert time.process_time() - begin < SECONDS
    assert solution.result["steps"] <= steps
    numbers = [*solution.result["residual_rms"].values(), *solution.result["conditions_rms"].values()]
    assert np.isfinite(numbers).all() and len(numbers) >= len(draft.exact)


@examples(10)
@given(drafts(), st.integers(3, 6))
def test_a_right_problem_trains(draft, steps):
    check_solved(draft, steps)


@pytest.mark.slow
@examples(MANY // 30)
@given(drafts(), st.integers(3, 6))
def test_many_right_problems_train(draft, steps):
    check_solved(draft, steps)


# ------------------------------------------------------------------------------------- damaged problems


def declare(draft, *damages):
    """Return what becomes of a damaged declaration: the message with which it is refused, None where it is read."""
    damaged, begin = draft.copy(), time.process_time()
    try:
        for damage in damages:
            damage.apply(damaged.declared)
        transform_problem(check_problem(damaged.problem()), Settings())
        return None
    except PinnsolverError as error:
        assert str(error).count("\n") >= 1, f"{error} says nothing to write instead"
        return str(error)
    finally:
        assert time.process_time() - begin < SECONDS, "hangs"


def check_damage(draft, damage):
    """A damage is refused, with a message that names it."""
    message = declare(draft, damage)
    assert message is not None, f"{damage.name} is accepted"
    for culprit in damage.culprits:
        assert culprit in message, f"{damage.name}: {culprit!r} is not in: {message}"


def test_every_sort_of_damage_is_refused_by_name():
    tried = set()

    @examples(3)
    @given(st.data())
    def sweep(kind, data):
        draft = data.draw(drafts((kind,)))
        for damage in damages_of(draft):
            if damage.name not in tried:
                check_damage(draft, damage)
                tried.add(damage.name)

    for kind in KINDS:
        sweep(kind)
    assert len(tried) > 500


def check_some_damages(draft, chance):
    """Damages of a random problem are refused by name; any two at once never break anything."""
    found = damages_of(draft)
    for damage in chance.sample(found, 3):
        check_damage(draft, damage)
    for _ in range(3):
        declare(draft, *chance.sample(found, 2))


@examples(40)
@given(drafts(), st.randoms(use_true_random=False))
def test_random_damage_is_refused_in_our_words(draft, chance):
    check_some_damages(draft, chance)


@pytest.mark.slow
@examples(MANY)
@given(drafts(), st.randoms(use_true_random=False))
def test_much_random_damage_is_refused_in_our_words(draft, chance):
    check_some_damages(draft, chance)
