"""What of an invoice recurs: the value per month of what it charges and credits in advance, and for how long. Pure."""

from datetime import timedelta
from typing import Final

from billing.fields import MinorUnits
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import Line, line
from billing.invoicing.items import Item, ItemKind
from billing.periods import Period
from billing.proration import WHOLE
from llmo_core.currencies import Currency
from llmo_core.model import Model

_IN_ADVANCE: Final = {ItemKind.ADVANCE, ItemKind.UNUSED, ItemKind.REMAINING}
_MONTH: Final = timedelta(days=365.25) / 12


class Recurring(Model):
    """An amount that recurs every so many months, for a time; negative where that is not had any more.

    Attributes:
        period: From when on until when it counts.
        net: Without taxes, of a whole period.
        months: How many of those a period has.
    """

    period: Period
    net: MinorUnits
    months: int


def recurring(breakdown: Breakdown) -> list[Recurring]:
    """What recurs of an invoice: its fees and seats, whole ones even where it bills a share of them only.

    After a change within a period the unused rest takes away what the period's beginning brought, from then on, and the
    remaining rest brings what is had instead.
    """
    found = (_recurring(billed, breakdown.currency) for billed in breakdown.lines if billed.kind in _IN_ADVANCE)
    return [each for each in found if each.net]


def _recurring(billed: Line, currency: Currency) -> Recurring:
    period = billed.period
    whole = Item(**{name: getattr(billed, name) for name in Item.model_fields if name != "share"}, share=WHOLE)
    length = period.end - period.start
    counts = length * (billed.share.days / billed.share.of)
    return Recurring(
        period=Period(start=period.end - counts, end=period.end),
        net=line(whole, currency).net,
        months=max(round(length / _MONTH), 1),
    )
