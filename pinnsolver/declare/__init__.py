"""The declaration: what a user writes, loaded and checked. Knows sympy, no torch."""

from pinnsolver.declare.check import check_problem as check_problem
from pinnsolver.declare.checked import CheckedProblem as CheckedProblem
from pinnsolver.declare.checked import Condition as Condition
from pinnsolver.declare.checked import Region as Region
from pinnsolver.declare.conditions import On as On
from pinnsolver.declare.conditions import Periodic as Periodic
from pinnsolver.declare.load import load_problem as load_problem
from pinnsolver.declare.observations import Observations as Observations
from pinnsolver.declare.problem import Problem as Problem
from pinnsolver.declare.settings import Settings as Settings
from pinnsolver.declare.shapes import Ball as Ball
from pinnsolver.declare.shapes import Cuboid as Cuboid
from pinnsolver.declare.shapes import Disk as Disk
from pinnsolver.declare.shapes import Ellipse as Ellipse
from pinnsolver.declare.shapes import Interval as Interval
from pinnsolver.declare.shapes import Polygon as Polygon
from pinnsolver.declare.shapes import Rectangle as Rectangle
from pinnsolver.declare.symbols import NormalDerivative as NormalDerivative
from pinnsolver.declare.symbols import Unknown as Unknown
from pinnsolver.declare.values import Coordinate as Coordinate
from pinnsolver.declare.values import Field as Field
from pinnsolver.declare.values import FieldValue as FieldValue
from pinnsolver.declare.zero import norm_conditions as norm_conditions
