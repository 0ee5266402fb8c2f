"""Networks that return the derivatives asked of them. Knows torch."""

from pinnsolver.network.autograd import AutogradNetwork as AutogradNetwork
from pinnsolver.network.mlp import build_network as build_network
from pinnsolver.network.unknowns import Unknowns as Unknowns
