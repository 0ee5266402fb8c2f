"""Observations: arrays and files of the right shape, all numbers, inside the domain."""

import numpy as np
import pytest
from sympy import Eq, I, Integral

from pinnsolver.declare import Observations, Problem, Unknown, check_problem
from pinnsolver.errors import DeclarationError, UnsupportedProblem

from .given import heat, nu, perforated, refusal, s, t, u, v, x, y

U = u(x, t)
POINTS, VALUES = np.array([[0.5, 0.1], [0.25, 1.0]]), np.array([1.0, 2.0])


def measured(*args, **kwargs):
    """Return the one observation of the heat equation, checked."""
    (found,) = check_problem(heat(observations=[Observations(*args, **kwargs)])).observations
    return found


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a CSV file and returns the observation of u(x, t) in it, checked."""

    def read(text, quantity=U, encoding="utf-8", **kwargs):
        (tmp_path / "data.csv").write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        problem = heat(observations=[Observations(quantity, "data.csv", **kwargs)]).located(folder=tmp_path)
        return check_problem(problem).observations[0]

    return read


# --------------------------------------------------------------------------------------------- arrays


@pytest.mark.parametrize(
    ("args", "phrase"),
    [
        ((None, POINTS, VALUES), "Observations of None"),
        (("u", POINTS, VALUES), "Observations of 'u'"),
        ((u, POINTS, VALUES), "has to be a field at its coordinates"),
        ((U, POINTS), "need points and values"),
        ((U, "data.csv", VALUES), "or one path"),
        ((U, None, None), "need points and values"),
        ((U, POINTS, "abc"), "values of Observations(u(x, t)) are not an array"),
        ((U, [[0, 1], [0]], VALUES), "points of Observations(u(x, t)) are not an array"),
        ((U, {"x": 1}, VALUES), "are not an array of real numbers"),
        ((U, [[I, 0]], [1]), "are not an array of real numbers"),
        ((U, POINTS, VALUES + 1j), "are not an array of real numbers"),
    ],
)
def test_wrong_arguments_are_refused_at_once(args, phrase):
    with pytest.raises(DeclarationError) as caught:
        Observations(*args)
    assert phrase in str(caught.value) and "Write for example Observations(u(x, t), points, values)" in str(
        caught.value
    )


@pytest.mark.parametrize("name", [3, "", ["a"]])
def test_a_name_is_a_text(name):
    refusal(lambda: heat(observations=[Observations(U, POINTS, VALUES, name=name)]), "a name is a text")


@pytest.mark.parametrize(
    ("points", "values", "phrases"),
    [
        (POINTS[:, :1], VALUES, ["points.shape=(2, 1)", "(n, 2)", "x, t"]),
        (POINTS, VALUES[:1], ["values.shape=(1,)"]),
        (POINTS, np.zeros((2, 2)), ["values.shape=(2, 2)"]),
        (POINTS[None], VALUES, ["points.shape=(1, 2, 2)"]),
        (POINTS.ravel(), VALUES, ["points.shape=(4,)"]),
        (3.0, 4.0, ["points.shape=()"]),
        (np.zeros((0, 2)), [], ["have no rows"]),
        (POINTS, [1, np.nan], ["1 rows with NaN", "row 2", "Leave such rows out"]),
        ([[np.inf, 0], [0, 0]], VALUES, ["the first is row 1"]),
        ([[0.5, 0.5], [0.5, 3]], VALUES, ["1 points off the domain", "row 2 has t = 3", "[0, 1]"]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(points, values, phrases):
    refusal(lambda: heat(observations=[Observations(U, points, values)]), *phrases)


@pytest.mark.parametrize(
    ("quantity", "phrase", "error"),
    [
        (x, "of no field", DeclarationError),
        (u(x), "has 1 arguments", DeclarationError),
        (v(x, t), "v stands in no equation", DeclarationError),
        (s * U, "undeclared symbol s", DeclarationError),
        (u(x, 1), "with 1 in the column of t", UnsupportedProblem),
        (Integral(U, (x, 0, 1)), "of an integral", UnsupportedProblem),
    ],
)
def test_only_fields_at_running_coordinates_are_measured(quantity, phrase, error):
    refusal(lambda: heat(observations=[Observations(quantity, POINTS, VALUES)]), phrase, error=error)


@pytest.mark.parametrize("item", [None, "data.csv", (U, POINTS, VALUES), Eq(U, 1)])
def test_what_is_no_observation_is_refused(item):
    refusal(lambda: heat(observations=[item]), "which is not an Observations")


def test_points_in_a_hole_are_off_the_shape():
    inside = Observations(u(x, y), [[0.1, 0.1], [0.5, 0.5]], [1, 1])
    problem = perforated()
    refusal(lambda: problem.located(observations=(inside,)), "1 points off the shape", "row 2 is (0.5, 0.5)")
    rim = Observations(u(x, y), [[0.5 + 0.2 * np.cos(1), 0.5 + 0.2 * np.sin(1)]], [1])
    assert len(check_problem(problem.located(observations=(rim,))).observations[0].values) == 1


def test_values_may_be_a_column_and_lists():
    np.testing.assert_array_equal(measured(U, POINTS.tolist(), VALUES[:, None]).values, VALUES)


def test_one_coordinate_may_be_one_dimensional():
    problem = Problem(
        "ode", [Eq(u(t).diff(t), 1)], time=(t, 0, 1), observations=[Observations(u(t), [0, 1], [0, 1])]
    )
    assert check_problem(problem).observations[0].points.shape == (2, 1)


def test_the_columns_follow_the_fields_own_order():
    field = u(t, x)
    problem = heat(
        equations=[Eq(field.diff(t), field.diff(x, 2))],
        conditions=[],
        observations=[Observations(field, POINTS, VALUES)],
    )
    assert check_problem(problem).observations[0].coordinates == ("t", "x")


def test_an_expression_of_fields_is_measured_too():
    found = measured(U.diff(x) * Unknown("k"), POINTS, VALUES, name="flux")
    assert found.name == "flux" and found.coordinates == ("x", "t")


def test_a_family_needs_a_column_for_its_parameter():
    family = {"equations": [Eq(U.diff(t), nu * U.diff(x, 2))], "parameters": [(nu, 0, 1)]}
    refusal(lambda: heat(observations=[Observations(U, POINTS, VALUES)], **family), "x, t, nu")
    given = Observations(U, np.ones((2, 3)), VALUES)
    assert check_problem(heat(observations=[given], **family)).observations[0].coordinates == ("x", "t", "nu")


def test_observations_of_one_quantity_have_different_names():
    twice = heat(observations=[Observations(U, POINTS, VALUES)] * 3)
    names = [m.name for m in check_problem(twice).observations]
    assert names == [f"observations of u(x, t){k}" for k in ("", " (2)", " (3)")]


# ---------------------------------------------------------------------------------------------- files


def test_a_file_is_read_by_the_names_of_its_columns(file):
    found = file("u,t,x\n1,0.1,0.5\n2,1.0,0.25\n")
    np.testing.assert_array_equal(found.points, POINTS)
    np.testing.assert_array_equal(found.values, VALUES)
    assert found.path == "data.csv"


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfx,t,u\n0.5,0.1,1\n0.25,1,2\n",
        " x , t,  u\n 0.5, 0.1 ,1\n0.25,1,2\n",
        "x,t,u,,\n0.5,0.1,1,,\n0.25,1,2,,\n",
        "note,x,t,u,note\nhello,0.5,0.1,1,a\n,0.25,1,2,\n",
        "\nx,t,u\n\n0.5,0.1,1\n , ,\n0.25,1,2\n\n",
        "x,t,u\r\n0.5,0.1,1\r\n0.25,1,2",
        '"x","t","u"\n"0.5","0.1","1"\n0.25,1e0,2.\n',
    ],
)
def test_harmless_oddities_of_files_are_read(file, text):
    np.testing.assert_array_equal(np.c_[file(text).points, file(text).values], np.c_[POINTS, VALUES])


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", ["has the columns (none)", "x,t,u"]),
        ("x,t\n1,2\n", ["has the columns x, t", "need each of x, t, u once"]),
        ("X,T,U\n1,1,1\n", ["has the columns X, T, U"]),
        ("x;t;u\n1;1;1\n", ["commas between"]),
        ("x,t,u,u\n1,1,1,1\n", ["once"]),
        ("x,t,u\n", ["have no rows"]),
        ("x,t,u\n0.5,0.1,one\n", ["line 2", "the column u holds 'one'"]),
        ("x,t,u\n\n0.5,,1\n", ["line 3", "the column t holds ''"]),
        ("x,t,u\n0.5,0.1\n", ["the column u holds ''"]),
        ("x,t,u\n0.5,0.1,nan\n", ["line 2", "'nan', which is not a finite number"]),
        ("x,t,u\n0.5,0.1,1e999\n", ["which is not a finite number"]),
        ("x,t,u\n5,0.1,1\n", ["off the domain", "x = 5"]),
        (b"x,t,u\n0.5,0.1,\xff\xfe\n", ["cannot be read", "UTF-8"]),
    ],
)
def test_files_that_do_not_fit_are_refused(file, text, phrases):
    refusal(lambda: file(text), *phrases)


def test_an_expressions_column_is_called_after_its_name(file):
    assert file("x,t,flux\n0.5,0.1,1\n", quantity=U.diff(x), name="flux").values.tolist() == [1]


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    missing = heat(observations=[Observations(U, "nowhere.csv")]).located(folder=tmp_path)
    refusal(missing, f"there is no file {tmp_path / 'nowhere.csv'}", "starts at the problem file's folder")
    refusal(heat(observations=[Observations(U, tmp_path)]), "cannot be read")
