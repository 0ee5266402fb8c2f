"""Networks that return the derivatives asked of them. Knows torch."""

from pinnsolver.network.autograd import AutogradNetwork as AutogradNetwork
from pinnsolver.network.build import build_network as build_network
from pinnsolver.network.taylor import OwnNetwork as OwnNetwork
from pinnsolver.network.taylor import warm_up as warm_up
from pinnsolver.network.unknowns import Unknowns as Unknowns
