"""The jet of y = s(z) from the jet of z, for tanh and sin.

For a first coordinate e of the multi-index a, Leibniz' rule on D^e y = s'(z) D^e z gives

    D^a y = sum_k C(a - e, k) D^k s'(z) D^(a - k) z,   k <= a - e,

and tanh' = 1 - tanh^2, sin' = cos close the recursion. The gradient of a loss follows from the jet of s'(z) alone,

    dL/d(D^b z) = sum_a C(a, b) D^(a - b) s'(z) dL/d(D^a y),   a >= b.
"""

from __future__ import annotations

import torch

from pinnsolver.network.buffers import Jet
from pinnsolver.network.jets import JetTables
from pinnsolver.network.mlp import Sine
from pinnsolver.network.products import accumulate


class TanhJets:
    """y = tanh(z), s'(z) = 1 - y y. The companion jet c has 1 - y0^2 and else D^a (y y) / 2."""

    factor = -2.0  # D^a s'(z) = factor * companion, a > 0
    shift = -2.0  # takes the bias as shift * bias, (width, 1)
    keeps_companion = False

    @staticmethod
    def forward(z: Jet, bias: torch.Tensor, y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        """Fill in y and its companion c; z is spent.

        Args:
            z: without the bias.
            bias: times `shift`, (width, 1).
            one: the number, 0-d.
        """
        # tanh(z) = 1 - 2 / (1 + exp(2 z)); torch's logistic function is several times faster than its tanh.
        torch.add(bias, z.zeroth, alpha=-2, out=y.zeroth)
        y.zeroth.sigmoid_()
        torch.add(one, y.zeroth, alpha=-2, out=y.zeroth)
        torch.addcmul(one, y.zeroth, y.zeroth, value=-1, out=c.zeroth)
        torch.mul(c.zeroth, z.rest, out=y.rest)
        for level in tables.levels:
            accumulate(y, level.chain, c, z, -2.0)
            if level is not tables.levels[-1]:
                torch.mul(y.zeroth, y.part(level.span), out=c.part(level.span))
                accumulate(c, level.square, y, y, 1.0)

    @staticmethod
    def complete(y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        """Work the companion out again."""
        torch.addcmul(one, y.zeroth, y.zeroth, value=-1, out=c.zeroth)
        torch.mul(y.zeroth, y.rest, out=c.rest)
        for level in tables.levels:
            accumulate(c, level.square, y, y, 1.0)


class SineJets:
    """y = sin(z), s'(z) = cos(z) is the companion."""

    factor = 1.0
    shift = 1.0
    keeps_companion = True

    @staticmethod
    def forward(z: Jet, bias: torch.Tensor, y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        """Fill in y and its companion c; z is spent. Arguments as of tanh."""
        z.zeroth.add_(bias)
        torch.sin(z.zeroth, out=y.zeroth)
        torch.cos(z.zeroth, out=c.zeroth)
        torch.mul(c.zeroth, z.rest, out=y.rest)
        torch.mul(y.zeroth, z.rest, out=c.rest).neg_()
        for level in tables.levels:
            accumulate(y, level.chain, c, z, 1.0)
            accumulate(c, level.chain, y, z, -1.0)

    @staticmethod
    def complete(y: Jet, c: Jet, one: torch.Tensor, tables: JetTables) -> None:
        """Nothing is missing: the forward pass keeps the companion."""


ACTIVATIONS: dict[type[torch.nn.Module], type[TanhJets] | type[SineJets]] = {
    torch.nn.Tanh: TanhJets,
    Sine: SineJets,
}
