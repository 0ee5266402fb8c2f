"""The same problem restated: hard conditions and automatic choices. Knows sympy, no torch."""

from pinnsolver.transform.choices import transform_problem as transform_problem
from pinnsolver.transform.choices import transform_window as transform_window
from pinnsolver.transform.describe import describe as describe
from pinnsolver.transform.transformed import Ansatz as Ansatz
from pinnsolver.transform.transformed import Choice as Choice
from pinnsolver.transform.transformed import Enforcement as Enforcement
from pinnsolver.transform.transformed import TransformedProblem as TransformedProblem
