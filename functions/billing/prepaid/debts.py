"""What organizations owe, as subscriptions and invoices have it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from billing.accounts.models import Account
from billing.exact import percent, product, total
from billing.fields import MinorUnits
from billing.invoices.drafting import DraftingService
from billing.invoicing.computing import compute
from billing.prepaid.models import Owed
from billing.pricing.plans import PlanVersion
from billing.pricing.prices import PassThrough
from billing.subscriptions.dates import as_of
from billing.subscriptions.models import Subscription
from billing.taxes import UNTAXED, Taxation, TaxBehavior
from llmo_core.currencies import Currency

_ONE = Decimal(1)


class Subscriptions(Protocol):
    """Subscriptions."""

    async def newest(self, org_id: UUID) -> Subscription | None:
        """The one that started last, which is the live one if there is any."""
        ...

    async def find(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The one with this id."""
        ...


class Accounts(Protocol):
    """How organizations are taxed."""

    async def find(self, org_id: UUID) -> Account | None:
        """An organization's account."""
        ...


class Drafts(Protocol):
    """Invoices that have taken no credit yet, and subscriptions that have something for other ones."""

    async def drafted(self, org_id: UUID, currency: Currency) -> MinorUnits:
        """What an organization's drafts come to."""
        ...

    async def unbilled(self, org_id: UUID) -> Sequence[UUID]:
        """An organization's subscriptions of which something is on no invoice yet, or may be."""
        ...


class KnownDebts:
    """What subscriptions owe that is on no invoice, and what is on drafts."""

    def __init__(
        self, *, subscriptions: Subscriptions, accounts: Accounts, drafting: DraftingService, drafts: Drafts
    ) -> None:
        self._subscriptions = subscriptions
        self._accounts = accounts
        self._drafting = drafting
        self._drafts = drafts

    async def owed(self, org_id: UUID, now: datetime) -> Owed:
        """What no invoice has taken of the credit yet: of the live subscription, and of those that ended before.

        Drafts are looked at last: what is drafted meanwhile counts twice, and never not at all.
        """
        newest = await self._subscriptions.newest(org_id)
        live = as_of(newest, now).subscription if newest is not None else None
        if live is not None and live.ended_at is None and not _in_dollars(live):
            return Owed(in_dollars=False)
        account = await self._accounts.find(org_id)
        taxation = account.taxation if account is not None else UNTAXED
        each = [await self._of(subscription, taxation, now) for subscription in await self._unbilled(org_id, live, now)]
        return Owed(
            amount=sum(owed.amount for owed in each) + await self._drafts.drafted(org_id, Currency.USD),
            slack=sum(owed.slack for owed in each),
            factor=max((owed.factor for owed in each), default=_ONE),
        )

    async def _unbilled(self, org_id: UUID, live: Subscription | None, now: datetime) -> Sequence[Subscription]:
        """Those in dollars of which something may be on no invoice yet, and the live one anyway."""
        found = {live.id: live} if live is not None else {}
        for subscription_id in await self._drafts.unbilled(org_id):
            kept = await self._subscriptions.find(org_id, subscription_id) if subscription_id not in found else None
            if kept is not None:
                found[kept.id] = as_of(kept, now).subscription
        return [subscription for subscription in found.values() if _in_dollars(subscription)]

    async def _of(self, subscription: Subscription, taxation: Taxation, now: datetime) -> Owed:
        plan = subscription.phase.terms.definition
        upcoming = compute(plan.currency, await self._drafting.upcoming(subscription, now))
        lines = max(len(upcoming.lines), len(plan.charges))
        return Owed(
            amount=max(upcoming.total, 0),
            slack=-(-lines * (1 + len(taxation.rates)) // 2),  # half a cent for each amount that is rounded
            factor=product(_passed_on(plan), _taxed(taxation)),
        )


def _in_dollars(subscription: Subscription) -> bool:
    return subscription.phase.terms.definition.currency is Currency.USD


def _passed_on(plan: PlanVersion) -> Decimal:
    """What a dollar that a call costs is charged, at the most: by all charges that pass costs on."""
    factors = [
        total((_ONE, percent(charge.price.markup_percent)))
        for charge in plan.for_usage
        if isinstance(charge.price, PassThrough)
    ]
    return total(factors) if factors else _ONE


def _taxed(taxation: Taxation) -> Decimal:
    if taxation.behavior is not TaxBehavior.EXCLUSIVE:
        return _ONE
    return total((_ONE, *(percent(rate.percent) for rate in taxation.rates)))
