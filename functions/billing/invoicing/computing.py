"""Compute an invoice: price its items, round each line, tax each line, and add up."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Protocol

from pydantic import Field

from billing.exact import minor_units
from billing.fields import MinorUnits
from billing.invoicing.items import Item, ItemKind
from billing.pricing.components import Component, amount_of
from billing.taxes import TaxAmount, taxed
from llmo_core.currencies import Currency
from llmo_core.model import Model


class Line(Item):
    """An item with what it costs; the amounts are in minor units.

    Attributes:
        components: What the quantity costs for the whole period, exactly.
        billed_components: Of an adjustment: what the quantity cost that was billed before.
        amount: The components times the share, rounded; less what was billed before; negative of what is credited.
    """

    components: tuple[Component, ...]
    billed_components: tuple[Component, ...]
    amount: MinorUnits
    net: MinorUnits
    taxes: tuple[TaxAmount, ...]
    gross: MinorUnits


class Credit(Model):
    """What is left of a prepaid grant, in minor units."""

    id: str
    available: Annotated[MinorUnits, Field(ge=0)]


class AppliedCredit(Model):
    """What an invoice takes of a grant, in minor units."""

    id: str
    amount: MinorUnits


class ComputedInvoice(Model):
    """What is to be paid, in minor units.

    Attributes:
        subtotal: What the lines come to without taxes.
        taxes: By rate.
        total: With taxes. Negative when more is credited than charged.
        credits: Taken from grants, in the order in which they were offered.
        amount_due: What is left to pay; nothing of a total that is negative.
        owed: What a negative total leaves the customer, to be granted as credit.
    """

    currency: Currency
    lines: tuple[Line, ...]
    subtotal: MinorUnits
    taxes: tuple[TaxAmount, ...]
    total: MinorUnits
    credits: tuple[AppliedCredit, ...]
    amount_due: MinorUnits
    owed: MinorUnits


def compute(currency: Currency, items: Iterable[Item], credits: Sequence[Credit] = ()) -> ComputedInvoice:  # noqa: A002 - what wallets hold
    """Compute an invoice. Raises UnratableQuantity and AmountTooLarge."""
    lines = tuple(line(item, currency) for item in items)
    total = sum(priced.gross for priced in lines)
    applied = _applied(credits, total, currency)
    paid = sum(credit.amount for credit in applied)
    return ComputedInvoice(
        currency=currency,
        lines=lines,
        subtotal=sum(priced.net for priced in lines),
        taxes=by_rate(lines),
        total=total,
        credits=applied,
        amount_due=max(total, 0) - paid,
        owed=max(-total, 0),
    )


def line(item: Item, currency: Currency) -> Line:
    """Price and tax an item. Raises UnratableQuantity and AmountTooLarge."""
    components = item.price.rate(item.quantity, item.included)
    billed = item.price.rate(item.billed_quantity, item.included) if item.billed_quantity is not None else ()
    amount = _rounded(components, item, currency) - _rounded(billed, item, currency)
    if item.kind is ItemKind.UNUSED:
        amount = -amount
    result = taxed(amount, item.taxation, currency)
    return Line(
        **dict(item),
        components=components,
        billed_components=billed,
        amount=amount,
        net=result.net,
        taxes=tuple(result.taxes),
        gross=result.gross,
    )


def _rounded(components: tuple[Component, ...], item: Item, currency: Currency) -> int:
    return minor_units(amount_of(components), currency, numerator=item.share.days, denominator=item.share.of)


class Taxed(Protocol):
    """A line, of whatever."""

    @property
    def taxes(self) -> tuple[TaxAmount, ...]:
        """What each tax comes to."""
        ...


def by_rate(lines: Iterable[Taxed]) -> tuple[TaxAmount, ...]:
    """What each tax of some lines comes to."""
    totals: dict[tuple[str, str, Decimal], int] = {}
    for tax in (tax for priced in lines for tax in priced.taxes):
        rate = (tax.code, tax.name, tax.percent)
        totals[rate] = totals.get(rate, 0) + tax.amount
    return tuple(
        TaxAmount(code=code, name=name, percent=percent, amount=amount)
        for (code, name, percent), amount in totals.items()
    )


def _applied(credits: Sequence[Credit], total: int, currency: Currency) -> tuple[AppliedCredit, ...]:  # noqa: A002 - see compute
    """What is taken of each, in whole increments of the currency, so that what is left can be charged."""
    applied, due = [], max(total, 0)
    for credit in credits:
        taken = min(due, credit.available // currency.increment * currency.increment)
        if taken:
            applied.append(AppliedCredit(id=credit.id, amount=taken))
            due -= taken
    return tuple(applied)
