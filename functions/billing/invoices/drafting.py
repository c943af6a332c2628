"""Put on a draft what a subscription has come to owe."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing.invoices.claims import Claim, open_claims
from billing.invoices.events import InvoiceDrafted
from billing.invoices.models import Invoice
from billing.invoices.ports import Claims, Invoices, Schedule, Subscriptions
from billing.invoices.rating import Rated, Rating
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import compute
from billing.invoicing.items import Item
from billing.periods import Period
from billing.subscriptions.dates import as_of
from billing.subscriptions.models import Subscription
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class DraftingService:
    """Drafts invoices."""

    def __init__(
        self,
        *,
        subscriptions: Subscriptions,
        rating: Rating,
        invoices: Invoices,
        claimed: Claims,
        schedule: Schedule,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._subscriptions = subscriptions
        self._rating = rating
        self._invoices = invoices
        self._claimed = claimed
        self._schedule = schedule
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def draft(self, org_id: UUID, subscription_id: UUID) -> Invoice | None:
        """Draft an invoice of everything that is due and on none yet; None where there is nothing.

        Safe to repeat, and to run twice at once: whoever comes second finds nothing due.
        """
        async with self._transaction(org_id):
            kept = await self._subscriptions.locked(org_id, subscription_id)
            if kept is None:
                return None
            now = self._clock.now()
            subscription = as_of(kept, now).subscription
            found = await self._rating.claims(subscription, now)
            due = open_claims(found, await self._claimed.claimed(org_id, subscription_id), now)
            invoice = await self._drafted(subscription, due, found, now) if due else None
            await self._schedule.looked_at(kept, bills_at=self._rating.next_due_at(subscription, found, now))
        return invoice

    async def upcoming(self, subscription: Subscription, now: datetime) -> Sequence[Item]:
        """What the next invoice will say of what is known now: what is due, or will be of the period under way."""
        found = await self._rating.claims(subscription, now)
        claimed = await self._claimed.claimed(subscription.org_id, subscription.id)
        unclaimed = [claim for claim in found if claim.key not in claimed]
        return (await self._rating.rated(subscription, unclaimed, found)).items

    async def due(self, subscription: Subscription, now: datetime) -> Sequence[Item]:
        """What an invoice would say that was made now, of a subscription as it is or as it may become."""
        found = await self._rating.claims(subscription, now)
        claimed = await self._claimed.claimed(subscription.org_id, subscription.id)
        return (await self._rating.rated(subscription, open_claims(found, claimed, now), found)).items

    async def _drafted(
        self, subscription: Subscription, due: Sequence[Claim], found: Sequence[Claim], now: datetime
    ) -> Invoice | None:
        rated = await self._rating.rated(subscription, due, found)
        if not rated.items:  # nothing came late
            return None
        invoice = self._invoice(subscription, due, rated, now)
        await self._invoices.add(invoice)
        await self._claimed.claim(invoice, [claim.key for claim in due], rated.usage)
        drafted = InvoiceDrafted(
            invoice_id=invoice.id,
            subscription_id=subscription.id,
            currency=invoice.currency,
            total=invoice.breakdown.total,
        )
        await self._events.announce(drafted, org_id=invoice.org_id, aggregate_id=invoice.id)
        return invoice

    def _invoice(self, subscription: Subscription, due: Sequence[Claim], rated: Rated, now: datetime) -> Invoice:
        computed = compute(subscription.phase.terms.definition.currency, rated.items)
        return Invoice(
            id=self._new_id(),
            org_id=subscription.org_id,
            subscription_id=subscription.id,
            breakdown=Breakdown.of(computed),
            period=Period(start=min(claim.period.start for claim in due), end=max(claim.period.end for claim in due)),
            created_at=now,
        )
