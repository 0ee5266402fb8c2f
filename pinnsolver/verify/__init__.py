"""How far a solution is off where no answer is known: a classical solver run on the same declaration.

Knows sympy, numpy and scipy; the network's solution comes in as a function of points. The declared reference is never
looked at, and training never hears of it.
"""

from pinnsolver.verify.estimate import ErrorEstimate as ErrorEstimate
from pinnsolver.verify.estimate import FieldEstimate as FieldEstimate
from pinnsolver.verify.estimate import SecondRun as SecondRun
from pinnsolver.verify.estimate import estimate_error as estimate_error
