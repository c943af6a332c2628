"""What goes on an invoice, before it is priced: what is due in advance, what was used, and what changed meanwhile."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from billing.fields import Amount, Code, Quantity
from billing.periods import Period
from billing.pricing.components import NOTHING
from billing.pricing.plans import Charge
from billing.pricing.prices import Price
from billing.proration import WHOLE, CurrenciesDiffer, Share, Subscribed, prorated
from billing.taxes import Taxation
from llmo_core.errors import Invalid
from llmo_core.fields import Name
from llmo_core.model import Model


class MissingAggregate(Invalid):
    """Nobody says what a meter has counted: an unknown quantity is not 0."""


class ItemKind(StrEnum):
    """Why something is on an invoice.

    `advance` is for a period that begins, `usage` for one that has ended. A change within a period credits the
    `unused` share of what was paid in advance and charges the `remaining` share of what is had instead. An
    `adjustment` is for usage that became known after its period was billed.
    """

    ADVANCE = "advance"
    USAGE = "usage"
    UNUSED = "unused"
    REMAINING = "remaining"
    ADJUSTMENT = "adjustment"


class Item(Model):
    """A quantity of something at a price.

    Attributes:
        meter: What counted the quantity.
        included: So much of the quantity costs nothing.
        billed_quantity: What an adjustment's period was billed for before.
        share: Of the days of the period.
    """

    kind: ItemKind
    code: Code
    name: Name
    meter: Code | None
    period: Period
    price: Price
    quantity: Amount
    included: Quantity
    billed_quantity: Amount | None = None
    share: Share = WHOLE
    taxation: Taxation

    @model_validator(mode="after")
    def _adjusts_what_was_billed(self) -> Self:
        if (self.kind is ItemKind.ADJUSTMENT) != (self.billed_quantity is not None):
            raise ValueError("an adjustment says what was billed before, and nothing else does")
        return self


def advance(
    subscribed: Subscribed,
    period: Period,
    taxation: Taxation,
    *,
    kind: ItemKind = ItemKind.ADVANCE,
    share: Share = WHOLE,
) -> Sequence[Item]:
    """What is due for a period that begins, or a share of it; a first period may have begun before the subscription."""
    return [
        _item(
            charge,
            kind,
            charge.quantity(seats=subscribed.seats),
            period=period,
            taxation=taxation,
            included=charge.included,
            share=share,
        )
        for charge in subscribed.plan.in_advance
    ]


def change(old: Subscribed, new: Subscribed, period: Period, share: Share, taxation: Taxation) -> Sequence[Item]:
    """Credit the share of a period that is left of one plan or number of seats, and charge it of another.

    Changing to what one has already adds up to exactly nothing. When the cadence changes, a period of the new one
    begins: then credit with `kind=UNUSED`, and charge all of the new period. Raises CurrenciesDiffer.
    """
    if old.plan.currency is not new.plan.currency:
        raise CurrenciesDiffer
    return [
        *advance(old, period, taxation, kind=ItemKind.UNUSED, share=share),
        *advance(new, period, taxation, kind=ItemKind.REMAINING, share=share),
    ]


def usage(
    charges: Sequence[Charge],
    quantities: Mapping[str, Decimal],
    period: Period,
    taxation: Taxation,
    *,
    share: Share = WHOLE,
) -> Sequence[Item]:
    """What was used in a period, by what each meter counted.

    Of a stretch of a period, `share` is that of its days: so much of what is included is included in it. Raises
    MissingAggregate.
    """
    return [
        _item(
            charge,
            ItemKind.USAGE,
            _counted(quantities, charge),
            period=period,
            taxation=taxation,
            included=prorated(charge.included, share),
        )
        for charge in charges
    ]


def adjustments(
    charges: Sequence[Charge],
    billed: Mapping[str, Decimal],
    quantities: Mapping[str, Decimal],
    period: Period,
    taxation: Taxation,
    *,
    share: Share = WHOLE,
) -> Sequence[Item]:
    """What changes for a period that was billed already, now that its meters have counted more, or less.

    `billed` is what they had counted when it was billed, or adjusted the last time: whatever came late, and in however
    many parts, the period costs in the end what it would have cost at once. Raises MissingAggregate.
    """
    return [
        _item(
            charge,
            ItemKind.ADJUSTMENT,
            _counted(quantities, charge),
            period=period,
            taxation=taxation,
            included=prorated(charge.included, share),
            billed_quantity=_counted(billed, charge),
        )
        for charge in charges
        if _counted(quantities, charge) != _counted(billed, charge)
    ]


def _item(
    charge: Charge,
    kind: ItemKind,
    quantity: Decimal,
    *,
    period: Period,
    taxation: Taxation,
    included: Decimal,
    share: Share = WHOLE,
    billed_quantity: Decimal | None = None,
) -> Item:
    return Item(
        kind=kind,
        code=charge.code,
        name=charge.name,
        meter=charge.meter,
        period=period,
        price=charge.price,
        quantity=quantity,
        included=included,
        billed_quantity=billed_quantity,
        share=share,
        taxation=taxation,
    )


def _counted(quantities: Mapping[str, Decimal], charge: Charge) -> Decimal:
    if charge.meter is None:
        return NOTHING
    if charge.meter not in quantities:
        raise MissingAggregate(f"Nobody says what the meter `{charge.meter}` has counted.")
    return quantities[charge.meter]
