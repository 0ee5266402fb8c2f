"""Points: a problem's domain and conditions to the points at which they are asked for. Knows DeepXDE.

DeepXDE is imported by `fence.py` alone, when the first points are drawn.
"""

from pinnsolver.sample.fence import double_precision as double_precision
from pinnsolver.sample.fence import import_deepxde as import_deepxde
from pinnsolver.sample.geometry import Geometry as Geometry
from pinnsolver.sample.geometry import build_geometry as build_geometry
from pinnsolver.sample.points import PointSet as PointSet
from pinnsolver.sample.points import Sampler as Sampler
from pinnsolver.sample.quasi import unit_points as unit_points
