"""Leibniz' rule on jets, following the tables: products, and their transposes for the way back."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pinnsolver.network.buffers import Jet
from pinnsolver.network.jets import JetTables, Term


def accumulate(target: Jet, terms: Sequence[Term], first: Jet, second: Jet, factor: float) -> None:
    """Add factor times the sum of some terms to a jet."""
    for term in terms:
        target.part(term.target).addcmul_(
            first.part(term.first), second.part(term.second), value=factor * term.number
        )


def fused_product(start: Jet, first: Jet, second: Jet, out: Jet, tables: JetTables) -> None:
    """Set out to start + first * second."""
    torch.addcmul(start.values, first.zeroth, second.values, out=out.values)
    out.rest.addcmul_(first.rest, second.zeroth)
    accumulate(out, tables.product, first, second, 1.0)


def transposed_product(
    factor: Jet, gradient: Jet, out: Jet, tables: JetTables, number: float = 1.0, add: bool = False
) -> None:
    """Set out to the gradient by x of a product factor * x, or add it.

    Args:
        gradient: by the product.
        out: its first `tables.count` positions.
        number: of the factor's derivatives, the value apart.
    """
    head = (0, tables.count)
    if add:
        out.part(head).addcmul_(factor.zeroth, gradient.part(head))
    else:
        torch.mul(factor.zeroth, gradient.part(head), out=out.part(head))
    accumulate(out, tables.adjoint, factor, gradient, number)
