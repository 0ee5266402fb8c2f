"""A declared problem to torch: derivative plans, residual functions, the ansatz. Knows torch."""

from pinnsolver.compile.plan import DerivativePlan as DerivativePlan
from pinnsolver.compile.plan import FieldDerivative as FieldDerivative
from pinnsolver.compile.plan import FieldNetwork as FieldNetwork
from pinnsolver.compile.plan import Linearised as Linearised
from pinnsolver.compile.problem import CompiledProblem as CompiledProblem
from pinnsolver.compile.problem import PreparedGroup as PreparedGroup
from pinnsolver.compile.seam import Seam as Seam
