"""The machine-readable breakdown of an invoice: everything that its amounts follow from, as one JSON document."""

from typing import Literal, Self

from billing.fields import MinorUnits
from billing.invoicing.computing import AppliedCredit, ComputedInvoice, Line
from billing.taxes import TaxAmount
from llmo_core.currencies import Currency
from llmo_core.model import Model


class Breakdown(Model):
    """An invoice with all it was computed from; `billing.invoicing.recomputing` says how.

    A change that readers of the old document cannot take raises `version`.

    Attributes:
        exponent: Decimal places of the currency's minor unit, in which all amounts are integers.
        increment: What each line's amount is rounded to a multiple of, in minor units.
    """

    version: Literal[1] = 1
    currency: Currency
    exponent: int
    increment: int
    rounding: Literal["half_even"] = "half_even"
    lines: tuple[Line, ...]
    subtotal: MinorUnits
    taxes: tuple[TaxAmount, ...]
    total: MinorUnits
    credits: tuple[AppliedCredit, ...]
    amount_due: MinorUnits
    owed: MinorUnits

    @classmethod
    def of(cls, invoice: ComputedInvoice) -> Self:
        """Break an invoice down."""
        return cls(**dict(invoice), exponent=invoice.currency.exponent, increment=invoice.currency.increment)
