"""What the claims on a subscription come to: items for an invoice, with the usage that they bill."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from billing.invoices.claims import Claim, ClaimKind, claims, next_due_at
from billing.invoices.ports import Accounts, BilledUsage, Claims, CountedUsage
from billing.invoicing.items import Item, adjustments, usage
from billing.subscriptions.bills import RatedStretch
from billing.subscriptions.models import Subscription
from billing.taxes import UNTAXED, Taxation
from llmo_core.model import Model


class Rated(Model):
    """What goes on an invoice, and which usage that is."""

    items: tuple[Item, ...] = ()
    usage: tuple[BilledUsage, ...] = ()

    def __add__(self, other: "Rated") -> "Rated":
        return Rated(items=self.items + other.items, usage=self.usage + other.usage)


class Rating:
    """Finds claims and rates them.

    Args:
        grace: How late events may be for the invoice of their period; later ones are an adjustment on the next.
    """

    def __init__(self, *, accounts: Accounts, counted: CountedUsage, claimed: Claims, grace: timedelta) -> None:
        self._accounts = accounts
        self._counted = counted
        self._claimed = claimed
        self._grace = grace

    async def claims(self, subscription: Subscription, now: datetime) -> Sequence[Claim]:
        """All claims on a subscription that is known up to now."""
        taxation = await self._taxation(subscription.org_id)
        return claims(subscription, now, taxation, grace=self._grace)

    def next_due_at(self, subscription: Subscription, found: Sequence[Claim], now: datetime) -> datetime | None:
        """When there will be a claim that is due; None when there is none before something changes."""
        return next_due_at(subscription, found, now, grace=self._grace)

    async def rated(self, subscription: Subscription, wanted: Sequence[Claim], found: Sequence[Claim]) -> Rated:
        """What some of the claims that were found come to, with what came late for the period before theirs."""
        taxation = await self._taxation(subscription.org_id)
        result = Rated()
        for claim in wanted:
            result += Rated(items=claim.items)
            if claim.kind is ClaimKind.USAGE:
                before = _before(claim, found)
                if before is not None:
                    result += await self._adjusted(subscription, before, taxation)
                result += await self._used(subscription.org_id, claim, taxation)
            if claim.kind is ClaimKind.LATE:
                result += await self._adjusted(subscription, claim, taxation)
        return result

    async def _used(self, org_id: UUID, claim: Claim, taxation: Taxation) -> Rated:
        items: list[Item] = []
        billed: list[BilledUsage] = []
        for rated in claim.stretches:
            stretch, charges = rated.stretch, rated.phase.terms.definition.for_usage
            quantities = await self._quantities(org_id, rated)
            items += usage(charges, quantities, stretch.period, taxation, share=stretch.share)
            billed += [
                BilledUsage(stretch.period, charge.code, quantities[charge.meter]) for charge in charges if charge.meter
            ]
        return Rated(items=tuple(items), usage=tuple(billed))

    async def _adjusted(self, subscription: Subscription, claim: Claim, taxation: Taxation) -> Rated:
        """What became known of a period after it was billed; nothing of one that was not."""
        items: list[Item] = []
        billed: list[BilledUsage] = []
        before = await self._claimed.billed(subscription.org_id, subscription.id, claim.period)
        for rated in claim.stretches if before else ():
            stretch, charges = rated.stretch, rated.phase.terms.definition.for_usage
            known = {used.charge: used.quantity for used in before if used.stretch == stretch.period}
            there = [charge for charge in charges if charge.code in known]
            by_meter = {charge.meter: known[charge.code] for charge in there if charge.meter}
            quantities = await self._quantities(subscription.org_id, rated)
            items += adjustments(there, by_meter, quantities, stretch.period, taxation, share=stretch.share)
            billed += [
                BilledUsage(stretch.period, charge.code, quantities[charge.meter])
                for charge in there
                if charge.meter and quantities[charge.meter] != known[charge.code]
            ]
        return Rated(items=tuple(items), usage=tuple(billed))

    async def _quantities(self, org_id: UUID, rated: RatedStretch) -> Mapping[str, Decimal]:
        meters = {charge.meter for charge in rated.phase.terms.definition.for_usage if charge.meter is not None}
        return await self._counted.quantities(org_id, meters, rated.stretch.period) if meters else {}

    async def _taxation(self, org_id: UUID) -> Taxation:
        account = await self._accounts.find(org_id)
        return account.taxation if account is not None else UNTAXED


def _before(claim: Claim, found: Sequence[Claim]) -> Claim | None:
    """The usage of the period before."""
    earlier = [other for other in found if other.kind is ClaimKind.USAGE and other.period.end <= claim.period.start]
    return max(earlier, key=lambda other: other.period.end, default=None)
